/**
 * What definitions and clients ask of the engine. `engine/` implements it; `Tempolite.ts` puts the two together.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type {
  InvalidDuration,
  InvalidPayload,
  InvalidStatus,
  JournalError,
  StepNotFound,
  WorkflowCancelled,
  WorkflowConflict,
  WorkflowEnded,
  WorkflowNotFound
} from "./Errors.ts"
import type { RetryPolicy } from "./Execution.ts"
import type {
  Key,
  Parent,
  StepKind,
  WorkflowChange,
  WorkflowDescription,
  WorkflowFilter,
  WorkflowId,
  WorkflowPage,
  WorkflowStatus
} from "./Info.ts"
import type { Outcome } from "./Outcome.ts"

/**
 * What a body is told about the execution that it runs in.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionContext {
  readonly workflowId: WorkflowId
  readonly executionId: string
  /** From 1; a replay continues the same attempt. */
  readonly attempt: number
  readonly generation: number
  readonly startedAt: DateTime.Utc
  /** Whether what runs now has run before. It differs between a first run and a replay: for logs and metrics only. */
  readonly isReplaying: Effect.Effect<boolean>
  readonly parent: Option.Option<Parent>
}

/**
 * A workflow's code, as a layer registers it: text in, text out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Definition {
  readonly name: string
  /**
   * To run on a fiber that is for nothing else. `Left` says why the recorded payload does not decode any more, which
   * suspends the workflow.
   */
  readonly body: (
    payload: string | null,
    context: ExecutionContext
  ) => Either.Either<Effect.Effect<unknown, unknown>, string>
  readonly encode: (exit: Exit.Exit<unknown, unknown>) => Outcome
  readonly retry: Option.Option<RetryPolicy>
  readonly suspendOn: Option.Option<"defect" | "failure">
  /** Why a key is not one of the workflow's `keys`, if so. */
  readonly invalidKey: (key: string | number) => Option.Option<string>
  /** What bounds how many workflows run at once. */
  readonly queue: Option.Option<string>
  /** Every queue that the workflow and the activities around it name: the engine must have them. */
  readonly queues: ReadonlySet<string>
}

/**
 * How a workflow ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ended {
  readonly status: "Completed" | "Failed" | "Cancelled"
  readonly outcome: Outcome
}

/**
 * What the modules of definitions ask for; applications use the methods of `Service`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Engine {
  /**
   * Lets the engine run workflows of this name until the scope closes. Unfinished ones continue at once. Dies with
   * `InvalidQueue` if it needs a queue that was not declared.
   */
  readonly register: (definition: Definition) => Effect.Effect<void, never, Scope.Scope>
  /** Returns once the workflow is durable; joins the one that was started with the same name and payload. */
  readonly start: (request: {
    readonly id: WorkflowId
    readonly name: string
    readonly payload: string | null
  }) => Effect.Effect<void, WorkflowConflict | JournalError>
  /** Returns once the signal is durable. */
  readonly send: (signal: {
    readonly workflowId: WorkflowId
    readonly name: string
    readonly payload: string | null
  }) => Effect.Effect<void, WorkflowNotFound | WorkflowEnded | JournalError>
  /** Waits until the engine of this process has acted on a request; returns at once where there is none. */
  readonly handled: (request: number) => Effect.Effect<void>
  /** Waits until the workflow has ended, and its end is durable. */
  readonly ended: (id: WorkflowId) => Effect.Effect<Ended, WorkflowNotFound | JournalError>
  /** The name that the workflow was started under. */
  readonly nameOf: (id: WorkflowId) => Effect.Effect<string, WorkflowNotFound | JournalError>
}

/**
 * A workflow as seen from outside: the resource, whatever number of executions it takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowInfo<out A, out E> {
  readonly id: WorkflowId
  /** Waits for the outcome; interrupting the wait leaves the workflow alone. A defect of the body is a defect here. */
  readonly result: Effect.Effect<A, E | WorkflowCancelled | JournalError>
  readonly status: Effect.Effect<WorkflowStatus, JournalError>
  readonly describe: Effect.Effect<WorkflowDescription, JournalError>
  /** The status now, and each one that follows, to the last. */
  readonly changes: Stream.Stream<WorkflowStatus, JournalError>
  /** Returns once the request is durable; a workflow that has ended stays as it is. */
  readonly cancel: Effect.Effect<void, JournalError>
  /** Nothing new starts until `resume`: not in its attached sub-workflows either. What runs may end. */
  readonly pause: Effect.Effect<void, InvalidStatus | JournalError>
  /** Lets a workflow that is `Paused` or `Suspended` go on, its attached sub-workflows included. */
  readonly resume: Effect.Effect<void, InvalidStatus | JournalError>
  /** Begins a new execution of a workflow that is `Failed` or `Cancelled`; completed steps keep their outcomes. */
  readonly retry: Effect.Effect<void, InvalidStatus | JournalError>
}

/**
 * The client: what can be asked from outside of any workflow, by id. Requests are durable when they return; with an
 * engine in this process they have been acted upon, too.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly info: (id: WorkflowId) => Effect.Effect<WorkflowInfo<unknown, unknown>, WorkflowNotFound | JournalError>
  readonly describe: (id: WorkflowId) => Effect.Effect<WorkflowDescription, WorkflowNotFound | JournalError>
  readonly changes: (id: WorkflowId) => Stream.Stream<WorkflowStatus, WorkflowNotFound | JournalError>
  /**
   * The changes of status of all workflows from now on, of this process or another. Of several changes of one workflow
   * in quick succession only the last may be seen.
   */
  readonly allChanges: Stream.Stream<WorkflowChange, JournalError>
  /** One page of the workflows that fit, 100 unless `limit` says otherwise. `after` is the `next` of the page before. */
  readonly list: (
    filter?: WorkflowFilter & { readonly limit?: number; readonly after?: string }
  ) => Effect.Effect<WorkflowPage, JournalError>
  readonly cancel: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | JournalError>
  readonly pause: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | InvalidStatus | JournalError>
  readonly resume: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | InvalidStatus | JournalError>
  readonly retry: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | InvalidStatus | JournalError>
  /** Cancels all that fit and have not ended; gives how many these were. */
  readonly cancelAll: (filter: WorkflowFilter) => Effect.Effect<number, JournalError>
  /** Pauses all that fit and may be paused; gives how many these were. */
  readonly pauseAll: (filter: WorkflowFilter) => Effect.Effect<number, JournalError>
  /** Resumes all that fit and may be resumed; gives how many these were. */
  readonly resumeAll: (filter: WorkflowFilter) => Effect.Effect<number, JournalError>
  /** Retries all that fit and may be retried; gives how many these were. */
  readonly retryAll: (filter: WorkflowFilter) => Effect.Effect<number, JournalError>
  /**
   * Records, by an operator's hand, the outcome of a step that is stuck; `describe` shows it as `Skipped`. `value` is in
   * the encoded (JSON) form: the definition of an activity has a `skip` that knows the schema, and says which step it
   * expects to find there. A suspended workflow stays so until it is resumed.
   */
  readonly skip: (
    id: WorkflowId,
    key: Key | ReadonlyArray<Key>,
    value?: unknown,
    expected?: { readonly kind: StepKind; readonly name: string }
  ) => Effect.Effect<void, WorkflowNotFound | StepNotFound | InvalidStatus | InvalidPayload | JournalError>
  /**
   * Starts the workflow `newId` with the payload of `id` and a copy of the outcomes that were recorded before that of
   * the step `fromKey`: from there on it runs by itself. Steps that were undone run again.
   */
  readonly fork: (
    id: WorkflowId,
    newId: WorkflowId,
    fromKey: Key | ReadonlyArray<Key>
  ) => Effect.Effect<
    WorkflowInfo<unknown, unknown>,
    WorkflowNotFound | StepNotFound | WorkflowConflict | InvalidPayload | JournalError
  >
  /**
   * Forgets every workflow that ended longer ago than this, with its sub-workflows and all of their rows; gives how many
   * workflows these were. The sub-workflows of a parent that is kept are kept.
   */
  readonly prune: (options: {
    readonly olderThan: Duration.DurationInput
  }) => Effect.Effect<number, InvalidDuration | JournalError>
  /** For definitions. */
  readonly engine: Engine
}

/**
 * The engine of this process, or its client.
 *
 * @since 0.1.0
 * @category tags
 */
export class Tempolite extends Context.Tag("tempolite/Tempolite")<Tempolite, Service>() {}
