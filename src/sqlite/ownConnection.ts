/**
 * A connection that nobody else uses. It goes without a `SqlClient`: what this does for a statement, in fibers and with a
 * cache, takes as long as the statement. A script runs at once, from its first statement to its last.
 */
import Sqlite, { type Statement } from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../Errors.ts"
import type * as Connection from "./connection.ts"

/** In milliseconds. Longer waits are left to a schedule, since SQLite waits with the whole process. */
const busyTimeoutMillis = 20

/** Opens the file, until the scope closes. */
export const open = (
  filename: string,
  failure: Connection.Failure
): Effect.Effect<Connection.Connection, JournalError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.try({ try: () => new Sqlite(filename, { timeout: busyTimeoutMillis }), catch: failure }),
      (database) => Effect.sync(() => database.close())
    ),
    make
  )

const none: ReadonlyArray<never> = []

const make = (database: Sqlite): Connection.Connection => {
  const known = new Map<string, Statement>()
  const prepared = (sql: string): Statement => {
    const before = known.get(sql)
    if (before !== undefined) return before
    const statement = database.prepare(sql)
    known.set(sql, statement)
    return statement
  }

  const perform = (
    failure: Connection.Failure,
    sql: string,
    parameters: ReadonlyArray<Connection.Parameter> = none
  ): Either.Either<Connection.Rows, JournalError> => {
    try {
      const statement = prepared(sql)
      if (statement.reader) return Either.right(statement.all(...parameters))
      statement.run(...parameters)
      return Either.right(none)
    } catch (cause) {
      return Either.left(failure(cause))
    }
  }

  /** Up to the first statement that fails, or to where the script does. */
  const follow = <A, E>(
    failure: Connection.Failure,
    script: Connection.Script<A, E>
  ): Either.Either<A, E | JournalError> => {
    let next = script.next(none)
    while (next.done !== true) {
      if ("error" in next.value) return Either.left(next.value.error)
      const rows = perform(failure, next.value.sql, next.value.parameters)
      if (Either.isLeft(rows)) return Either.left(rows.left)
      next = script.next(rows.right)
    }
    return Either.right(next.value)
  }

  const transact = <A, E>(
    failure: Connection.Failure,
    begin: string,
    script: () => Connection.Script<A, E>
  ): Either.Either<A, E | JournalError> => {
    const begun = perform(failure, begin)
    if (Either.isLeft(begun)) return Either.left(begun.left)
    let isCommitted = false
    try {
      const done = follow(failure, script())
      if (Either.isLeft(done)) return done
      const committed = perform(failure, "COMMIT")
      isCommitted = Either.isRight(committed)
      return Either.isLeft(committed) ? Either.left(committed.left) : done
    } finally {
      // After some failures SQLite itself has rolled back, and this finds no transaction.
      if (!isCommitted) perform(failure, "ROLLBACK")
    }
  }

  return {
    alone: (failure, begin, script) =>
      Effect.suspend(() => begin === undefined ? follow(failure, script()) : transact(failure, begin, script)),
    joined: Effect.succeed(Option.none())
  }
}
