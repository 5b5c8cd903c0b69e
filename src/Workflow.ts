/**
 * Workflows: durable, deterministic programs. A body is run again from its first line after an interruption, and takes
 * the recorded outcome of every step that it already took.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ExecutionContext, WorkflowInfo } from "./Engine.ts"
import { Tempolite } from "./Engine.ts"
import type { InvalidPayload, JournalError, WorkflowCancelled, WorkflowConflict, WorkflowNotFound } from "./Errors.ts"
import type { WorkflowId } from "./Info.ts"
import { known } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import { finite } from "./internal/duration.ts"
import { withExecution } from "./internal/run.ts"
import { define, inside, outside } from "./internal/workflow.ts"
import type {
  CheckBody,
  Compensations,
  Execution,
  Key,
  Payload,
  PlainSchema,
  Retry,
  Running,
  Step,
  Without
} from "./Step.ts"

export type { WorkflowInfo } from "./Engine.ts"
export type {
  ExecutionDescription,
  Parent,
  SignalDescription,
  StepDescription,
  StepExecutionStatus,
  StepKind,
  StepOrigin,
  StepStatus,
  WorkflowChange,
  WorkflowDescription,
  WorkflowExecutionStatus,
  WorkflowFilter,
  WorkflowId,
  WorkflowPage,
  WorkflowStatus as Status,
  WorkflowSummary
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
  Running,
  Step,
  StepKeys,
  StepOutsideWorkflow,
  SuccessArgs,
  Timeout,
  UndeclaredKey,
  Without
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
export type Provided<Self, K extends Key> = Self | Step<K> | Running<Self> | Execution | Compensations | Scope.Scope

/**
 * The class of a workflow: `start`, `execute` and `info` are for outside, `child`, `startChild` and `detach` for the
 * bodies of other workflows, `continueAsNew` for its own.
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
  ) => Layer.Layer<Self, never, Tempolite | Without<R, Provided<Self, K>>>
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
  /** Takes the step `key`: starts a workflow that nobody waits for or cancels with its parent, and gives its id. */
  readonly detach: <const K2 extends Key>(
    key: K2,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<WorkflowId, never, Self | Step<K2>>
  /** Ends this generation of the workflow that runs; the next one begins with this payload, and no step on record. */
  readonly continueAsNew: (...payload: Payload.Args<P>) => Effect.Effect<never, never, Running<Self>>
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
  /** Which of the queues of the engine bounds how many of these run at once. */
  readonly queue?: string
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
    ): Layer.Layer<Self, never, Tempolite | Without<R, Provided<Self, K>>> =>
      // One layer, and none put together of others: whoever tests starts it thousands of times.
      Layer.scoped(
        tag,
        known<Body<Name>, never, Tempolite | Without<R, Provided<Self, K>> | Scope.Scope, Scope.Scope>(
          Effect.flatMap(Effect.context<Tempolite | Without<R, Provided<Self, K>>>(), (outer) =>
            Effect.as(
              Context.get(outer, Tempolite).engine.register(workflow.definition(body, outer)),
              service
            ))
        )
      ),
    client: Layer.effect(tag, Effect.as(Tempolite, service)),
    ...outside(workflow),
    ...inside(workflow)
  })
}

/**
 * Waits for `duration`, from when the step is first reached; a restart does not begin it anew. One that is negative, or
 * has no end, is a defect.
 *
 * @since 0.1.0
 * @category steps
 */
export const sleep = <const K extends Key>(
  key: K,
  duration: Duration.DurationInput
): Effect.Effect<void, never, Step<K>> =>
  withExecution("`Workflow.sleep`", (execution) =>
    Effect.flatMap(
      Effect.orDie(finite(`\`Workflow.sleep\` ${JSON.stringify(key)}`, duration)),
      (duration) => execution.sleep({ key, name: "sleep", duration: Option.some(duration), until: Option.none() })
    ))

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

/**
 * The version of a change that this workflow runs: `max` where it reaches the change for the first time, and from then
 * on what was recorded. It is not a step: its ids are their own, and may be asked for many times.
 *
 * @since 0.2.0
 * @category steps
 */
export const version = (
  changeId: string,
  range: { readonly min: number; readonly max: number }
): Effect.Effect<number, never, Execution> =>
  withExecution("`Workflow.version`", (execution) => {
    const { max, min } = range
    const change = `\`Workflow.version\` ${JSON.stringify(changeId)}`
    if (changeId === "") return Effect.dieMessage(`${change} has no id: name the change`)
    return Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max
      ? execution.version(changeId, { min, max })
      : Effect.dieMessage(
        `${change} has no versions from ${min} to ${max}: give two integers, \`min\` not above \`max\``
      )
  })
