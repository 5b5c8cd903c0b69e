/**
 * The connection of an application, which has it in a `SqlClient` and uses it too.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as SqlConnection from "@effect/sql/SqlConnection"
import * as SqlError from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JournalError } from "../Errors.ts"
import type { Begin, Connection, Failure, Parameter, Perform, Rows, Script } from "./connection.ts"

/** What the client says of a statement that could not be prepared. It keeps that answer for minutes, as if it were final. */
const notPrepared = "Failed to prepare statement "

/** Runs a statement without what the client keeps of it. */
const unprepared = (
  connection: SqlConnection.Connection,
  statement: string,
  parameters: ReadonlyArray<Parameter>
) =>
  Effect.flatten(Effect.try({
    try: () => connection.executeUnprepared(statement, parameters, undefined),
    catch: (cause) => new SqlError.SqlError({ cause, message: notPrepared })
  }))

type Run = (sql: string, parameters?: ReadonlyArray<Parameter>) => Effect.Effect<Rows, JournalError>

const runOn = (connection: SqlConnection.Connection, failure: Failure): Run => (sql, parameters = []) =>
  connection.execute(sql, parameters, undefined).pipe(
    Effect.catchAll((error) =>
      error.message === notPrepared ? unprepared(connection, sql, parameters) : Effect.fail(error)
    ),
    Effect.mapError(failure)
  )

const follow = <A, E>(run: Run, script: () => Script<A, E>): Effect.Effect<A, E | JournalError> =>
  Effect.suspend(() => {
    const following = script()
    const from = (next: ReturnType<typeof following.next>): Effect.Effect<A, E | JournalError> => {
      if (next.done === true) return Effect.succeed(next.value)
      return "error" in next.value
        ? Effect.fail(next.value.error)
        : Effect.flatMap(run(next.value.sql, next.value.parameters), (rows) => from(following.next(rows)))
    }
    return from(following.next([]))
  })

const transact = <A, E>(run: Run, begin: Begin, script: () => Script<A, E>): Effect.Effect<A, E | JournalError> =>
  begin === undefined ? follow(run, script) : Effect.zipRight(
    run(begin),
    follow(run, script).pipe(
      Effect.zipLeft(run("COMMIT")),
      // After some failures SQLite itself has rolled back, and this finds no transaction.
      Effect.tapErrorCause(() => Effect.ignore(run("ROLLBACK")))
    )
  )

/** Uses a connection that nobody else uses meanwhile. */
const performOn = (connection: SqlConnection.Connection): Perform => (failure, begin, script) =>
  Effect.uninterruptible(transact(runOn(connection, failure), begin, script)).pipe(
    // Numbers are numbers here, whatever the application reads.
    Effect.provideService(SqlClient.SafeIntegers, false)
  )

export const make = (sql: SqlClient.SqlClient, failure: Failure): Effect.Effect<Connection, JournalError> =>
  Effect.mapBoth(Effect.scoped(sql.reserve), {
    onFailure: failure,
    onSuccess: (known): Connection => ({
      alone: (failure, begin, script) =>
        Effect.scoped(Effect.flatMap(
          Effect.mapError(sql.reserve, failure),
          (connection) => performOn(connection)(failure, begin, script)
        )),
      joined: Effect.map(
        Effect.serviceOption(SqlClient.TransactionConnection),
        Option.filterMap(([connection]) => connection === known ? Option.some(performOn(connection)) : Option.none())
      )
    })
  })
