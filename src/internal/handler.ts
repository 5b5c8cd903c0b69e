/**
 * One attempt at a call to the outside, as an outcome.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Outcome } from "../Outcome.ts"
import { alone, type Surroundings } from "./captured.ts"
import type { OutcomeCodec } from "./codec.ts"

/** An interruption by the engine ends the fiber; one that can be seen here is of the handler's own doing. */
const interruptedItself = (what: string, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
    ? Exit.die(new Error(`${what} interrupted itself`))
    : exit

/**
 * Runs what `self` gives in its surroundings, with a scope of its own, which has closed before there is an outcome. The
 * fiber must be for nothing else, and so can be interrupted.
 */
export const attempt = <A, E, R>(
  what: string,
  codec: OutcomeCodec<unknown, unknown>,
  self: () => Effect.Effect<A, E, R>,
  { given, refs, services }: Surroundings
): Effect.Effect<Outcome> =>
  Effect.flatMap(Scope.make(), (scope) => {
    const inside = alone(self, { services, refs, given: Context.add(given, Scope.Scope, scope) })
    const end = (exit: Exit.Exit<A, E>): Effect.Effect<Outcome> => {
      const ended = (closed: Exit.Exit<void>) => codec.encode(interruptedItself(what, Exit.zipLeft(exit, closed)))
      return Effect.matchCause(Scope.close(scope, exit), {
        onFailure: (cause) => ended(Exit.failCause(cause)),
        onSuccess: () => ended(Exit.void)
      })
    }
    return Effect.uninterruptible(Effect.matchCauseEffect(Effect.interruptible(inside), {
      onFailure: (cause) => end(Exit.failCause(cause)),
      onSuccess: (value) => end(Exit.succeed(value))
    }))
  })
