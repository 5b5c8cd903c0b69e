/**
 * One connection to a SQLite database, and its two ways of use: reading one state of it, and writing in a transaction.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as SqlConnection from "@effect/sql/SqlConnection"
import * as SqlError from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { JournalError } from "../Errors.ts"
import * as Failure from "./failure.ts"
import * as Order from "./order.ts"

/** Runs one statement. Its text is constant, so that it stays prepared. */
export type Run = (
  sql: string,
  ...parameters: ReadonlyArray<string | number | null>
) => Effect.Effect<ReadonlyArray<unknown>, JournalError>

/** Uses the connection alone. `what` continues "could not" in an error. */
type Use = <A, E>(what: string, body: (run: Run) => Effect.Effect<A, E>) => Effect.Effect<A, E | JournalError>

export interface Database {
  /** How a person knows it. */
  readonly name: string
  /** Without a transaction: for one statement. */
  readonly query: Use
  /** Several statements that read one and the same state. */
  readonly snapshot: Use
  /** In a transaction that holds the write lock from its beginning. Those of one database run in the order of calls. */
  readonly transact: Use
  /** Fails if the file is not where it was opened. */
  readonly inPlace: (what: string) => Effect.Effect<void, JournalError>
}

/** About ten seconds in all; better-sqlite3 itself waits only shortly, as the whole process stands still meanwhile. */
const whileBusy = {
  schedule: Schedule.exponential("5 millis", 1.5).pipe(
    Schedule.union(Schedule.spaced("100 millis")),
    Schedule.jittered,
    Schedule.upTo("10 seconds")
  ),
  while: Failure.isBusy
}

const within = <A, E>(run: Run, begin: string, body: Effect.Effect<A, E>): Effect.Effect<A, E | JournalError> =>
  Effect.zipRight(
    run(begin),
    body.pipe(
      Effect.zipLeft(run("COMMIT")),
      // After some failures SQLite itself has rolled back, and this finds no transaction.
      Effect.tapErrorCause(() => Effect.ignore(run("ROLLBACK")))
    )
  )

/** What the client of an application, unlike one that the journal opened, may be doing already. */
const inTransaction = (name: string) =>
  new JournalError({
    message: `could not write to the journal ${name} inside a transaction of the application on the same SqlClient: ` +
      "what the journal acknowledges must not be rolled back. Call it when the transaction has ended"
  })

/** What the client says of a statement that could not be prepared. It keeps that answer for minutes, as if it were final. */
const notPrepared = "Failed to prepare statement "

/** Runs a statement without what the client keeps of it. */
const unprepared = (
  connection: SqlConnection.Connection,
  statement: string,
  parameters: ReadonlyArray<string | number | null>
) =>
  Effect.flatten(Effect.try({
    try: () => connection.executeUnprepared(statement, parameters, undefined),
    catch: (cause) => new SqlError.SqlError({ cause, message: notPrepared })
  }))

/** A connection, and how to be alone on it. */
interface Access {
  readonly connection: SqlConnection.Connection
  readonly alone: <A, E>(
    use: (connection: SqlConnection.Connection) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | SqlError.SqlError>
}

/** Of a client that nobody else uses. */
export const fromOwnClient = (
  sql: SqlClient.SqlClient,
  name: string
): Effect.Effect<Database, JournalError, Scope.Scope> =>
  Effect.mapBoth(sql.reserve, {
    onFailure: Failure.make("open", name),
    onSuccess: (connection) => {
      const inOrder = Order.make()
      return make(name, { connection, alone: (use) => inOrder(Effect.suspend(() => use(connection))) })
    }
  })

/** Of a client that an application uses too. */
export const fromSharedClient = (
  sql: SqlClient.SqlClient,
  name: string
): Effect.Effect<Database, JournalError> =>
  Effect.mapBoth(Effect.scoped(sql.reserve), {
    onFailure: Failure.make("open", name),
    onSuccess: (connection) =>
      make(name, { connection, alone: (use) => Effect.scoped(Effect.flatMap(sql.reserve, use)) })
  })

const make = (name: string, access: Access): Database => {
  const inOrder = Order.make()

  const runOn = (connection: SqlConnection.Connection, what: string): Run => {
    const failure = Failure.make(what, name)
    return (statement, ...parameters) =>
      connection.execute(statement, parameters, undefined).pipe(
        Effect.catchAll((error) =>
          error.message === notPrepared ? unprepared(connection, statement, parameters) : Effect.fail(error)
        ),
        Effect.mapError(failure)
      )
  }

  /** A fiber that is inside a transaction of this very client would wait for itself. */
  const joined = Effect.map(
    Effect.serviceOption(SqlClient.TransactionConnection),
    Option.exists(([connection]) => connection === access.connection)
  )

  const alone = <A, E>(what: string, body: (run: Run) => Effect.Effect<A, E>): Effect.Effect<A, E | JournalError> => {
    const attempt = access.alone((connection) => Effect.uninterruptible(body(runOn(connection, what)))).pipe(
      Effect.mapError((error) => error instanceof SqlError.SqlError ? Failure.make(what, name)(error) : error),
      Effect.provideService(SqlClient.SafeIntegers, false)
    )
    // The first attempt goes without what keeps a schedule, which costs as much as the attempt.
    return Effect.catchAll(
      attempt,
      (error) => Failure.isBusy(error) ? Effect.retry(attempt, whileBusy) : Effect.fail(error)
    )
  }

  const reading = (begin: Option.Option<string>): Use => (what, body) =>
    Effect.flatMap(joined, (isJoined) => {
      if (isJoined) {
        return Effect.provideService(body(runOn(access.connection, what)), SqlClient.SafeIntegers, false)
      }
      return alone(what, (run) => Option.isSome(begin) ? within(run, begin.value, body(run)) : body(run))
    })

  return {
    name,
    inPlace: () => Effect.void,
    query: reading(Option.none()),
    snapshot: reading(Option.some("BEGIN")),
    transact: (what, body) =>
      Effect.flatMap(joined, (isJoined) =>
        isJoined
          ? inTransaction(name)
          : inOrder(alone(what, (run) => within(run, "BEGIN IMMEDIATE", Effect.suspend(() => body(run))))))
  }
}
