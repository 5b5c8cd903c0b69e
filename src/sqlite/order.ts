/**
 * Effects one after the other, in the order in which they were called. (The permits of a `Semaphore` are not given in
 * that order.)
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

export type Order = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export const make = (): Order => {
  let last: Effect.Effect<void> = Effect.void
  return (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const previous = last
        const ended = Deferred.unsafeMake<void>(FiberId.none)
        last = Deferred.await(ended)
        return restore(previous).pipe(
          // Whoever waits for this one then waits for the one before it.
          Effect.onInterrupt(() => Effect.sync(() => Deferred.unsafeDone(ended, previous))),
          Effect.zipRight(Effect.ensuring(
            restore(effect),
            Effect.sync(() => Deferred.unsafeDone(ended, Effect.void))
          ))
        )
      })
    )
}
