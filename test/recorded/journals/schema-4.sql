CREATE TABLE tempolite_migration (
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL,
          applied_at INTEGER NOT NULL
        );
CREATE TABLE tempolite_workflow (
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
    , first_attempt INTEGER NOT NULL DEFAULT 1, forked_id TEXT, forked_path TEXT, first_payload TEXT, changed INTEGER NOT NULL DEFAULT 0, sleeps_until INTEGER);
CREATE INDEX tempolite_workflow_parent ON tempolite_workflow (parent_id) WHERE parent_id IS NOT NULL;
CREATE TABLE tempolite_workflow_execution (
      row_id INTEGER PRIMARY KEY,
      workflow_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      status TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      finished_at INTEGER,
      error TEXT,
      UNIQUE (workflow_id, generation, attempt)
    );
CREATE TABLE tempolite_step (
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
      undo INTEGER NOT NULL, origin TEXT NOT NULL DEFAULT 'Executed',
      UNIQUE (workflow_id, generation, path)
    );
CREATE TABLE tempolite_step_execution (
      row_id INTEGER PRIMARY KEY,
      workflow_id TEXT NOT NULL,
      generation INTEGER NOT NULL,
      path TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      workflow_attempt INTEGER NOT NULL,
      status TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      finished_at INTEGER,
      error TEXT, heartbeat TEXT,
      UNIQUE (workflow_id, generation, path, attempt)
    );
CREATE TABLE tempolite_request (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      workflow_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      payload TEXT,
      at INTEGER NOT NULL
    );
CREATE TABLE tempolite_lease (
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
    );
CREATE INDEX tempolite_workflow_failed ON tempolite_workflow (row_id) WHERE status IN ('Failed', 'Cancelled');
CREATE INDEX tempolite_workflow_changed ON tempolite_workflow (changed);
CREATE TABLE tempolite_signal (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      workflow_id TEXT NOT NULL,
      name TEXT NOT NULL,
      payload TEXT,
      at INTEGER NOT NULL
    );
CREATE INDEX tempolite_signal_workflow ON tempolite_signal (workflow_id);
CREATE TABLE tempolite_pruned (
      partition INTEGER PRIMARY KEY,
      row_id INTEGER NOT NULL,
      changed INTEGER NOT NULL
    );
CREATE INDEX tempolite_workflow_unfinished ON tempolite_workflow (row_id)
      WHERE status <> 'Completed' AND status <> 'Failed' AND status <> 'Cancelled';
CREATE INDEX tempolite_workflow_finished ON tempolite_workflow (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tempolite_workflow_asleep ON tempolite_workflow (sleeps_until) WHERE sleeps_until IS NOT NULL;
INSERT INTO tempolite_lease (partition, token, lease_millis, expires_at) VALUES (0, 0, 0, 0);
INSERT INTO tempolite_migration (id, name, applied_at) VALUES (1, 'tables', 0);
INSERT INTO tempolite_migration (id, name, applied_at) VALUES (2, 'control', 0);
INSERT INTO tempolite_migration (id, name, applied_at) VALUES (3, 'conditions', 0);
INSERT INTO tempolite_migration (id, name, applied_at) VALUES (4, 'sleep', 0);
