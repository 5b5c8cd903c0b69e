import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Fiber, Layer, Option } from "effect"
import * as Fs from "node:fs"
import { JournalError, Tempolite } from "../../../src/index.ts"
import { SqliteJournal } from "../../../src/sqlite.ts"
import { empty, everything, stepRow, workflowRow } from "../../support/journalRows.ts"
import { file, open, program } from "../support.ts"
import * as Works from "./works.ts"

const leaseMillis = 10_000

/** An engine with the workflow "w", which waits to be approved, and what to do with its file. */
const setup = Effect.gen(function*() {
  const filename = yield* file
  const engine = yield* Works.start(filename)
  yield* engine.run(Works.Work.start("w", Works.payload))
  yield* Works.eventually(
    engine,
    Effect.map(
      Works.rowsOf(filename, "w"),
      ([_, steps = []]) => steps.length === 3 ? Option.some(true) : Option.none()
    )
  )
  return { engine, filename }
})

/** What is asked of an engine whose file is gone is refused with an error that says so. */
const refused = (engine: Works.Engine, sign: RegExp) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(engine.run(Works.Work.start("refused", Works.payload)))
    assert.instanceOf(error, JournalError)
    assert.match(error.message, sign)
    yield* Works.logged(engine, sign)
  })

/** What had been acknowledged is there. */
const recorded = (filename: string) =>
  Effect.gen(function*() {
    const journal = yield* open(filename)
    const { steps } = yield* journal.recorded("w", 1)
    assert.deepStrictEqual(
      steps.map(({ path, status }) => `${path} ${status}`),
      ["charge Completed", "pack Completed", "approval Waiting"]
    )
  })

describe("a file that is taken away under a running engine", () => {
  it.scopedLive("is missed at the next write: nothing is acknowledged, and all goes on once it is back", () =>
    Effect.gen(function*() {
      const { engine, filename } = yield* setup
      Fs.renameSync(filename, `${filename}.away`)
      yield* refused(engine, /orders\.db was deleted, or moved away, while it was open.*Put it back, or stop/)
      Fs.renameSync(`${filename}.away`, filename)
      yield* Works.approve(engine, "w")
      assert.strictEqual(yield* Works.result(engine, "w"), Works.done)
      yield* engine.close

      const next = yield* Works.start(filename)
      assert.strictEqual(yield* Works.result(next, "w"), Works.done)
      const error = yield* Effect.flip(next.run(Works.Work.info("refused")))
      assert.strictEqual(error._tag, "WorkflowNotFound")
    }))

  it.scopedLive("is not mixed up with the one that another program has put there", () =>
    Effect.gen(function*() {
      const { engine, filename } = yield* setup
      for (const suffix of ["", "-wal", "-shm"]) Fs.renameSync(filename + suffix, `${filename}.away${suffix}`)
      const rival = yield* Works.start(filename)
      yield* rival.run(Works.Work.start("other", Works.payload))
      yield* refused(engine, /orders\.db was replaced by another file while it was open/)
      yield* engine.close
      assert.deepStrictEqual(
        (yield* rival.run(Effect.flatMap(Tempolite.Tempolite, (client) => client.list()))).workflows.map(({ id }) =>
          id
        ),
        ["other"]
      )
      yield* Works.approve(rival, "other")
      assert.strictEqual(yield* Works.result(rival, "other"), Works.done)

      // The first one's is whole, where it was moved to.
      yield* recorded(`${filename}.away`)
    }))

  for (const suffix of ["-wal", "-shm"]) {
    it.scopedLive(`is missed, too, if that is its ${suffix}; a clean stop writes back what was acknowledged`, () =>
      Effect.gen(function*() {
        const { engine, filename } = yield* setup
        Fs.rmSync(filename + suffix)
        yield* refused(engine, new RegExp(`orders\\.db${suffix} was deleted, or moved away`))
        yield* engine.close
        yield* recorded(filename)
      }))
  }

  it.scopedLive("is missed by a client that waits for news of it", () =>
    Effect.gen(function*() {
      const { filename } = yield* setup
      const client = Works.Work.client.pipe(
        Layer.provideMerge(Tempolite.layerClient),
        Layer.provide(SqliteJournal.layer({ filename, pollInterval: "1 millis" }))
      )
      const waiting = yield* Effect.flatMap(Works.Work.info("w"), ({ result }) => result).pipe(
        Effect.provide(client),
        Effect.flip,
        Effect.fork
      )
      yield* Effect.sleep("20 millis")
      Fs.rmSync(filename)
      const error = yield* Fiber.join(waiting)
      assert.instanceOf(error, JournalError)
      assert.match(error.message, /could not watch the journal.*orders\.db was deleted/)
    }))

  it.scopedLive("is missed if it was emptied", () =>
    Effect.gen(function*() {
      const { engine, filename } = yield* setup
      Fs.truncateSync(filename)
      yield* refused(
        engine,
        /the file was emptied by another program while it was open.*restore the file from a backup/
      )
    }))
})

/** The bytes of a file of an engine that has closed, with a workflow that has ended and many steps of another one. */
const written = Effect.runSync(Effect.cached(Effect.scoped(Effect.gen(function*() {
  const filename = yield* file
  yield* Effect.scoped(Effect.gen(function*() {
    const journal = yield* open(filename)
    const lease = yield* journal.acquire(leaseMillis)
    const ids = Array.from({ length: 40 }, (_, index) => `w${index}`)
    yield* journal.commit(lease, {
      ...empty,
      created: ids.map((id) => workflowRow(id)),
      steps: ids.flatMap((
        id
      ) => [stepRow(id, "a"), stepRow(id, "b", { outcome: "\"b\"", seq: 1, status: "Completed" })])
    })
  }))
  return Fs.readFileSync(filename)
}))))

const fileOf = (bytes: Uint8Array) =>
  Effect.map(file, (filename) => {
    Fs.writeFileSync(filename, bytes)
    return filename
  })

/** Everything that can be read: what it is, or the error of whatever cannot be. */
const readAll = (filename: string) =>
  Effect.either(Effect.gen(function*() {
    const journal = yield* open(filename)
    const reads = [
      journal.list({ filter: everything, after: 0, limit: 100 }),
      ...Array.from({ length: 40 }, (_, index) =>
        Effect.zip(journal.workflow(`w${index}`), journal.recorded(`w${index}`, 1)))
    ]
    return yield* Effect.forEach(reads, (read) =>
      Effect.either<unknown, JournalError, never>(read))
  }))

describe("a damaged file", () => {
  for (const [what, part] of [["half of its bytes", 0.5], ["all but its last page", -4096]] as const) {
    it.scoped(`of which ${what} are left is refused, and left as it is`, () =>
      Effect.gen(function*() {
        const bytes = yield* written
        const cut = bytes.subarray(0, part < 0 ? part : bytes.length * part)
        const filename = yield* fileOf(cut)
        const error = yield* Effect.flip(open(filename))
        assert.match(error.message, /the file is damaged. Restore it from a backup, or recover what can be read/)
        assert.isTrue(Fs.readFileSync(filename).equals(cut))
      }))
  }

  for (
    const { at, sign, what } of [
      { what: "the first byte", at: 0, sign: /the file is not a SQLite database/ },
      { what: "the size of a page", at: 16, sign: /the file is not a SQLite database/ },
      { what: "the version of its format", at: 47, sign: /cannot be used|unsupported file format/ },
      { what: "the tables' page", at: 100, sign: /the file is damaged/ }
    ]
  ) {
    it.scoped(`of which ${what} was flipped is refused, and left as it is`, () =>
      Effect.gen(function*() {
        const bytes = Buffer.from(yield* written)
        bytes[at] = bytes[at]! ^ 0xff
        const filename = yield* fileOf(bytes)
        const error = yield* Effect.flip(open(filename))
        assert.match(error.message, sign)
        assert.isTrue(Fs.readFileSync(filename).equals(bytes))
      }))
  }

  it.scoped("of which any one byte was flipped gives rows or named errors, and dies of nothing", () =>
    Effect.gen(function*() {
      const bytes = yield* written
      const whole = yield* readAll(yield* fileOf(bytes))
      const count = 60
      let [errors, changes] = [0, 0]
      for (let sample = 0; sample < count; sample++) {
        const flipped = Buffer.from(bytes)
        const at = Math.floor((sample + 0.5) * bytes.length / count)
        flipped[at] = flipped[at]! ^ 0xff
        const read = yield* Effect.scoped(Effect.flatMap(fileOf(flipped), readAll))
        const faults = Either.isLeft(read) ?
          [read.left] :
          read.right.flatMap((part) => Either.isLeft(part) ? [part.left] : [])
        for (const fault of faults) {
          assert.match(fault.message, /the file is damaged|cannot read the column|no such|not an? /)
        }
        if (faults.length > 0) errors++
        else if (JSON.stringify(read) !== JSON.stringify(whole)) changes++
      }
      // Most of a file is free space; and SQLite keeps no sums of what is in a text.
      assert.isAbove(errors, 0)
      assert.isBelow(changes, count / 4)
    }))
})

describe("a file of a later version", () => {
  it.scopedLive("is refused by an engine and by a client, and not touched", () =>
    Effect.gen(function*() {
      const filename = yield* fileOf(yield* written)
      yield* Effect.scoped(Effect.flatMap(program(filename), (other) =>
        other("INSERT INTO tempolite_migration VALUES (7, 'of the future', 0)", "PRAGMA journal_mode = DELETE")))
      const before = Fs.readFileSync(filename)
      for (const layer of [Tempolite.layer(), Tempolite.layerClient]) {
        const error = yield* Effect.flip(Effect.scoped(
          Layer.build(Layer.provide(layer, SqliteJournal.layer({ filename })))
        ))
        assert.instanceOf(error, JournalError)
        assert.match(
          error.message,
          /schema is version 7, and this version knows no later one than 4. Upgrade tempolite/
        )
      }
      assert.isTrue(Fs.readFileSync(filename).equals(before))
    }))
})
