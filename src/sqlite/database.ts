/**
 * The two ways to use a SQLite database: reading one state of it, and writing in a transaction.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { JournalError } from "../Errors.ts"
import type { Begin, Connection, Script } from "./connection.ts"
import * as Failure from "./failure.ts"
import * as Order from "./order.ts"

/** Uses the connection alone. `what` continues "could not" in an error. */
type Use = <A, E = never>(what: string, script: () => Script<A, E>) => Effect.Effect<A, E | JournalError>

export interface Database {
  /** How a person knows it. */
  readonly name: string
  /** Without a transaction: for one statement. */
  readonly query: Use
  /** Several statements that read one and the same state. */
  readonly snapshot: Use
  /** In a transaction that holds the write lock from its beginning. Those of one database run in the order of calls. */
  readonly transact: Use
  /** Why the file is not where it was opened, if so. */
  readonly misplaced: (what: string) => JournalError | undefined
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

/** What the client of an application, unlike one that the journal opened, may be doing already. */
const inTransaction = (name: string) =>
  new JournalError({
    message: `could not write to the journal ${name} inside a transaction of the application on the same SqlClient: ` +
      "what the journal acknowledges must not be rolled back. Call it when the transaction has ended"
  })

export const make = (name: string, connection: Connection): Database => {
  const inOrder = Order.make()

  const alone = (begin: Begin): Use => (what, script) => {
    const attempt = connection.alone(Failure.make(what, name), begin, script)
    // The first attempt goes without what keeps a schedule, which costs as much as the attempt.
    return Effect.catchAll(
      attempt,
      (error) => Failure.isBusy(error) ? Effect.retry(attempt, whileBusy) : Effect.fail(error)
    )
  }

  const reading = (begin: Begin): Use => (what, script) =>
    Effect.flatMap(
      connection.joined,
      (joined) =>
        Option.isSome(joined)
          ? joined.value(Failure.make(what, name), undefined, script)
          : alone(begin)(what, script)
    )

  return {
    name,
    misplaced: () => undefined,
    query: reading(undefined),
    snapshot: reading("BEGIN"),
    transact: (what, script) =>
      Effect.flatMap(
        connection.joined,
        (joined) => Option.isSome(joined) ? inTransaction(name) : inOrder(alone("BEGIN IMMEDIATE")(what, script))
      )
  }
}
