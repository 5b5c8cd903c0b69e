/**
 * One attempt at a call to the outside, as an outcome.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Outcome } from "../Outcome.ts"
import { type Refs, within, withRefs } from "./captured.ts"
import type { OutcomeCodec } from "./codec.ts"

/** What a handler sees: the services and fiber refs of its layer, and what it is given for this attempt. */
export interface Surroundings {
  readonly services: Context.Context<never>
  readonly refs: Refs
  readonly given: Context.Context<never>
}

/** An interruption by the engine ends the fiber; one that can be seen here is of the handler's own doing. */
const interruptedItself = (what: string, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
    ? Exit.die(new Error(`${what} interrupted itself`))
    : exit

/**
 * Runs `self` in its surroundings, with a scope of its own, which has closed before there is an outcome. What it does is
 * what `Effect.scoped` and `Effect.provide` do, one after the other: all at once it costs a third.
 */
export const attempt = <A, E, R>(
  what: string,
  codec: OutcomeCodec<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  { given, refs, services }: Surroundings
): Effect.Effect<Outcome> =>
  Effect.flatMap(Scope.make(), (scope) => {
    const end = (exit: Exit.Exit<A, E>): Effect.Effect<Outcome> =>
      Effect.map(
        Effect.exit(Scope.close(scope, exit)),
        (closed) => codec.encode(interruptedItself(what, Exit.zipLeft(exit, closed)))
      )
    const inside = within(self, Context.add(Context.merge(services, given), Scope.Scope, scope))
    return Effect.uninterruptibleMask((restore) =>
      Effect.matchCauseEffect(restore(withRefs(inside, refs)), {
        onFailure: (cause) => end(Exit.failCause(cause)),
        onSuccess: (value) => end(Exit.succeed(value))
      })
    )
  })
