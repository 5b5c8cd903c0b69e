/**
 * A bell: `ring` wakes all who listen. Rings while a listener is busy are one to it, so nobody is slowed down, and no
 * ring is forgotten.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

export interface Bell<E> {
  readonly ring: () => void
  /** Ends all streams that listen now, with `error`. */
  readonly fail: (error: E) => void
  /** Emits once as soon as it listens, since something may have happened before, and after each ring. */
  readonly listen: Stream.Stream<void, E>
}

export const make = <E = never>(): Bell<E> => {
  const listeners = new Set<Queue.Queue<Effect.Effect<void, E>>>()
  const tell = (message: Effect.Effect<void, E>) => {
    for (const listener of listeners) listener.unsafeOffer(message)
  }
  const listener = Effect.acquireRelease(
    Effect.map(Queue.dropping<Effect.Effect<void, E>>(1), (queue) => {
      queue.unsafeOffer(Effect.void)
      listeners.add(queue)
      return queue
    }),
    (queue) => Effect.zipRight(Effect.sync(() => listeners.delete(queue)), Queue.shutdown(queue))
  )
  return {
    ring: () => tell(Effect.void),
    fail: (error) => tell(Effect.fail(error)),
    listen: Stream.unwrapScoped(Effect.map(listener, (queue) => Stream.repeatEffect(Effect.flatten(Queue.take(queue)))))
  }
}
