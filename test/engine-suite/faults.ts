/**
 * What a fault in the program does: fail, or suspend until it is repaired.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Option, Schema, Scope } from "effect"
import {
  Activity,
  NonDeterminism,
  Saga,
  Tempolite,
  Workflow,
  WorkflowStuck,
  WorkflowUnregistered
} from "../../src/index.ts"
import { type Promised, statusesOf, suspension } from "./bench.ts"
import { Act, activities, counting, Declined, type Handler, Main, main } from "./domain.ts"

class OnFailure extends Workflow.Tag<OnFailure>()("OnFailure", {
  success: Schema.Unknown,
  error: Declined,
  suspendOn: "failure"
}) {}

class OnDefect extends Workflow.Tag<OnDefect>()("OnDefect", {
  success: Schema.Unknown,
  error: Declined,
  suspendOn: "defect"
}) {}

const numbers = Schema.make<unknown>(Schema.Number.ast)
const texts = Schema.make<unknown>(Schema.String.ast)

const declined = new Declined({ reason: "no stock" })

/** Fails at the first `times` attempts at `bad`, and dies of those at `bug`. */
const failing = (calls: Array<string>, times: number): Handler => (execution, arg) =>
  Effect.zipRight(
    counting(calls)(execution, arg),
    execution.attempt > times
      ? Effect.succeed(execution.key)
      : execution.key === "bad"
      ? Effect.fail(declined)
      : execution.key === "bug"
      ? Effect.die(new Error("a bug"))
      : Effect.succeed(execution.key)
  )

const steps = (key: string) =>
  Effect.gen(function*() {
    yield* Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {}))
    const found = yield* Act.execute(key, {})
    return yield* Effect.as(Act.execute("end", {}), found)
  })

const resume = (id: string) => Effect.flatMap(Tempolite.Tempolite, (client) => client.resume(id))

export const faults = (promise: Promised) => {
  describe("a failure that the body does not handle", () => {
    promise("fails the execution, and the workflow; one that it handles does not", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main(
          (arg) =>
            arg === "handled" ? Effect.orElseSucceed(Act.execute("bad", {}), () => "instead") : Act.execute("bad", {}),
          failing([], 9)
        ))
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("handled", { arg: "handled" }))), "instead")
        const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
        assert.deepStrictEqual(error, declined)
        const { executions, reason, status, steps } = yield* bench.describe("w")
        assert.strictEqual(status, "Failed")
        assert.isTrue(Option.isNone(reason))
        assert.deepStrictEqual(executions.map(({ error, status }) => [status, error]), [
          ["Failed", Option.some(Cause.fail({ _tag: "Declined", reason: "no stock" }))]
        ])
        assert.deepStrictEqual(steps[0]!.outcome, Option.some(Exit.fail({ _tag: "Declined", reason: "no stock" })))
      }))
  })

  describe("a workflow with `suspendOn`", () => {
    for (const [key, cause] of [["bad", "no stock"], ["bug", "a bug"]] as const) {
      promise(
        `"failure" is held for repair when \`${key}\` fails: nothing is undone, and \`resume\` runs that step again`,
        (bench) =>
          Effect.gen(function*() {
            const calls: Array<string> = []
            const live = OnFailure.layer(() => steps(key)).pipe(Layer.provide(activities(failing(calls, 2))))
            const engine = yield* bench.start(live)
            const info = yield* engine.run(OnFailure.start("w"))
            const waiting = yield* Effect.fork(info.result)
            yield* bench.settle
            const reason = yield* suspension(bench, "w")
            assert.instanceOf(reason, WorkflowStuck)
            assert.match(reason.message, /held for repair/)
            assert.include(reason.message, cause)
            assert.strictEqual(reason.failedStep, key)
            assert.deepStrictEqual(calls, ["charge#1", `${key}#1`])
            // It fails again, and is held again.
            yield* info.resume
            yield* bench.settle
            assert.deepStrictEqual(calls, ["charge#1", `${key}#1`, `${key}#2`])
            yield* suspension(bench, "w")
            assert.isNull(waiting.unsafePoll())
            yield* info.resume
            assert.strictEqual(yield* bench.wait(Fiber.join(waiting)), key)
            assert.deepStrictEqual(calls, ["charge#1", `${key}#1`, `${key}#2`, `${key}#3`, "end#1"])
            const { executions, reason: after, status, steps: rows } = yield* info.describe
            assert.strictEqual(status, "Completed")
            assert.isTrue(Option.isNone(after))
            assert.deepStrictEqual(executions.map(({ attempt, status }) => [attempt, status]), [[1, "Completed"]])
            assert.deepStrictEqual(statusesOf(rows.find((step) => step.key === key)!), [
              "Failed",
              "Failed",
              "Completed"
            ])
          })
      )
    }

    promise("\"defect\" is held for a defect, and fails with a typed error", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = OnDefect.layer(() =>
          Effect.flatMap(Workflow.Execution, ({ workflowId }) => steps(String(workflowId)))
        ).pipe(Layer.provide(activities(failing(calls, 1))))
        const engine = yield* bench.start(live)
        const error = yield* Effect.flip(bench.wait(engine.run(OnDefect.execute("bad"))))
        assert.deepStrictEqual(error, declined)
        assert.deepStrictEqual(calls, ["charge#1", "bad#1", "refund#1"])
        calls.length = 0
        yield* engine.run(OnDefect.start("bug"))
        yield* bench.settle
        const reason = yield* suspension(bench, "bug")
        assert.include(reason.message, "a bug")
        yield* engine.run(resume("bug"))
        assert.strictEqual(yield* bench.wait(engine.run(OnDefect.execute("bug"))), "bug")
        assert.deepStrictEqual(calls, ["charge#1", "bug#1", "bug#2", "end#1"])
      }))

    promise(
      "is held for a defect of the body itself, and goes on with code that has none",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = (bug: boolean) =>
            OnDefect.layer(() =>
              Effect.zipRight(Act.execute("a", {}), bug ? Effect.die(new Error("a bug")) : Effect.succeed("ok"))
            )
              .pipe(Layer.provide(activities(counting(calls))))
          const first = yield* bench.start(live(true))
          yield* first.run(OnDefect.start("w"))
          yield* bench.settle
          assert.include((yield* suspension(bench, "w")).message, "a bug")
          yield* first.close
          const second = yield* bench.start(live(false))
          yield* second.run(resume("w"))
          assert.strictEqual(yield* bench.wait(second.run(OnDefect.execute("w"))), "ok")
          assert.deepStrictEqual(calls, ["a#1"])
        })
    )

    promise(
      "runs the failed step again where it is in a saga, whose steps are undone only in the end",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = OnFailure.layer(() =>
            Effect.zipRight(Act.execute("before", {}), Saga.scoped("trip", Act.execute("bad", {})))
          )
            .pipe(Layer.provide(activities(failing(calls, 1))))
          const engine = yield* bench.start(live)
          const info = yield* engine.run(OnFailure.start("w"))
          yield* bench.settle
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, WorkflowStuck)
          assert.strictEqual(reason.failedStep, "trip/bad")
          yield* info.resume
          assert.strictEqual(yield* bench.wait(info.result), "bad")
          assert.deepStrictEqual(calls, ["before#1", "bad#1", "bad#2"])
        })
    )

    promise("runs what its inner sagas had undone again, with the failed step", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = OnFailure.layer(() =>
          Effect.gen(function*() {
            yield* Effect.ignore(Saga.scoped("handled", Effect.zipRight(steps("bug"), declined)))
            yield* Saga.scoped("outer", Saga.scoped("trip", steps("bad")))
          })
        ).pipe(Layer.provide(activities((execution, arg) =>
          execution.key === "bug" ? declined : failing(calls, 1)(execution, arg)
        )))
        const engine = yield* bench.start(live)
        yield* engine.run(OnFailure.start("w"))
        yield* bench.settle
        yield* suspension(bench, "w")
        assert.deepStrictEqual(calls, ["charge#1", "refund#1", "charge#1", "bad#1", "refund#1"])
        yield* engine.crash
        calls.length = 0
        const again = yield* bench.start(live)
        yield* again.run(resume("w"))
        yield* bench.settle
        assert.deepStrictEqual(calls, ["charge#2", "bad#2", "end#1"])
        const { executions, status, steps: rows } = yield* bench.describe("w")
        assert.strictEqual(status, "Completed")
        assert.lengthOf(executions, 1)
        assert.deepStrictEqual(
          rows.map(({ path, status }) =>
            `${path.join("/")} ${status}`
          ),
          [
            ...["handled Compensated", "handled/charge Compensated", "handled/bug Failed", "handled/refund Completed"],
            ...["outer Completed", "outer/trip Completed", "outer/trip/charge Completed", "outer/trip/bad Completed"],
            ...["outer/trip/refund Pending", "outer/trip/end Completed"]
          ]
        )
      }))

    promise("stays as it is over a restart, until it is resumed", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = OnFailure.layer(() => steps("bad")).pipe(Layer.provide(activities(failing(calls, 1))))
        const first = yield* bench.start(live)
        yield* first.run(OnFailure.start("w"))
        yield* bench.settle
        yield* first.crash
        const second = yield* bench.start(live)
        yield* bench.pass("1 hour")
        yield* suspension(bench, "w")
        assert.deepStrictEqual(calls, ["charge#1", "bad#1"])
        yield* second.run(resume("w"))
        assert.strictEqual(yield* bench.wait(second.run(OnFailure.execute("w"))), "bad")
        assert.deepStrictEqual(calls, ["charge#1", "bad#1", "bad#2", "end#1"])
      }))
  })

  describe("code that cannot read what was recorded", () => {
    const look = (success: Schema.Schema<unknown>) =>
      class Look extends Activity.Tag<Look>()("Look", { success, error: Declined }) {}

    const withSuccess = (success: Schema.Schema<unknown>, calls: Array<string>) => {
      const Look = look(success)
      return Main.layer(() =>
        Effect.gen(function*() {
          yield* Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {}))
          const found = yield* Look.execute("look")
          yield* Act.execute("last", {})
          return found
        })
      ).pipe(
        Layer.provide(Look.layer(() => Effect.sync(() => calls.push("look")))),
        Layer.provide(
          activities((execution, arg) =>
            Effect.zipLeft(
              counting(calls)(execution, arg),
              execution.key === "last" ? Effect.sleep("10 seconds") : Effect.void
            )
          )
        )
      )
    }

    promise(
      "of a step suspends the workflow, undoes nothing, and goes on once it can",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const first = yield* bench.start(withSuccess(numbers, calls))
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("5 seconds")
          yield* first.crash
          const before = yield* bench.describe("w")
          const second = yield* bench.start(withSuccess(texts, calls))
          yield* bench.pass("1 minute")
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, NonDeterminism)
          assert.strictEqual(reason.key, "look")
          assert.match(
            reason.message,
            /the recorded outcome of the activity "Look" does not decode any more: Expected string, actual 2/
          )
          assert.deepStrictEqual(calls, ["charge#1", "look", "last#1"])
          assert.deepStrictEqual((yield* bench.describe("w")).steps.slice(0, 2), before.steps.slice(0, 2))
          yield* second.close
          const third = yield* bench.start(withSuccess(numbers, calls))
          assert.strictEqual(yield* bench.wait(third.run(Main.execute("w", {}))), 2)
          assert.deepStrictEqual(calls, ["charge#1", "look", "last#1", "last#2"])
        })
    )

    promise(
      "of a payload suspends the workflow before anything runs, and goes on once it can",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const withPayload = (n: Schema.Schema<unknown>) => {
            class Paid extends Workflow.Tag<Paid>()("Paid", { payload: { n }, success: Schema.Unknown }) {}
            const live = Paid.layer(({ n }) => Effect.orDie(Effect.zipRight(Act.execute("a", {}), Effect.succeed(n))))
              .pipe(Layer.provide(activities(counting(calls, 10_000))))
            return { Paid, live }
          }
          const { Paid, live } = withPayload(numbers)
          const first = yield* bench.start(live)
          yield* first.run(Paid.start("w", { n: 1 }))
          yield* bench.settle
          yield* first.crash
          const second = yield* bench.start(withPayload(texts).live)
          yield* bench.pass("1 minute")
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, NonDeterminism)
          assert.match(
            reason.message,
            /the recorded payload does not fit the workflow's schema any more.*Expected string, actual 1/s
          )
          yield* second.close
          const third = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(third.run(Paid.execute("w", { n: 1 }))), 1)
          assert.deepStrictEqual(calls, ["a#1", "a#2"])
        })
    )
  })

  describe("a workflow whose layer is not there", () => {
    promise("is suspended after a moment, and continues as soon as it is", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = main(() => Effect.zipRight(Act.execute("a", {}), Act.execute("b", {})), counting(calls, 60_000))
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.pass("90 seconds")
        yield* first.crash
        const second = yield* bench.start(Main.client)
        yield* bench.pass("10 seconds")
        const reason = yield* suspension(bench, "w")
        assert.instanceOf(reason, WorkflowUnregistered)
        assert.match(
          reason.message,
          /the workflow "w" is a "Main", and no layer of that name is provided. Provide its layer/
        )
        assert.deepStrictEqual(calls, ["a#1", "b#1"])
        const waiting = yield* Effect.fork(second.run(Main.execute("w", {})))
        const scope = yield* Scope.make()
        yield* second.run(Layer.buildWithScope(live, scope))
        assert.strictEqual(yield* bench.wait(Fiber.join(waiting)), "<b>")
        assert.deepStrictEqual(calls, ["a#1", "b#1", "b#2"])
        assert.lengthOf((yield* bench.describe("w")).executions, 1)
        yield* Scope.close(scope, Exit.void)
      }))

    promise("may be started, and runs when its layer comes", (bench) =>
      Effect.gen(function*() {
        const client = yield* bench.start(Main.client)
        yield* client.run(Main.start("w", { arg: 7 }))
        yield* bench.pass("1 minute")
        yield* suspension(bench, "w")
        yield* client.close
        const engine = yield* bench.start(main((arg) => Effect.succeed(arg)))
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", { arg: 7 }))), 7)
      }))
  })
}
