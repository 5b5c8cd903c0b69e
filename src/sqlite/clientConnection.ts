/**
 * The connection of an application, which has it in a `SqlClient` and uses it too.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as SqlConnection from "@effect/sql/SqlConnection"
import * as SqlError from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JournalError } from "../Errors.ts"
import type { Body, Connection, Failure, Parameter, Run } from "./connection.ts"

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

/** Uses a connection that nobody else uses meanwhile. */
const useOf = (connection: SqlConnection.Connection) => <A, E>(failure: Failure, body: Body<A, E>) => {
  const run: Run = (statement, ...parameters) =>
    connection.execute(statement, parameters, undefined).pipe(
      Effect.catchAll((error) =>
        error.message === notPrepared ? unprepared(connection, statement, parameters) : Effect.fail(error)
      ),
      Effect.mapError(failure)
    )
  return body(run, (statements) =>
    Effect.map(
      Effect.forEach(statements, ({ parameters, sql }) => run(sql, ...parameters)),
      (rows) => rows.flat()
    )).pipe(
      // Numbers are numbers here, whatever the application reads.
      Effect.provideService(SqlClient.SafeIntegers, false)
    )
}

export const make = (sql: SqlClient.SqlClient, failure: Failure): Effect.Effect<Connection, JournalError> =>
  Effect.mapBoth(Effect.scoped(sql.reserve), {
    onFailure: failure,
    onSuccess: (known): Connection => ({
      alone: (failure, body) =>
        Effect.scoped(Effect.flatMap(
          Effect.mapError(sql.reserve, failure),
          (connection) => useOf(connection)(failure, body)
        )),
      joined: Effect.map(
        Effect.serviceOption(SqlClient.TransactionConnection),
        Option.filterMap(([connection]) => connection === known ? Option.some(useOf(connection)) : Option.none())
      )
    })
  })
