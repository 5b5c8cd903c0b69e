/**
 * A journal in a SQLite file, in plain tables named `tempolite_…`.
 *
 * One engine at a time runs the workflows of a file; any number of clients, in other processes of the same machine, may
 * use it at the same time.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { JournalError } from "../Errors.ts"
import * as Journal from "../Journal.ts"
import * as Open from "./open.ts"
import * as Service from "./service.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The path of the file. It is made if it does not exist; its directory is not. */
  readonly filename: string
  /**
   * What survives a power cut: with `"full"` (the default) all that was acknowledged, with `"normal"` all but the last
   * moments, for several times as many commits a second. Both survive the end of the process, however it comes.
   */
  readonly synchronous?: "full" | "normal" | undefined
  /** How often to look for writes of other processes, while anybody waits for one. 50 milliseconds unless given. */
  readonly pollInterval?: Duration.DurationInput | undefined
}

const defaultPollInterval = "50 millis"

/**
 * Opens a file of its own, and brings its tables up to date. Fails with `JournalError` if it cannot be used, or was
 * written by a newer version.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Journal.Journal, JournalError> =>
  Layer.scoped(
    Journal.Journal,
    Effect.flatMap(
      Open.file(options.filename, options.synchronous ?? "full"),
      (database) => Service.make(database, options.pollInterval ?? defaultPollInterval)
    )
  )

/**
 * Uses the application's own `SqlClient`, which must be one of SQLite, and brings the tables up to date. The connection
 * stays as the application has set it up: what survives a power cut follows from its `PRAGMA synchronous` (which
 * better-sqlite3 leaves at `NORMAL` in WAL mode), and how long the process may stand still from its `busy_timeout`.
 * Inside a transaction of the application the journal can be read, but not written.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSqlClient: Layer.Layer<Journal.Journal, JournalError, SqlClient.SqlClient> = Layer.scoped(
  Journal.Journal,
  Effect.flatMap(
    Effect.flatMap(SqlClient.SqlClient, Open.client),
    (database) => Service.make(database, defaultPollInterval)
  )
)
