/**
 * What a journal holds, and its laws.
 *
 * @since 0.2.0
 */
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { JournalError, JournalLocked } from "./Errors.ts"
import type {
  StepExecutionStatus,
  StepKind,
  StepOrigin,
  StepStatus,
  WorkflowExecutionStatus,
  WorkflowStatus
} from "./Info.ts"

/**
 * A workflow. Identified by `id`. Ids, paths and payloads are text: ids and paths as `internal/key.ts` writes them,
 * payloads and outcomes as JSON; all times are milliseconds since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowRow {
  readonly id: string
  readonly name: string
  readonly status: WorkflowStatus
  /** Why it is `Suspended`: JSON of a `SuspendReason`. */
  readonly reason: string | null
  readonly generation: number
  /** The number of its current (or last) execution in this generation. */
  readonly attempt: number
  /** The first of its executions in this generation that the retry policy counts. */
  readonly firstAttempt: number
  readonly parentId: string | null
  /** The path of the parent's step. */
  readonly parentPath: string | null
  /** The workflow that it is a fork of, and the path of the step from which on it ran itself. */
  readonly forkedId: string | null
  readonly forkedPath: string | null
  /** Of this generation. */
  readonly payload: string | null
  /** What it was started with, once it has continued as new; in its first generation that is `payload`. */
  readonly firstPayload: string | null
  /** Once it is `Completed` the success, once it is `Failed` the cause. */
  readonly outcome: string | null
  readonly createdAt: number
  /** When this generation began: where the clock of the body begins. */
  readonly startedAt: number | null
  readonly finishedAt: number | null
  /** When the next execution is due, if the last one failed and is to be retried. */
  readonly wakeAt: number | null
  /** The place of a cancel in the order of this generation's outcomes. */
  readonly cancelSeq: number | null
  readonly cancelAt: number | null
  /**
   * Until when it sleeps: it waits for nothing but times and signals, and the engine has forgotten it. It wakes earlier
   * for a signal. Null while it is awake.
   */
  readonly sleepsUntil: number | null
  readonly unusedOutcomes: number
}

/**
 * As `sleepsUntil`, that it waits for signals only: the last time that a date can have.
 *
 * @since 0.2.0
 * @category models
 */
export const forever = 8.64e15

/**
 * One attempt at a workflow. Identified by `workflowId`, `generation`, `attempt`.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowExecutionRow {
  readonly workflowId: string
  readonly generation: number
  readonly attempt: number
  readonly status: WorkflowExecutionStatus
  readonly startedAt: number
  readonly finishedAt: number | null
  /** The cause, if it failed. */
  readonly error: string | null
}

/**
 * A step. Identified by `workflowId`, `generation`, `path`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepRow {
  readonly workflowId: string
  readonly generation: number
  readonly path: string
  readonly kind: StepKind
  readonly name: string
  readonly payload: string | null
  readonly status: StepStatus
  /** Once it is `Completed` (or `Compensated`) the success, once it is `Failed` the cause. */
  readonly outcome: string | null
  /** The place of its outcome in the order of this generation's outcomes, from 1. */
  readonly seq: number | null
  /** When its outcome was recorded. */
  readonly at: number | null
  /** The workflow execution in which its outcome was recorded, or, without one, in which it was last started. */
  readonly attempt: number
  /** How many attempts it has had, of which the last may still run. */
  readonly attempts: number
  /** How often a completed outcome was given up to run the step again, under a new idempotency key. */
  readonly round: number
  /** The first of its attempts that the retry policy counts. */
  readonly firstAttempt: number
  /** When a timer fires, or when the next attempt is due. */
  readonly wakeAt: number | null
  /** Whether it was taken while compensating. */
  readonly undo: boolean
  /** Where its outcome comes from. */
  readonly origin: StepOrigin
}

/**
 * One attempt at an activity or a side effect. Identified by `workflowId`, `generation`, `path`, `attempt`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepExecutionRow {
  readonly workflowId: string
  readonly generation: number
  readonly path: string
  readonly attempt: number
  /** The workflow execution in which it ran. */
  readonly workflowAttempt: number
  readonly status: StepExecutionStatus
  readonly startedAt: number
  readonly finishedAt: number | null
  /** The cause, if it failed or timed out. */
  readonly error: string | null
  /** The details of its last heartbeat: JSON. */
  readonly heartbeat: string | null
}

/**
 * A signal that nobody has taken.
 *
 * @since 0.2.0
 * @category models
 */
export interface SignalRow {
  /** Given by the journal, ascending in order of arrival. */
  readonly id: number
  readonly workflowId: string
  readonly name: string
  readonly payload: string | null
  readonly at: number
}

/**
 * A signal on its way.
 *
 * @since 0.2.0
 * @category models
 */
export type Sent = Omit<SignalRow, "id">

/**
 * What can be asked of the engine that runs a journal. `Signal` says that there is one; `Skip` has a payload.
 *
 * @since 0.2.0
 * @category models
 */
export const RequestKind = Schema.Literal("Start", "Signal", "Cancel", "Pause", "Resume", "Retry", "Skip")
/**
 * @since 0.2.0
 * @category models
 */
export type RequestKind = typeof RequestKind.Type

/**
 * What a client asks of the engine that runs the journal. It is durable until a commit names it in `handled`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestRow {
  /** Given by the journal, ascending in order of arrival. */
  readonly id: number
  readonly workflowId: string
  readonly kind: RequestKind
  readonly payload: string | null
  readonly at: number
}

/**
 * Rows that become durable together, or not at all. A row replaces the one with the same identity; a row of `created`
 * does not replace one that exists. No two rows of one kind in a batch have the same identity, and a workflow is not
 * both in `created` and in `workflows`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Batch {
  readonly created: ReadonlyArray<WorkflowRow>
  readonly workflows: ReadonlyArray<WorkflowRow>
  readonly executions: ReadonlyArray<WorkflowExecutionRow>
  readonly steps: ReadonlyArray<StepRow>
  readonly stepExecutions: ReadonlyArray<StepExecutionRow>
  /** Appended to the buffers of those workflows that exist, once the rows above are written. */
  readonly signals: ReadonlyArray<Sent>
  /** The ids of signals that were taken, and are forgotten. */
  readonly taken: ReadonlyArray<number>
  /** Generations that are over: once the rows above are written, their steps and step executions are forgotten. */
  readonly over: ReadonlyArray<{ readonly workflowId: string; readonly generation: number }>
  /** The ids of requests that are taken care of, and forgotten. */
  readonly handled: ReadonlyArray<number>
}

/**
 * A workflow that does not exist yet, with the steps that it begins with (those of a fork).
 *
 * @since 0.2.0
 * @category models
 */
export interface Creation {
  readonly workflow: WorkflowRow
  readonly steps: ReadonlyArray<StepRow>
}

/**
 * Which workflows are meant: those that fit all that is not `null`.
 *
 * @since 0.2.0
 * @category models
 */
export interface Filter {
  readonly statuses: ReadonlyArray<WorkflowStatus> | null
  readonly name: string | null
  /** The sub-workflows of this one; `""` (which is no id) means those of none. */
  readonly parentId: string | null
  /** Of the id as `internal/key.ts` writes it. A number's begins with `#`. */
  readonly idPrefix: string | null
  /** From this time on, and before this time. */
  readonly createdFrom: number | null
  readonly createdBefore: number | null
  /** Of those that sleep, those only that do so until this time at most, and those for which there is a signal. */
  readonly awakeAt: number | null
}

/**
 * Fits every workflow.
 *
 * @since 0.2.0
 * @category models
 */
export const everything: Filter = {
  statuses: null,
  name: null,
  parentId: null,
  idPrefix: null,
  createdFrom: null,
  createdBefore: null,
  awakeAt: null
}

/**
 * A workflow that sleeps, and until when.
 *
 * @since 0.2.0
 * @category models
 */
export interface Asleep {
  readonly id: string
  readonly until: number
}

/**
 * A workflow, and its place in a sequence: of creation, or of changes.
 *
 * @since 0.2.0
 * @category models
 */
export interface Placed {
  readonly place: number
  readonly workflow: WorkflowRow
}

/**
 * The right to run the workflows of a journal. Each holder has a greater `token` than the one before it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease {
  readonly token: number
}

/**
 * All rows of one workflow, of every generation, in order of their first writing.
 *
 * @since 0.1.0
 * @category models
 */
export interface History {
  readonly workflow: WorkflowRow
  readonly executions: ReadonlyArray<WorkflowExecutionRow>
  readonly steps: ReadonlyArray<StepRow>
  readonly stepExecutions: ReadonlyArray<StepExecutionRow>
  /** Those that nobody has taken. */
  readonly signals: ReadonlyArray<SignalRow>
}

/**
 * What a replay needs: of one generation, the executions, the steps, and the attempts of those of its steps that have
 * no outcome.
 *
 * @since 0.1.0
 * @category models
 */
export interface Recorded {
  readonly executions: ReadonlyArray<WorkflowExecutionRow>
  readonly steps: ReadonlyArray<StepRow>
  readonly openStepExecutions: ReadonlyArray<StepExecutionRow>
}

/**
 * The laws of a journal:
 *
 * - What `commit`, `submit`, `send` or `prune` returned from, every later read returns, in every process, also after a crash.
 * - A commit is atomic: a read sees all of its rows or none, also after a crash.
 * - Commits of one lease are durable in the order of their calls.
 * - At most one lease is valid at a time; a commit under another fails with `JournalLocked` and writes nothing.
 * - A fault fails the call with `JournalError` (never a defect); the caller may repeat it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /**
   * Takes the lease, for `leaseMillis` from its last renewal, and for half of that at least from its last commit. A
   * holder that is known to be dead is replaced at once; while one that may live has a lease that is not over, this fails
   * with `JournalLocked`. The lease is given back when the scope closes.
   */
  readonly acquire: (leaseMillis: number) => Effect.Effect<Lease, JournalLocked | JournalError, Scope.Scope>
  /** Prolongs the lease. */
  readonly renew: (lease: Lease) => Effect.Effect<void, JournalLocked | JournalError>
  /** Writes the batch. Returns those rows that exist already under the ids of `created`, as they are. */
  readonly commit: (
    lease: Lease,
    batch: Batch
  ) => Effect.Effect<ReadonlyArray<WorkflowRow>, JournalLocked | JournalError>
  /**
   * For clients: writes `created` unless its id exists, and appends the request. Needs no lease. Returns the row that
   * existed under the id of `created`, in which case nothing was written, or else the id of the request.
   */
  readonly submit: (
    request: Omit<RequestRow, "id">,
    created: Option.Option<Creation>
  ) => Effect.Effect<Either.Either<number, WorkflowRow>, JournalError>
  /**
   * For clients: appends a signal to the buffer of its workflow, and a request that says so, unless the workflow does not
   * exist or has ended. Returns the row of the workflow as it is.
   */
  readonly send: (signal: Sent) => Effect.Effect<Option.Option<WorkflowRow>, JournalError>
  /** The requests that no commit handled, in order of arrival. */
  readonly requests: Effect.Effect<ReadonlyArray<RequestRow>, JournalError>
  /**
   * Listens for requests, of this process or another, until the scope closes. Each run of what it gives, one at a time,
   * returns once there may be new ones since the last returned; the first at once.
   */
  readonly requested: Effect.Effect<Effect.Effect<void, JournalError>, JournalError, Scope.Scope>
  /** Emits as soon as it listens, and whenever a commit may have changed something, of this process or another. */
  readonly committed: Stream.Stream<void, JournalError>
  readonly workflow: (id: string) => Effect.Effect<Option.Option<WorkflowRow>, JournalError>
  /**
   * Up to `limit` of the workflows that fit, in order of creation, from behind the place `after`. Places ascend from 1; no
   * workflow gets that of another, also when the other is forgotten.
   */
  readonly list: (options: {
    readonly filter: Filter
    readonly after: number
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<Placed>, JournalError>
  /**
   * About `limit` of the workflows whose rows were written after the change `after`, each once, as it is now, in the order
   * of their last changes; of those that changed together, all or none.
   */
  readonly changed: (options: {
    readonly after: number
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<Placed>, JournalError>
  /**
   * About `limit` of the workflows that sleep until a time after `after`, in the order of these times; of those that sleep
   * until the same time, all or none.
   */
  readonly asleep: (options: {
    readonly after: number
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<Asleep>, JournalError>
  /** The place of the last change, also when its workflow is forgotten; 0 before the first. */
  readonly lastChange: Effect.Effect<number, JournalError>
  /** The sub-workflows of `id`, ended or not. */
  readonly children: (id: string) => Effect.Effect<ReadonlyArray<WorkflowRow>, JournalError>
  readonly recorded: (id: string, generation: number) => Effect.Effect<Recorded, JournalError>
  readonly history: (id: string) => Effect.Effect<Option.Option<History>, JournalError>
  /** The signals of a workflow that nobody has taken, in order of arrival, from behind the id `after`. */
  readonly signals: (id: string, after: number) => Effect.Effect<ReadonlyArray<SignalRow>, JournalError>
  /**
   * Forgets up to `limit` of the workflows that are no sub-workflows (or whose parent is gone) and ended before `before`,
   * each with everything below it and all rows of these, those that ended first before the others; not one where
   * something below has not ended, or where a request waits for it or for something below. Returns how many workflows
   * were forgotten, with those below: 0 when there are no more.
   */
  readonly prune: (options: {
    readonly before: number
    readonly limit: number
  }) => Effect.Effect<number, JournalError>
}
