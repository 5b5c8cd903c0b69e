/**
 * The journal's calls as statements.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { JournalError, JournalLocked } from "../Errors.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../JournalModel.ts"
import * as Changes from "./changes.ts"
import { run, runAll, type Script } from "./connection.ts"
import type { Database } from "./database.ts"
import * as Lease from "./lease.ts"
import * as List from "./list.ts"
import * as Prune from "./prune.ts"
import * as Tables from "./tables.ts"
import * as Writes from "./writes.ts"

const { request, signal, step, stepExecution, workflow, workflowExecution } = Tables

const ofWorkflow = "WHERE workflow_id = ? ORDER BY row_id"

const select = {
  workflow: `${workflow.select} WHERE id = ?`,
  workflows: `${workflow.select} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY row_id`,
  children: `${workflow.select} WHERE parent_id = ? ORDER BY row_id`,
  requests: `${request.select} ORDER BY id`,
  executions: `${workflowExecution.select} WHERE workflow_id = ? AND generation = ? ORDER BY row_id`,
  steps: `${step.select} WHERE workflow_id = ? AND generation = ? ORDER BY row_id`,
  openStepExecutions: `${stepExecution.select} WHERE workflow_id = ? AND generation = ? AND path IN (` +
    "SELECT path FROM tempolite_step WHERE workflow_id = ? AND generation = ? AND seq IS NULL) ORDER BY row_id",
  executionHistory: `${workflowExecution.select} ${ofWorkflow}`,
  stepHistory: `${step.select} ${ofWorkflow}`,
  stepExecutionHistory: `${stepExecution.select} ${ofWorkflow}`,
  signals: `${signal.select} WHERE workflow_id = ? AND id > ? ORDER BY id`
}

const insertRequest = "INSERT INTO tempolite_request (workflow_id, kind, payload, at) VALUES (?, ?, ?, ?) RETURNING id"

/** Where the orders of workflows end. */
function* lastPlaces(): Script<Tables.Places> {
  const [last = { row_id: 0, changed: 0 }] = yield* Tables.last.read(yield* run(Tables.last.select))
  return last
}

/** Writes those rows whose ids are free, and returns the others as they are. */
function* create(rows: ReadonlyArray<Journal.WorkflowRow>): Script<ReadonlyArray<Journal.WorkflowRow>> {
  const inserted = yield* runAll(Writes.creations(rows, yield* lastPlaces()))
  if (inserted.length === rows.length) return []
  const created = new Set(Array.from(yield* readIds(inserted), ({ id }) => id))
  const taken = rows.flatMap(({ id }) => created.has(id) ? [] : [id])
  return yield* workflow.read(yield* run(select.workflows, JSON.stringify(taken)))
}

const readIds = Tables.reader("tempolite_workflow", Schema.Struct({ id: Schema.String }))

/** Writes a request, and returns its id. */
function* ask({ at, kind, payload, workflowId }: Omit<Journal.RequestRow, "id">): Script<number> {
  const [asked = { id: 0 }] = yield* readRequestIds(yield* run(insertRequest, workflowId, kind, payload, at))
  return asked.id
}

const readRequestIds = Tables.reader("tempolite_request", Schema.Struct({ id: Schema.Number }))

export const make = (
  database: Database,
  pollInterval: Duration.DurationInput
): Effect.Effect<Journal.Service, never, Scope.Scope> =>
  Effect.map(Changes.make(database, pollInterval), (changes): Journal.Service => {
    /** What was said of rows that cannot be read: once is enough. */
    const reported = new Set<string>()
    const report = (fault: JournalError) => {
      if (reported.has(fault.message)) return Effect.void
      reported.add(fault.message)
      return Effect.logError("tempolite: a row of the journal is left out, and stays as it is", fault)
    }
    /** Those that can be read: one that cannot must not hold up the others. */
    const readable = <A>({ faults, rows }: Tables.Sifted<A>) =>
      Effect.as(Effect.forEach(faults, report, { discard: true }), rows)
    /** Reads on while there are fewer than `enough`: a page of which rows are left out is not the last for that. */
    const placed = (
      { parameters, sql }: List.Statement,
      enough: number,
      next: (after: number, missing: number) => List.Statement | undefined
    ): Effect.Effect<ReadonlyArray<Journal.Placed>, JournalError> =>
      Effect.gen(function*() {
        const found = yield* database.query("read", () => run(sql, ...parameters))
        const rows = yield* readable(Tables.placed(found))
        const missing = enough - rows.length
        const more = missing > 0 && rows.length < found.length ? next(Tables.lastPlace(found), missing) : undefined
        return more === undefined ? rows : [...rows, ...yield* placed(more, missing, next)]
      })
    return {
      acquire: (leaseMillis) => Lease.acquire(database, leaseMillis),
      renew: (lease) =>
        Effect.clockWith((clock) => database.transact("renew the lease of", () => Lease.renew(lease, clock))),
      commit: (lease, batch) =>
        Effect.clockWith((clock) =>
          database.transact("commit to", function*(): Script<ReadonlyArray<Journal.WorkflowRow>, JournalLocked> {
            yield* Lease.fence(lease, clock)
            const existing = batch.created.length === 0 ? [] : yield* create(batch.created)
            const workflows = batch.workflows.length === 0
              ? []
              : Writes.workflows(batch.workflows, yield* lastPlaces())
            yield* runAll([...workflows, ...Writes.others(batch)])
            return existing
          })
        ).pipe(Effect.ensuring(changes.announceCommit)),
      submit: (asked, created) =>
        database.transact("send a request to", function*(): Script<Either.Either<number, Journal.WorkflowRow>> {
          if (Option.isSome(created)) {
            const [existing] = yield* create([created.value.workflow])
            if (existing !== undefined) return Either.left(existing)
            yield* runAll(Writes.steps(created.value.steps))
          }
          return Either.right(yield* ask(asked))
        }).pipe(Effect.ensuring(changes.announceRequest)),
      send: (sent) =>
        database.transact("send a signal to", function*(): Script<Option.Option<Journal.WorkflowRow>> {
          const { at, workflowId } = sent
          const [found] = yield* workflow.read(yield* run(select.workflow, workflowId))
          if (found === undefined) return Option.none()
          if (isEnded(found.status)) return Option.some(found)
          yield* runAll(Writes.signals([sent]))
          yield* ask({ workflowId, kind: "Signal", payload: null, at })
          return Option.some(found)
        }).pipe(Effect.ensuring(changes.announceRequest)),
      requests: Effect.flatMap(
        database.query("read", () => run(select.requests)),
        (rows) => readable(request.sift(rows))
      ),
      requested: changes.requested,
      committed: changes.committed,
      workflow: (id) =>
        database.query("read", function*() {
          return Option.fromIterable(yield* workflow.read(yield* run(select.workflow, id)))
        }),
      list: ({ after, filter, limit }) => {
        const next = (after: number, limit: number) => List.statement(filter, after, limit)
        const statement = next(after, limit)
        return statement === undefined ? Effect.succeed([]) : placed(statement, limit, next)
      },
      changed: ({ after, limit }) => placed(List.changed(after, limit), 1, (after) => List.changed(after, limit)),
      asleep: ({ after, limit }) =>
        database.query("read", function*() {
          const { parameters, sql } = List.asleep(after, limit)
          return yield* Tables.asleep(yield* run(sql, ...parameters))
        }),
      lastChange: database.query("read", function*() {
        return (yield* lastPlaces()).changed
      }),
      children: (id) =>
        Effect.flatMap(
          database.query("read", () => run(select.children, id)),
          (rows) => readable(workflow.sift(rows))
        ),
      recorded: (id, generation) =>
        database.snapshot("read", function*() {
          const executions = yield* workflowExecution.read(yield* run(select.executions, id, generation))
          const steps = yield* step.read(yield* run(select.steps, id, generation))
          if (steps.every(({ seq }) => seq !== null)) return { executions, steps, openStepExecutions: [] }
          const open = yield* run(select.openStepExecutions, id, generation, id, generation)
          return { executions, steps, openStepExecutions: yield* stepExecution.read(open) }
        }),
      history: (id) =>
        database.snapshot("read", function*() {
          const [found] = yield* workflow.read(yield* run(select.workflow, id))
          return found === undefined ? Option.none() : Option.some({
            workflow: found,
            executions: yield* workflowExecution.read(yield* run(select.executionHistory, id)),
            steps: yield* step.read(yield* run(select.stepHistory, id)),
            stepExecutions: yield* stepExecution.read(yield* run(select.stepExecutionHistory, id)),
            signals: yield* signal.read(yield* run(select.signals, id, 0))
          })
        }),
      signals: (id, after) =>
        database.query("read", function*() {
          return yield* signal.read(yield* run(select.signals, id, after))
        }),
      prune: ({ before, limit }) =>
        database.transact("forget workflows of", () => Prune.prune(before, limit)).pipe(
          Effect.ensuring(changes.announceCommit)
        )
    }
  })
