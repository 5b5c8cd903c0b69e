/**
 * How steps find the execution that they run in.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Execution, Work } from "../Execution.ts"
import { current } from "../Execution.ts"
import type { Key } from "../Info.ts"
import type { Outcome } from "../Outcome.ts"
import type { OutcomeCodec } from "./codec.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Asks the execution of `fiber`; `what` is said where there is none. */
const ofFiber = <A, E, R>(
  fiber: AnyFiber,
  what: string,
  ask: (execution: Execution) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Option.match(fiber.getFiberRef(current), {
    onNone: () =>
      Effect.dieMessage(`${what} was called outside of a workflow: call it in the body of a workflow or a saga`),
    onSome: ask
  })

/** Asks the execution of this fiber. */
export const withExecution = <A, E, R>(
  what: string,
  ask: (execution: Execution) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.withFiberRuntime((fiber) => ofFiber(fiber, what, ask))

/** What was recorded, as it is for the program; the workflow is suspended where it cannot be read. */
export const answer = <A, E>(
  execution: Execution,
  key: Key,
  codec: OutcomeCodec<A, E>,
  outcome: Outcome
): Effect.Effect<A, E> =>
  Either.match(codec.decode(outcome), {
    onLeft: (why) => execution.diverged(key, why),
    onRight: (exit): Effect.Effect<A, E> => exit
  })

/** Takes a step that is a call to the outside, on `fiber`, which who calls this has at hand. */
export const perform = <A, E>(
  fiber: AnyFiber,
  what: string,
  codec: OutcomeCodec<A, E>,
  work: Work
): Effect.Effect<A, E> =>
  ofFiber(
    fiber,
    what,
    (execution) => Effect.flatMap(execution.perform(work), (outcome) => answer(execution, work.key, codec, outcome))
  )

/** Takes such a step in the background of the workflow. */
export const start = <A, E>(
  fiber: AnyFiber,
  what: string,
  codec: OutcomeCodec<A, E>,
  work: Work
): Effect.Effect<{
  readonly executionId: string
  readonly key: Key
  readonly result: Effect.Effect<A, E>
}> =>
  ofFiber(fiber, what, (execution) =>
    Effect.map(execution.start(work), ({ executionId, result }) => ({
      executionId,
      key: work.key,
      result: Effect.flatMap(result, (outcome) => answer(execution, work.key, codec, outcome))
    })))

/** Where the context holds something else under the name of a definition. */
export const nameIsTaken = (what: string): Effect.Effect<never> =>
  Effect.dieMessage(
    `the context holds another service under the name of ${what}: the names of activities, side effects, sagas, ` +
      "workflows and services share one namespace, so give it another name"
  )
