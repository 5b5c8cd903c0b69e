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
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) isTaken = false
    else Deferred.unsafeDone(next, Effect.void)
  }

  const giveUp = (turn: Deferred.Deferred<void>) => {
    const place = waiting.indexOf(turn)
    // Or else it has its turn, and does not take it.
    if (place === -1) leave()
    else waiting.splice(place, 1)
  }

  return (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const inTurn = Effect.matchCauseEffect(restore(effect), {
          onFailure: (cause) => {
            leave()
            return Effect.failCause(cause)
          },
          onSuccess: (value) => {
            leave()
            return Effect.succeed(value)
          }
        })
        // Mostly nobody is in, and nobody needs to wait.
        if (!isTaken) {
          isTaken = true
          return inTurn
        }
        const turn = Deferred.unsafeMake<void>(FiberId.none)
        waiting.push(turn)
        return restore(Deferred.await(turn)).pipe(
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              giveUp(turn)
            })
          ),
          Effect.zipRight(inTurn)
        )
      })
    )
}
