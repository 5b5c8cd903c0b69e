/**
 * A bell: `ring` wakes all who listen. Rings while a listener is busy are one to it, so nobody is slowed down, and no
 * ring is forgotten.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

export interface Bell<E> {
  readonly ring: () => void
  /** Is heard by all who listen now, as an error. */
  readonly fail: (error: E) => void
  /**
   * Listens until the scope closes. Each run of what it gives, one at a time, returns once the bell has rung since the last
   * returned; the first at once, since something may have happened before.
   */
  readonly listen: Effect.Effect<Effect.Effect<void, E>, never, Scope.Scope>
}

class Listener<E> {
  private unheard: Exit.Exit<void, E> | undefined = Exit.void
  private hear: ((rung: Exit.Exit<void, E>) => void) | undefined

  tell(rung: Exit.Exit<void, E>): void {
    const { hear } = this
    this.hear = undefined
    if (hear !== undefined) hear(rung)
    // What is unheard stays so: an error is not drowned by a ring.
    else if (this.unheard === undefined || Exit.isSuccess(this.unheard)) this.unheard = rung
  }

  readonly next: Effect.Effect<void, E> = Effect.async((hear) => {
    const { unheard } = this
    this.unheard = undefined
    if (unheard !== undefined) {
      hear(unheard)
      return
    }
    this.hear = hear
    return Effect.sync(() => {
      this.hear = undefined
    })
  })
}

export const make = <E = never>(): Bell<E> => {
  const listeners = new Set<Listener<E>>()
  const tell = (rung: Exit.Exit<void, E>) => {
    for (const listener of listeners) listener.tell(rung)
  }
  return {
    ring: () => tell(Exit.void),
    fail: (error) => tell(Exit.fail(error)),
    listen: Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const listener = new Listener<E>()
          listeners.add(listener)
          return listener
        }),
        (listener) => Effect.sync(() => listeners.delete(listener))
      ),
      ({ next }) => next
    )
  }
}

/** What is heard so, one after the other. */
export const stream = <E, E2>(
  listen: Effect.Effect<Effect.Effect<void, E>, E2, Scope.Scope>
): Stream.Stream<void, E | E2> => Stream.unwrapScoped(Effect.map(listen, (next) => Stream.repeatEffect(next)))
