/**
 * Replay checks of workflows in all states, and on files.
 */
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schedule, TestClock } from "effect"
import * as Fs from "node:fs"
import { Journal, Tempolite, Workflow } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { Testing } from "../../src/testing.ts"
import * as Sqlite from "../sqlite/support.ts"
import {
  Charge,
  charge,
  check,
  Declined,
  isWaiting,
  live,
  Main,
  order,
  reasonOf,
  record,
  Refund,
  silently
} from "./replays.ts"

describe("replayCheck of what has failed before", () => {
  class Held extends Workflow.Tag<Held>()("Held", { error: Declined, suspendOn: "failure" }) {}
  class Again extends Workflow.Tag<Again>()("Again", {
    error: Declined,
    retry: { schedule: Schedule.spaced("1 minute"), times: 1 }
  }) {}
  const failing = Charge.execute("charge", { cents: 3 })
  const app = Layer.merge(Held.layer(() => failing), Again.layer(() => failing)).pipe(
    Layer.provide(Testing.double(Charge, [new Declined()]))
  )
  const until = (id: string, status: Workflow.Status) =>
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      for (let turns = 0; turns < 2_000; turns++) {
        const row = yield* Effect.orDie(journal.workflow(id))
        if (Option.exists(row, (row) => row.status === status)) return
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.fail(`${id} never was ${status}`)
    })
  const engine = Tempolite.layer({ closeGrace: 0 })
  const nexts = (report: Testing.ReplayReport) =>
    report.verdicts.map((one) => [one.workflowId, one.status, one._tag === "Replays" ? one.next : one.reason.message])

  it.effect("says that it is held, or that it is retried, and not that it diverges", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* Held.start("held")
        yield* Again.start("again")
        yield* until("held", "Suspended")
        yield* Effect.repeat(Effect.flatMap(Tempolite.Tempolite, ({ describe }) => describe("again")), {
          until: ({ executions }) => executions[0]?.status === "Failed"
        })
      }).pipe(Effect.provide(Layer.provideMerge(app, engine)), Effect.orDie)
      const report = yield* Testing.replayCheck({ workflows: app })
      // The step of `again` was reset for its second execution.
      assert.deepStrictEqual(nexts(report), [["held", "Suspended", "IsHeld"], ["again", "Running", "Waits"]])
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory)), silently))

  it.effect("sees the last execution fail again, as it did", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* Again.start("again")
        yield* Effect.fork(Effect.forever(Effect.zipRight(TestClock.adjust("1 minute"), Effect.yieldNow())))
        yield* until("again", "Failed")
      }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(app, engine)), Effect.orDie)
      const report = yield* Testing.replayCheck({ workflows: app, filter: { status: "Failed" } })
      assert.deepStrictEqual(nexts(report), [["again", "Failed", "Fails"]])
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory)), silently))

  it.effect("passes what is suspended once its code is mended, and what is paused", () =>
    Effect.gen(function*() {
      const mended = Held.layer(() => Effect.asVoid(Workflow.sleep("nap", "1 minute")))
      yield* Effect.gen(function*() {
        yield* Held.start("w")
        yield* Effect.repeat(Effect.flatMap(Tempolite.Tempolite, ({ describe }) => describe("w")), {
          until: ({ steps }) => steps.length > 0
        })
      }).pipe(Effect.provide(Layer.provideMerge(mended, engine)), Effect.orDie)
      const broken = Held.layer(() => Effect.asVoid(Charge.execute("nap", { cents: 1 }))).pipe(
        Layer.provide(Testing.double(Charge, []))
      )
      yield* until("w", "Suspended").pipe(Effect.provide(Layer.provideMerge(broken, engine)), Effect.orDie)
      assert.deepStrictEqual(
        nexts(yield* Testing.replayCheck({ workflows: mended })),
        [["w", "Suspended", "Waits"]]
      )
      assert.strictEqual(reasonOf(yield* Testing.replayCheck({ workflows: broken })).key, "nap")
      yield* Effect.flatMap(Tempolite.Tempolite, ({ pause }) => pause("w")).pipe(
        Effect.provide(Layer.provideMerge(mended, engine)),
        Effect.orDie
      )
      assert.deepStrictEqual(
        nexts(yield* Testing.replayCheck({ workflows: mended })),
        [["w", "Paused", "Waits"]]
      )
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory)), silently))
})

describe("replayCheck on a file", () => {
  it.scoped("writes not a byte, and works on a connection that cannot", () =>
    Effect.gen(function*() {
      const filename = yield* Sqlite.file
      yield* record(order, isWaiting).pipe(Effect.provide(SqliteJournal.layer({ filename })))
      const before = Fs.readFileSync(filename)
      const again = check(() => Effect.zipRight(charge(4), Refund.execute("refund")))
      const inPlace = yield* Effect.provide(again, SqliteJournal.layer({ filename }))
      assert.strictEqual(reasonOf(inPlace).key, "charge")
      assert.isTrue(before.equals(Fs.readFileSync(filename)))
      const readOnly = SqliteJournal.layerSqlClient.pipe(
        Layer.provide(SqliteClient.layer({ filename, readonly: true, disableWAL: true }))
      )
      assert.strictEqual(reasonOf(yield* Effect.provide(again, readOnly)).key, "charge")
      assert.isTrue(before.equals(Fs.readFileSync(filename)))
    }))

  it.scoped("takes place beside an engine that runs", () =>
    Effect.gen(function*() {
      const filename = yield* Sqlite.file
      const journal = Context.get(yield* Layer.build(SqliteJournal.layer({ filename })), Journal.Journal)
      yield* record(order, isWaiting).pipe(Effect.provideService(Journal.Journal, journal))
      yield* Layer.build(
        live(order).pipe(
          Layer.provideMerge(Tempolite.layer({ closeGrace: 0, queues: { invoices: {} } })),
          Layer.provide(Layer.succeed(Journal.Journal, journal))
        )
      )
      const report = yield* Effect.provide(check(order), SqliteJournal.layer({ filename }))
      assert.deepStrictEqual(report.diverging, [])
    }))

  it.effect("lets no layer write, or start a workflow", () =>
    Effect.gen(function*() {
      const starting = Layer.merge(live(order), Layer.effectDiscard(Main.start("new", { cents: 1 }))).pipe(
        Layer.provide(Main.client)
      )
      const error = yield* Effect.flip(Testing.replayCheck({ workflows: starting }))
      assert.include(error.message, "a replay check writes nothing")
      const journal = yield* Journal.Journal
      assert.isTrue(Option.isNone(yield* journal.workflow("new")))
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))
})
