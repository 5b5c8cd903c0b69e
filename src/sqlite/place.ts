/**
 * Whether a database is still where it was opened. SQLite goes on writing to a file that was deleted or replaced, and to
 * a log that was: what it says to have written is nowhere then.
 */
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { JournalError } from "../Errors.ts"
import { fail } from "./connection.ts"
import type { Database } from "./database.ts"

const stat = (path: string) => Fs.statSync(path, { bigint: true, throwIfNoEntry: false })

type Stat = ReturnType<typeof stat>

const isSame = (before: Stat, now: Stat): boolean => now?.ino === before?.ino && now?.dev === before?.dev

const gone = (what: string, name: string, path: string, now: Stat) =>
  new JournalError({
    message:
      `could not ${what} the journal ${name}: ${Path.basename(path)} was ${
        now === undefined ? "deleted, or moved away," : "replaced by another file"
      } while it was open. Nothing is written until it is back. Put it back, or stop this process (not by \`kill -9\`, ` +
      "so that it can write back what it holds) and start it again"
  })

const emptied = (what: string, name: string) =>
  new JournalError({
    message: `could not ${what} the journal ${name}: the file was emptied by another program while it was open. Stop ` +
      "this process, and restore the file from a backup"
  })

/**
 * The same database, whose transactions are committed only while the file and its companions are where they are now.
 * What is acknowledged was in the file of that name then.
 */
export const guarded = (
  database: Database,
  path: string,
  companions: ReadonlyArray<string>
): Effect.Effect<Database> =>
  Effect.sync(() => {
    const files = [path, ...companions.map((suffix) => path + suffix)].map((path) => ({ path, before: stat(path) }))
    const misplaced = (what: string): JournalError | undefined => {
      for (const { before, path: each } of files) {
        const now = stat(each)
        if (!isSame(before, now)) return gone(what, database.name, each, now)
        if (each === path && now?.size === 0n) return emptied(what, database.name)
      }
      return undefined
    }
    return {
      ...database,
      misplaced,
      transact: (what, script) =>
        database.transact(what, function*() {
          const done = yield* script()
          const fault = misplaced(what)
          return fault === undefined ? done : yield* fail(fault)
        })
    }
  })
