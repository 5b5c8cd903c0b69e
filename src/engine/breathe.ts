/**
 * The one place where the engine gives way to the host: timers, I/O and everything else that the process does run
 * before the effect goes on. Not a sleep: it passes at once where nothing else waits, under a test clock too.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

export const breathe: Effect.Effect<void> = Effect.async<void>((resume) => {
  // eslint-disable-next-line no-restricted-globals
  setImmediate(() => {
    resume(Effect.void)
  })
})

/**
 * Lets everything happen that happens in this turn of the host. A test clock lets time pass after a few turns, whatever
 * goes on meanwhile; so under one no turn passes, and the engine comes to rest before time does, as any other Effect.
 */
export const gather: Effect.Effect<void> = Effect.clockWith((clock) =>
  Predicate.hasProperty(clock, "adjust") ? Effect.yieldNow() : breathe
)
