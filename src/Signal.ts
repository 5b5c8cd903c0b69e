/**
 * Signals: what the world tells a workflow that runs. A signal is durable once it is sent, waits until it is taken, and
 * is taken once; those of one name in the order in which they came.
 *
 * @since 0.2.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Tempolite } from "./Engine.ts"
import type { InvalidPayload, JournalError } from "./Errors.ts"
import { WorkflowEnded, WorkflowNotFound } from "./Errors.ts"
import type { Execution } from "./Execution.ts"
import type { WorkflowId } from "./Info.ts"
import * as codec from "./internal/codec.ts"
import { finite } from "./internal/duration.ts"
import * as given from "./internal/given.ts"
import { answer, withExecution } from "./internal/run.ts"
import type { Key, Payload, Step } from "./Step.ts"

/**
 * A signal: `await`, `awaitWithin` and `sendAs` are for bodies, `send` for outside.
 *
 * @since 0.2.0
 * @category models
 */
export interface Signal<Name extends string, P extends Payload> {
  readonly name: Name
  readonly payloadSchema: Payload.ToSchema<P>
  /** Takes the step `key`: waits for the next signal of this name. What was taken is recorded once. */
  readonly await: <const K extends Key>(key: K) => Effect.Effect<Payload.Type<P>, never, Step<K>>
  /** As `await`, but `None` once `duration` is over, from when the step is first reached. */
  readonly awaitWithin: <const K extends Key>(
    key: K,
    duration: Duration.DurationInput
  ) => Effect.Effect<Option.Option<Payload.Type<P>>, never, Step<K>>
  /** Returns once the signal is durable; a workflow that does not await it yet finds it later. */
  readonly send: (
    id: WorkflowId,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<void, WorkflowNotFound | WorkflowEnded | InvalidPayload | JournalError, Tempolite>
  /** Takes the step `key`: sends the signal to the workflow `id` from inside another one. It is sent once. */
  readonly sendAs: <const K extends Key>(
    key: K,
    id: WorkflowId,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<void, WorkflowNotFound | WorkflowEnded, Step<K>>
}

/**
 * Declares a signal. Any workflow may await it.
 *
 * @since 0.2.0
 * @category constructors
 */
export const make = <const Name extends string, P extends Payload = {}>(
  name: Name,
  options: { readonly payload?: P } = {}
): Signal<Name, P> => {
  const what = `the signal ${JSON.stringify(name)}`
  const payloads = codec.payload(options.payload)
  const sent = codec.outcome({
    what,
    success: codec.plain(Schema.Void),
    error: codec.plain(Schema.Union(WorkflowNotFound, WorkflowEnded))
  })
  const take = (
    execution: Execution,
    key: Key,
    within: Option.Option<Duration.Duration>
  ): Effect.Effect<Option.Option<Payload.Type<P>>> =>
    Effect.flatMap(
      given.named(name, () => execution.signal({ key, name, within })),
      Option.match({
        onNone: () => Effect.succeedNone,
        onSome: (text) =>
          Either.match(payloads.decode(text), {
            onLeft: (why) =>
              execution.diverged(key, `the recorded payload of ${what} does not decode any more: ${why}`),
            onRight: Effect.succeedSome
          })
      })
    )
  return {
    name,
    payloadSchema: payloads.schema,
    await: (key) =>
      withExecution(what, (execution) =>
        Effect.flatMap(
          take(execution, key, Option.none()),
          Option.match({
            onNone: () => Effect.dieMessage(`${what} was awaited without an end, and the wait ended`),
            onSome: Effect.succeed
          })
        )),
    awaitWithin: (key, duration) =>
      withExecution(what, (execution) =>
        Effect.flatMap(
          Effect.orDie(finite(`\`Signal.awaitWithin\` ${JSON.stringify(key)}`, duration)),
          (duration) => take(execution, key, Option.some(duration))
        )),
    send: (id, ...payload) =>
      Effect.gen(function*() {
        const { engine } = yield* Tempolite
        const text = yield* given.toWorkflow(name, id, payloads.encode(payload[0]))
        yield* engine.send({ workflowId: id, name, payload: text })
      }).pipe(Effect.withSpan("Signal.send", { attributes: { name, id } })),
    sendAs: (key, id, ...payload) =>
      withExecution(what, (execution) =>
        Effect.flatMap(
          Effect.orDie(given.toWorkflow(name, id, payloads.encode(payload[0]))),
          (text) =>
            Effect.flatMap(
              execution.send({ key, name, workflowId: id, payload: text }),
              (outcome) => answer(execution, key, sent, outcome)
            )
        ))
  }
}
