/**
 * Effects one after the other, in the order in which they were called. (The permits of a `Semaphore` are not given in
 * that order.)
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

export type Order = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export const make = (): Order => {
  let isTaken = false
  const waiting: Array<Deferred.Deferred<void>> = []

  /** The next one has its turn, if there is one. */
  const leave = Effect.sync(() => {
    const next = waiting.shift()
    if (next === undefined) isTaken = false
    else Deferred.unsafeDone(next, Effect.void)
  })

  const giveUp = (turn: Deferred.Deferred<void>) =>
    Effect.suspend(() => {
      const place = waiting.indexOf(turn)
      // It has its turn, and does not take it.
      if (place === -1) return leave
      waiting.splice(place, 1)
      return Effect.void
    })

  return (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const inTurn = Effect.ensuring(restore(effect), leave)
        // Mostly nobody is in, and nobody needs to wait.
        if (!isTaken) {
          isTaken = true
          return inTurn
        }
        const turn = Deferred.unsafeMake<void>(FiberId.none)
        waiting.push(turn)
        return restore(Deferred.await(turn)).pipe(
          Effect.onInterrupt(() => giveUp(turn)),
          Effect.zipRight(inTurn)
        )
      })
    )
}
