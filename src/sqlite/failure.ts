/**
 * What went wrong with the database, in words for a person: what was tried, on which file, and what to do.
 */
import * as Predicate from "effect/Predicate"
import { JournalError } from "../Errors.ts"

/** The code (`SQLITE_BUSY`) and the message of the innermost cause. */
const innermost = (cause: unknown): { readonly code: string; readonly message: string } => {
  if (Predicate.hasProperty(cause, "cause") && cause.cause !== undefined && cause.cause !== null) {
    return innermost(cause.cause)
  }
  return {
    code: Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : "",
    message: Predicate.hasProperty(cause, "message") && Predicate.isString(cause.message)
      ? cause.message
      : String(cause)
  }
}

/** The first that fits the code or the message. A longer code (`SQLITE_READONLY_DBMOVED`) stands before a shorter. */
const reasons: ReadonlyArray<readonly [sign: RegExp, reason: string]> = [
  [
    /^SQLITE_(BUSY|LOCKED|PROTOCOL)/,
    "another program keeps it locked. End the program, or the open transaction, that holds it (a backup, a database " +
    "browser), and try again"
  ],
  [
    /^SQLITE_NOTADB/,
    "the file is not a SQLite database, or it is encrypted. Choose another file name, or restore it from a backup"
  ],
  [
    /^SQLITE_READONLY_DBMOVED/,
    "the file was moved or deleted while it was open. Put it back, and start the process again"
  ],
  [/^SQLITE_READONLY/, "it is read-only. Allow the user of this process to write to the file and to its directory"],
  [
    /^SQLITE_CANTOPEN/,
    "the file cannot be opened. Look whether the path is right and not a directory, and whether the user of this " +
    "process may write there"
  ],
  [/directory does not exist/, "its directory does not exist. Create it first, or correct the path"],
  [/^SQLITE_FULL/, "the disk is full, or the database has reached its greatest size. Make room, and try again"],
  [
    /^SQLITE_CORRUPT/,
    "the file is damaged. Restore it from a backup, or recover what can be read with `sqlite3 FILE .recover`"
  ],
  [/^SQLITE_IOERR/, "the disk could not be read or written. Look at the disk and at the system's log"],
  [/^SQLITE_(PERM|AUTH)/, "the user of this process may not do that. Correct the permissions of the file"],
  [
    /^SQLITE_(TOOBIG|NOMEM)|string, buffer, or bigint is too big/,
    "it is too much at once. Use smaller payloads and results"
  ],
  [
    /bindings file|NODE_MODULE_VERSION|better_sqlite3\.node/,
    "better-sqlite3 was not compiled for this version of Node. Run `npm rebuild better-sqlite3`, and allow its install " +
    "script if your package manager asks for that"
  ]
]

/** `what` continues "could not"; `name` is how the person knows the file. */
export const make = (what: string, name: string) => (cause: unknown): JournalError => {
  const { code, message } = innermost(cause)
  const known = reasons.find(([sign]) => sign.test(code) || sign.test(message))
  const detail = code === "" ? message : `${code}: ${message}`
  return new JournalError({
    message: known === undefined
      ? `could not ${what} the journal ${name}: ${detail}`
      : `could not ${what} the journal ${name}: ${known[1]} (${detail})`,
    cause
  })
}

/** Whether another connection held a lock, so that the same call may go well a little later. */
export const isBusy = (error: unknown): boolean =>
  error instanceof JournalError && /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(innermost(error.cause).code)
