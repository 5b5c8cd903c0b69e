/**
 * Activities: run at least once, retried by their policies, recorded once.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, Clock, Context, DateTime, Effect, Exit, Layer, Logger, Option, Random, Schedule, Schema } from "effect"
import { Activity } from "../../src/index.ts"
import { begin, type Promised, statusesOf, theStep } from "./bench.ts"
import { Act, counting, Declined, errorOf, Main, main, Retried, show } from "./domain.ts"

const declined = new Declined({ reason: "no" })

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
          assert.isAtLeast(defects.length, 2)
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
          () => Effect.map(Effect.exit(Act.execute("a", {})), (exit) => `${Exit.isInterrupted(exit)} ${show(exit)}`),
          () => Effect.interrupt
        ))
        const seen = yield* bench.wait(engine.run(Main.execute("w", {})))
        assert.match(String(seen), /^false .*the activity "Act" interrupted itself/)
        assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Failed"])
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
        assert.deepStrictEqual([...new Set(trace)], ["open 1", "close 1", "open 2", "close 2", "body"])
        assert.strictEqual(trace.lastIndexOf("close 2"), 3)
      }))

    promise(
      "lives outside of the workflow: the ordinary clock and random numbers, the services of its layer",
      (bench) =>
        Effect.gen(function*() {
          class Warehouse extends Context.Tag("Warehouse")<Warehouse, string>() {}
          class Look extends Activity.Tag<Look>()("Look", {
            success: Schema.Tuple(Schema.Number, Schema.Number, Schema.String)
          }) {}
          const lines: Array<string> = []
          const look = Look.layer(() =>
            Effect.gen(function*() {
              const before = yield* Clock.currentTimeMillis
              yield* Effect.sleep("1 minute")
              yield* Effect.log("looked")
              const took = (yield* Clock.currentTimeMillis) - before
              return [took, yield* Random.next, yield* Warehouse] as const
            })
          ).pipe(
            Layer.provide(Layer.succeed(Warehouse, "north")),
            Layer.provide(
              Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => void lines.push(String(message))))
            )
          )
          const numbers = new Set<number>()
          const looks: Array<readonly [number, number, string]> = []
          const live = Main.layer(() =>
            Effect.gen(function*() {
              numbers.add(yield* Random.next)
              looks.push(yield* Look.execute("a"), yield* Look.execute("b"))
              numbers.add(yield* Random.next)
            })
          ).pipe(Layer.provide(look))
          const engine = yield* bench.start(live)
          yield* bench.wait(engine.run(Main.execute("w", {})))
          assert.deepStrictEqual(looks.map(([took, , warehouse]) => [took, warehouse]), [[60_000, "north"], [
            60_000,
            "north"
          ]])
          for (const [, drawn] of looks) numbers.add(drawn)
          assert.strictEqual(numbers.size, 4)
          assert.deepStrictEqual(lines, ["looked", "looked"])
          // It slept as anybody does: no timer of the workflow.
          assert.deepStrictEqual((yield* bench.describe("w")).steps.map(({ kind }) => kind), ["Activity", "Activity"])
        }),
      {
        except: {
          replay: "what is drawn and not recorded is drawn again",
          crash: "what is drawn and not recorded is drawn again",
          lost: "what is drawn and not recorded is drawn again"
        }
      }
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
