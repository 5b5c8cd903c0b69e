import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Schema } from "effect"
import * as Fs from "node:fs"
import { JournalError, SuspendReason, Tempolite } from "../../../src/index.ts"
import { file, program } from "../support.ts"
import * as Works from "./works.ts"

/** The bytes of a file with two workflows, each of which has charged and was packing when its engine closed. */
const template = Effect.runSync(Effect.cached(Effect.scoped(Effect.gen(function*() {
  const filename = yield* file
  const engine = yield* Works.start(filename, { isHeld: true })
  for (const id of ["bad", "good"]) yield* engine.run(Works.Work.start(id, Works.payload))
  yield* Works.eventually(engine, Effect.sync(() => engine.calls.length === 4 ? Option.some(true) : Option.none()))
  yield* engine.close
  return Fs.readFileSync(filename)
}))))

/** Such a file, in which `statements` were run. */
const damaged = (...statements: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const filename = yield* file
    Fs.writeFileSync(filename, yield* template)
    const other = yield* program(filename)
    yield* other(...statements)
    return { filename, other }
  })

/** Lets the workflow "good" go on to its end. */
const others = (engine: Works.Engine) =>
  Effect.gen(function*() {
    yield* Works.approve(engine, "good")
    assert.strictEqual(yield* Works.result(engine, "good"), Works.done)
  })

const asked = <A, E>(engine: Works.Engine, ask: (client: Tempolite.Service) => Effect.Effect<A, E>) =>
  engine.run(Effect.flatMap(Tempolite.Tempolite, ask))

interface Damage {
  readonly table: "step" | "step_execution" | "workflow_execution" | "workflow"
  readonly column: string
  readonly value: string
  /** Which of the rows of the workflow "bad". */
  readonly which?: string
}

const set = ({ table, which }: Damage, assignment: string) =>
  `UPDATE tempolite_${table} SET ${assignment} WHERE ${table === "workflow" ? "id" : "workflow_id"} = 'bad' AND ${
    which ?? "true"
  }`

/** Damages the file, and can take it back. */
const damagedBy = (damage: Damage) =>
  Effect.gen(function*() {
    const { column, table } = damage
    const { filename, other } = yield* damaged(
      `CREATE TABLE mine AS SELECT * FROM tempolite_${table}`,
      set(damage, `${column} = ${damage.value}`)
    )
    const original = `(SELECT ${column} FROM mine WHERE mine.rowid = tempolite_${table}.row_id)`
    return { filename, correct: other(set(damage, `${column} = ${original}`)) }
  })

const charge = "path = 'charge'"

const unreadable: ReadonlyArray<Damage> = [
  { table: "step", column: "kind", value: "'Wormhole'", which: charge },
  { table: "step", column: "status", value: "'Asleep'", which: charge },
  { table: "step", column: "origin", value: "'Elsewhere'", which: charge },
  { table: "step", column: "undo", value: "2", which: charge },
  { table: "step", column: "seq", value: "'first'", which: charge },
  { table: "step", column: "outcome", value: "x'00ff'", which: charge },
  { table: "step_execution", column: "status", value: "'Wandering'", which: "path = 'pack'" },
  { table: "step_execution", column: "started_at", value: "'noon'", which: "path = 'pack'" },
  { table: "workflow_execution", column: "status", value: "'Napping'" }
]

describe("a row that cannot be read", () => {
  for (const damage of unreadable) {
    it.scopedLive(
      `of tempolite_${damage.table}, for its ${damage.column}, is named, holds up its workflow alone, and stays as it is`,
      () =>
        Effect.gen(function*() {
          const { correct, filename } = yield* damagedBy(damage)
          const before = yield* Works.rowsOf(filename, "bad")
          const engine = yield* Works.start(filename)
          const named = new RegExp(
            `cannot read the column ${damage.column} of a row of tempolite_${damage.table} \\(workflow_id "bad",.*` +
              "upgrade tempolite, or correct the row"
          )
          yield* Works.logged(engine, named)
          yield* others(engine)
          assert.deepStrictEqual(yield* Works.rowsOf(filename, "bad"), before)
          assert.deepStrictEqual(engine.calls, ["good/pack"])

          // It goes on by itself once the row is corrected.
          yield* correct
          yield* Works.approve(engine, "bad")
          assert.strictEqual(yield* Works.result(engine, "bad"), Works.done)
          assert.deepStrictEqual(engine.calls, ["good/pack", "bad/pack"])
        })
    )
  }

  it.scopedLive("for a NULL where none may be, neither", () =>
    Effect.gen(function*() {
      const { filename, other } = yield* damaged(
        "ALTER TABLE tempolite_step ADD COLUMN new_status TEXT",
        "UPDATE tempolite_step SET new_status = status WHERE NOT (workflow_id = 'bad' AND path = 'charge')",
        "ALTER TABLE tempolite_step DROP COLUMN status",
        "ALTER TABLE tempolite_step RENAME COLUMN new_status TO status"
      )
      const before = yield* Works.rowsOf(filename, "bad")
      const engine = yield* Works.start(filename)
      yield* Works.logged(engine, /the column status of a row of tempolite_step .*"bad".*path "charge".*actual null/)
      yield* others(engine)
      assert.deepStrictEqual(yield* Works.rowsOf(filename, "bad"), before)
      yield* other("UPDATE tempolite_step SET status = 'Completed' WHERE status IS NULL")
      yield* Works.approve(engine, "bad")
      assert.strictEqual(yield* Works.result(engine, "bad"), Works.done)
    }))

  it.scopedLive("holds up nobody, however many workflows have one", () =>
    Effect.gen(function*() {
      // More than are read at once, before the two that can be read.
      const { filename } = yield* damaged(
        "UPDATE tempolite_workflow SET row_id = row_id + 2000",
        `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 40)
          INSERT INTO tempolite_workflow
            (row_id, id, name, status, generation, attempt, payload, created_at, unused_outcomes, changed)
          SELECT n, 'w' || n, 'Work', 'Running', 1, 1, '{"sku":"a"}', 0, 0, n FROM number`,
        `INSERT INTO tempolite_step
            (workflow_id, generation, path, kind, name, status, attempt, attempts, round, first_attempt, undo)
          SELECT id, 1, 'charge', 'Wormhole', 'Charge', 'Running', 1, 1, 0, 1, 0
            FROM tempolite_workflow WHERE row_id < 2000`
      )
      const engine = yield* Works.start(filename)
      yield* others(engine)
      assert.deepStrictEqual(engine.calls.toSorted(), ["bad/pack", "good/pack"])
    }))

  it.scopedLive("is no reason to close late", () =>
    Effect.gen(function*() {
      const { filename } = yield* damagedBy(unreadable[0]!)
      const engine = yield* Works.start(filename)
      yield* Works.logged(engine, /Wormhole/)
      const before = yield* Works.rowsOf(filename, "bad")
      // Nothing would wake up what waits for the row, neither within the grace nor after it.
      yield* Effect.timeout(engine.close, "4 seconds")
      assert.deepStrictEqual(yield* Works.rowsOf(filename, "bad"), before)
    }))
})

describe("a workflow whose own row cannot be read", () => {
  for (
    const damage of [
      { table: "workflow", column: "status", value: "'Asleep'" },
      { table: "workflow", column: "generation", value: "'one'" },
      { table: "workflow", column: "payload", value: "x'00ff'" },
      { table: "workflow", column: "sleeps_until", value: "'soon'" }
    ] as const
  ) {
    it.scopedLive(`for its ${damage.column} is left out, and goes on with the next engine once it is corrected`, () =>
      Effect.gen(function*() {
        const { correct, filename } = yield* damagedBy(damage)
        const before = yield* Works.rowsOf(filename, "bad")
        const engine = yield* Works.start(filename)
        const named = new RegExp(`cannot read the column ${damage.column} of a row of tempolite_workflow \\(id "bad"`)
        yield* Works.logged(engine, named)
        yield* others(engine)

        const page = yield* asked(engine, (client) => client.list({ limit: 1 }))
        assert.deepStrictEqual(page.workflows.map(({ id }) => id), ["good"])
        for (
          const call of [
            engine.run(Works.Work.start("bad", Works.payload)),
            engine.run(Works.Work.info("bad")),
            Works.approve(engine, "bad"),
            asked(engine, (client) => client.cancel("bad"))
          ]
        ) {
          const error = yield* Effect.flip(Effect.asVoid<unknown, unknown, never>(call))
          assert.instanceOf(error, JournalError)
          assert.match(error.message, named)
        }
        assert.deepStrictEqual(yield* Works.rowsOf(filename, "bad"), before)
        // It is told once, however often the workflows are listed.
        assert.lengthOf(engine.log.filter((line) => /is left out/.test(line)), 1)

        yield* engine.close
        yield* correct
        const next = yield* Works.start(filename)
        yield* Works.approve(next, "bad")
        assert.strictEqual(yield* Works.result(next, "bad"), Works.done)
        assert.deepStrictEqual(next.calls, ["bad/pack"])
      }))
  }

  it.scopedLive("does not hide those behind it, however many they are", () =>
    Effect.gen(function*() {
      // More than a page of the recovery, before the two that can be read.
      const { filename } = yield* damaged(
        "UPDATE tempolite_workflow SET row_id = row_id + 2000",
        `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 600)
          INSERT INTO tempolite_workflow
            (row_id, id, name, status, generation, attempt, created_at, unused_outcomes, changed)
          SELECT n, 'w' || n, 'Work', 'Running', 'one', 1, 0, 0, n FROM number`
      )
      const engine = yield* Works.start(filename)
      yield* others(engine)
      const page = yield* asked(engine, (client) => client.list({ limit: 10 }))
      assert.deepStrictEqual(page.workflows.map(({ id }) => id), ["bad", "good"])
    }))
})

const isReason = Schema.is(SuspendReason)

/** The message with which a workflow is suspended. */
const suspension = (engine: Works.Engine, id: string) =>
  Effect.gen(function*() {
    yield* Works.hasStatus(engine, id, "Suspended")
    const { reason } = yield* asked(engine, (client) => client.describe(id))
    return Option.getOrThrow(Option.filter(reason, isReason)).message
  })

describe("text in a row that is not JSON", () => {
  for (
    const { damage, named } of [
      {
        damage: { table: "step", column: "outcome", value: `'{"receipt'`, which: charge },
        named: /the recorded outcome of the activity "Charge" does not decode any more: it is not JSON/
      },
      {
        damage: { table: "workflow", column: "payload", value: `'{"sku'` },
        named: /the recorded payload does not fit the workflow's schema any more: it is not JSON/
      }
    ] as const
  ) {
    it.scopedLive(
      `suspends its workflow alone, says so, and is not recorded over: ${damage.column} of tempolite_${damage.table}`,
      () =>
        Effect.gen(function*() {
          const { correct, filename } = yield* damagedBy(damage)
          const before = yield* Works.rowsOf(filename, "bad", { isWithRow: false })
          const engine = yield* Works.start(filename)
          assert.match(yield* suspension(engine, "bad"), named)
          yield* Works.logged(engine, named)
          yield* others(engine)
          assert.deepStrictEqual(engine.calls, ["good/pack"])
          assert.deepStrictEqual(yield* Works.rowsOf(filename, "bad", { isWithRow: false }), before)

          yield* correct
          yield* asked(engine, (client) => client.resume("bad"))
          yield* Works.approve(engine, "bad")
          assert.strictEqual(yield* Works.result(engine, "bad"), Works.done)
          assert.deepStrictEqual(engine.calls, ["good/pack", "bad/pack"])
        })
    )
  }

  it.scopedLive("suspends a workflow that takes it as a signal, which is still there to be corrected", () =>
    Effect.gen(function*() {
      const { filename, other } = yield* damaged(
        `INSERT INTO tempolite_signal (workflow_id, name, payload, at) VALUES ('bad', 'Approved', '{"by', 0)`
      )
      const engine = yield* Works.start(filename)
      assert.match(yield* suspension(engine, "bad"), /the recorded payload of the signal "Approved" does not decode/)
      yield* others(engine)
      const where = "workflow_id = 'bad' AND path = 'approval'"
      assert.deepStrictEqual(yield* other(`SELECT outcome FROM tempolite_step WHERE ${where}`), [{
        outcome: `{"payload":{"by}`
      }])
      yield* other(`UPDATE tempolite_step SET outcome = '{"payload":{"by":"ann"}}' WHERE ${where}`)
      yield* asked(engine, (client) => client.resume("bad"))
      assert.strictEqual(yield* Works.result(engine, "bad"), Works.done)
    }))

  it.scopedLive("as the outcome of a workflow that has ended is an error for who asks, and stays as it is", () =>
    Effect.gen(function*() {
      const { filename, other } = yield* damaged()
      const engine = yield* Works.start(filename)
      yield* others(engine)
      yield* other("UPDATE tempolite_workflow SET outcome = '\"a rec' WHERE id = 'good'")
      const exit = yield* Effect.exit(Works.result(engine, "good"))
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) {
        assert.match(
          Cause.pretty(exit.cause),
          /the recorded outcome of the workflow "Work" does not decode any more: it is not JSON/
        )
      }
      assert.deepStrictEqual(
        yield* other("SELECT status, outcome FROM tempolite_workflow WHERE id = 'good'"),
        [{ status: "Completed", outcome: "\"a rec" }]
      )
    }))
})

describe("a request that cannot be read", () => {
  it.scopedLive("for its kind is left where it is, and those behind it are done", () =>
    Effect.gen(function*() {
      const { filename, other } = yield* damaged(
        "INSERT INTO tempolite_request (workflow_id, kind, at) VALUES ('good', 'Explode', 0)"
      )
      const engine = yield* Works.start(filename)
      yield* Works.logged(
        engine,
        /the column kind of a row of tempolite_request \(id 1, workflow_id "good"\).*"Explode"/
      )
      yield* asked(engine, (client) => client.pause("good"))
      yield* Works.hasStatus(engine, "good", "Paused")
      yield* asked(engine, (client) => client.resume("good"))
      yield* others(engine)
      assert.deepStrictEqual(yield* other("SELECT kind FROM tempolite_request"), [{ kind: "Explode" }])
    }))

  it.scopedLive("for its payload is left where it is, and done by the next engine once it is corrected", () =>
    Effect.gen(function*() {
      const { filename, other } = yield* damaged(
        "INSERT INTO tempolite_request (workflow_id, kind, payload, at) VALUES ('good', 'Skip', '{\"path', 0)"
      )
      const engine = yield* Works.start(filename)
      yield* Works.logged(engine, /the payload of the request 1 \(Skip\) for the workflow good cannot be read/)
      yield* Works.eventually(
        engine,
        Effect.map(
          other("SELECT path FROM tempolite_step WHERE workflow_id = 'good' AND path = 'approval'"),
          ([step]) => Option.fromNullable(step)
        )
      )
      yield* engine.close
      assert.deepStrictEqual(yield* other("SELECT kind FROM tempolite_request"), [{ kind: "Skip" }])
      const skip = JSON.stringify({ path: "approval", value: JSON.stringify({ by: "nobody" }) })
      yield* other(`UPDATE tempolite_request SET payload = '${skip}'`)
      const next = yield* Works.start(filename)
      assert.strictEqual(yield* Works.result(next, "good"), "a receipt nobody")
      assert.deepStrictEqual(yield* other("SELECT kind FROM tempolite_request"), [])
    }))
})
