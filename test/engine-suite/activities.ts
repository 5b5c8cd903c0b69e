/**
 * Activities: run at least once, retried by their policies, recorded once.
 */
import { assert, describe } from "@effect/vitest"
import {
  Cause,
  Clock,
  Context,
  DateTime,
  Duration,
  Effect,
  Exit,
  Layer,
  Logger,
  Option,
  Random,
  Schedule,
  Schema
} from "effect"
import { Activity, type Workflow } from "../../src/index.ts"
import { begin, type Bench, type Promised } from "./bench.ts"
import { Act, counting, Declined, errorOf, Main, main, Retried, show } from "./domain.ts"

const declined = new Declined({ reason: "no" })

const theStep = (bench: Bench, id: string) =>
  Effect.map(bench.describe(id), ({ steps }): Workflow.StepDescription => steps[0]!)

/** When each attempt began, in milliseconds from the begin of the test. */
const startsOf = (step: Workflow.StepDescription) =>
  step.executions.map((execution) => DateTime.toEpochMillis(execution.startedAt) - begin)

const statusesOf = (step: Workflow.StepDescription) => step.executions.map((execution) => execution.status)

export const activities = (promise: Promised) => {
  describe("the outcome of an activity", () => {
    promise("is answered from the journal on replay, and does not run again", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = main(
          () =>
            Effect.gen(function*() {
              const a = yield* Act.execute("a", { arg: 1 })
              const b = yield* errorOf(Act.execute("b", { arg: a }))
              return [a, b.reason, yield* Act.execute("c", {})]
            }),
          (execution, arg) =>
            Effect.zipRight(
              counting(calls, execution.key === "c" ? 1_000 : 0)(execution, arg),
              execution.key === "b" ? Effect.fail(declined) : Effect.succeed(execution.key)
            )
        )
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.settle
        assert.deepStrictEqual(calls, ["a#1", "b#1", "c#1"])
        yield* first.crash
        const second = yield* bench.start(live)
        assert.deepStrictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), ["a", "no", "c"])
        assert.deepStrictEqual(calls, ["a#1", "b#1", "c#1", "c#2"])
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(
          steps.map(({ kind, name, path, payload, status }) => ({ kind, name, path, payload, status })),
          [
            { kind: "Activity", name: "Act", path: ["a"], payload: { arg: 1 }, status: "Completed" },
            { kind: "Activity", name: "Act", path: ["b"], payload: { arg: "a" }, status: "Failed" },
            { kind: "Activity", name: "Act", path: ["c"], payload: {}, status: "Completed" }
          ]
        )
        assert.deepStrictEqual(steps.map(({ outcome }) => Option.map(outcome, Exit.isSuccess)), [
          Option.some(true),
          Option.some(false),
          Option.some(true)
        ])
      }))

    promise(
      "reaches the body decoded, in the first run too, never as the handler's own object",
      (bench) =>
        Effect.gen(function*() {
          class Seen extends Schema.Class<Seen>("Seen")({ at: Schema.Date }) {}
          class Look extends Activity.Tag<Look>()("Look", { success: Seen, error: Declined }) {}
          const shared = new Seen({ at: new Date(5) })
          const error = Object.assign(new Declined({ reason: "no" }), { secret: "kept" })
          const seen: Array<unknown> = []
          const live = Main.layer(() =>
            Effect.gen(function*() {
              const found = yield* Look.execute("found")
              seen.push(found, yield* errorOf(Look.execute("lost")))
              return found.at.getTime()
            })
          ).pipe(Layer.provide(Look.layer(() =>
            Effect.flatMap(
              Activity.Execution,
              ({ key }): Effect.Effect<Seen, Declined> => key === "found" ? Effect.succeed(shared) : Effect.fail(error)
            )
          )))
          const engine = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), 5)
          const [found, lost] = seen
          assert.instanceOf(found, Seen)
          assert.notStrictEqual(found, shared)
          assert.instanceOf(lost, Declined)
          assert.notProperty(lost, "secret")
        })
    )

    promise(
      "that JSON or the schema cannot hold is a defect that says so, and is not tried again",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const engine = yield* bench.start(
            main(() => Retried.execute("a", {}), (execution, arg) => Effect.as(counting(calls)(execution, arg), [1n]))
          )
          const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
          assert.match(show(exit), /the success of the activity "Retried".*at \[0\]: JSON has no bigint/)
          assert.deepStrictEqual(calls, ["a#1"])
        })
    )

    promise(
      "is a defect with the handler's message and stack when it dies: recorded, not retried, again on replay",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const bug = new TypeError("a bug")
          const defects: Array<unknown> = []
          const live = main(
            () =>
              Effect.gen(function*() {
                const cause = yield* errorOf(Effect.sandbox(Retried.execute("a", {})))
                defects.push(...Cause.defects(cause))
                return yield* Act.execute("b", {})
              }),
            (execution, arg) =>
              Effect.zipRight(
                counting(calls)(execution, arg),
                execution.key === "a" ? Effect.die(bug) : Effect.delay(Effect.void, "1 minute")
              )
          )
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* bench.settle
          yield* first.crash
          yield* bench.start(live)
          yield* bench.settle
          assert.deepStrictEqual(calls, ["a#1", "b#1", "b#2"])
          assert.lengthOf(defects, 2)
          for (const defect of defects) {
            assert.instanceOf(defect, Error)
            assert.deepStrictEqual([defect.name, defect.message, defect.stack], ["TypeError", "a bug", bug.stack])
          }
          const step = yield* theStep(bench, "w")
          assert.strictEqual(step.status, "Failed")
          assert.deepStrictEqual(statusesOf(step), ["Failed"])
          assert.include(Cause.pretty(Option.getOrThrow(step.executions[0]!.error) as Cause.Cause<unknown>), "a bug")
        })
    )

    promise("is a defect when the handler interrupts itself", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main(
          () => Effect.map(Effect.exit(Act.execute("a", {})), (exit) => [Exit.isInterrupted(exit), show(exit)]),
          () => Effect.interrupt
        ))
        const [interrupted, shown] = Object.values(Object(yield* bench.wait(engine.run(Main.execute("w", {})))))
        assert.isFalse(interrupted)
        assert.match(String(shown), /the activity "Act" interrupted itself/)
        assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Failed"])
      }))
  })

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
      }))
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
        })
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
      }))

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
        })
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
        })
    )

    promise("is a typed error of the body once the policy is spent", (bench) =>
      Effect.gen(function*() {
        const live = Main.layer(() => Hasty.execute("a")).pipe(Layer.provide(Hasty.layer(() => Effect.never)))
        const engine = yield* bench.start(live)
        const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
        assert.instanceOf(error, Activity.ActivityTimeout)
        assert.deepInclude(error, { activity: "Hasty", attempt: 3 })
        assert.match(error.message, /attempt 3 of the activity "Hasty" did not end within its timeout/)
      }))
  })

  describe("a handler", () => {
    promise("is told which attempt it is, of which activity", (bench) =>
      Effect.gen(function*() {
        const told: Array<Activity.ActivityExecution> = []
        const engine = yield* bench.start(main(
          () => Effect.all([Retried.execute(7, {}), Retried.execute("7", {})]),
          (execution) =>
            Effect.sync(() => told.push(execution)).pipe(
              Effect.zipRight(execution.attempt === 1 ? Effect.fail(declined) : Effect.succeed(1))
            )
        ))
        yield* bench.wait(engine.run(Main.execute("w", {})))
        const { executions, steps } = yield* bench.describe("w")
        assert.deepStrictEqual(told.map(({ attempt, key }) => [key, attempt]), [[7, 1], [7, 2], ["7", 1], ["7", 2]])
        assert.isTrue(told.every(({ workflowExecutionId, workflowId }) =>
          workflowId === "w" && workflowExecutionId === executions[0]!.id
        ))
        assert.deepStrictEqual(
          told.map(({ executionId }) =>
            executionId
          ),
          steps.flatMap((step) => step.executions.map(({ id }) => id))
        )
        assert.strictEqual(told[0]!.activityId, told[1]!.activityId)
        assert.strictEqual(new Set(told.map(({ activityId }) => activityId)).size, 2)
      }))

    promise(
      "has one idempotency key for all attempts of a step, across crashes, and no other step has it",
      (bench) =>
        Effect.gen(function*() {
          const keys: Array<readonly [string, string]> = []
          const live = main(
            () => Effect.all([Retried.execute("a", {}), Act.execute("b", {})]),
            (execution) =>
              Effect.sync(() => keys.push([String(execution.key), execution.idempotencyKey])).pipe(
                Effect.zipRight(execution.attempt === 1 ? Effect.fail(declined) : Effect.delay(Effect.void, "1 minute"))
              )
          )
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* bench.settle
          yield* first.crash
          const second = yield* bench.start(live)
          yield* Effect.exit(bench.wait(second.run(Main.execute("w", {}))))
          yield* bench.pass("1 milli")
          yield* Effect.exit(bench.wait(second.run(Main.execute("v", {}))))
          const of = (key: string) => keys.filter(([of]) => of === key).map(([, idempotencyKey]) => idempotencyKey)
          assert.lengthOf(of("a"), 5)
          assert.strictEqual(new Set(of("a").slice(0, 3)).size, 1)
          assert.strictEqual(new Set(keys.map(([, idempotencyKey]) => idempotencyKey)).size, 4)
        })
    )

    promise("has a scope for each attempt, closed before the outcome is known", (bench) =>
      Effect.gen(function*() {
        const trace: Array<string> = []
        const note = (text: string) => Effect.sync(() => void trace.push(text))
        const engine = yield* bench.start(main(
          () => Effect.zipRight(Retried.execute("a", {}), note("body")),
          ({ attempt }) =>
            Effect.zipRight(
              Effect.acquireRelease(note(`open ${attempt}`), () => Effect.delay(note(`close ${attempt}`), "1 minute")),
              attempt === 1 ? Effect.fail(declined) : Effect.void
            )
        ))
        yield* bench.wait(engine.run(Main.execute("w", {})))
        assert.deepStrictEqual(trace, ["open 1", "close 1", "open 2", "close 2", "body"])
      }))

    promise(
      "lives outside of the workflow: the ordinary clock and random numbers, the services of its layer",
      (bench) =>
        Effect.gen(function*() {
          class Warehouse extends Context.Tag("Warehouse")<Warehouse, string>() {}
          class Look extends Activity.Tag<Look>()("Look", { success: Schema.Unknown }) {}
          const lines: Array<string> = []
          const look = Look.layer(() =>
            Effect.gen(function*() {
              const before = yield* Clock.currentTimeMillis
              yield* Effect.sleep("1 minute")
              yield* Effect.log("looked")
              return [(yield* Clock.currentTimeMillis) - before, yield* Random.next, yield* Warehouse]
            })
          ).pipe(
            Layer.provide(Layer.succeed(Warehouse, "north")),
            Layer.provide(
              Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => void lines.push(String(message))))
            )
          )
          const live = Main.layer(() => Effect.all([Random.next, Look.execute("a"), Look.execute("b"), Random.next]))
            .pipe(
              Layer.provide(look)
            )
          const engine = yield* bench.start(live)
          const info = yield* engine.run(Main.start("w", {}))
          const result = yield* bench.wait(info.result)
          assert.isTrue(Array.isArray(result))
          if (!Array.isArray(result)) return
          const [x, [took, drawn, warehouse], [, drawnAgain], y] = result
          assert.strictEqual(took, 60_000)
          assert.strictEqual(warehouse, "north")
          assert.strictEqual(new Set([x, drawn, drawnAgain, y]).size, 4)
          assert.deepStrictEqual(lines, ["looked", "looked"])
          // It slept as anybody does: no timer of the workflow.
          assert.deepStrictEqual((yield* bench.describe("w")).steps.map(({ kind }) => kind), ["Activity", "Activity"])
        })
    )
  })

  describe("activities", () => {
    promise("run side by side, and each is described as it stands", (bench) =>
      Effect.gen(function*() {
        class Slowly extends Activity.Tag<Slowly>()("Slowly", { error: Declined, retry: Schedule.spaced("1 hour") }) {}
        const live = Main.layer(() =>
          Effect.all([
            Effect.race(Act.execute("won", {}), Act.execute("lost", {})),
            Effect.either(Act.execute("failed", {})),
            Slowly.execute("retrying"),
            Act.execute("running", {})
          ], { concurrency: "unbounded" })
        ).pipe(
          Layer.provide(Slowly.layer(() => declined)),
          Layer.provide(Act.layer(() =>
            Effect.flatMap(Activity.Execution, ({ key }) =>
              key === "won" ? Effect.void : key === "failed" ? declined : Effect.delay(Effect.void, "1 minute"))
          ))
        )
        const engine = yield* bench.start(live)
        const info = yield* engine.run(Main.start("w", {}))
        yield* bench.settle
        const described = yield* info.describe
        const statuses = described.steps.map((step) => [step.key, step.status, ...statusesOf(step)])
        assert.sameDeepMembers(statuses, [
          ["won", "Completed", "Completed"],
          ["lost", "Cancelled", "Cancelled"],
          ["failed", "Failed", "Failed"],
          ["retrying", "Retrying", "Failed"],
          ["running", "Running", "Running"]
        ])
        const won = described.steps.find(({ key }) =>
          key === "won"
        )!
        assert.deepStrictEqual(won.executions[0]!.finishedAt, Option.some(DateTime.unsafeMake(begin)))
        const running = described.steps.find(({ key }) => key === "running")!
        assert.isTrue(Option.isNone(running.executions[0]!.finishedAt))
        assert.isTrue(Option.isNone(running.outcome))
      }))

    promise(
      "without a tag are steps as the others: named by their key, retried, recorded once",
      (bench) =>
        Effect.gen(function*() {
          const attempts: Array<number> = []
          const live = main(() =>
            Effect.gen(function*() {
              const found = yield* Activity.make("inline", {
                success: Schema.Date,
                error: Declined,
                retry: { schedule: Schedule.spaced("1 minute"), times: 2 },
                timeout: "1 hour",
                execute: Effect.flatMap(Activity.Execution, ({ attempt }) =>
                  Effect.zipRight(
                    Effect.sync(() => attempts.push(attempt)),
                    attempt < 3 ? declined : Effect.map(Clock.currentTimeMillis, (now) => new Date(now))
                  ))
              })
              yield* Act.execute("b", {})
              return found.getTime() - begin
            }), counting([], 60_000))
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("150 seconds")
          yield* first.crash
          const second = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), 120_000)
          assert.deepStrictEqual(attempts, [1, 2, 3])
          const step = yield* theStep(bench, "w")
          assert.deepInclude(step, {
            kind: "Activity",
            name: "inline",
            key: "inline",
            status: "Completed",
            payload: undefined
          })
        })
    )
  })
}
