/**
 * The one place where the engine gives way to the host: timers, I/O and everything else that the process does run
 * before the effect goes on. Not a sleep: it passes at once where nothing else waits, under a test clock too.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Wake } from "./wake.ts"

const inNextTurn = (resume: (effect: Effect.Effect<void>) => void) => {
  // eslint-disable-next-line no-restricted-globals
  setImmediate(() => {
    resume(Effect.void)
  })
}

export const breathe: Effect.Effect<void> = Effect.async<void>((resume) => {
  inNextTurn(resume)
})

const isTestClock = (clock: Clock.Clock): boolean => Predicate.hasProperty(clock, "adjust")

/**
 * Lets everything happen that happens in this turn of the host. A test clock lets time pass after a few turns, whatever
 * goes on meanwhile; so under one no turn passes, and the engine comes to rest before time does, as any other Effect.
 */
export const gather: Effect.Effect<void> = Effect.clockWith((clock) => isTestClock(clock) ? Effect.yieldNow() : breathe)

/** Waits until `wake` rings, and gathers under `clock`. The fiber is not woken in between. */
export const gatherAfter = (wake: Wake, clock: Clock.Clock): Effect.Effect<void> =>
  isTestClock(clock) ? Effect.zipRight(wake.wait, Effect.yieldNow()) : Effect.async<void>((resume) => {
    wake.sleep(() => {
      inNextTurn(resume)
    })
  })
