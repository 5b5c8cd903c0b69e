/**
 * The journal: what is durable. It keeps four kinds of rows, one row a workflow, one a workflow execution, one a step
 * and one a step execution, and commits sets of them atomically. It decides nothing: the engine does.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type JournalError, JournalLocked } from "./Errors.ts"
import type { StepExecutionStatus, StepKind, StepStatus, WorkflowExecutionStatus, WorkflowStatus } from "./Info.ts"
import * as Bell from "./internal/bell.ts"

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
  readonly parentId: string | null
  /** The path of the parent's step. */
  readonly parentPath: string | null
  readonly payload: string | null
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
  readonly unusedOutcomes: number
}

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
}

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
  readonly kind: "Start" | "Cancel" | "Resume"
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
  /** The ids of requests that are taken care of, and forgotten. */
  readonly handled: ReadonlyArray<number>
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
 * - What `commit` or `submit` returned from, every later read returns, in every process, also after a crash.
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
   * Takes the lease, for `leaseMillis` from its last renewal or commit. A holder that is known to be dead is replaced at
   * once; while one that may live has a lease that is not over, this fails with `JournalLocked`. The lease is given
   * back when the scope closes.
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
   * existed under the id of `created`, in which case nothing was written.
   */
  readonly submit: (
    request: Omit<RequestRow, "id">,
    created: Option.Option<WorkflowRow>
  ) => Effect.Effect<Option.Option<WorkflowRow>, JournalError>
  /** The requests that no commit handled, in order of arrival. */
  readonly requests: Effect.Effect<ReadonlyArray<RequestRow>, JournalError>
  /** Emits as soon as it listens, and whenever there may be new requests, of this process or another. */
  readonly requested: Stream.Stream<void, JournalError>
  /** Emits as soon as it listens, and whenever a commit may have changed something, of this process or another. */
  readonly committed: Stream.Stream<void, JournalError>
  readonly workflow: (id: string) => Effect.Effect<Option.Option<WorkflowRow>, JournalError>
  /** Up to `limit` workflows that have not ended, in order of their ids, from behind `after`. */
  readonly unfinished: (options: {
    readonly after: Option.Option<string>
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<WorkflowRow>, JournalError>
  /** The sub-workflows of `id`, ended or not. */
  readonly children: (id: string) => Effect.Effect<ReadonlyArray<WorkflowRow>, JournalError>
  readonly recorded: (id: string, generation: number) => Effect.Effect<Recorded, JournalError>
  readonly history: (id: string) => Effect.Effect<Option.Option<History>, JournalError>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Journal extends Context.Tag("tempolite/Journal")<Journal, Service>() {}

/**
 * A journal in memory, for tests and for workflows that need not outlive the process. It keeps the laws as far as memory
 * can: what was committed is lost with the process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Journal> = Layer.sync(Journal, () => makeMemory())

const hasEnded = (row: WorkflowRow): boolean =>
  row.status === "Completed" || row.status === "Failed" || row.status === "Cancelled"

/** Rows by workflow, then by what identifies them within it; a `Map` keeps the order of first writing. */
type Table<Row> = Map<string, Map<string, Row>>

const put = <Row extends { readonly workflowId: string }>(table: Table<Row>, key: string, row: Row) => {
  const rows = table.get(row.workflowId)
  if (rows === undefined) table.set(row.workflowId, new Map([[key, row]]))
  else rows.set(key, row)
}

const rowsOf = <Row>(table: Table<Row>, id: string): Array<Row> => Array.from(table.get(id)?.values() ?? [])

const makeMemory = (): Service => {
  const workflows = new Map<string, WorkflowRow>()
  const unfinished = new Set<string>()
  const childIds = new Map<string, Set<string>>()
  const executions: Table<WorkflowExecutionRow> = new Map()
  const steps: Table<StepRow> = new Map()
  const stepExecutions: Table<StepExecutionRow> = new Map()
  const requests = new Map<number, RequestRow>()
  const requested = Bell.make()
  const committed = Bell.make()
  let requestId = 0
  let token = 0
  let holder: { readonly token: number; readonly leaseMillis: number; expiresAt: number } | undefined

  const putWorkflow = (row: WorkflowRow) => {
    workflows.set(row.id, row)
    if (hasEnded(row)) unfinished.delete(row.id)
    else unfinished.add(row.id)
    if (row.parentId !== null) {
      const ids = childIds.get(row.parentId)
      if (ids === undefined) childIds.set(row.parentId, new Set([row.id]))
      else ids.add(row.id)
    }
  }

  const workflowRows = (ids: Iterable<string>): Array<WorkflowRow> =>
    Array.from(ids).flatMap((id) => workflows.get(id) ?? [])

  const fenced = <A>(lease: Lease, write: () => A): Effect.Effect<A, JournalLocked> =>
    Effect.clockWith((clock) => {
      if (holder?.token !== lease.token) {
        return new JournalLocked({
          holder: holder === undefined ? "nobody any more, the lease was given back" : "another engine of this process"
        })
      }
      holder.expiresAt = clock.unsafeCurrentTimeMillis() + holder.leaseMillis
      return Effect.succeed(write())
    })

  const take = (leaseMillis: number) =>
    Effect.clockWith((clock) => {
      const now = clock.unsafeCurrentTimeMillis()
      if (holder !== undefined && now < holder.expiresAt) {
        return new JournalLocked({ holder: "another engine of this process" })
      }
      holder = { token: ++token, leaseMillis, expiresAt: now + leaseMillis }
      return Effect.succeed<Lease>({ token })
    })

  const write = (batch: Batch): ReadonlyArray<WorkflowRow> => {
    const existing: Array<WorkflowRow> = []
    for (const row of batch.created) {
      const found = workflows.get(row.id)
      if (found === undefined) putWorkflow(row)
      else existing.push(found)
    }
    for (const row of batch.workflows) putWorkflow(row)
    for (const row of batch.executions) put(executions, `${row.generation}/${row.attempt}`, row)
    for (const row of batch.steps) put(steps, `${row.generation}/${row.path}`, row)
    for (const row of batch.stepExecutions) put(stepExecutions, `${row.generation}/${row.attempt}/${row.path}`, row)
    for (const id of batch.handled) requests.delete(id)
    committed.ring()
    return existing
  }

  return {
    acquire: (leaseMillis) =>
      Effect.acquireRelease(take(leaseMillis), (lease) =>
        Effect.sync(() => {
          if (holder?.token === lease.token) holder = undefined
        })),
    renew: (lease) => fenced(lease, () => undefined),
    commit: (lease, batch) => fenced(lease, () => write(batch)),
    submit: (request, created) =>
      Effect.sync(() => {
        const existing = Option.flatMap(created, (row) => Option.fromNullable(workflows.get(row.id)))
        if (Option.isNone(existing)) {
          if (Option.isSome(created)) putWorkflow(created.value)
          requests.set(++requestId, { ...request, id: requestId })
          requested.ring()
          committed.ring()
        }
        return existing
      }),
    requests: Effect.sync(() => Array.from(requests.values())),
    requested: requested.listen,
    committed: committed.listen,
    workflow: (id) => Effect.sync(() => Option.fromNullable(workflows.get(id))),
    unfinished: ({ after, limit }) =>
      Effect.sync(() => {
        const ids = Array.from(unfinished).filter((id) => Option.isNone(after) || id > after.value)
        return workflowRows(ids.sort().slice(0, limit))
      }),
    children: (id) => Effect.sync(() => workflowRows(childIds.get(id) ?? []).filter((row) => row.parentId === id)),
    recorded: (id, generation) =>
      Effect.sync(() => {
        const ofGeneration = rowsOf(steps, id).filter((row) => row.generation === generation)
        const open = new Set(ofGeneration.flatMap((row) => row.seq === null ? [row.path] : []))
        return {
          executions: rowsOf(executions, id).filter((row) => row.generation === generation),
          steps: ofGeneration,
          openStepExecutions: open.size === 0
            ? []
            : rowsOf(stepExecutions, id).filter((row) => row.generation === generation && open.has(row.path))
        }
      }),
    history: (id) =>
      Effect.sync(() =>
        Option.map(Option.fromNullable(workflows.get(id)), (workflow) => ({
          workflow,
          executions: rowsOf(executions, id),
          steps: rowsOf(steps, id),
          stepExecutions: rowsOf(stepExecutions, id)
        }))
      )
  }
}
