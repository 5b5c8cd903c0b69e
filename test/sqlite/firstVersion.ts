/**
 * A file as version 0.1.0 wrote it.
 */
import * as Effect from "effect/Effect"
import { program } from "./support.ts"

const statements = [
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
  `INSERT INTO tempolite_lease (partition, token, lease_millis, expires_at) VALUES (0, 0, 0, 0)`,
  `CREATE TABLE tempolite_migration (id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)`,
  `INSERT INTO tempolite_migration (id, name, applied_at) VALUES (1, 'tables', 0)`
]

const rows = [
  `INSERT INTO tempolite_workflow (id, name, status, generation, attempt, payload, created_at, finished_at, unused_outcomes)
    VALUES ('b', 'PlaceOrder', 'Running', 1, 4, '{"cents":1999}', 1700000000000, NULL, 0),
           ('a', 'PlaceOrder', 'Failed', 1, 1, '{"cents":1999}', 1700000000000, 5, 0)`,
  `INSERT INTO tempolite_step
      (workflow_id, generation, path, kind, name, status, attempt, attempts, round, first_attempt, undo)
    VALUES ('b', 1, 'charge', 'Activity', 'ChargeCard', 'Running', 1, 1, 0, 1, 0)`,
  `INSERT INTO tempolite_step_execution (workflow_id, generation, path, attempt, workflow_attempt, status, started_at)
    VALUES ('b', 1, 'charge', 1, 1, 'Running', 1700000000000)`,
  `INSERT INTO tempolite_request (workflow_id, kind, at) VALUES ('b', 'Cancel', 1700000000000)`
]

/** Writes it: two workflows, a step, an attempt at it and a request. */
export const write = (filename: string) =>
  Effect.scoped(Effect.flatMap(program(filename), (other) => other(...statements, ...rows)))
