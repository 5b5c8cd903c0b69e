/**
 * A connection that nobody else uses. It goes without a `SqlClient`: what this does for a statement, in fibers and with a
 * cache, takes as long as the statement.
 */
import Sqlite, { type Statement } from "better-sqlite3"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JournalError } from "../Errors.ts"
import type { Connection, Failure, Run } from "./connection.ts"
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
    (database): Connection => {
      const inOrder = Order.make()
      const statements = new Map<string, Statement>()
      const prepared = (sql: string): Statement => {
        const known = statements.get(sql)
        if (known !== undefined) return known
        const statement = database.prepare(sql)
        statements.set(sql, statement)
        return statement
      }
      const runWith = (failure: Failure): Run => (sql, ...parameters) =>
        Effect.try({
          try: () => {
            const statement = prepared(sql)
            if (statement.reader) return statement.all(...parameters)
            statement.run(...parameters)
            return []
          },
          catch: failure
        })
      return {
        alone: (failure, use) => inOrder(Effect.suspend(() => use(runWith(failure)))),
        joined: () => Effect.succeedNone
      }
    }
  )
