/**
 * The two models as `describe` shows them: each kind of step, at each of its statuses.
 */
import { assert } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer, Option, Schema } from "effect"
import { Activity, Saga, SideEffect, Workflow } from "../../src/index.ts"
import { begin, type Promised, statusesOf } from "./bench.ts"
import { Act, Declined, Main } from "./domain.ts"

class Sub
  extends Workflow.Tag<Sub>()("Sub", { payload: { fails: Schema.Boolean }, success: Schema.Number, error: Declined })
{}

const declined = new Declined({ reason: "no" })

/** What is called `slow…` takes a day, what is called `bad…` fails. */
const act = Act.layer(() =>
  Effect.flatMap(Activity.Execution, ({ key }) =>
    String(key).startsWith("slow")
      ? Effect.sleep("1 day")
      : String(key).startsWith("bad")
      ? declined
      : Effect.succeed(key))
)

const sub = Sub.layer(({ fails }) =>
  Effect.gen(function*() {
    if (fails) {
      yield* Workflow.sleep("nap", "2 minutes")
      return yield* declined
    }
    yield* Effect.orDie(Act.execute("slow", {}))
    return 1
  })
).pipe(Layer.provide(act))

export const statuses = (promise: Promised) => {
  promise("steps of every kind are described as they stand", (bench) =>
    Effect.gen(function*() {
      const live = Main.layer(() =>
        Effect.all([
          Workflow.sleep("waiting", "1 hour"),
          Workflow.sleep("fired", "1 minute"),
          Workflow.sleepUntil("until", DateTime.unsafeMake(begin + 7_200_000)),
          Effect.race(Workflow.sleep("given up", "2 hours"), Workflow.sleep("won", "1 second")),
          Effect.ignore(Sub.child("sub failed", { fails: true })),
          Effect.ignore(Sub.child("sub running", { fails: false })),
          Effect.race(Effect.ignore(Sub.child("sub given up", { fails: false })), Workflow.sleep("raced", "1 second")),
          Saga.scoped("saga running", Act.execute("slow", {})),
          Saga.scoped("saga completed", Act.execute("a", {})),
          Effect.ignore(Saga.scoped("saga failed", Act.execute("bad", {}))),
          Effect.ignore(Saga.scoped(
            "saga compensated",
            Effect.zipRight(Saga.compensate(Act.execute("b", {}), () => Act.execute("u-b", {})), Act.execute("bad", {}))
          )),
          Effect.ignore(Saga.scoped(
            "saga compensating",
            Effect.zipRight(
              Saga.compensate(Act.execute("c", {}), () => Act.execute("slow", {})),
              Act.execute("bad", {})
            )
          )),
          SideEffect.record("drawing", Schema.Void, Effect.sleep("1 day"))
        ], { concurrency: "unbounded", discard: true })
      ).pipe(Layer.provide(Layer.merge(sub, act)))
      const engine = yield* bench.start(live)
      const info = yield* engine.run(Main.start("w", {}))
      yield* bench.pass("10 minutes")
      const { steps, ...workflow } = yield* info.describe
      assert.strictEqual(workflow.status, "Running")
      assert.sameDeepMembers(
        steps.map((step) => [step.path.join("/"), step.kind, step.name, step.status, ...statusesOf(step)]),
        [
          ["waiting", "Timer", "sleep", "Waiting"],
          ["fired", "Timer", "sleep", "Completed"],
          ["until", "Timer", "sleepUntil", "Waiting"],
          ["given up", "Timer", "sleep", "Cancelled"],
          ["won", "Timer", "sleep", "Completed"],
          ["raced", "Timer", "sleep", "Completed"],
          ["sub failed", "Workflow", "Sub", "Failed"],
          ["sub running", "Workflow", "Sub", "Running"],
          ["sub given up", "Workflow", "Sub", "Cancelled"],
          ["saga running", "Saga", "scoped", "Running"],
          ["saga running/slow", "Activity", "Act", "Running", "Running"],
          ["saga completed", "Saga", "scoped", "Completed"],
          ["saga completed/a", "Activity", "Act", "Completed", "Completed"],
          ["saga failed", "Saga", "scoped", "Failed"],
          ["saga failed/bad", "Activity", "Act", "Failed", "Failed"],
          ["saga compensated", "Saga", "scoped", "Compensated"],
          ["saga compensated/b", "Activity", "Act", "Compensated", "Completed"],
          ["saga compensated/bad", "Activity", "Act", "Failed", "Failed"],
          ["saga compensated/u-b", "Activity", "Act", "Completed", "Completed"],
          ["saga compensating", "Saga", "scoped", "Compensating"],
          ["saga compensating/c", "Activity", "Act", "Completed", "Completed"],
          ["saga compensating/bad", "Activity", "Act", "Failed", "Failed"],
          ["saga compensating/slow", "Activity", "Act", "Running", "Running"],
          ["drawing", "SideEffect", "drawing", "Running", "Running"]
        ]
      )
      const step = (path: string) => steps.find((found) => found.path.join("/") === path)!
      const at = (millis: number) => Option.some(DateTime.unsafeMake(begin + millis))
      assert.deepStrictEqual(step("waiting").wakeAt, at(3_600_000))
      assert.deepStrictEqual(step("until").wakeAt, at(7_200_000))
      assert.isTrue(Option.isNone(step("given up").wakeAt))
      assert.deepStrictEqual(step("saga completed").outcome, Option.some(Exit.succeed("a")))
      assert.deepStrictEqual(step("saga compensated/b").outcome, Option.some(Exit.succeed("b")))
      assert.deepStrictEqual(step("sub failed").outcome, Option.some(Exit.fail({ _tag: "Declined", reason: "no" })))
      assert.isTrue(Option.isNone(step("sub running").outcome))
      const givenUp = yield* bench.describe("w/sub given up")
      assert.deepStrictEqual([givenUp.status, givenUp.executions.map(({ status }) => status)], ["Cancelled", [
        "Cancelled"
      ]])
      assert.deepStrictEqual(givenUp.steps.map((found) => [found.status, ...statusesOf(found)]), [[
        "Cancelled",
        "Cancelled"
      ]])
    }))

  promise("`unusedOutcomes` counts the outcomes that nobody took", (bench) =>
    Effect.gen(function*() {
      const live = Main.layer(() =>
        Effect.gen(function*() {
          // Both end at once; only one is taken.
          yield* Effect.race(Act.execute("a", {}), Act.execute("b", {}))
          yield* Act.execute("c", {})
        })
      ).pipe(Layer.provide(Act.layer(() => Effect.succeed(1))))
      const engine = yield* bench.start(live)
      yield* bench.wait(engine.run(Main.execute("w", {})))
      assert.strictEqual((yield* bench.describe("w")).unusedOutcomes, 1)
    }))
}
