import * as SqlClient from "@effect/sql/SqlClient"
import * as SqlError from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { JournalError } from "../../src/Errors.ts"
import * as Bell from "../../src/internal/bell.ts"
import * as Journal from "../../src/Journal.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { run } from "../../src/sqlite/connection.ts"
import * as Open from "../../src/sqlite/open.ts"
import * as JournalSuite from "../JournalSuite.ts"
import {
  creation,
  empty,
  everything,
  request,
  signal,
  stepExecutionRow,
  stepRow,
  workflowRow
} from "../support/journalRows.ts"
import * as FirstVersion from "./firstVersion.ts"
import { client, directory, file, layer, open, program } from "./support.ts"

const leaseMillis = 10_000

JournalSuite.suite("sqlite", layer)

JournalSuite.suite(
  "sqlite, the application's client",
  Layer.provide(
    SqliteJournal.layerSqlClient,
    Layer.scoped(SqlClient.SqlClient, Effect.flatMap(file, (filename) => client(filename)))
  )
)

/** A journal on the client of an application. */
const openOn = (sql: SqlClient.SqlClient) =>
  Effect.map(
    Layer.build(Layer.provide(SqliteJournal.layerSqlClient, Layer.succeed(SqlClient.SqlClient, sql))),
    Context.get(Journal.Journal)
  )

/** The message with which a journal in `filename` does not open. */
const refusal = (filename: string) =>
  Effect.map(Effect.scoped(Effect.flip(open(filename))), (error) => {
    assert.instanceOf(error, JournalError)
    return error.message
  })

describe("SqliteJournal.layer", () => {
  it.scoped("finds everything again when the file is opened again", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const write = Effect.gen(function*() {
        const journal = yield* open(filename)
        const lease = yield* journal.acquire(leaseMillis)
        yield* journal.commit(lease, { ...empty, created: [workflowRow("w")], steps: [stepRow("w", "a")] })
        yield* journal.submit(request("w"), Option.none())
        return yield* Effect.provideService(JournalSuite.readAll, Journal.Journal, journal)
      })
      const written = yield* Effect.scoped(write)
      const journal = yield* open(filename)
      assert.deepStrictEqual(yield* Effect.provideService(JournalSuite.readAll, Journal.Journal, journal), written)
      yield* journal.acquire(leaseMillis)
    }))

  it.scoped("keeps plain tables that can be read without it", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename)
      const lease = yield* journal.acquire(leaseMillis)
      yield* journal.commit(lease, {
        ...empty,
        created: [workflowRow("order-42", { status: "Running", createdAt: 5 })],
        steps: [stepRow("order-42", "charge", { outcome: "{\"receipt\":\"r\\u0000\"}", seq: 1, undo: true })]
      })
      const other = yield* program(filename)
      assert.deepStrictEqual(
        yield* other("SELECT id, status, payload, created_at, parent_id FROM tempolite_workflow"),
        [{ id: "order-42", status: "Running", payload: "{\"cents\":1999}", created_at: 5, parent_id: null }]
      )
      assert.deepStrictEqual(
        yield* other("SELECT path, outcome ->> 'receipt' AS receipt, undo FROM tempolite_step"),
        [{ path: "charge", receipt: "r\u0000", undo: 1 }]
      )
      const tables = yield* other(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tempolite%' ORDER BY name"
      )
      assert.deepStrictEqual(
        tables,
        [
          "tempolite_lease",
          "tempolite_migration",
          "tempolite_pruned",
          "tempolite_request",
          "tempolite_signal",
          "tempolite_step",
          "tempolite_step_execution",
          "tempolite_workflow",
          "tempolite_workflow_execution"
        ].map((name) => ({ name }))
      )
    }))

  it.scoped("writes with WAL, and waits for the disk unless told otherwise", () =>
    Effect.gen(function*() {
      const pragmas = (synchronous: "full" | "normal") =>
        Effect.flatMap(Effect.flatMap(file, (filename) => Open.file(filename, synchronous)), (database) =>
          Effect.forEach(["synchronous", "journal_mode", "busy_timeout"], (name) =>
            database.query("read", () =>
              run(`PRAGMA ${name}`))))
      const others = [[{ journal_mode: "wal" }], [{ timeout: 20 }]]
      assert.deepStrictEqual(yield* pragmas("full"), [[{ synchronous: 2 }], ...others])
      assert.deepStrictEqual(yield* pragmas("normal"), [[{ synchronous: 1 }], ...others])
    }))

  it.scoped("lets two of one process share a file: one holds the lease, the other is a client", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const [engine, other] = [yield* open(filename), yield* open(filename)]
      const lease = yield* engine.acquire(leaseMillis)
      const locked = yield* Effect.flip(other.acquire(leaseMillis))
      assert.strictEqual(locked._tag, "JournalLocked")
      assert.include(locked.message, `process ${process.pid} on host `)
      yield* other.submit(request("w", { kind: "Start" }), creation(workflowRow("w")))
      const [asked] = yield* engine.requests
      assert.strictEqual(asked?.workflowId, "w")
      yield* engine.commit(lease, { ...empty, handled: [1], workflows: [workflowRow("w", { attempt: 2 })] })
      assert.deepStrictEqual(yield* other.requests, [])
      assert.deepStrictEqual(yield* other.workflow("w"), Option.some(workflowRow("w", { attempt: 2 })))
    }))

  it.scoped("emits for the writes of others, for as long as somebody listens", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename, { pollInterval: "1 millis" })
      const other = yield* open(filename)
      yield* other.submit(request("w"), creation(workflowRow("w")))
      const emitted = yield* Queue.unbounded<void>()
      const listening = yield* Effect.fork(
        Stream.runForEach(Bell.stream(journal.requested), () => Queue.offer(emitted, undefined))
      )
      yield* Queue.take(emitted)
      for (const write of [other.submit(request("a"), Option.none()), other.send(signal("w", "Approved"))]) {
        assert.strictEqual(yield* Queue.size(emitted), 0)
        yield* write
        yield* Queue.take(emitted)
      }
      yield* Fiber.interrupt(listening)
      yield* other.submit(request("c"), Option.none())
      assert.isTrue(Option.isSome(yield* Stream.runHead(Bell.stream(journal.requested))))
    }))

  it.scoped("ends the streams with an error if it cannot look for the writes of others", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const sql = yield* Scope.extend(Effect.flatMap(file, (filename) => client(filename)), scope)
      const journal = yield* openOn(sql)
      const emitted = yield* Queue.unbounded<void>()
      const listening = yield* Effect.fork(Stream.runForEach(journal.committed, () => Queue.offer(emitted, undefined)))
      yield* Queue.take(emitted)
      yield* Scope.close(scope, Exit.void)
      const error = yield* Effect.flip(Fiber.join(listening))
      assert.match(error.message, /could not watch the journal/)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(journal.committed))).message, error.message)
    }))

  it.scoped("fails, and does not die, when it is used after it was closed", () =>
    Effect.gen(function*() {
      const journal = yield* Effect.scoped(Effect.flatMap(file, open))
      const error = yield* Effect.flip(journal.workflow("w"))
      assert.match(error.message, /could not read the journal ".*orders\.db": .*not open/)
    }))
})

describe("a file that cannot be used", () => {
  it.scoped("is no database", () =>
    Effect.gen(function*() {
      const filename = yield* file
      Fs.writeFileSync(filename, "Dear diary, ".repeat(1000))
      assert.match(yield* refusal(filename), /could not open the journal ".*orders\.db": the file is not a SQLite data/)
      assert.strictEqual(Fs.readFileSync(filename, "utf8"), "Dear diary, ".repeat(1000))
    }))

  it.scoped("is a directory", () =>
    Effect.gen(function*() {
      assert.match(yield* refusal(yield* directory), /the file cannot be opened. Look whether the path is right/)
    }))

  it.scoped("is in a directory that does not exist", () =>
    Effect.gen(function*() {
      const filename = Path.join(yield* directory, "missing", "orders.db")
      assert.match(yield* refusal(filename), /its directory does not exist. Create it first/)
    }))

  it.scoped("is in a directory where nothing can be made", () =>
    Effect.gen(function*() {
      assert.match(yield* refusal("/proc/orders.db"), /the file cannot be opened/)
    }))

  it.scoped("is damaged", () =>
    Effect.gen(function*() {
      const filename = yield* file
      yield* Effect.scoped(Effect.gen(function*() {
        const journal = yield* open(filename)
        const lease = yield* journal.acquire(leaseMillis)
        const steps = Array.from({ length: 500 }, (_, index) => stepRow("w", `step ${index}`))
        yield* journal.commit(lease, { ...empty, steps })
      }))
      const bytes = Fs.readFileSync(filename)
      Fs.writeFileSync(filename, bytes.fill(0x5a, 4096))
      const message = yield* open(filename).pipe(
        Effect.flatMap((journal) => journal.recorded("w", 1)),
        Effect.flip,
        Effect.map((error) => error.message)
      )
      assert.match(message, /the file is damaged. Restore it from a backup/)
    }))

  it.scoped("was written by a newer version, and is left as it was", () =>
    Effect.gen(function*() {
      const filename = yield* file
      yield* Effect.scoped(open(filename))
      yield* Effect.scoped(Effect.flatMap(program(filename), (other) =>
        other("INSERT INTO tempolite_migration VALUES (7, 'of the future', 0)", "PRAGMA journal_mode = DELETE")))
      const before = Fs.readFileSync(filename)
      assert.match(
        yield* refusal(filename),
        /was written by a newer version of tempolite: its schema is version 7, and this version knows no later one than 4/
      )
      assert.isTrue(before.equals(Fs.readFileSync(filename)))
      assert.deepStrictEqual(Fs.readdirSync(Path.dirname(filename)), ["orders.db"])
    }))

  it.scoped("is read-only", () =>
    Effect.gen(function*() {
      const filename = yield* file
      yield* Effect.scoped(open(filename))
      const sql = yield* client(filename, { readonly: true, disableWAL: true })
      const journal = yield* openOn(sql)
      const error = yield* Effect.flip(journal.submit(request("w"), Option.none()))
      assert.match(error.message, /could not send a request to the journal ".*": it is read-only. Allow the user/)
      assert.deepStrictEqual(yield* journal.requests, [])
    }))

  it.scoped("holds a row that this version cannot read", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename)
      const lease = yield* journal.acquire(leaseMillis)
      yield* journal.commit(lease, { ...empty, created: [workflowRow("w")], steps: [stepRow("w", "charge")] })
      const other = yield* program(filename)
      yield* other("UPDATE tempolite_step SET kind = 'Wormhole'", "UPDATE tempolite_workflow SET status = 'Asleep'")
      const messages = yield* Effect.forEach([journal.recorded("w", 1), journal.workflow("w"), journal.history("w")], (
        read
      ) => Effect.map(Effect.flip<unknown, JournalError, never>(read), (error) => error.message))
      assert.match(
        messages[0]!,
        /column kind of a row of tempolite_step \(workflow_id "w", generation 1, path "charge".*actual "Wormhole"/
      )
      assert.match(
        messages[1]!,
        /column status of a row of tempolite_workflow \(id "w".*actual "Asleep".*upgrade tempolite, or correct the row/
      )
      assert.match(messages[2]!, /Asleep/)
    }))

  it.scoped("has no room left: nothing of a batch is written, and it can be repeated", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* file)
      const journal = yield* openOn(sql)
      const lease = yield* journal.acquire(leaseMillis)
      const [{ page_count: pages } = { page_count: 0 }] = yield* sql<{ page_count: number }>`PRAGMA page_count`
      yield* sql`PRAGMA max_page_count = ${sql.literal(`${pages + 1}`)}`
      const batch = {
        ...empty,
        created: [workflowRow("w")],
        steps: Array.from({ length: 1000 }, (_, index) => stepRow("w", `step ${index}`))
      }
      const error = yield* Effect.flip(journal.commit(lease, batch))
      assert.match(error.message, /could not commit to the journal ".*orders\.db": the disk is full/)
      assert.deepStrictEqual(yield* journal.workflow("w"), Option.none())
      assert.deepStrictEqual((yield* journal.recorded("w", 1)).steps, [])
      yield* sql`PRAGMA max_page_count = 1000000`
      assert.deepStrictEqual(yield* journal.commit(lease, batch), [])
      assert.strictEqual((yield* journal.recorded("w", 1)).steps.length, 1000)
    }))
})

describe("a file of version 0.1.0", () => {
  const migrated = Effect.gen(function*() {
    const filename = yield* file
    yield* FirstVersion.write(filename)
    return { filename, journal: yield* open(filename) }
  })

  it.scoped("is brought up to date when it is opened, and what is new of a row says what was so", () =>
    Effect.gen(function*() {
      const { filename, journal } = yield* migrated
      assert.deepStrictEqual(
        yield* journal.history("b"),
        Option.some({
          workflow: workflowRow("b", { attempt: 4 }),
          executions: [],
          steps: [stepRow("b", "charge")],
          stepExecutions: [stepExecutionRow("b", "charge")],
          signals: []
        })
      )
      assert.deepStrictEqual(yield* journal.requests, [{ ...request("b"), id: 1 }])
      const other = yield* program(filename)
      assert.deepStrictEqual(
        yield* other("SELECT id, name FROM tempolite_migration"),
        [
          { id: 1, name: "tables" },
          { id: 2, name: "control" },
          { id: 3, name: "conditions" },
          { id: 4, name: "sleep" }
        ]
      )
    }))

  it.scoped("keeps its order of creation, and counts changes from now on", () =>
    Effect.gen(function*() {
      const { journal } = yield* migrated
      const idsOf = (placed: ReadonlyArray<Journal.Placed>) => placed.map(({ place, workflow }) => [place, workflow.id])
      assert.strictEqual(yield* journal.lastChange, 0)
      assert.deepStrictEqual(yield* journal.changed({ after: 0, limit: 10 }), [])
      yield* journal.submit(request("c"), creation(workflowRow("c")))
      assert.deepStrictEqual(
        idsOf(yield* journal.list({ filter: everything, after: 0, limit: 10 })),
        [[1, "b"], [2, "a"], [3, "c"]]
      )
      assert.deepStrictEqual(idsOf(yield* journal.changed({ after: 0, limit: 10 })), [[1, "c"]])
      assert.strictEqual(yield* journal.prune({ before: 6, limit: 10 }), 1)
    }))

  it.scoped("is the same in the end as one that was made new", () =>
    Effect.gen(function*() {
      const { filename } = yield* migrated
      const fresh = yield* file
      yield* open(fresh)
      const schema = (filename: string) =>
        Effect.flatMap(program(filename), (other) =>
          other("SELECT name, sql FROM sqlite_master WHERE name <> 'tempolite_migration' ORDER BY name")).pipe(
            // But for how they are set out.
            Effect.map((rows) =>
              JSON.stringify(rows).replace(/(\\n|\s)+/g, " ")
            )
          )
      assert.deepStrictEqual(yield* schema(filename), yield* schema(fresh))
    }))
})

describe("a busy file", () => {
  it.scoped("is waited for, and what waits is written in the order of the calls", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename)
      const lease = yield* journal.acquire(leaseMillis)
      const other = yield* program(filename)
      yield* other("BEGIN IMMEDIATE")
      const paths = ["a", "b", "c", "d"]
      const commits = yield* Effect.forEach(paths, (path) =>
        Effect.fork(journal.commit(lease, { ...empty, steps: [stepRow("w", path)] })))
      const written = Effect.map(journal.recorded("w", 1), ({ steps }) =>
        steps.map(({ path }) => path))
      yield* TestClock.adjust("1 second")
      // Reading goes on.
      assert.deepStrictEqual(yield* written, [])
      yield* Fiber.interrupt(commits[1]!)
      yield* other("COMMIT")
      // The first sleeps until it tries again, and nobody goes before it.
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* written, [])
      yield* TestClock.adjust("1 second")
      yield* Effect.forEach(commits.filter((_, index) => index !== 1), Fiber.join)
      assert.deepStrictEqual(yield* written, ["a", "c", "d"])
    }))

  it.scoped("is given up after some seconds, with nothing written, and works again afterwards", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename)
      const lease = yield* journal.acquire(leaseMillis)
      const other = yield* program(filename)
      yield* other("BEGIN IMMEDIATE")
      const commit = journal.commit(lease, { ...empty, created: [workflowRow("w")] })
      const waiting = yield* Effect.fork(Effect.flip(commit))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* TestClock.adjust("11 seconds")
      const error = yield* Fiber.join(waiting)
      assert.match(error.message, /could not commit to the journal ".*orders\.db": another program keeps it locked/)
      yield* other("ROLLBACK")
      assert.deepStrictEqual(yield* commit, [])
    }))

  it.scopedLive("can be opened as soon as another program lets it be read, though it did not when it was asked first", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const other = yield* program(filename)
      yield* other("CREATE TABLE mine (x)", "BEGIN EXCLUSIVE")
      const opening = yield* Effect.fork(open(filename))
      yield* Effect.sleep("100 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(opening)))
      yield* other("COMMIT")
      const journal = yield* Fiber.join(opening)
      assert.deepStrictEqual(yield* journal.requests, [])
    }))

  it.scopedLive("can be opened meanwhile, by two, and its tables are made once, when it is free", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const other = yield* program(filename)
      yield* other("PRAGMA journal_mode = WAL", "CREATE TABLE mine (x)", "BEGIN IMMEDIATE")
      const opening = yield* Effect.fork(Effect.all([open(filename), open(filename)], { concurrency: 2 }))
      yield* Effect.sleep("60 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(opening)))
      yield* other("COMMIT")
      for (const journal of yield* Fiber.join(opening)) assert.deepStrictEqual(yield* journal.requests, [])
    }))
})

describe("SqliteJournal.layerSqlClient", () => {
  const make = Effect.gen(function*() {
    const sql = yield* client(yield* file)
    return { sql, journal: yield* openOn(sql) }
  })

  it.scoped("keeps its tables beside those of the application", () =>
    Effect.gen(function*() {
      const { journal, sql } = yield* make
      yield* sql`CREATE TABLE orders (id TEXT)`
      const lease = yield* journal.acquire(leaseMillis)
      yield* journal.commit(lease, { ...empty, created: [workflowRow("w")] })
      const rows = yield* sql`SELECT id FROM tempolite_workflow`
      assert.deepStrictEqual(rows, [{ id: "w" }])
      assert.deepStrictEqual(yield* sql`PRAGMA busy_timeout`, [{ timeout: 5000 }])
    }))

  it.scoped("inside a transaction of the application can be read, and not written", () =>
    Effect.gen(function*() {
      const { journal, sql } = yield* make
      const lease = yield* journal.acquire(leaseMillis)
      yield* journal.commit(lease, { ...empty, created: [workflowRow("w")] })
      yield* sql.withTransaction(Effect.gen(function*() {
        assert.deepStrictEqual(yield* journal.workflow("w"), Option.some(workflowRow("w")))
        assert.isTrue(Option.isSome(yield* journal.history("w")))
        const errors = [
          yield* Effect.flip(journal.submit(request("v"), creation(workflowRow("v")))),
          yield* Effect.flip(journal.send(signal("w", "Approved"))),
          yield* Effect.flip(journal.prune({ before: 0, limit: 1 })),
          yield* Effect.flip(journal.commit(lease, { ...empty, created: [workflowRow("v")] }))
        ]
        for (const error of errors) assert.match(error.message, /inside a transaction of the application.*Call it when/)
      }))
      assert.deepStrictEqual(yield* journal.workflow("v"), Option.none())
    }))

  it.scopedLive("waits for a transaction of the application, and is no part of it", () =>
    Effect.gen(function*() {
      const { journal, sql } = yield* make
      yield* sql`CREATE TABLE orders (id TEXT)`
      const lease = yield* journal.acquire(leaseMillis)
      const transaction = yield* Effect.fork(Effect.exit(sql.withTransaction(
        sql`INSERT INTO orders VALUES ('o')`.pipe(
          Effect.zipRight(Effect.sleep("30 millis")),
          Effect.zipRight(Effect.fail("no"))
        )
      )))
      yield* Effect.sleep("5 millis")
      yield* journal.commit(lease, { ...empty, created: [workflowRow("w")] })
      assert.isTrue(Exit.isFailure(yield* Fiber.join(transaction)))
      assert.deepStrictEqual(yield* sql`SELECT * FROM orders`, [])
      assert.deepStrictEqual(yield* journal.workflow("w"), Option.some(workflowRow("w")))
    }))

  it.scoped("is not misled by a transaction on another client, by safe integers, or by names it transforms", () =>
    Effect.gen(function*() {
      const transforms = { transformResultNames: (name: string) => name.toUpperCase() }
      const journal = yield* openOn(yield* client(yield* file, transforms))
      const own = yield* Effect.flatMap(file, open)
      const other = yield* client(yield* file)
      yield* other.withTransaction(Effect.gen(function*() {
        for (const used of [journal, own]) {
          assert.deepStrictEqual(yield* used.submit(request("w"), creation(workflowRow("w"))), Either.right(1))
          assert.deepStrictEqual(yield* used.workflow("w"), Option.some(workflowRow("w")))
          const lease = yield* used.acquire(leaseMillis)
          yield* used.commit(lease, { ...empty, handled: [1] })
        }
        assert.deepStrictEqual(yield* other`SELECT name FROM sqlite_master`, [])
      })).pipe(Effect.provideService(SqlClient.SafeIntegers, true))
    }))

  it.scoped("does not take a client of another database", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* file)
      const postgres: SqlClient.SqlClient = Object.assign(sql, {
        onDialectOrElse: (options: { readonly orElse: () => never }) => options.orElse()
      })
      const error = yield* Effect.flip(openOn(postgres))
      assert.match(error.message, /the SqlClient of the application is not one of SQLite/)
    }))

  it.scoped("turns a client that gives no connection into an error", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* file)
      const broken: SqlClient.SqlClient = Object.assign(sql, {
        reserve: Effect.fail(new SqlError.SqlError({ cause: new Error("no connection left") }))
      })
      const error = yield* Effect.flip(openOn(broken))
      assert.match(error.message, /could not open the journal .*: no connection left/)
    }))
})
