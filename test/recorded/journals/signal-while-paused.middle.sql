-- {"at":1700000001000,"schema":"schema-2","calls":[]}
INSERT INTO tempolite_workflow (row_id, id, name, status, reason, generation, attempt, parent_id, parent_path, payload, outcome, created_at, started_at, finished_at, wake_at, cancel_seq, cancel_at, unused_outcomes, first_attempt, forked_id, forked_path, first_payload, changed) VALUES (1, 'w', 'Main', 'Paused', NULL, 1, 1, NULL, NULL, 'null', NULL, 1700000000000, 1700000000000, NULL, NULL, NULL, NULL, 0, 1, NULL, NULL, NULL, 1);
INSERT INTO tempolite_workflow_execution (row_id, workflow_id, generation, attempt, status, started_at, finished_at, error) VALUES (1, 'w', 1, 1, 'Running', 1700000000000, NULL, NULL);
INSERT INTO tempolite_step (row_id, workflow_id, generation, path, kind, name, payload, status, outcome, seq, at, attempt, attempts, round, first_attempt, wake_at, undo, origin) VALUES (1, 'w', 1, 'told', 'Signal', 'Told', '{"millis":3600000}', 'Waiting', NULL, NULL, NULL, 1, 0, 0, 1, 1700003600000, 0, 'Executed');
INSERT INTO tempolite_signal (id, workflow_id, name, payload, at) VALUES (1, 'w', 'Told', '{"n":5}', 1700000001000);
INSERT INTO tempolite_pruned (partition, row_id, changed) VALUES (0, 0, 0);
