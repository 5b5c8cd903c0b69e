import { Effect } from "effect"

/** A call and its answer take their time: a process may end between what it caused and what it hears of it. */
export const latency = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  call.pipe(Effect.delay("60 millis"), Effect.zipLeft(Effect.sleep("60 millis")))
