/**
 * What the file holds, read with plain SQL.
 */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Context, Effect, Layer, Schema } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { SqliteJournal } from "../../src/sqlite.ts"
import { directory as temporary } from "./processes.ts"

const WorkflowRow = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  status: Schema.String,
  outcome: Schema.NullOr(Schema.String),
  cancelSeq: Schema.NullOr(Schema.Number),
  finishedAt: Schema.NullOr(Schema.Number)
})

const StepRow = Schema.Struct({
  workflowId: Schema.String,
  /** From its workflow down, as the world sees it. */
  activityId: Schema.String,
  path: Schema.String,
  kind: Schema.String,
  status: Schema.String,
  outcome: Schema.NullOr(Schema.String),
  seq: Schema.NullOr(Schema.Number),
  attempts: Schema.Number,
  wakeAt: Schema.NullOr(Schema.Number)
})

const StepExecutionRow = Schema.Struct({
  activityId: Schema.String,
  attempt: Schema.Number,
  workflowAttempt: Schema.Number,
  status: Schema.String
})

export type WorkflowRow = typeof WorkflowRow.Type
export type StepRow = typeof StepRow.Type
export type StepExecutionRow = typeof StepExecutionRow.Type

export interface Journal {
  readonly workflows: ReadonlyArray<WorkflowRow>
  readonly steps: ReadonlyArray<StepRow>
  readonly stepExecutions: ReadonlyArray<StepExecutionRow>
  /** The ids of workflows that clients want to be cancelled. */
  readonly cancels: ReadonlyArray<string>
  /** Until when the engine has it that has it, or had it last. */
  readonly leasedUntil: number
}

/** Before the tables are there. */
const empty: Journal = { workflows: [], steps: [], stepExecutions: [], cancels: [], leasedUntil: 0 }

/** Reads a file that a process may be using. */
export const read = (filename: string): Effect.Effect<Journal> =>
  Effect.gen(function*() {
    const sql = Context.get(
      yield* Layer.build(SqliteClient.layer({ filename, disableWAL: true })),
      SqliteClient.SqliteClient
    )
    const query = <A, I>(statement: string, row: Schema.Schema<A, I>) =>
      Effect.flatMap(sql.unsafe(statement), Schema.decodeUnknown(Schema.Array(row)))
    const [tables] = yield* sql<{ readonly count: number }>`
      SELECT count(*) AS count FROM sqlite_master WHERE name = 'tempolite_workflow'`
    if (tables?.count !== 1) return empty
    return yield* sql.withTransaction(Effect.all({
      workflows: query(
        "SELECT id, name, status, outcome, cancel_seq AS cancelSeq, finished_at AS finishedAt FROM tempolite_workflow",
        WorkflowRow
      ),
      steps: query(
        `SELECT workflow_id AS workflowId, workflow_id || '/' || path AS activityId, path, kind, status, outcome, seq,
          attempts, wake_at AS wakeAt FROM tempolite_step ORDER BY row_id`,
        StepRow
      ),
      stepExecutions: query(
        `SELECT workflow_id || '/' || path AS activityId, attempt, workflow_attempt AS workflowAttempt, status
          FROM tempolite_step_execution ORDER BY row_id`,
        StepExecutionRow
      ),
      cancels: Effect.map(
        query(
          "SELECT workflow_id AS id FROM tempolite_request WHERE kind = 'Cancel'",
          Schema.Struct({ id: Schema.String })
        ),
        (rows) => rows.map(({ id }) => id)
      ),
      leasedUntil: Effect.map(
        query("SELECT expires_at AS until FROM tempolite_lease", Schema.Struct({ until: Schema.Number })),
        ([lease]) => lease?.until ?? 0
      )
    }))
  }).pipe(Effect.scoped, Effect.orDie)

/**
 * Reads the file of a process that was killed, as it left it: a copy is read, so that the next process has the recovery
 * to do.
 */
export const readDead = (filename: string): Effect.Effect<Journal> =>
  Effect.gen(function*() {
    const path = Path.join(yield* temporary, "copy.db")
    for (const suffix of ["", "-wal"]) {
      if (Fs.existsSync(`${filename}${suffix}`)) Fs.copyFileSync(`${filename}${suffix}`, `${path}${suffix}`)
    }
    return yield* read(path)
  }).pipe(Effect.scoped)

/**
 * Lets the file itself keep account of what is overwritten though it is final: outcomes of steps, ends of attempts and
 * of workflows. Of a workflow that is retried as a whole, only the ends of attempts and the end are.
 */
export const audit = (filename: string, retried: string) =>
  Effect.gen(function*() {
    yield* Layer.build(SqliteJournal.layer({ filename }))
    const sql = Context.get(
      yield* Layer.build(SqliteClient.layer({ filename, disableWAL: true })),
      SqliteClient.SqliteClient
    )
    yield* sql`CREATE TABLE audit (complaint TEXT NOT NULL)`
    const trigger = (table: string, which: string, isFinal: string, columns: ReadonlyArray<string>) =>
      sql.unsafe(`CREATE TRIGGER ${table}_audit AFTER UPDATE ON ${table}
        WHEN ${isFinal} AND (${columns.map((column) => `NEW.${column} IS NOT OLD.${column}`).join(" OR ")})
        BEGIN INSERT INTO audit VALUES (
          ${which} || ${
        columns.map((name) => `' ${name} ' || quote(OLD.${name}) || '->' || quote(NEW.${name})`).join(" || ")
      }
        ); END`)
    yield* trigger(
      "tempolite_step",
      "NEW.workflow_id || '/' || NEW.path",
      `OLD.seq IS NOT NULL AND (SELECT name <> '${retried}' FROM tempolite_workflow WHERE id = NEW.workflow_id)`,
      ["kind", "name", "payload", "outcome", "seq", "at"]
    )
    yield* trigger(
      "tempolite_step_execution",
      "NEW.workflow_id || '/' || NEW.path || '@' || NEW.attempt",
      "OLD.status <> 'Running'",
      ["status", "finished_at", "error"]
    )
    yield* trigger(
      "tempolite_workflow",
      "NEW.id",
      "OLD.status IN ('Completed', 'Failed', 'Cancelled')",
      ["status", "outcome", "finished_at"]
    )
  }).pipe(Effect.scoped, Effect.orDie)

/** What was overwritten. */
export const complaints = (filename: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const context = yield* Layer.build(SqliteClient.layer({ filename, disableWAL: true }))
    const rows = yield* Context.get(context, SqliteClient.SqliteClient)<
      { readonly complaint: string }
    >`SELECT * FROM audit`
    return rows.map(({ complaint }) => complaint)
  }).pipe(Effect.scoped, Effect.orDie)
