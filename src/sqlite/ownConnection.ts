/**
 * A connection that nobody else uses. It goes without a `SqlClient`: what this does for a statement, in fibers and with a
 * cache, takes as long as the statement.
 */
import Sqlite, { type Statement } from "better-sqlite3"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../Errors.ts"
import type { Connection, Failure, Parameter, Rows, Run, RunAll } from "./connection.ts"
import * as Order from "./order.ts"

/** In milliseconds. Longer waits are left to a schedule, since SQLite waits with the whole process. */
const busyTimeoutMillis = 20

/** Opens the file, until the scope closes. */
export const open = (filename: string, failure: Failure): Effect.Effect<Connection, JournalError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.try({ try: () => new Sqlite(filename, { timeout: busyTimeoutMillis }), catch: failure }),
      (database) => Effect.sync(() => database.close())
    ),
    make
  )

const make = (database: Sqlite): Connection => {
  const inOrder = Order.make()
  const known = new Map<string, Statement>()
  const prepared = (sql: string): Statement => {
    const before = known.get(sql)
    if (before !== undefined) return before
    const statement = database.prepare(sql)
    known.set(sql, statement)
    return statement
  }
  const rowsOf = (sql: string, parameters: ReadonlyArray<Parameter>): Rows => {
    const statement = prepared(sql)
    if (statement.reader) return statement.all(...parameters)
    statement.run(...parameters)
    return []
  }
  const runOn = (failure: Failure): Run => (sql, ...parameters) =>
    Effect.try({ try: () => rowsOf(sql, parameters), catch: failure })
  const runAllOn = (failure: Failure): RunAll => (statements) =>
    Effect.try({
      try: () => {
        const all: Array<unknown> = []
        for (const { parameters, sql } of statements) all.push(...rowsOf(sql, parameters))
        return all
      },
      catch: failure
    })
  return {
    alone: (failure, body) => inOrder(Effect.suspend(() => body(runOn(failure), runAllOn(failure)))),
    joined: Effect.succeedNone
  }
}
