/**
 * One attempt at a call to the outside, as an outcome.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Outcome } from "../Outcome.ts"
import { within } from "./captured.ts"
import type { OutcomeCodec } from "./codec.ts"

/** An interruption by the engine ends the fiber; one that can be seen here is of the handler's own doing. */
const interruptedItself = (what: string, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
    ? Exit.die(new Error(`${what} interrupted itself`))
    : exit

/** Runs `self` with a scope of its own and the services of `outer`. The scope has closed before there is an outcome. */
export const attempt = <A, E, R>(
  what: string,
  codec: OutcomeCodec<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  outer: Context.Context<never>
): Effect.Effect<Outcome> =>
  within(Effect.scoped(self), outer).pipe(
    Effect.exit,
    Effect.map((exit) => codec.encode(interruptedItself(what, exit)))
  )
