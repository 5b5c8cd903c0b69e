/**
 * The journal's calls as statements.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../Errors.ts"
import type * as Journal from "../Journal.ts"
import * as Changes from "./changes.ts"
import type { Database, Run } from "./database.ts"
import * as Lease from "./lease.ts"
import * as Tables from "./tables.ts"

const { request, step, stepExecution, workflow, workflowExecution } = Tables

const unended = "status NOT IN ('Completed', 'Failed', 'Cancelled')"
const ofWorkflow = "WHERE workflow_id = ? ORDER BY row_id"

const select = {
  workflow: `${workflow.select} WHERE id = ?`,
  workflows: `${workflow.select} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY row_id`,
  unfinished: `${workflow.select} WHERE ${unended} ORDER BY id LIMIT ?`,
  unfinishedAfter: `${workflow.select} WHERE ${unended} AND id > ? ORDER BY id LIMIT ?`,
  children: `${workflow.select} WHERE parent_id = ? ORDER BY row_id`,
  requests: `${request.select} ORDER BY id`,
  executions: `${workflowExecution.select} WHERE workflow_id = ? AND generation = ? ORDER BY row_id`,
  steps: `${step.select} WHERE workflow_id = ? AND generation = ? ORDER BY row_id`,
  openStepExecutions: `${stepExecution.select} WHERE workflow_id = ? AND generation = ? AND path IN (` +
    "SELECT path FROM tempolite_step WHERE workflow_id = ? AND generation = ? AND seq IS NULL) ORDER BY row_id",
  executionHistory: `${workflowExecution.select} ${ofWorkflow}`,
  stepHistory: `${step.select} ${ofWorkflow}`,
  stepExecutionHistory: `${stepExecution.select} ${ofWorkflow}`
}

const deleteRequests = "DELETE FROM tempolite_request WHERE id IN (SELECT value FROM json_each(?))"
const insertRequest = "INSERT INTO tempolite_request (workflow_id, kind, payload, at) VALUES (?, ?, ?, ?)"

/** Writes rows of one kind, if there are any. */
const put = <Row>(
  run: Run,
  table: { readonly upsert: string; readonly encode: Encode<Row> },
  rows: ReadonlyArray<Row>
) => rows.length === 0 ? Effect.void : Effect.flatMap(table.encode(rows), (document) => run(table.upsert, document))

type Encode<Row> = (rows: ReadonlyArray<Row>) => Effect.Effect<string, JournalError>

/** Writes those rows whose ids are free, and returns the others as they are. */
const create = (run: Run, rows: ReadonlyArray<Journal.WorkflowRow>) =>
  Effect.gen(function*() {
    if (rows.length === 0) return []
    const inserted = yield* Effect.flatMap(workflow.encode(rows), (document) => run(workflow.insert, document))
    if (inserted.length === rows.length) return []
    const created = new Set(Array.from(yield* readIds(inserted), ({ id }) => id))
    const taken = rows.flatMap(({ id }) => created.has(id) ? [] : [id])
    return yield* Effect.flatMap(run(select.workflows, JSON.stringify(taken)), workflow.read)
  })

const readIds = Tables.reader("tempolite_workflow", Schema.Struct({ id: Schema.String }))

export const make = (
  database: Database,
  pollInterval: Duration.DurationInput
): Effect.Effect<Journal.Service, never, Scope.Scope> =>
  Effect.map(Changes.make(database, pollInterval), (changes): Journal.Service => {
    const workflows = (what: string, statement: string, ...parameters: ReadonlyArray<string | number>) =>
      database.query(what, (run) => Effect.flatMap(run(statement, ...parameters), workflow.read))
    return {
      acquire: (leaseMillis) => Lease.acquire(database, leaseMillis),
      renew: (lease) => database.transact("renew the lease of", (run) => Lease.fence(run, lease)),
      commit: (lease, batch) =>
        database.transact("commit to", (run) =>
          Effect.gen(function*() {
            yield* Lease.fence(run, lease)
            const existing = yield* create(run, batch.created)
            yield* put(run, workflow, batch.workflows)
            yield* put(run, workflowExecution, batch.executions)
            yield* put(run, step, batch.steps)
            yield* put(run, stepExecution, batch.stepExecutions)
            if (batch.handled.length > 0) yield* run(deleteRequests, JSON.stringify(batch.handled))
            return existing
          })).pipe(Effect.ensuring(changes.announceCommit)),
      submit: (asked, created) =>
        database.transact("send a request to", (run) =>
          Effect.gen(function*() {
            const existing = yield* create(run, Option.toArray(created))
            if (existing.length > 0) return Option.fromIterable(existing)
            yield* run(insertRequest, asked.workflowId, asked.kind, asked.payload, asked.at)
            return Option.none()
          })).pipe(Effect.ensuring(changes.announceRequest)),
      requests: database.query("read", (run) => Effect.flatMap(run(select.requests), request.read)),
      requested: changes.requested,
      committed: changes.committed,
      workflow: (id) => Effect.map(workflows("read", select.workflow, id), Option.fromIterable),
      unfinished: ({ after, limit }) =>
        Option.match(after, {
          onNone: () => workflows("read", select.unfinished, limit),
          onSome: (id) => workflows("read", select.unfinishedAfter, id, limit)
        }),
      children: (id) => workflows("read", select.children, id),
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
              stepExecutions: yield* Effect.flatMap(run(select.stepExecutionHistory, id), stepExecution.read)
            })
          }))
    }
  })
