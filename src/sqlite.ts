/**
 * The journal in a SQLite file. It needs `better-sqlite3`, `@effect/sql` and what they need.
 *
 * @since 0.1.0
 */
export * as SqliteJournal from "./sqlite/SqliteJournal.ts"
