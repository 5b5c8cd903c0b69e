/**
 * What a body notes, for a test to look at. A replay passes the same places again.
 */
import * as Effect from "effect/Effect"

/** A body whose notes begin anew with it: so they are those of one pass, the last. */
export const anew = <A, E, R>(notes: Array<unknown>, body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    notes.length = 0
    return body
  })
