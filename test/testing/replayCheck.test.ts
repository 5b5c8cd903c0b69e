/**
 * Recorded workflows against changed code: which would go on, which would not, and that nothing runs or is written.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { Activity, Journal, Saga, SideEffect, Tempolite, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import * as Sqlite from "../sqlite/support.ts"
import {
  type Body,
  Charge,
  charge,
  check,
  Child,
  Declined,
  Drawn,
  hasEnded,
  Invoice,
  isWaiting,
  Main,
  order,
  reasonOf,
  record,
  Refund,
  Told,
  verdictOf,
  wait,
  waitsAt
} from "./replays.ts"

const onEach = (name: string, test: () => Effect.Effect<void, never, Journal.Journal>) => {
  it.effect(`${name} (memory)`, () => Effect.provide(test(), Layer.fresh(Journal.layerMemory)))
  it.scoped(`${name} (SQLite)`, () => Effect.provide(test(), Layer.orDie(Sqlite.layer)))
}

describe("replayCheck", () => {
  onEach("passes what goes on as it is", () =>
    Effect.gen(function*() {
      yield* record(order, isWaiting)
      const report = yield* check(order)
      assert.deepStrictEqual(verdictOf(report), { next: "Waits", starts: [] })
      assert.deepStrictEqual(report.verdicts.map(({ name, status, workflowId }) => [name, status, workflowId]), [
        ["Main", "Running", "m"]
      ])
      assert.include(String(report), "0 of 1 workflows would not replay")
    }))

  onEach("tells of another payload, at its key", () =>
    Effect.gen(function*() {
      yield* record(order, isWaiting)
      const report = yield* check(() => Effect.zipRight(charge(4), wait))
      const { key, message, tag } = reasonOf(report)
      assert.deepStrictEqual([key, tag], ["charge", "NonDeterminism"])
      assert.include(message, "it was recorded with the payload {\"cents\":3} and is asked for with {\"cents\":4}")
      assert.include(String(report), "1 of 1 workflows would not replay\n  - Main \"m\", at charge: ")
    }))

  onEach(
    "runs no handler of any kind, also where the code asks for one that is not on record",
    () =>
      Effect.gen(function*() {
        yield* record(order, isWaiting)
        let inline = 0
        const count = Effect.sync(() => {
          inline++
        })
        const report = yield* check(() =>
          Effect.all([
            charge(),
            wait,
            Refund.execute("refund"),
            Invoice.execute("invoice"),
            Drawn.record("drawn"),
            Effect.flatMap(Refund.start("background"), ({ result }) => result),
            Activity.make("inline", { execute: count }),
            SideEffect.record("read", Schema.Number, Effect.as(count, 1)),
            Effect.orDie(Child.child("child")),
            Child.detach("detached"),
            Told.awaitWithin("told", "1 second"),
            Told.sendAs("tell", "m", { n: 1 }).pipe(Effect.ignore),
            Workflow.sleep("no time", 0)
          ], { concurrency: "unbounded" })
        )
        assert.strictEqual(inline, 0)
        const verdict = verdictOf(report)
        assert.strictEqual(verdict?.next, "Waits")
        assert.sameMembers([...verdict?.starts ?? []], [
          "refund",
          "invoice",
          "drawn",
          "background",
          "inline",
          "read",
          "child",
          "detached",
          "told",
          "no time"
        ])
      })
  )

  it.effect("does not begin again what was under way when the process died", () =>
    Effect.gen(function*() {
      const isRunning = ({ stepExecutions }: Journal.History) =>
        stepExecutions.some(({ status }) => status === "Running")
      const journal = yield* Journal.Journal
      const never = Layer.mergeAll(
        Charge.layer(() => Effect.never),
        Drawn.layer(Effect.never)
      )
      const body = () => Effect.all([charge(), Drawn.record("drawn")], { concurrency: 2 })
      yield* Effect.gen(function*() {
        yield* Main.start("m", { cents: 3 })
        while (!Option.exists(yield* journal.history("m"), isRunning)) yield* Effect.yieldNow()
      }).pipe(
        Effect.provide(
          Main.layer(body).pipe(
            Layer.provide(never),
            Layer.provideMerge(Tempolite.layer({ closeGrace: 0 })),
            // What it writes when it closes is lost, as if it had been killed.
            Layer.provide(Layer.succeed(Journal.Journal, {
              ...journal,
              commit: (lease, batch) =>
                batch.stepExecutions.some(({ status }) => status === "Lost")
                  ? Effect.succeed([])
                  : journal.commit(lease, batch)
            }))
          )
        ),
        Effect.orDie
      )
      assert.isTrue(Option.exists(yield* Effect.orDie(journal.history("m")), isRunning))
      assert.deepStrictEqual(verdictOf(yield* check(body)), { next: "Waits", starts: [] })
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))

  it.effect("leaves a timer that is due, and a signal that was sent, alone", () =>
    Effect.gen(function*() {
      const body: Body = () =>
        Effect.all([Told.await("told"), Workflow.sleep("short", "1 second"), Invoice.execute("i")])
      yield* record(
        () => Effect.zipRight(Workflow.sleep("short", "1 second"), Told.await("told")),
        waitsAt("short"),
        Effect.orDie(Told.send("m", { n: 1 }))
      )
      const journal = yield* Journal.Journal
      assert.deepStrictEqual(verdictOf(yield* check(body)), { next: "Waits", starts: ["told"] })
      assert.strictEqual((yield* Effect.orDie(journal.signals("m", 0))).length, 1)
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))

  const finds = (
    name: string,
    changed: Body,
    expected: { readonly key: string | null; readonly tag: string; readonly says: string },
    before: Body = order,
    isThere = isWaiting
  ) => {
    it.effect(`tells of ${name}`, () =>
      Effect.gen(function*() {
        yield* record(before, isThere)
        const { key, message, tag } = reasonOf(yield* check(changed))
        assert.deepStrictEqual([key, tag], [expected.key, expected.tag])
        assert.include(message, expected.says)
      }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))
  }

  finds("another step under a key", () => Effect.zipRight(Refund.execute("charge"), wait), {
    key: "charge",
    tag: "NonDeterminism",
    says: "recorded was Activity \"Charge\", asked for is Activity \"Refund\""
  })
  finds("a step of another kind under a key", () => Workflow.sleep("charge", "1 day"), {
    key: "charge",
    tag: "NonDeterminism",
    says: "recorded was Activity \"Charge\", asked for is Timer"
  })
  finds("a key that is used twice", () => Effect.all([charge(), charge()]), {
    key: "charge",
    tag: "DuplicateKey",
    says: "was used twice"
  })
  finds(
    "a body that waits for a promise",
    () => Effect.all([wait, Effect.promise(() => Promise.resolve())], { concurrency: 2 }),
    { key: null, tag: "NonDeterminism", says: "was woken by something that is no step: a promise" }
  )
  finds("a body that waits for nothing", () => Effect.zipRight(charge(), Effect.never), {
    key: null,
    tag: "WorkflowStuck",
    says: "waits for nothing that the journal can deliver"
  })
  finds("a version that the code does not have any more", () => Workflow.version("tax", { min: 2, max: 2 }), {
    key: "version of tax",
    tag: "NonDeterminism",
    says: "runs version 1"
  }, () => Effect.zipRight(Workflow.version("tax", { min: 0, max: 1 }), wait))
  finds(
    "a payload in a saga, by its path",
    () => Saga.scoped("trip", Effect.zipRight(charge(4), wait)),
    { key: "trip/charge", tag: "NonDeterminism", says: "payload" },
    () => Saga.scoped("trip", Effect.zipRight(charge(), wait)),
    waitsAt("trip/cool-down")
  )

  it.effect("tells of payloads and outcomes that do not decode, and of workflows without code", () =>
    Effect.gen(function*() {
      yield* record(order, isWaiting)
      class Other extends Workflow.Tag<Other>()("Main", { payload: { cents: Schema.String } }) {}
      class Number extends Activity.Tag<Number>()("Charge", {
        payload: { cents: Schema.Int },
        success: Schema.Number
      }) {}
      class Same extends Workflow.Tag<Same>()("Main", { payload: { cents: Schema.Int } }) {}
      const under = <R>(workflows: Layer.Layer<R, never, Tempolite.Tempolite>) =>
        Effect.map(Effect.orDie(Testing.replayCheck({ workflows })), reasonOf)
      const payload = yield* under(Other.layer(() => Effect.void))
      assert.deepStrictEqual([payload.key, payload.tag], [null, "NonDeterminism"])
      assert.include(payload.message, "the recorded payload does not fit the workflow's schema any more")
      const outcome = yield* under(
        Same.layer(() => Effect.asVoid(Number.execute("charge", { cents: 3 }))).pipe(
          Layer.provide(Testing.double(Number, []))
        )
      )
      assert.deepStrictEqual([outcome.key, outcome.tag], ["charge", "NonDeterminism"])
      assert.include(outcome.message, "does not decode any more")
      assert.strictEqual((yield* under(Layer.empty)).tag, "WorkflowUnregistered")
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))

  const goesOn = (
    name: string,
    changed: Body,
    expected: { readonly next: string; readonly starts: ReadonlyArray<string> },
    before: Body = order,
    isThere = isWaiting
  ) => {
    it.effect(`says what follows: ${name}`, () =>
      Effect.gen(function*() {
        yield* record(before, isThere)
        assert.deepStrictEqual(verdictOf(yield* check(changed)), expected)
      }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))
  }

  goesOn("a step that is new", () => Effect.all([charge(), Refund.execute("refund"), wait]), {
    next: "Waits",
    starts: ["refund"]
  })
  goesOn(
    "a step that is new, before all others",
    () => Effect.zipRight(Refund.execute("refund"), order({ cents: 3 })),
    {
      next: "Waits",
      starts: ["refund"]
    }
  )
  goesOn("a step that has another key now", () => Effect.zipRight(Charge.execute("fee", { cents: 3 }), wait), {
    next: "Waits",
    starts: ["fee"]
  })
  goesOn("a step that is gone", () => wait, { next: "Waits", starts: [] })
  goesOn(
    "another order",
    () => Effect.all([Refund.execute("refund"), charge(), wait]),
    { next: "Waits", starts: [] },
    () => Effect.all([charge(), Refund.execute("refund"), wait])
  )
  goesOn("an end", () => charge(), { next: "Completes", starts: [] })
  goesOn("a failure", () => Effect.zipRight(charge(), new Declined()), { next: "Fails", starts: [] })
  goesOn(
    "a compensation",
    () => Effect.zipRight(Saga.compensate(charge(), () => Refund.execute("refund")), new Declined()),
    { next: "Waits", starts: ["refund"] }
  )
  goesOn("the next generation", () => Effect.zipRight(charge(), Main.continueAsNew({ cents: 4 })), {
    next: "ContinuesAsNew",
    starts: []
  })
  goesOn(
    "a change on its old side, behind which all goes on",
    () =>
      Effect.gen(function*() {
        yield* charge()
        const version = yield* Workflow.version("refunds", { min: 0, max: 1 })
        if (version === 1) yield* Refund.execute("refund")
        yield* wait
      }),
    { next: "Waits", starts: [] }
  )

  it.effect("checks a workflow that has ended when it is asked for, and its sub-workflow", () =>
    Effect.gen(function*() {
      const body: Body = ({ cents }) =>
        Effect.gen(function*() {
          const receipt = yield* Saga.compensate(Charge.execute("charge", { cents }), () => Refund.execute("refund"))
          const drawn = yield* Child.child("child").pipe(Effect.orDie)
          return drawn > 5 ? yield* new Declined() : [receipt, drawn]
        })
      yield* record(body, hasEnded)
      assert.deepStrictEqual((yield* check(body)).verdicts, [])
      const same = yield* check(body, {})
      assert.deepStrictEqual(
        same.verdicts.map((one) => [one._tag, one.workflowId, one._tag === "Replays" ? one.next : ""]),
        [["Replays", "m", "Completes"], ["Replays", "m/child", "Completes"]],
        String(same)
      )
      const other = yield* check((payload) => Effect.as(body(payload), "another"), { name: "Main" })
      assert.strictEqual(
        reasonOf(other).message,
        "it ended Completed with [\"receipt of 3\",4], and now ends Completed with \"another\""
      )
      const more = yield* check((payload) => Effect.zipRight(body(payload), wait), { name: "Main" })
      assert.strictEqual(
        reasonOf(more).message,
        "it ended Completed, and does not end with what is on record any more: it takes the steps cool-down"
      )
    }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory))))

  it.effect("replays an undone workflow, and a cancelled one, to its end", () =>
    Effect.gen(function*() {
      const undone: Body = () =>
        Effect.zipRight(Saga.compensate(charge(), () => Refund.execute("refund")), new Declined())
      yield* record(undone, hasEnded)
      assert.deepStrictEqual(verdictOf(yield* check(undone, {})), { next: "Fails", starts: [] })
    }).pipe(
      Effect.provide(Layer.fresh(Journal.layerMemory)),
      Effect.zipRight(
        Effect.gen(function*() {
          const body: Body = () => Effect.zipRight(Saga.compensate(charge(), () => Refund.execute("refund")), wait)
          yield* record(
            body,
            hasEnded,
            Effect.flatMap(Tempolite.Tempolite, (client) =>
              Effect.zipRight(
                Effect.repeat(client.describe("m"), { until: ({ steps }) => steps.length > 1 }),
                client.cancel("m")
              ))
          )
          assert.deepStrictEqual(verdictOf(yield* check(body, {})), { next: "IsCancelled", starts: [] })
        }).pipe(Effect.provide(Layer.fresh(Journal.layerMemory)))
      )
    ))
})
