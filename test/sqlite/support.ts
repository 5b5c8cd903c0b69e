/**
 * Files and processes for the tests of the journal in SQLite.
 */
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import * as Journal from "../../src/Journal.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { compile } from "../support/compile.ts"

/** A directory that is gone with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "tempolite-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** The path of a file that does not exist yet. */
export const file = Effect.map(directory, (path) => Path.join(path, "orders.db"))

/** A journal in a new file. */
export const layer = Layer.unwrapScoped(Effect.map(file, (filename) => SqliteJournal.layer({ filename })))

/** A journal of this process, until the scope closes. */
export const open = (filename: string, options: Partial<SqliteJournal.Options> = {}) =>
  Effect.map(Layer.build(SqliteJournal.layer({ filename, ...options })), Context.get(Journal.Journal))

/** A connection of an application. */
export const client = (filename: string, options: Partial<SqliteClient.SqliteClientConfig> = {}) =>
  Effect.map(
    Layer.build(Layer.orDie(SqliteClient.layer({ filename, ...options }))),
    Context.get(SqliteClient.SqliteClient)
  )

/** Another program on the same file: runs statements, one by one. */
export const program = (filename: string) =>
  Effect.map(client(filename, { disableWAL: true }), (sql) => (...statements: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(statements, (statement) => sql.unsafe(statement)),
      (results) => results.at(-1) ?? []
    ))

interface Child {
  readonly pid: number
  readonly send: (line: string) => Effect.Effect<void>
  /** The next line that it prints. */
  readonly line: Effect.Effect<string>
  /** The lines that it has printed and that nobody took. */
  readonly lines: Effect.Effect<ReadonlyArray<string>>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Its exit code; none if a signal ended it. */
  readonly ended: Effect.Effect<Option.Option<number>>
}

const programs = Effect.runSync(Effect.cached(Effect.sync(() => compile("esm", ["test/sqlite/child.ts"]))))

/** `child.ts` in a process of its own, until the scope closes. */
export const child = (...parameters: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const program = Path.join(yield* programs, "child.mjs")
    const spawned = yield* Effect.acquireRelease(
      Effect.sync(() =>
        ChildProcess.spawn(process.execPath, [program, ...parameters], { stdio: ["pipe", "pipe", "inherit"] })
      ),
      (spawned) => Effect.sync(() => spawned.kill("SIGKILL"))
    )
    const ended = new Promise<Option.Option<number>>((resolve) =>
      spawned.once("close", (code) => resolve(Option.fromNullable(code)))
    )
    const lines = yield* Queue.unbounded<string>()
    createInterface({ input: spawned.stdout }).on("line", (line) => lines.unsafeOffer(line))
    const made: Child = {
      pid: spawned.pid ?? 0,
      send: (line) => Effect.sync(() => spawned.stdin.write(`${line}\n`)),
      line: Queue.take(lines),
      lines: Effect.map(Queue.takeAll(lines), (chunk) => [...chunk]),
      signal: (signal) => Effect.sync(() => spawned.kill(signal)),
      ended: Effect.promise(() => ended)
    }
    return made
  })
