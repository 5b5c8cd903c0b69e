/**
 * Workflows: durable, deterministic programs. A body is run again from its first line after an interruption, and takes
 * the recorded outcome of every step that it already took.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Definition, ExecutionContext, WorkflowInfo } from "./Engine.ts"
import { Tempolite } from "./Engine.ts"
import type { JournalError, WorkflowConflict } from "./Errors.ts"
import { InvalidPayload, WorkflowCancelled, WorkflowNotFound } from "./Errors.ts"
import type { Child, Execution as Run } from "./Execution.ts"
import type { WorkflowId } from "./Info.ts"
import { within } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import { makeInfo } from "./internal/info.ts"
import { invalid } from "./internal/key.ts"
import * as retry from "./internal/retry.ts"
import { answer, withExecution } from "./internal/run.ts"
import type { Outcome } from "./Outcome.ts"
import type { CheckBody, Compensations, Key, Payload, PlainSchema, Retry, Step } from "./Step.ts"
import { Execution } from "./Step.ts"

export type { WorkflowInfo } from "./Engine.ts"
export type {
  ExecutionDescription,
  Parent,
  StepDescription,
  StepExecutionStatus,
  StepKind,
  StepStatus,
  WorkflowDescription,
  WorkflowExecutionStatus,
  WorkflowId,
  WorkflowStatus as Status
} from "./Info.ts"
export type {
  CheckBody,
  ClientInsideWorkflow,
  Key,
  NoStep,
  Payload,
  PlainFields,
  PlainSchema,
  RequirementIsAny,
  Retry,
  RetryOptions,
  Step,
  StepKeys,
  StepOutsideWorkflow,
  Timeout,
  UndeclaredKey
} from "./Step.ts"
export { Execution } from "./Step.ts"

/**
 * What a body is told about the execution that it runs in.
 *
 * @since 0.1.0
 * @category models
 */
export type WorkflowExecution = ExecutionContext

/**
 * A sub-workflow as seen from its parent: one execution, and the resource that it is an attempt at.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowExecutionInfo<out A, out E> {
  readonly executionId: string
  readonly workflowId: WorkflowId
  readonly attempt: number
  /** How this execution ended, whatever the sub-workflow does next. */
  readonly exit: Effect.Effect<Exit.Exit<A, E | WorkflowCancelled>>
  /** Waits for the outcome of the sub-workflow, whatever number of executions it takes. */
  readonly result: Effect.Effect<A, E | WorkflowCancelled>
}

const BodyTypeId: unique symbol = Symbol("tempolite/Workflow/Body")

/**
 * The service of a workflow: opaque, as a body is run by the engine alone.
 *
 * @since 0.1.0
 * @category models
 */
export interface Body<Name extends string> {
  readonly [BodyTypeId]: Name
}

/**
 * What the engine gives to the body of a workflow.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Provided<Self, K extends Key> = Self | Step<K> | Execution | Compensations | Scope.Scope

/**
 * The class of a workflow: `start`, `execute` and `info` are for outside, `child` and `startChild` for the bodies of
 * other workflows.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowClass<
  Self,
  Name extends string,
  P extends Payload,
  S extends PlainSchema,
  E extends PlainSchema,
  K extends Key
> extends Context.TagClass<Self, Name, Body<Name>> {
  readonly payloadSchema: Payload.ToSchema<P>
  readonly successSchema: S
  readonly errorSchema: E
  /** Runs every workflow of this name while the layer lives, and continues those that have not ended. */
  readonly layer: <R>(
    this: CheckBody<R, Name, K>,
    body: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
  ) => Layer.Layer<Self, never, Tempolite | Exclude<R, Provided<Self, K>>>
  /** Lets a process start and watch the workflow, or call it as a sub-workflow, without running it. */
  readonly client: Layer.Layer<Self, never, Tempolite>
  /** Returns once the workflow is durable; joins the one that was started under `id` with the same payload. */
  readonly start: (
    id: WorkflowId,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<
    WorkflowInfo<S["Type"], E["Type"]>,
    WorkflowConflict | InvalidPayload | JournalError,
    Self | Tempolite
  >
  /** `start`, and then the `result`. Interrupting it leaves the workflow alone. */
  readonly execute: (
    id: WorkflowId,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<
    S["Type"],
    E["Type"] | WorkflowCancelled | WorkflowConflict | InvalidPayload | JournalError,
    Self | Tempolite
  >
  /** Fails with `WorkflowNotFound` if `id` is that of another workflow, too. */
  readonly info: (
    id: WorkflowId
  ) => Effect.Effect<WorkflowInfo<S["Type"], E["Type"]>, WorkflowNotFound | JournalError, Self | Tempolite>
  /** Takes the step `key`: starts a sub-workflow and waits for its outcome, which is recorded once. */
  readonly child: <const K2 extends Key>(
    key: K2,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<S["Type"], E["Type"] | WorkflowCancelled, Self | Step<K2>>
  /** Takes the step `key`: starts a sub-workflow, and goes on as soon as it is durable. */
  readonly startChild: <const K2 extends Key>(
    key: K2,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<WorkflowExecutionInfo<S["Type"], E["Type"]>, never, Self | Step<K2>>
}

/**
 * Any workflow, for code that is generic in it.
 *
 * @since 0.1.0
 * @category models
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tags are invariant: nothing else takes them all
export interface Any extends Context.Tag<any, any> {
  readonly key: string
  readonly payloadSchema: PlainSchema
  readonly successSchema: PlainSchema
  readonly errorSchema: PlainSchema
  readonly client: Layer.Layer<never, never, Tempolite>
}

/**
 * What a workflow succeeds with.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Success<W extends Any> = W["successSchema"]["Type"]

/**
 * What a workflow fails with.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Error<W extends Any> = W["errorSchema"]["Type"]

/**
 * What the body of a workflow receives.
 *
 * @since 0.1.0
 * @category type-level
 */
export type PayloadOf<W extends Any> = W["payloadSchema"]["Type"]

interface Options<P extends Payload, S extends PlainSchema, E extends PlainSchema, K extends Key, KI> {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly keys?: Schema.Schema<K, KI>
  readonly retry?: Retry<E["Type"]>
  readonly suspendOn?: "defect" | "failure"
}

/**
 * Declares a workflow. With `keys`, a body that uses another key does not compile; without, any key may be used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Tag = <Self>() =>
<
  const Name extends string,
  P extends Payload = {},
  S extends PlainSchema = typeof Schema.Void,
  E extends PlainSchema = typeof Schema.Never,
  K extends Key = Key,
  KI = unknown
>(name: Name, options: {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly keys?: Schema.Schema<K, KI>
  readonly retry?: Retry<E["Type"]>
  readonly suspendOn?: "defect" | "failure"
} = {}): WorkflowClass<Self, Name, P, S, E, K> => {
  const tag = Context.Tag(name)<Self, Body<Name>>()
  const service: Body<Name> = { [BodyTypeId]: name }
  const workflow = define(name, options)
  return Object.assign(tag, {
    payloadSchema: workflow.payloads.schema,
    successSchema: codec.orElse(options.success, Schema.Void),
    errorSchema: codec.orElse(options.error, Schema.Never),
    layer: <R>(
      body: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
    ): Layer.Layer<Self, never, Tempolite | Exclude<R, Provided<Self, K>>> =>
      Layer.unwrapEffect(Effect.map(Effect.context<Exclude<R, Provided<Self, K>>>(), (outer) =>
        Layer.merge(
          Layer.succeed(tag, service),
          Layer.scopedDiscard(
            Effect.flatMap(Tempolite, ({ engine }) => engine.register(workflow.definition(body, outer)))
          )
        ))),
    client: Layer.effect(tag, Effect.as(Tempolite, service)),
    ...outside(workflow),
    ...inside(workflow)
  })
}

/**
 * Waits for `duration`, from when the step is first reached; a restart does not begin it anew.
 *
 * @since 0.1.0
 * @category steps
 */
export const sleep = <const K extends Key>(
  key: K,
  duration: Duration.DurationInput
): Effect.Effect<void, never, Step<K>> =>
  withExecution("`Workflow.sleep`", (execution) => {
    const decoded = Duration.decode(duration)
    return Duration.isFinite(decoded) && !Number.isNaN(duration)
      ? execution.sleep({ key, name: "sleep", duration: Option.some(decoded), until: Option.none() })
      : Effect.dieMessage(`\`Workflow.sleep\` ${JSON.stringify(key)} has no end: the duration is ${String(duration)}`)
  })

/**
 * Waits until a time by the wall clock; one that has passed already is over at once.
 *
 * @since 0.1.0
 * @category steps
 */
export const sleepUntil = <const K extends Key>(
  key: K,
  until: DateTime.DateTime
): Effect.Effect<void, never, Step<K>> =>
  withExecution("`Workflow.sleepUntil`", (execution) =>
    execution.sleep({
      key,
      name: "sleepUntil",
      duration: Option.none(),
      until: Option.some(DateTime.toEpochMillis(until))
    }))

type Defined<P extends Payload, S extends PlainSchema, E extends PlainSchema> = ReturnType<
  typeof define<P, S, E, Key, unknown>
>

/** What the two sides of a workflow share. */
const define = <P extends Payload, S extends PlainSchema, E extends PlainSchema, K extends Key, KI>(
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
          outcomes.encoded(Effect.suspend(() => body(payload))).pipe(
            Effect.provideService(Execution, execution),
            (self) => within(self, outer, [Scope.Scope])
          )),
      encode: outcomes.encode,
      retry: policy,
      suspendOn: Option.fromNullable(options.suspendOn),
      invalidKey
    })
  }
}

const outside = <P extends Payload, S extends PlainSchema, E extends PlainSchema>(workflow: Defined<P, S, E>) => {
  const { name, outcomes, payloads } = workflow
  const start = (id: WorkflowId, ...payload: Payload.Args<P>) =>
    Effect.gen(function*() {
      const service = yield* Tempolite
      const fault = invalid(id)
      if (Option.isSome(fault)) {
        return yield* new InvalidPayload({ name, message: `the id cannot be used: ${fault.value}` })
      }
      const text = yield* Either.mapLeft(
        payloads.encode(payload[0]),
        (message) => new InvalidPayload({ name, message })
      )
      yield* service.engine.start({ id, name, payload: text })
      return makeInfo(service, id, outcomes)
    }).pipe(Effect.withSpan("Workflow.start", { attributes: { name, id } }))
  return {
    start,
    execute: (id: WorkflowId, ...payload: Payload.Args<P>) =>
      Effect.flatMap(start(id, ...payload), ({ result }) => result).pipe(
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

const inside = <P extends Payload, S extends PlainSchema, E extends PlainSchema>(workflow: Defined<P, S, E>) => {
  const { childOutcomes, name, payloads, what } = workflow
  const withChild = <A, E2>(
    key: Key,
    payload: unknown,
    ask: (execution: Run, child: Child) => Effect.Effect<A, E2>
  ): Effect.Effect<A, E2> =>
    withExecution(what, (execution) =>
      Either.match(payloads.encode(payload), {
        onLeft: (message) => Effect.die(new InvalidPayload({ name, message })),
        onRight: (text) => ask(execution, { key, name, payload: text })
      }))
  return {
    child: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withChild(
        key,
        payload[0],
        (execution, child) =>
          Effect.flatMap(execution.child(child), (outcome) => answer(execution, key, childOutcomes, outcome))
      ),
    startChild: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withChild(key, payload[0], (execution, child) =>
        Effect.map(execution.startChild(child), (started) => {
          const answered = (outcome: Outcome) => answer(execution, key, childOutcomes, outcome)
          return {
            executionId: started.executionId,
            workflowId: started.workflowId,
            attempt: started.attempt,
            exit: Effect.flatMap(started.exit, (outcome) => Effect.exit(answered(outcome))),
            result: Effect.flatMap(started.result, answered)
          }
        }))
  }
}
