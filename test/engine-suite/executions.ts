/**
 * The executions of a workflow: a new one when it is retried, the same one when it is replayed.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, DateTime, Effect, Layer, Option, Schedule, Schema } from "effect"
import type { Activity } from "../../src/index.ts"
import { Saga, SideEffect, Workflow } from "../../src/index.ts"
import { begin, type Promised, startsOf, statusesOf } from "./bench.ts"
import { Act, activities, counting, Declined, type Handler, type InBody, Main, main, Retried, show } from "./domain.ts"

/** Three executions at most, a minute and two minutes apart. */
class Again extends Workflow.Tag<Again>()("Again", {
  success: Schema.Unknown,
  error: Declined,
  retry: { schedule: Schedule.exponential("1 minute"), times: 2, while: (error) => error.reason !== "for good" }
}) {}

const again = (body: Effect.Effect<unknown, Declined, InBody | Act | Retried>, handler: Handler) =>
  Again.layer(() => body).pipe(Layer.provide(activities(handler)))

const declined = new Declined({ reason: "no" })

/** Fails where it is asked to; else what it was given. */
const failing = (calls: Array<string>, fails: (key: string, attempt: number) => boolean): Handler => (execution, arg) =>
  Effect.zipRight(
    counting(calls)(execution, arg),
    fails(String(execution.key), execution.attempt) ? Effect.fail(declined) : Effect.succeed(arg ?? 0)
  )

export const executions = (promise: Promised) => {
  describe("a workflow that is retried", () => {
    promise(
      "gets a new execution, stays `Running`, and keeps the outcomes of completed steps",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const told = new Map<string, number>()
          const engine = yield* bench.start(again(
            Effect.gen(function*() {
              const { attempt, executionId } = yield* Workflow.Execution
              told.set(executionId, attempt)
              const drawn = yield* SideEffect.record("drawn", Schema.Number, Effect.sync(() => calls.push("drawn")))
              yield* Act.execute("a", { arg: drawn })
              return yield* Act.execute("b", { arg: "done" })
            }),
            failing(calls, (key, attempt) => key === "b" && attempt === 1)
          ))
          const info = yield* engine.run(Again.start("w"))
          yield* bench.pass("30 seconds")
          const waiting = yield* info.describe
          assert.strictEqual(waiting.status, "Running")
          assert.isTrue(Option.isNone(waiting.finishedAt))
          assert.deepStrictEqual(waiting.executions.map(({ status }) => status), ["Failed"])
          yield* bench.pass("29 seconds")
          assert.deepStrictEqual(calls, ["drawn", "a#1", "b#1"])
          assert.strictEqual(yield* bench.wait(info.result), "done")
          assert.deepStrictEqual(calls, ["drawn", "a#1", "b#1", "b#2"])
          const ended = yield* info.describe
          assert.strictEqual(ended.status, "Completed")
          assert.deepStrictEqual(
            ended.executions.map(({ attempt, error, generation, startedAt, status }) => ({
              attempt,
              error,
              generation,
              startedAt: DateTime.toEpochMillis(startedAt) - begin,
              status
            })),
            [
              {
                attempt: 1,
                error: Option.some(Cause.fail({ _tag: "Declined", reason: "no" })),
                generation: 1,
                startedAt: 0,
                status: "Failed"
              },
              { attempt: 2, error: Option.none(), generation: 1, startedAt: 60_000, status: "Completed" }
            ]
          )
          assert.deepStrictEqual(ended.steps.map((step) => [step.key, step.status, ...statusesOf(step)]), [
            ["drawn", "Completed", "Completed"],
            ["a", "Completed", "Completed"],
            ["b", "Completed", "Failed", "Completed"]
          ])
          assert.deepStrictEqual([...told.values()], [1, 2])
          assert.deepStrictEqual([...told.keys()], ended.executions.map(({ id }) => id))
        })
    )

    promise("fails with the last error once its retries are spent", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const engine = yield* bench.start(again(Act.execute("a", {}), failing(calls, () => true)))
        assert.deepStrictEqual(yield* Effect.flip(bench.wait(engine.run(Again.execute("w")))), declined)
        const { executions, finishedAt, status, steps } = yield* bench.describe("w")
        assert.strictEqual(status, "Failed")
        assert.deepStrictEqual(executions.map(({ status }) => status), ["Failed", "Failed", "Failed"])
        assert.deepStrictEqual(startsOf(steps[0]!), [0, 60_000, 180_000])
        assert.deepStrictEqual(finishedAt, Option.some(DateTime.unsafeMake(begin + 180_000)))
      }))

    promise("is not retried for an error that its policy refuses, nor for a defect", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(again(
          Effect.flatMap(Workflow.Execution, ({ workflowId }) =>
            workflowId === "error" ? new Declined({ reason: "for good" }) : Effect.dieMessage("a bug")),
          counting([])
        ))
        for (const id of ["error", "defect"]) {
          yield* Effect.exit(bench.wait(engine.run(Again.execute(id))))
          const { executions, status } = yield* bench.describe(id)
          assert.deepStrictEqual([status, executions.length], ["Failed", 1])
        }
      }))

    promise("waits for its next execution as long as it would have without a crash", (bench) =>
      Effect.gen(function*() {
        const live = again(Act.execute("a", {}), failing([], () => true))
        const first = yield* bench.start(live)
        yield* first.run(Again.start("w"))
        yield* bench.pass("80 seconds")
        yield* first.crash
        yield* bench.pass("30 seconds")
        yield* bench.start(live)
        yield* bench.pass("69 seconds")
        assert.deepStrictEqual(startsOf((yield* bench.describe("w")).steps[0]!), [0, 60_000])
        yield* bench.pass("1 second")
        assert.deepStrictEqual(startsOf((yield* bench.describe("w")).steps[0]!), [0, 60_000, 180_000])
      }))

    promise("takes a crash for no execution, in whichever it comes", (bench) =>
      Effect.gen(function*() {
        const attempts: Array<number> = []
        const live = again(
          Effect.gen(function*() {
            attempts.push((yield* Workflow.Execution).attempt)
            yield* Act.execute("a", {})
            yield* Act.execute("b", {})
          }),
          ({ attempt, key }) => Effect.delay(key === "b" && attempt < 4 ? declined : Effect.void, "10 seconds")
        )
        const crashAfter = (duration: `${number} seconds`) =>
          Effect.gen(function*() {
            const engine = yield* bench.start(live)
            yield* engine.run(Again.start("w"))
            yield* bench.pass(duration)
            yield* engine.crash
          })
        yield* crashAfter("5 seconds")
        yield* crashAfter("15 seconds")
        yield* crashAfter("85 seconds")
        const engine = yield* bench.start(live)
        yield* bench.wait(engine.run(Again.execute("w")))
        const { executions, steps } = yield* bench.describe("w")
        assert.deepStrictEqual(executions.map(({ attempt, status }) => [attempt, status]), [
          [1, "Failed"],
          [2, "Failed"],
          [3, "Completed"]
        ])
        assert.deepStrictEqual(statusesOf(steps[0]!), ["Lost", "Completed"])
        assert.deepStrictEqual(statusesOf(steps[1]!), ["Lost", "Failed", "Failed", "Completed"])
        assert.deepStrictEqual([...new Set(attempts)], [1, 2, 3])
      }))

    promise(
      "gives a failed step its whole policy again, under the same logical activity",
      (bench) =>
        Effect.gen(function*() {
          const told: Array<Activity.ActivityExecution> = []
          const live = again(
            Retried.execute("a", {}),
            (execution) =>
              Effect.zipRight(Effect.sync(() => told.push(execution)), execution.attempt < 7 ? declined : Effect.void)
          )
          const engine = yield* bench.start(live)
          yield* bench.wait(engine.run(Again.execute("w")))
          assert.deepStrictEqual(told.map(({ attempt }) => attempt), [1, 2, 3, 4, 5, 6, 7])
          assert.strictEqual(new Set(told.map(({ activityId }) => activityId)).size, 1)
          // Nothing was done and undone: to the outside it is one and the same call.
          assert.strictEqual(new Set(told.map(({ idempotencyKey }) => idempotencyKey)).size, 1)
          assert.strictEqual(new Set(told.map(({ workflowExecutionId }) => workflowExecutionId)).size, 2)
        })
    )

    promise(
      "runs what was undone again, as another call to the outside, and undoes it again",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const keys: Array<string> = []
          const engine = yield* bench.start(again(
            Effect.zipRight(
              Saga.scoped(
                "trip",
                Effect.zipRight(
                  Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {})),
                  Act.execute("bad", {})
                )
              ),
              Act.execute("end", {})
            ),
            (execution, arg) =>
              Effect.zipRight(
                Effect.sync(() => execution.key === "charge" && keys.push(execution.idempotencyKey)),
                failing(calls, (key, attempt) => key === "bad" && attempt < 3)(execution, arg)
              )
          ))
          yield* bench.wait(engine.run(Again.execute("w")))
          assert.deepStrictEqual(calls, [
            ...["charge#1", "bad#1", "refund#1"],
            ...["charge#2", "bad#2", "refund#2"],
            ...["charge#3", "bad#3", "end#1"]
          ])
          assert.strictEqual(new Set(keys).size, 3)
          const statuses = (yield* bench.describe("w")).steps.map(({ path, status }) => [path.join("/"), status])
          assert.sameDeepMembers(statuses, [
            ["trip", "Completed"],
            ["trip/charge", "Completed"],
            ["trip/bad", "Completed"],
            ["trip/refund", "Pending"],
            ["end", "Completed"]
          ])
        })
    )

    promise(
      "compensates when the workflow ends, not when one of its executions does",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const engine = yield* bench.start(again(
            Effect.zipRight(
              Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {})),
              Act.execute("bad", {})
            ),
            failing(calls, (key) => key === "bad")
          ))
          yield* Effect.exit(bench.wait(engine.run(Again.execute("w"))))
          assert.deepStrictEqual(calls, ["charge#1", "bad#1", "bad#2", "bad#3", "refund#1"])
          assert.strictEqual((yield* bench.describe("w")).steps[0]!.status, "Compensated")
        })
    )

    promise(
      "waits again where the body slept, and not where a named sleep was over",
      (bench) =>
        Effect.gen(function*() {
          const engine = yield* bench.start(again(
            Effect.gen(function*() {
              yield* Workflow.sleep("named", "1 hour")
              yield* Effect.sleep("10 minutes")
              yield* Act.execute("a", {})
            }),
            failing([], (_, attempt) => attempt === 1)
          ))
          yield* bench.wait(engine.run(Again.execute("w")))
          const { steps } = yield* bench.describe("w")
          const minutes = startsOf(steps.find(({ key }) => key === "a")!).map((millis) => millis / 60_000)
          assert.deepStrictEqual(minutes, [70, 81])
        })
    )

    promise("runs a kept step again when it is asked for with another payload", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const keys: Array<string> = []
        const live = again(
          Effect.gen(function*() {
            const { attempt } = yield* Workflow.Execution
            const same = yield* Act.execute("same", { arg: 1 })
            const other = yield* Act.execute("other", { arg: attempt })
            yield* Act.execute("bad", {})
            return [same, other]
          }),
          (execution, arg) =>
            Effect.zipRight(
              Effect.sync(() => execution.key === "other" && keys.push(execution.idempotencyKey)),
              failing(calls, (key, attempt) => key === "bad" && attempt < 2)(execution, arg)
            )
        )
        const engine = yield* bench.start(live)
        assert.deepStrictEqual(yield* bench.wait(engine.run(Again.execute("w"))), [1, 2])
        assert.deepStrictEqual(calls, ["same#1", "other#1", "bad#1", "other#2", "bad#2"])
        assert.strictEqual(new Set(keys).size, 2)
        const other = (yield* bench.describe("w")).steps.find(({ key }) => key === "other")!
        assert.deepStrictEqual(statusesOf(other), ["Completed", "Completed"])
        assert.deepStrictEqual(other.payload, { arg: 2 })
      }))

    promise("is cancelled while it waits for its next execution", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const engine = yield* bench.start(again(
          Effect.zipRight(
            Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {})),
            Act.execute("bad", {})
          ),
          failing(calls, (key) => key === "bad")
        ))
        const info = yield* engine.run(Again.start("w"))
        yield* bench.pass("10 seconds")
        yield* info.cancel
        yield* bench.settle
        const exit = yield* Effect.exit(bench.wait(info.result))
        assert.match(show(exit), /the workflow "w" was cancelled/)
        const { finishedAt, status } = yield* info.describe
        assert.strictEqual(status, "Cancelled")
        assert.deepStrictEqual(finishedAt, Option.some(DateTime.unsafeMake(begin + 10_000)))
        assert.deepStrictEqual(calls, ["charge#1", "bad#1", "refund#1"])
      }))
  })

  describe("a replay", () => {
    promise("continues the same execution, however often", (bench) =>
      Effect.gen(function*() {
        const told: Array<Workflow.WorkflowExecution> = []
        const live = main(
          () =>
            Effect.zipRight(Effect.tap(Workflow.Execution, (execution) => told.push(execution)), Act.execute("a", {})),
          () => Effect.delay(Effect.succeed("a"), "1 hour")
        )
        for (const end of ["close", "crash", "close", "crash"] as const) {
          const engine = yield* bench.start(live)
          yield* engine.run(Main.start("w", {}))
          yield* bench.pass("1 minute")
          yield* engine[end]
        }
        const engine = yield* bench.start(live)
        yield* bench.wait(engine.run(Main.execute("w", {})))
        const { createdAt, executions, steps } = yield* bench.describe("w")
        assert.deepStrictEqual(executions.map(({ attempt, status }) => [attempt, status]), [[1, "Completed"]])
        assert.deepStrictEqual(executions[0]!.startedAt, createdAt)
        assert.isAtLeast(told.length, 5)
        assert.strictEqual(new Set(told.map(({ executionId }) => executionId)).size, 1)
        assert.isTrue(
          told.every(({ attempt, startedAt }) => attempt === 1 && DateTime.Equivalence(startedAt, createdAt))
        )
        assert.deepStrictEqual(statusesOf(steps[0]!), ["Lost", "Lost", "Lost", "Lost", "Completed"])
      }))

    promise("says that it is one, and repeats no log line", (bench) =>
      Effect.gen(function*() {
        const replaying: Array<readonly [string, boolean]> = []
        const note = (text: string) =>
          Effect.flatMap(Workflow.Execution, ({ isReplaying }) =>
            Effect.flatMap(isReplaying, (is) =>
              Effect.zipRight(
                Effect.log(text),
                Effect.sync(() => replaying.push([text, is]))
              )))
        const live = main(() =>
          Effect.gen(function*() {
            yield* note("first")
            yield* Act.execute("a", {})
            yield* note("second")
            yield* Act.execute("b", {})
            yield* note("third")
          }), counting([], 60_000))
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.pass("90 seconds")
        yield* first.crash
        const second = yield* bench.start(live)
        yield* bench.wait(second.run(Main.execute("w", {})))
        assert.deepStrictEqual(replaying, [
          ["first", false],
          ["second", false],
          ["first", true],
          // What comes after the last outcome on record may not have run before.
          ["second", false],
          ["third", false]
        ])
        assert.deepStrictEqual(bench.logs.filter((line) => line === "first"), ["first"])
        assert.deepStrictEqual(bench.logs.filter((line) => line === "third"), ["third"])
      }), {
      except: {
        replay: "its body notes what it does, and does it again in a replay",
        crash: "its body notes what it does, and does it again in a replay"
      }
    })
  })
}
