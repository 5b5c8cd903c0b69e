/**
 * How a database comes to be ready: opened, set up, looked at, and its tables brought up to date.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { JournalError } from "../Errors.ts"
import * as ClientConnection from "./clientConnection.ts"
import { run } from "./connection.ts"
import * as Database from "./database.ts"
import * as Failure from "./failure.ts"
import * as Migrations from "./migrations.ts"
import * as OwnConnection from "./ownConnection.ts"
import * as Place from "./place.ts"
import * as Tables from "./tables.ts"

/** The first with `jsonb`. */
const oldestSqlite = [3, 45] as const

/** A connection of our own to `filename`. */
export const file = (
  filename: string,
  synchronous: "full" | "normal"
): Effect.Effect<Database.Database, JournalError, Scope.Scope> =>
  Effect.gen(function*() {
    const name = JSON.stringify(filename)
    const database = Database.make(name, yield* OwnConnection.open(filename, Failure.make("open", name)))
    const pragma = (setting: string) => database.query("open", () => run(`PRAGMA ${setting}`))
    yield* pragma(`synchronous = ${synchronous === "full" ? "FULL" : "NORMAL"}`)
    yield* verify(database)
    yield* pragma("journal_mode = WAL")
    yield* Migrations.migrate(database)
    return yield* keptInPlace(database, yield* pathOf(database), ["-wal", "-shm"])
  })

/** Of a database in memory there is no file. */
const keptInPlace = (database: Database.Database, path: string, companions: ReadonlyArray<string>) =>
  path === "" ? Effect.succeed(database) : Place.guarded(database, path, companions)

/** The connection of an application, whose settings stay as they are. */
export const client = (sql: SqlClient.SqlClient): Effect.Effect<Database.Database, JournalError> =>
  Effect.gen(function*() {
    const isSqlite = sql.onDialectOrElse({ sqlite: () => true, orElse: () => false })
    if (!isSqlite) {
      return yield* new JournalError({
        message: "could not open the journal: the SqlClient of the application is not one of SQLite. Give " +
          "`SqliteJournal.layer` a file, or this layer the client of `@effect/sql-sqlite-node`"
      })
    }
    const unnamed = "of the application"
    const connection = yield* ClientConnection.make(sql, Failure.make("open", unnamed))
    const path = yield* pathOf(Database.make(unnamed, connection))
    const database = Database.make(path === "" ? "in memory" : JSON.stringify(path), connection)
    yield* verify(database)
    yield* Migrations.migrate(database)
    // Whether there is a log beside it is up to the application.
    return yield* keptInPlace(database, path, [])
  })

/** Changes nothing. */
const verify = (database: Database.Database) =>
  Effect.gen(function*() {
    const [{ version } = { version: "0" }] = yield* database.query("open", function*() {
      return yield* readVersion(yield* run("SELECT sqlite_version() AS version"))
    })
    const [major = 0, minor = 0] = version.split(".").map(Number)
    const [oldestMajor, oldestMinor] = oldestSqlite
    if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
      return yield* new JournalError({
        message:
          `could not open the journal ${database.name}: it needs SQLite ${oldestSqlite.join(".")} or later, and ` +
          `this is ${version}. Upgrade the SQLite of the SqlClient`
      })
    }
    yield* Migrations.check(database)
  })

const readVersion = Tables.reader("sqlite_version", Schema.Struct({ version: Schema.String }))

/** Where the file is, or `""` where there is none. */
const pathOf = (database: Database.Database) =>
  Effect.map(
    database.query("open", function*() {
      return yield* readFilename(yield* run("SELECT file FROM pragma_database_list WHERE name = 'main'"))
    }),
    ([{ file } = { file: "" }]) => file
  )

const readFilename = Tables.reader("database_list", Schema.Struct({ file: Schema.String }))
