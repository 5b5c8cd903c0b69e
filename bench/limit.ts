/**
 * What the disk allows: the rows that an engine has left, written once more by bare `better-sqlite3` into a new file with
 * the same tables and indexes, with prepared statements, the same durability, and as many commits as the promises ask
 * for. The lease is not among them.
 */
import Sqlite, { type Statement, type Value } from "better-sqlite3"
import { Array, Effect, Option, Schema, type Scope } from "effect"
import { statSync } from "node:fs"
import { Durability } from "./programs.ts"
import * as Task from "./task.ts"

type Row = Readonly<Record<string, Value>>

const isRows = Schema.is(Schema.Array(Schema.Record({
  key: Schema.String,
  value: Schema.Union(Schema.String, Schema.Number, Schema.Null)
})))

/** A row, as it is written: for the first time, or once more when what it tells of has ended. */
export interface Write {
  readonly kind: "insert" | "update" | "delete"
  readonly table: string
  readonly row: Row
}

export const insert = (table: string, row: Row): Write => ({ kind: "insert", table, row })
const update = (table: string, row: Row): Write => ({ kind: "update", table, row })
export const remove = (table: string, row: Row): Write => ({ kind: "delete", table, row })

/** A step, and its attempts. */
export interface StepRows {
  readonly row: Row
  readonly attempts: ReadonlyArray<Row>
}

/** A workflow, its executions, and its steps in the order of their outcomes. */
export interface WorkflowRows {
  readonly row: Row
  readonly executions: ReadonlyArray<Row>
  readonly steps: ReadonlyArray<StepRows>
}

/** What each commit writes. */
export type Plan = (workflows: ReadonlyArray<WorkflowRows>) => ReadonlyArray<ReadonlyArray<Write>>

export const tables = {
  workflow: "tempolite_workflow",
  execution: "tempolite_workflow_execution",
  step: "tempolite_step",
  attempt: "tempolite_step_execution",
  signal: "tempolite_signal"
} as const

export const insertStep = ({ attempts, row }: StepRows): ReadonlyArray<Write> => [
  insert(tables.step, row),
  ...attempts.map((attempt) => insert(tables.attempt, attempt))
]

/** What the end of a workflow writes. */
export const end = ({ executions, row }: WorkflowRows): ReadonlyArray<Write> => [
  update(tables.workflow, row),
  ...executions.map((execution) => insert(tables.execution, execution))
]

/**
 * Workflows of the same length side by side, `size` at a time. Of each batch one commit has the starts, one the first
 * steps, and so on; the last has the ends too.
 */
export const inBatches = (size: number): Plan => (workflows) =>
  Array.chunksOf(workflows, size).flatMap((batch) => {
    const length = Math.max(...batch.map(({ steps }) => steps.length))
    return [
      batch.map(({ row }) => insert(tables.workflow, row)),
      ...Array.makeBy(length, (index) =>
        batch.flatMap((workflow) => [
          ...Option.match(Array.get(workflow.steps, index), { onNone: () => [], onSome: insertStep }),
          ...index === length - 1 ? end(workflow) : []
        ]))
    ]
  })

const Timing = Schema.Struct({
  millis: Schema.Number,
  commits: Schema.Int,
  /** Of one commit. */
  p50Millis: Schema.Number
})

/** The limit of those workflows of the file `source` whose ids begin with `prefix`. */
export const task = (name: string, plan: Plan) =>
  Task.make(name, {
    params: Schema.Struct({ source: Schema.String, prefix: Schema.String, durability: Durability }),
    result: Timing,
    run: ({ durability, prefix, source }) =>
      Effect.gen(function*() {
        const { commits, schema } = yield* Effect.scoped(Effect.map(connect(source, true), (database) => ({
          schema: schemaOf(database),
          commits: plan(workflowsOf(database, prefix))
        })))
        const perform = (target: string) =>
          Effect.scoped(Effect.map(connect(target), (database) => {
            database.exec(`PRAGMA synchronous = ${durability}; PRAGMA journal_mode = WAL`)
            for (const sql of schema) database.exec(sql)
            return write(database, commits)
          }))
        // Once to warm up, as an engine does.
        yield* perform(`${source}.${name}.first`)
        return yield* perform(`${source}.${name}`)
      })
  })

export const connect = (filename: string, readonly = false): Effect.Effect<Sqlite, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new Sqlite(filename, { readonly })),
    (database) => Effect.sync(() => database.close())
  )

export const rowsOf = (database: Sqlite, sql: string, ...values: ReadonlyArray<Value>): ReadonlyArray<Row> => {
  const rows = database.prepare(sql).all(...values)
  return isRows(rows) ? rows : []
}

const schemaOf = (database: Sqlite): ReadonlyArray<string> =>
  rowsOf(database, "SELECT sql FROM sqlite_master WHERE name LIKE 'tempolite_%' AND sql IS NOT NULL ORDER BY rowid")
    .map(({ sql }) => String(sql))

/** The rows of a table, by the workflow (or what else they are of). */
const grouped = (database: Sqlite, table: string, prefix: string, order: string, by: (row: Row) => string) =>
  new Map(Object.entries(Array.groupBy(
    rowsOf(database, `SELECT * FROM ${table} WHERE workflow_id GLOB ? ORDER BY ${order}`, `${prefix}*`),
    by
  )))

const idOf = (row: Row) => String(row["workflow_id"])
const stepOf = (row: Row) => JSON.stringify([row["workflow_id"], row["generation"], row["path"]])

const workflowsOf = (database: Sqlite, prefix: string): ReadonlyArray<WorkflowRows> => {
  const executions = grouped(database, tables.execution, prefix, "attempt", idOf)
  const steps = grouped(database, tables.step, prefix, "seq", idOf)
  const attempts = grouped(database, tables.attempt, prefix, "attempt", stepOf)
  return rowsOf(database, `SELECT * FROM ${tables.workflow} WHERE id GLOB ? ORDER BY row_id`, `${prefix}*`).map(
    (row) => {
      const id = String(row["id"])
      return {
        row,
        executions: executions.get(id) ?? [],
        steps: (steps.get(id) ?? []).map((row) => ({ row, attempts: attempts.get(stepOf(row)) ?? [] }))
      }
    }
  )
}

const textOf = ({ kind, row, table }: Write): string => {
  const columns = Object.keys(row)
  switch (kind) {
    case "insert":
      return `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`
    case "update":
      return `UPDATE ${table} SET ${columns.map((column) => `${column} = ?`).join(", ")} WHERE id = ?`
    case "delete":
      return `DELETE FROM ${table} WHERE id = ?`
  }
}

const valuesOf = ({ kind, row }: Write): ReadonlyArray<Value> => [
  ...kind === "delete" ? [] : Object.values(row),
  ...kind === "insert" ? [] : [row["id"] ?? null]
]

const write = (database: Sqlite, commits: ReadonlyArray<ReadonlyArray<Write>>): typeof Timing.Type => {
  const prepared = new Map<string, Statement>()
  const statement = (sql: string): Statement => {
    const found = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, found)
    return found
  }
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")]
  const bound = commits.map((writes) => writes.map((row) => [statement(textOf(row)), valuesOf(row)] as const))
  const times = bound.map((writes) => {
    const start = performance.now()
    begin.run()
    for (const [statement, values] of writes) statement.run(...values)
    commit.run()
    return performance.now() - start
  })
  return {
    millis: times.reduce((sum, time) => sum + time, 0),
    commits: times.length,
    p50Millis: percentile(times, 0.5)
  }
}

/** The smallest of them that a share `p` of them does not exceed. */
export const percentile = (times: ReadonlyArray<number>, p: number): number =>
  times.toSorted((x, y) => x - y)[Math.max(0, Math.ceil(p * times.length) - 1)] ?? Number.NaN

/** The bytes of a file. */
export const sizeOf = (filename: string): number => statSync(filename).size
