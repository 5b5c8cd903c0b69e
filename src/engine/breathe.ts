/**
 * The one place where the engine gives way to the host: timers, I/O and everything else that the process does run
 * before the effect goes on. Not a sleep: it passes at once where nothing else waits, under a test clock too.
 */
import * as Effect from "effect/Effect"

export const breathe: Effect.Effect<void> = Effect.async<void>((resume) => {
  // eslint-disable-next-line no-restricted-globals
  const handle = setImmediate(() => {
    resume(Effect.void)
  })
  return Effect.sync(() => {
    // eslint-disable-next-line no-restricted-globals
    clearImmediate(handle)
  })
})
