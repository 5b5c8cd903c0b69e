/**
 * The journal's calls as statements.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../Errors.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../JournalModel.ts"
import * as Changes from "./changes.ts"
import type { Run, RunAll } from "./connection.ts"
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
const lastPlaces = (run: Run) =>
  Effect.map(
    Effect.flatMap(run(Tables.last.select), Tables.last.read),
    ([last = { row_id: 0, changed: 0 }]) => last
  )

/** Writes those rows whose ids are free, and returns the others as they are. */
const create = (run: Run, runAll: RunAll, rows: ReadonlyArray<Journal.WorkflowRow>) =>
  Effect.gen(function*() {
    const inserted = yield* runAll(Writes.creations(rows, yield* lastPlaces(run)))
    if (inserted.length === rows.length) return []
    const created = new Set(Array.from(yield* readIds(inserted), ({ id }) => id))
    const taken = rows.flatMap(({ id }) => created.has(id) ? [] : [id])
    return yield* Effect.flatMap(run(select.workflows, JSON.stringify(taken)), workflow.read)
  })

const readIds = Tables.reader("tempolite_workflow", Schema.Struct({ id: Schema.String }))

/** Writes a request, and returns its id. */
const ask = (run: Run, { at, kind, payload, workflowId }: Omit<Journal.RequestRow, "id">) =>
  Effect.flatMap(run(insertRequest, workflowId, kind, payload, at), readRequestId)

const readRequestId = (rows: ReadonlyArray<unknown>) =>
  Effect.flatMap(
    readRequestIds(rows),
    ([first]) =>
      first === undefined ? Effect.dieMessage("SQLite inserted a request without an id") : Effect.succeed(first.id)
  )

const readRequestIds = Tables.reader("tempolite_request", Schema.Struct({ id: Schema.Number }))

export const make = (
  database: Database,
  pollInterval: Duration.DurationInput
): Effect.Effect<Journal.Service, never, Scope.Scope> =>
  Effect.map(Changes.make(database, pollInterval), (changes): Journal.Service => {
    const workflows = (what: string, statement: string, ...parameters: ReadonlyArray<string | number>) =>
      database.query(what, (run) => Effect.flatMap(run(statement, ...parameters), workflow.read))
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
        const found = yield* database.query("read", (run) => run(sql, ...parameters))
        const rows = yield* readable(Tables.placed(found))
        const missing = enough - rows.length
        const more = missing > 0 && rows.length < found.length ? next(Tables.lastPlace(found), missing) : undefined
        return more === undefined ? rows : [...rows, ...yield* placed(more, missing, next)]
      })
    return {
      acquire: (leaseMillis) => Lease.acquire(database, leaseMillis),
      renew: (lease) => database.transact("renew the lease of", (run) => Lease.renew(run, lease)),
      commit: (lease, batch) =>
        database.transact("commit to", (run, runAll) =>
          Effect.gen(function*() {
            yield* Lease.fence(run, lease)
            const existing = batch.created.length === 0 ? [] : yield* create(run, runAll, batch.created)
            const workflows = batch.workflows.length === 0
              ? []
              : Writes.workflows(batch.workflows, yield* lastPlaces(run))
            yield* runAll([...workflows, ...Writes.others(batch)])
            return existing
          })).pipe(Effect.ensuring(changes.announceCommit)),
      submit: (asked, created) =>
        database.transact("send a request to", (run, runAll) =>
          Effect.gen(function*() {
            if (Option.isSome(created)) {
              const [existing] = yield* create(run, runAll, [created.value.workflow])
              if (existing !== undefined) return Either.left(existing)
              yield* runAll(Writes.steps(created.value.steps))
            }
            return Either.right(yield* ask(run, asked))
          })).pipe(Effect.ensuring(changes.announceRequest)),
      send: (sent) =>
        database.transact("send a signal to", (run, runAll) =>
          Effect.gen(function*() {
            const { at, workflowId } = sent
            const [found] = yield* Effect.flatMap(run(select.workflow, workflowId), workflow.read)
            if (found === undefined) return Option.none()
            if (isEnded(found.status)) return Option.some(found)
            yield* runAll(Writes.signals([sent]))
            yield* ask(run, { workflowId, kind: "Signal", payload: null, at })
            return Option.some(found)
          })).pipe(Effect.ensuring(changes.announceRequest)),
      requests: Effect.flatMap(
        database.query("read", (run) => run(select.requests)),
        (rows) => readable(request.sift(rows))
      ),
      requested: changes.requested,
      committed: changes.committed,
      workflow: (id) => Effect.map(workflows("read", select.workflow, id), Option.fromIterable),
      list: ({ after, filter, limit }) => {
        const next = (after: number, limit: number) => List.statement(filter, after, limit)
        const statement = next(after, limit)
        return statement === undefined ? Effect.succeed([]) : placed(statement, limit, next)
      },
      changed: ({ after, limit }) => placed(List.changed(after, limit), 1, (after) => List.changed(after, limit)),
      asleep: ({ after, limit }) =>
        database.query("read", (run) => {
          const { parameters, sql } = List.asleep(after, limit)
          return Effect.flatMap(run(sql, ...parameters), Tables.asleep)
        }),
      lastChange: database.query("read", (run) => Effect.map(lastPlaces(run), ({ changed }) => changed)),
      children: (id) =>
        Effect.flatMap(
          database.query("read", (run) => run(select.children, id)),
          (rows) => readable(workflow.sift(rows))
        ),
      recorded: (id, generation) =>
        database.snapshot("read", (run) =>
          Effect.gen(function*() {
            const executions = yield* Effect.flatMap(run(select.executions, id, generation), workflowExecution.read)
            const steps = yield* Effect.flatMap(run(select.steps, id, generation), step.read)
            if (steps.every(({ seq }) => seq !== null)) return { executions, steps, openStepExecutions: [] }
            const open = yield* run(select.openStepExecutions, id, generation, id, generation)
            return { executions, steps, openStepExecutions: yield* stepExecution.read(open) }
          })),
      history: (id) =>
        database.snapshot("read", (run) =>
          Effect.gen(function*() {
            const [found] = yield* Effect.flatMap(run(select.workflow, id), workflow.read)
            if (found === undefined) return Option.none()
            return Option.some({
              workflow: found,
              executions: yield* Effect.flatMap(run(select.executionHistory, id), workflowExecution.read),
              steps: yield* Effect.flatMap(run(select.stepHistory, id), step.read),
              stepExecutions: yield* Effect.flatMap(run(select.stepExecutionHistory, id), stepExecution.read),
              signals: yield* Effect.flatMap(run(select.signals, id, 0), signal.read)
            })
          })),
      signals: (id, after) =>
        database.query("read", (run) => Effect.flatMap(run(select.signals, id, after), signal.read)),
      prune: ({ before, limit }) =>
        database.transact("forget workflows of", (run) => Prune.prune(run, before, limit)).pipe(
          Effect.ensuring(changes.announceCommit)
        )
    }
  })
