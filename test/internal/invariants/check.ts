/**
 * `Journal.check`: on both journals, and on files whose rows were changed.
 */
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Layer, Option, Schema, Stream } from "effect"
import * as Fs from "node:fs"
import { Activity, Journal, Saga, Signal, Tempolite, Workflow, WorkflowCancelled } from "../../../src/index.ts"
import { SqliteJournal } from "../../../src/sqlite.ts"
import * as Sqlite from "../../sqlite/support.ts"
import { empty, workflowRow } from "../../support/journalRows.ts"
import { running } from "./histories.ts"

const found = Effect.map(Stream.runCollect(Journal.check), Chunk.toReadonlyArray)

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
class Charge extends Activity.Tag<Charge>()("Charge", {
  payload: { fail: Schema.Int },
  success: Schema.String,
  error: Declined,
  retry: { times: 1 }
}) {}
class Refund extends Activity.Tag<Refund>()("Refund") {}
class Ship extends Workflow.Tag<Ship>()("Ship", { payload: { round: Schema.Int } }) {}
class Order extends Workflow.Tag<Order>()("Order", {
  payload: { fail: Schema.Int },
  success: Schema.Unknown,
  error: Schema.Union(Declined, WorkflowCancelled)
}) {}
const Approved = Signal.make("Approved", { payload: { by: Schema.String } })

const workflows = Layer.mergeAll(
  Order.layer(({ fail }) =>
    Effect.gen(function*() {
      yield* Charge.execute("first", { fail: 1 }).pipe(Saga.compensate(() => Refund.execute("refund")))
      yield* Ship.child("ship", { round: 1 })
      yield* Saga.scoped(
        "trip",
        Charge.execute("second", { fail }).pipe(Saga.compensate(() => Refund.execute("refund")))
      )
      yield* Approved.await("approval")
      yield* Workflow.sleep("cool/down", "365 days")
    })
  )
).pipe(
  Layer.provide(
    Ship.layer(({ round }) =>
      Effect.gen(function*() {
        yield* Refund.execute("pack")
        if (round < 2) return yield* Ship.continueAsNew({ round: round + 1 })
      })
    )
  ),
  Layer.provide([
    Charge.layer(({ fail }) =>
      Effect.flatMap(Activity.Execution, ({ attempt }) => attempt <= fail ? new Declined() : Effect.succeed("receipt"))
    ),
    Refund.layer(() => Effect.void)
  ]),
  Layer.provideMerge(Tempolite.layer({ closeGrace: 0 }))
)

/** One order waits for a long time, one has failed and was undone, one was cancelled, and one runs again. */
const orders = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  yield* Effect.gen(function*() {
    const failed = yield* Order.start("failed", { fail: 9 })
    yield* Effect.exit(failed.result)
    const again = yield* Order.start(7, { fail: 9 })
    yield* Effect.exit(again.result)
    yield* again.retry
    yield* Effect.exit(again.result)
    yield* Order.start("order/42", { fail: 0 })
    yield* Approved.send("order/42", { by: "ann" })
    const cancelled = yield* Order.start("cancelled", { fail: 0 })
    const isAt = (id: string, path: string) =>
      Effect.map(
        journal.history(id),
        (history) =>
          Option.exists(history, ({ steps }) => steps.some((step) => step.path === path && step.status === "Waiting"))
      )
    const until = (isThere: Effect.Effect<boolean, unknown>): Effect.Effect<void, unknown> =>
      Effect.flatMap(
        isThere,
        (there) =>
          there
            ? Effect.void
            : Effect.zipRight(Effect.promise(() => new Promise((go) => setImmediate(go))), until(isThere))
      )
    yield* until(isAt("cancelled", "approval"))
    yield* cancelled.cancel
    yield* Effect.exit(cancelled.result)
    yield* until(isAt("order\\/42", "cool\\/down"))
  }).pipe(Effect.provide(workflows), Effect.orDie)
})

const onEach = (name: string, test: Effect.Effect<void, unknown, Journal.Journal>) => {
  it.effect(`${name} (memory)`, () => Effect.provide(test, Layer.fresh(Journal.layerMemory)))
  it.scoped(`${name} (SQLite)`, () => Effect.provide(test, Sqlite.layer))
}

/** Only reads, and cannot do else. */
const readOnly = (filename: string) =>
  Layer.provide(
    SqliteJournal.layerSqlClient,
    Layer.orDie(SqliteClient.layer({ filename, readonly: true, disableWAL: true }))
  )

const workflow = "UPDATE tempolite_workflow SET"
const step = "UPDATE tempolite_step SET"
const attempt = "UPDATE tempolite_step_execution SET"
const order = "workflow_id = 'order\\/42'"

/** What is done to the file, and what is found: the workflow, the step and the law. */
const damages: ReadonlyArray<readonly [statement: string, ...ReadonlyArray<string>]> = [
  [`${workflow} status = 'Completed' WHERE id = 'order\\/42'`, "order/42 workflow-status", "order/42 agreement"],
  [`${workflow} finished_at = NULL WHERE id = 'failed'`, "failed workflow-status"],
  [`${workflow} cancel_seq = NULL WHERE id = 'cancelled'`, "cancelled pairs", "cancelled order"],
  [`${workflow} payload = substr(payload, 2) WHERE id = 'order\\/42'`, "order/42 json"],
  [
    `UPDATE tempolite_workflow_execution SET attempt = 5 WHERE workflow_id = '#7' AND attempt = 1`,
    "7 executions",
    "7 agreement"
  ],
  [
    `DELETE FROM tempolite_workflow_execution WHERE ${order}`,
    ...["first", "ship", "trip", "trip/second", "approval", "cool/down"].map((path) => `order/42 ${path} outcomes`),
    "order/42 first attempts",
    "order/42 trip/second attempts"
  ],
  [`${step} seq = 9 WHERE ${order} AND path = 'first'`, "order/42 order"],
  [`${step} seq = 2 WHERE ${order} AND path = 'first'`, "order/42 ship order"],
  [`DELETE FROM tempolite_step WHERE ${order} AND path = 'ship'`, "order/42 order"],
  [`${step} outcome = 'receipt' WHERE ${order} AND path = 'first'`, "order/42 first json"],
  [
    `${step} status = 'Running' WHERE ${order} AND path = 'trip/second'`,
    "order/42 trip/second outcomes",
    "order/42 trip/second attempts"
  ],
  [`${step} wake_at = NULL WHERE path = 'cool\\/down'`, "order/42 cool/down wake-ups"],
  [
    `DELETE FROM tempolite_step WHERE workflow_id = 'failed' AND path = 'refund'`,
    "failed refund attempts"
  ],
  [`${attempt} status = 'Lost' WHERE ${order} AND path = 'first' AND attempt = 2`, "order/42 first attempts"],
  [`DELETE FROM tempolite_step_execution WHERE ${order} AND path = 'first' AND attempt = 1`, "order/42 first attempts"],
  // What is there cannot be read.
  [`${step} status = 'Paid' WHERE ${order} AND path = 'first'`, "order/42 readable"],
  [`${step} kind = 'Pigeon' WHERE workflow_id = 'failed'`, "failed readable"],
  [`${attempt} started_at = 'yesterday' WHERE ${order}`, "order/42 readable"]
]

export const suite = (): void => {
  describe("Journal.check", () => {
    onEach(
      "finds nothing in what an engine has written",
      Effect.gen(function*() {
        yield* orders
        assert.deepStrictEqual(yield* found, [])
      })
    )

    onEach(
      "finds what is wrong, page by page, and names it as a person does",
      Effect.gen(function*() {
        const journal = yield* Journal.Journal
        yield* Effect.scoped(Effect.gen(function*() {
          const lease = yield* journal.acquire(1_000)
          const many = Array.from({ length: 250 }, (_, index) => workflowRow(`#${index}`))
          yield* journal.commit(lease, {
            ...empty,
            created: many.map((row, index) => index % 100 === 99 ? { ...row, outcome: "1" } : row)
          })
          const steps = running.steps.map((row) =>
            row.path === "trip/flight" ? { ...row, path: "trip/leg\\/2", outcome: null } : row
          )
          const stepExecutions = running.stepExecutions.map((row) =>
            row.path === "trip/flight" ? { ...row, path: "trip/leg\\/2" } : row
          )
          const [id, workflowId] = ["order\\/42", "order\\/42"]
          yield* journal.commit(lease, {
            ...empty,
            created: [{ ...running.workflow, id }],
            executions: running.executions.map((row) => ({ ...row, workflowId })),
            steps: steps.map((row) => ({ ...row, workflowId })),
            stepExecutions: stepExecutions.map((row) => ({ ...row, workflowId }))
          })
        }))
        const violations = yield* found
        assert.deepStrictEqual(
          violations.map(({ law, path, workflowId }) => [workflowId, Option.getOrNull(path), law]),
          [
            [99, null, "workflow-status"],
            [199, null, "workflow-status"],
            ["order/42", ["trip", "leg/2"], "outcomes"]
          ]
        )
        assert.deepStrictEqual(violations.map(String), [
          "99: it has an outcome, and is Running (workflow-status)",
          "199: it has an outcome, and is Running (workflow-status)",
          "\"order/42\", at trip / leg/2: it is Failed, and has no cause (outcomes)"
        ])
      })
    )
  })

  describe("Journal.check on a file whose rows were changed", () => {
    it.scoped("finds each change, and nothing else, and writes nothing", () =>
      Effect.gen(function*() {
        const filename = yield* Sqlite.file
        yield* Effect.scoped(Effect.provide(orders, SqliteJournal.layer({ filename, synchronous: "normal" })))
        assert.deepStrictEqual(yield* Effect.scoped(Effect.provide(found, readOnly(filename))), [])
        for (const [index, [statement, ...expected]] of damages.entries()) {
          const copy = `${filename}-${index}.db`
          Fs.copyFileSync(filename, copy)
          yield* Effect.scoped(
            Effect.flatMap(Sqlite.program(copy), (run) => run("PRAGMA journal_mode = DELETE", statement))
          )
          const before = Fs.readFileSync(copy)
          const violations = yield* Effect.scoped(Effect.provide(found, readOnly(copy)))
          const shown = violations.map(({ law, path, workflowId }) =>
            [workflowId, ...Option.toArray(Option.map(path, (keys) => keys.join("/"))), law].join(" ")
          )
          assert.deepStrictEqual([...new Set(shown)], expected, statement)
          assert.isTrue(before.equals(Fs.readFileSync(copy)), statement)
        }
      }))

    it.scoped("says which row cannot be read", () =>
      Effect.gen(function*() {
        const filename = yield* Sqlite.file
        yield* Effect.scoped(Effect.provide(orders, SqliteJournal.layer({ filename, synchronous: "normal" })))
        const run = yield* Sqlite.program(filename)
        yield* run(`${step} status = 'Paid' WHERE ${order} AND path = 'first'`)
        const [violation] = yield* Effect.scoped(Effect.provide(found, SqliteJournal.layer({ filename })))
        assert.match(
          String(violation),
          /^"order\/42": cannot read the column status of a row of tempolite_step \(.*path "first".*\).* \(readable\)$/s
        )
      }))

    it.scoped("fails if the database does", () =>
      Effect.gen(function*() {
        const filename = yield* Sqlite.file
        yield* Effect.scoped(Effect.provide(orders, SqliteJournal.layer({ filename, synchronous: "normal" })))
        const run = yield* Sqlite.program(filename)
        yield* run("DROP TABLE tempolite_step")
        const error = yield* Effect.scoped(Effect.provide(Effect.flip(found), SqliteJournal.layer({ filename })))
        assert.match(error.message, /no such table: tempolite_step/)
      }))
  })
}
