/**
 * The tables, and how a file of an older version becomes one of this version. A migration that was released never
 * changes: what is new gets the next number.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { JournalError } from "../Errors.ts"
import { fail, run, type Script } from "./connection.ts"
import type { Database } from "./database.ts"
import * as Tables from "./tables.ts"

interface Migration {
  readonly name: string
  readonly statements: ReadonlyArray<string>
}

/** A `row_id` keeps the order of first writing, and stays when a row is replaced. */
const tables: Migration = {
  name: "tables",
  statements: [
    `CREATE TABLE tempolite_workflow (
      row_id INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      status TEXT NOT NULL,
      reason TEXT,
      generation INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      parent_id TEXT,
      parent_path TEXT,
      payload TEXT,
      outcome TEXT,
      created_at INTEGER NOT NULL,
      started_at INTEGER,
      finished_at INTEGER,
      wake_at INTEGER,
      cancel_seq INTEGER,
      cancel_at INTEGER,
      unused_outcomes INTEGER NOT NULL
    )`,
    `CREATE INDEX tempolite_workflow_unfinished ON tempolite_workflow (id)
      WHERE status NOT IN ('Completed', 'Failed', 'Cancelled')`,
    `CREATE INDEX tempolite_workflow_parent ON tempolite_workflow (parent_id) WHERE parent_id IS NOT NULL`,
    `CREATE TABLE tempolite_workflow_execution (
      row_id INTEGER PRIMARY KEY,
      workflow_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      status TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      finished_at INTEGER,
      error TEXT,
      UNIQUE (workflow_id, generation, attempt)
    )`,
    `CREATE TABLE tempolite_step (
      row_id INTEGER PRIMARY KEY,
      workflow_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      path TEXT NOT NULL,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      payload TEXT,
      status TEXT NOT NULL,
      outcome TEXT,
      seq INTEGER,
      at INTEGER,
      attempt INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      round INTEGER NOT NULL,
      first_attempt INTEGER NOT NULL,
      wake_at INTEGER,
      undo INTEGER NOT NULL,
      UNIQUE (workflow_id, generation, path)
    )`,
    `CREATE TABLE tempolite_step_execution (
      row_id INTEGER PRIMARY KEY,
      workflow_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      path TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      workflow_attempt INTEGER NOT NULL,
      status TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      finished_at INTEGER,
      error TEXT,
      UNIQUE (workflow_id, generation, path, attempt)
    )`,
    `CREATE TABLE tempolite_request (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      workflow_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      payload TEXT,
      at INTEGER NOT NULL
    )`,
    `CREATE TABLE tempolite_lease (
      partition INTEGER PRIMARY KEY,
      token INTEGER NOT NULL,
      lease_millis INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      acquired_at INTEGER,
      engine TEXT,
      pid INTEGER,
      process_start TEXT,
      boot TEXT,
      pid_space TEXT,
      host TEXT
    )`,
    `INSERT INTO tempolite_lease (partition, token, lease_millis, expires_at) VALUES (0, 0, 0, 0)`
  ]
}

/** The places of workflows in `tempolite_pruned` are the greatest that were given when some were forgotten. */
const control: Migration = {
  name: "control",
  statements: [
    `ALTER TABLE tempolite_workflow ADD COLUMN first_attempt INTEGER NOT NULL DEFAULT 1`,
    `ALTER TABLE tempolite_workflow ADD COLUMN forked_id TEXT`,
    `ALTER TABLE tempolite_workflow ADD COLUMN forked_path TEXT`,
    `ALTER TABLE tempolite_workflow ADD COLUMN first_payload TEXT`,
    `ALTER TABLE tempolite_workflow ADD COLUMN changed INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE tempolite_step ADD COLUMN origin TEXT NOT NULL DEFAULT 'Executed'`,
    `ALTER TABLE tempolite_step_execution ADD COLUMN heartbeat TEXT`,
    `DROP INDEX tempolite_workflow_unfinished`,
    `CREATE INDEX tempolite_workflow_unfinished ON tempolite_workflow (row_id)
      WHERE status NOT IN ('Completed', 'Failed', 'Cancelled')`,
    `CREATE INDEX tempolite_workflow_failed ON tempolite_workflow (row_id) WHERE status IN ('Failed', 'Cancelled')`,
    `CREATE INDEX tempolite_workflow_finished ON tempolite_workflow (finished_at)
      WHERE status IN ('Completed', 'Failed', 'Cancelled')`,
    `CREATE INDEX tempolite_workflow_changed ON tempolite_workflow (changed)`,
    `CREATE TABLE tempolite_signal (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      workflow_id TEXT NOT NULL,
      name TEXT NOT NULL,
      payload TEXT,
      at INTEGER NOT NULL
    )`,
    `CREATE INDEX tempolite_signal_workflow ON tempolite_signal (workflow_id)`,
    `CREATE TABLE tempolite_pruned (
      partition INTEGER PRIMARY KEY,
      row_id INTEGER NOT NULL,
      changed INTEGER NOT NULL
    )`,
    `INSERT INTO tempolite_pruned (partition, row_id, changed) VALUES (0, 0, 0)`
  ]
}

/** Every row that is written is compared with the conditions of indexes: a list of three would be made a table each time. */
const conditions: Migration = {
  name: "conditions",
  statements: [
    `DROP INDEX tempolite_workflow_unfinished`,
    `CREATE INDEX tempolite_workflow_unfinished ON tempolite_workflow (row_id)
      WHERE status <> 'Completed' AND status <> 'Failed' AND status <> 'Cancelled'`,
    `DROP INDEX tempolite_workflow_finished`,
    `CREATE INDEX tempolite_workflow_finished ON tempolite_workflow (finished_at) WHERE finished_at IS NOT NULL`
  ]
}

/** Those that sleep are known to no engine: it finds them by when they wake. */
const sleep: Migration = {
  name: "sleep",
  statements: [
    `ALTER TABLE tempolite_workflow ADD COLUMN sleeps_until INTEGER`,
    `CREATE INDEX tempolite_workflow_asleep ON tempolite_workflow (sleeps_until) WHERE sleeps_until IS NOT NULL`
  ]
}

/** Files keep the text as it is. */
const migrationTable = `CREATE TABLE IF NOT EXISTS tempolite_migration (
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL,
          applied_at INTEGER NOT NULL
        )`

const migrations: ReadonlyArray<Migration> = [tables, control, conditions, sleep]

const readCounts = Tables.reader("sqlite_master", Schema.Struct({ n: Schema.Number }))

function* count(sql: string): Script<number> {
  const [counted] = yield* readCounts(yield* run(sql))
  return counted?.n ?? 0
}

/** The number of the last migration that the file has seen. */
function* current(): Script<number> {
  const tables = yield* count(
    "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'tempolite_migration'"
  )
  return tables === 0 ? 0 : yield* count("SELECT coalesce(max(id), 0) AS n FROM tempolite_migration")
}

const newer = (name: string, version: number) =>
  new JournalError({
    message: `the journal ${name} was written by a newer version of tempolite: its schema is version ${version}, and ` +
      `this version knows no later one than ${migrations.length}. Upgrade tempolite; nothing was changed`
  })

/** Fails, and changes nothing, if the schema is newer than what this code knows. */
export const check = (database: Database): Effect.Effect<number, JournalError> =>
  Effect.filterOrFail(
    database.query("open", current),
    (version) => version <= migrations.length,
    (version) => newer(database.name, version)
  )

/** Brings the schema up to date. Of several processes that open a new file at once, one does it and the others wait. */
export const migrate = (database: Database): Effect.Effect<void, JournalError> =>
  Effect.gen(function*() {
    if ((yield* check(database)) === migrations.length) return
    const now = yield* Clock.currentTimeMillis
    yield* database.transact("migrate", function*(): Script<void> {
      const version = yield* current()
      if (version > migrations.length) yield* fail(newer(database.name, version))
      yield* run(migrationTable)
      for (const [index, { name, statements }] of migrations.entries()) {
        if (index < version) continue
        for (const statement of statements) yield* run(statement)
        yield* run("INSERT INTO tempolite_migration (id, name, applied_at) VALUES (?, ?, ?)", index + 1, name, now)
      }
    })
  })
