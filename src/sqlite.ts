/**
 * The journal in a SQLite file. It needs `@effect/sql`, `@effect/sql-sqlite-node` and what they need.
 *
 * @since 0.1.0
 */
export * as SqliteJournal from "./sqlite/SqliteJournal.ts"
