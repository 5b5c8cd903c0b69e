/**
 * The retries of activities: durable, by the policy, with the attempts on record.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, DateTime, Duration, Effect, Exit, Layer, Option, Schedule, Schema } from "effect"
import { Activity } from "../../src/index.ts"
import { begin, type Promised, startsOf, statusesOf, theStep } from "./bench.ts"
import { counting, Declined, Main, main, Retried } from "./domain.ts"

const declined = new Declined({ reason: "no" })

export const retries = (promise: Promised) => {
  describe("an activity that fails", () => {
    promise(
      "is tried `times` again: 3 are four attempts, each on record with its error",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const engine = yield* bench.start(main(
            () => Retried.execute("a", {}),
            (execution, arg) =>
              Effect.zipRight(
                counting(calls)(execution, arg),
                Effect.fail(new Declined({ reason: `no ${execution.attempt}` }))
              )
          ))
          const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
          assert.deepStrictEqual(error, new Declined({ reason: "no 4" }))
          assert.deepStrictEqual(calls, ["a#1", "a#2", "a#3", "a#4"])
          const step = yield* theStep(bench, "w")
          assert.strictEqual(step.status, "Failed")
          assert.deepStrictEqual(statusesOf(step), ["Failed", "Failed", "Failed", "Failed"])
          assert.deepStrictEqual(
            step.executions.map(({ attempt, error }) => [attempt, error]),
            [1, 2, 3, 4].map((attempt) => [
              attempt,
              Option.some(Cause.fail({ _tag: "Declined", reason: `no ${attempt}` }))
            ])
          )
        })
    )

    promise("is tried again until it succeeds, and no longer", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const engine = yield* bench.start(main(
          () => Retried.execute("a", {}),
          (execution, arg) =>
            Effect.zipRight(
              counting(calls)(execution, arg),
              execution.attempt < 3 ? Effect.fail(declined) : Effect.succeed("yes")
            )
        ))
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "yes")
        assert.deepStrictEqual(calls, ["a#1", "a#2", "a#3"])
        assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Failed", "Failed", "Completed"])
      }))

    promise("is not tried again once `while` does not hold, or `until` does", (bench) =>
      Effect.gen(function*() {
        class Until extends Activity.Tag<Until>()("Until", {
          error: Declined,
          retry: { until: (error) => error.reason === "3" }
        }) {}
        const fail = Effect.flatMap(Activity.Execution, ({ attempt }) =>
          Effect.fail(new Declined({ reason: String(attempt) })))
        const live = Main.layer(() =>
          Effect.zipLeft(Effect.exit(Retried.execute("a", {})), Effect.exit(Until.execute("b")))
        ).pipe(
          Layer.provide(Retried.layer(() =>
            new Declined({ reason: "for good" })
          )),
          Layer.provide(Until.layer(() => fail))
        )
        const engine = yield* bench.start(live)
        yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.map((step) => step.executions.length), [1, 3])
      }))

    promise("waits as its schedule says, and is `Retrying` meanwhile", (bench) =>
      Effect.gen(function*() {
        class Slowly extends Activity.Tag<Slowly>()("Slowly", {
          error: Declined,
          retry: Schedule.exponential("1 second").pipe(Schedule.intersect(Schedule.recurs(3)))
        }) {}
        const live = Main.layer(() => Slowly.execute("a")).pipe(
          Layer.provide(Slowly.layer(() => Effect.delay(declined, "500 millis")))
        )
        const engine = yield* bench.start(live)
        const info = yield* engine.run(Main.start("w", {}))
        yield* bench.pass("499 millis")
        assert.strictEqual((yield* theStep(bench, "w")).status, "Running")
        yield* bench.pass("1 milli")
        const waiting = yield* theStep(bench, "w")
        assert.strictEqual(waiting.status, "Retrying")
        assert.deepStrictEqual(waiting.wakeAt, Option.some(DateTime.unsafeMake(begin + 1_500)))
        assert.strictEqual((yield* bench.describe("w")).status, "Running")
        yield* Effect.exit(bench.wait(info.result))
        assert.deepStrictEqual(startsOf(yield* theStep(bench, "w")), [0, 1_500, 4_000, 8_500])
      }), { except: { crash: "it measures when attempts ran, and one is repeated" } })
  })

  describe("the retries of an activity", () => {
    class Durable extends Activity.Tag<Durable>()("Durable", {
      success: Schema.Unknown,
      error: Declined,
      retry: { schedule: Schedule.exponential("10 seconds"), times: 3 }
    }) {}

    const failing = (calls: Array<string>, millis: number) =>
      Main.layer(() => Durable.execute("a")).pipe(
        Layer.provide(Durable.layer(() =>
          Effect.flatMap(Activity.Execution, (execution) =>
            Effect.zipRight(counting(calls, millis)(execution, undefined), declined))
        ))
      )

    promise(
      "go on after a crash with what is left of the backoff, and of the number",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = failing(calls, 1_000)
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          // It failed at 1 s, and again at 12 s; the third attempt is due at 32 s.
          yield* bench.pass("20 seconds")
          assert.deepStrictEqual(calls, ["a#1", "a#2"])
          yield* first.crash
          yield* bench.pass("5 seconds")
          const second = yield* bench.start(live)
          yield* bench.pass("6 seconds")
          assert.deepStrictEqual(calls, ["a#1", "a#2"])
          yield* Effect.exit(bench.wait(second.run(Main.execute("w", {}))))
          assert.deepStrictEqual(calls, ["a#1", "a#2", "a#3", "a#4"])
          assert.deepStrictEqual(startsOf(yield* theStep(bench, "w")), [0, 11_000, 32_000, 73_000])
        }),
      { except: { crash: "it measures when attempts ran, and one is repeated" } }
    )

    promise("that came due while no engine ran are made at once", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = failing(calls, 1_000)
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.pass("2 seconds")
        yield* first.close
        yield* bench.pass("1 hour")
        yield* bench.start(live)
        yield* bench.settle
        assert.deepStrictEqual(startsOf(yield* theStep(bench, "w")), [0, 3_602_000])
      }), { except: { crash: "it measures when attempts ran, and one is repeated" } })

    promise(
      "do not count an attempt that was lost; the one after it has the next number",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = failing(calls, 1_000)
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          // The third attempt began at 32 s.
          yield* bench.pass("32500 millis")
          assert.deepStrictEqual(calls, ["a#1", "a#2", "a#3"])
          yield* first.crash
          const second = yield* bench.start(live)
          yield* bench.settle
          assert.deepStrictEqual(calls, ["a#1", "a#2", "a#3", "a#4"])
          assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Failed", "Failed", "Lost", "Running"])
          const error = yield* Effect.flip(bench.wait(second.run(Main.execute("w", {}))))
          assert.deepStrictEqual(error, declined)
          const step = yield* theStep(bench, "w")
          assert.deepStrictEqual(statusesOf(step), ["Failed", "Failed", "Lost", "Failed", "Failed"])
          // What follows is timed as if the lost one had never been: the third failure is at 33.5 s.
          assert.deepStrictEqual(startsOf(step), [0, 11_000, 32_000, 32_500, 73_500])
        }),
      { except: { crash: "it measures when attempts ran, and one is repeated" } }
    )

    promise("end where they would have ended without a crash, wherever it comes", (bench) =>
      Effect.gen(function*() {
        const live = failing([], 1_000)
        for (const seconds of [0, 1, 5, 12, 40, 73]) {
          const id = `crash at ${seconds}`
          const first = yield* bench.start(live)
          yield* first.run(Main.start(id, {}))
          yield* bench.pass(Duration.seconds(seconds))
          yield* first.crash
          const second = yield* bench.start(live)
          yield* Effect.exit(bench.wait(second.run(Main.execute(id, {}))))
          yield* second.close
          const statuses = statusesOf(yield* theStep(bench, id))
          assert.deepStrictEqual(statuses.filter((status) => status === "Failed").length, 4, id)
          assert.isAtMost(statuses.filter((status) => status === "Lost").length, 1, id)
        }
      }))
  })

  describe("an attempt that takes longer than `timeout`", () => {
    class Hasty extends Activity.Tag<Hasty>()("Hasty", {
      success: Schema.Number,
      timeout: "10 seconds",
      retry: { while: (error) => error._tag === "ActivityTimeout", times: 2 }
    }) {}

    promise(
      "is interrupted, recorded as timed out, and what the retry policy sees is `ActivityTimeout`",
      (bench) =>
        Effect.gen(function*() {
          const ended: Array<string> = []
          const live = Main.layer(() => Hasty.execute("a")).pipe(Layer.provide(Hasty.layer(() =>
            Effect.flatMap(Activity.Execution, ({ attempt }) =>
              Effect.delay(Effect.succeed(attempt), attempt < 3 ? "1 hour" : "9 seconds").pipe(
                Effect.onExit((exit) =>
                  Effect.sync(() =>
                    ended.push(Exit.isInterrupted(exit) ? "cut" : "done")
                  )
                )
              ))
          )))
          const engine = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), 3)
          assert.deepStrictEqual(ended, ["cut", "cut", "done"])
          const step = yield* theStep(bench, "w")
          assert.deepStrictEqual(statusesOf(step), ["TimedOut", "TimedOut", "Completed"])
          assert.deepStrictEqual(startsOf(step), [0, 10_000, 20_000])
        }),
      { except: { crash: "it counts attempts, and one is lost" } }
    )

    promise("is a typed error of the body once the policy is spent", (bench) =>
      Effect.gen(function*() {
        const live = Main.layer(() => Hasty.execute("a")).pipe(Layer.provide(Hasty.layer(() => Effect.never)))
        const engine = yield* bench.start(live)
        const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
        assert.instanceOf(error, Activity.ActivityTimeout)
        assert.deepInclude(error, { activity: "Hasty", attempt: 3 })
        assert.match(error.message, /attempt 3 of the activity "Hasty" did not end within its timeout/)
      }), { except: { crash: "it counts attempts, and one is lost" } })
  })
}
