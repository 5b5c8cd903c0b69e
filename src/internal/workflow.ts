/**
 * A workflow as text: what it registers, what it asks of the engine from outside, and of an execution from inside.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Definition } from "../Engine.ts"
import { Tempolite } from "../Engine.ts"
import { WorkflowCancelled, WorkflowNotFound } from "../Errors.ts"
import type { Execution as Run } from "../Execution.ts"
import type { WorkflowId } from "../Info.ts"
import type { Outcome } from "../Outcome.ts"
import type { Key, Payload, PlainSchema, Retry } from "../Step.ts"
import { Execution } from "../Step.ts"
import { alone } from "./captured.ts"
import * as codec from "./codec.ts"
import * as given from "./given.ts"
import { makeInfo, resultOf } from "./info.ts"
import * as queue from "./queue.ts"
import * as retry from "./retry.ts"
import { answer, withExecution } from "./run.ts"

interface Options<P extends Payload, S extends PlainSchema, E extends PlainSchema, K extends Key, KI> {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly keys?: Schema.Schema<K, KI>
  readonly retry?: Retry<E["Type"]>
  readonly queue?: string
  readonly suspendOn?: "defect" | "failure"
}

type Defined<P extends Payload, S extends PlainSchema, E extends PlainSchema> = ReturnType<
  typeof define<P, S, E, Key, unknown>
>

/** What the two sides of a workflow share. */
export const define = <P extends Payload, S extends PlainSchema, E extends PlainSchema, K extends Key, KI>(
  name: string,
  options: Options<P, S, E, K, KI>
) => {
  const what = `the workflow ${JSON.stringify(name)}`
  const success = codec.plain<S>(codec.orElse(options.success, Schema.Void))
  const error = codec.plain<E>(codec.orElse(options.error, Schema.Never))
  const payloads = codec.payload(options.payload)
  const outcomes = codec.outcome({ what, success, error })
  const policy = retry.policy(options.retry, error, outcomes.errorOf)
  const invalidKey = codec.invalidKey(what, options.keys)
  return {
    name,
    what,
    payloads,
    outcomes,
    /** A sub-workflow may have been cancelled, which its parent sees as an error. */
    childOutcomes: codec.outcome({ what, success, error: codec.plain(Schema.Union(WorkflowCancelled, error)) }),
    definition: <R>(
      body: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>,
      outer: Context.Context<never>
    ): Definition => ({
      name,
      body: (text, execution) =>
        Either.map(payloads.decode(text), (payload) =>
          Effect.flatMap(Scope.make(), (scope) => {
            const given = Context.add(Context.make(Execution, execution), Scope.Scope, scope)
            return Effect.onExit(
              alone(() => outcomes.encoded(body(payload)), { services: outer, refs: [], given }),
              (exit) => Scope.close(scope, exit)
            )
          })),
      encode: outcomes.encode,
      retry: policy,
      suspendOn: Option.fromNullable(options.suspendOn),
      invalidKey,
      queue: Option.fromNullable(options.queue),
      queues: new Set([...queue.named(options.queue), ...queue.around(outer)])
    })
  }
}

/** What is asked of the client. */
export const outside = <P extends Payload, S extends PlainSchema, E extends PlainSchema>(
  workflow: Defined<P, S, E>
) => {
  const { name, outcomes, payloads } = workflow
  const start = (id: WorkflowId, payload: Payload.Args<P>) =>
    Effect.gen(function*() {
      const service = yield* Tempolite
      const text = yield* given.toWorkflow(name, id, payloads.encode(payload[0]))
      yield* service.engine.start({ id, name, payload: text })
      return service
    })
  return {
    start: (id: WorkflowId, ...payload: Payload.Args<P>) =>
      Effect.map(start(id, payload), (service) => makeInfo(service, id, outcomes)).pipe(
        Effect.withSpan("Workflow.start", { attributes: { name, id } })
      ),
    execute: (id: WorkflowId, ...payload: Payload.Args<P>) =>
      Effect.flatMap(start(id, payload), (service) => resultOf(service, id, outcomes)).pipe(
        Effect.withSpan("Workflow.execute", { attributes: { name, id } })
      ),
    info: (id: WorkflowId) =>
      Effect.gen(function*() {
        const service = yield* Tempolite
        const recorded = yield* service.engine.nameOf(id)
        return recorded === name
          ? makeInfo(service, id, outcomes)
          : yield* new WorkflowNotFound({ workflowId: id })
      }).pipe(Effect.withSpan("Workflow.info", { attributes: { name, id } }))
  }
}

/** What is asked of the execution of a body. */
export const inside = <P extends Payload, S extends PlainSchema, E extends PlainSchema>(workflow: Defined<P, S, E>) => {
  const { childOutcomes, name, payloads, what } = workflow
  const withPayload = <A, E2>(
    payload: unknown,
    ask: (execution: Run, payload: string | null) => Effect.Effect<A, E2>
  ): Effect.Effect<A, E2> =>
    withExecution(
      what,
      (execution) => given.toStep(name, payloads.encode(payload), (text) => ask(execution, text))
    )
  return {
    child: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withPayload(payload[0], (execution, text) =>
        Effect.flatMap(
          execution.child({ key, name, payload: text }),
          (outcome) => answer(execution, key, childOutcomes, outcome)
        )),
    startChild: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withPayload(
        payload[0],
        (execution, text) =>
          Effect.map(execution.startChild({ key, name, payload: text }), (started) => {
            const answered = (outcome: Outcome) => answer(execution, key, childOutcomes, outcome)
            return {
              executionId: started.executionId,
              workflowId: started.workflowId,
              attempt: started.attempt,
              exit: Effect.flatMap(started.exit, (outcome) => Effect.exit(answered(outcome))),
              result: Effect.flatMap(started.result, answered)
            }
          })
      ),
    detach: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withPayload(payload[0], (execution, text) => execution.detach({ key, name, payload: text })),
    continueAsNew: (...payload: Payload.Args<P>) =>
      withPayload(payload[0], (execution, text) => execution.continueAsNew(name, text))
  }
}
