/**
 * The engine and its journal: faults, the order of writing and acting, the lock, closing, recovery, clients.
 */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FiberId, Layer, Option, Schema, Stream } from "effect"
import {
  JournalError,
  JournalLocked,
  Saga,
  SideEffect,
  Signal,
  Tempolite,
  Workflow,
  WorkflowConflict
} from "../../src/index.ts"
import { everything } from "../support/journalRows.ts"
import { type Bench, type Promised, statusesOf, theStep } from "./bench.ts"
import { Act, counting, errorOf, Main, main, Retried, show } from "./domain.ts"

const Go = Signal.make("Go")

/** A client beside the engine, as in another process. */
const client = (bench: Bench) =>
  Layer.build(Layer.provideMerge(Main.client, Layer.provide(Tempolite.layerClient, bench.faulty))).pipe(
    Effect.map((context) => <A, E>(effect: Effect.Effect<A, E, Main | Tempolite.Tempolite>) =>
      Effect.provide(effect, context)
    )
  )

/** The paths of steps that have an outcome in the journal. */
const recorded = (bench: Bench, id: string) =>
  Effect.map(
    bench.journal.recorded(id, 1),
    ({ steps }) => steps.filter(({ seq }) => seq !== null).map(({ path }) => path)
  )

const threeSteps = () =>
  Effect.gen(function*() {
    const a = yield* Act.execute("a", {})
    const b = yield* Act.execute("b", { arg: a })
    return [a, b, yield* Act.execute("c", { arg: b })]
  })

export const journal = (promise: Promised) => {
  describe("a journal that fails", () => {
    promise(
      "for a while is not seen by a body: the engine waits, and writes all of it in the end",
      (bench) =>
        Effect.gen(function*() {
          for (const failing of [1, 2, 7]) {
            const calls: Array<string> = []
            const id = `fails ${failing}`
            const engine = yield* bench.start(main(threeSteps, counting(calls, 1_000)))
            yield* engine.run(Main.start(id, {}))
            yield* bench.pass("500 millis")
            bench.failingCommits = failing
            // The outcome of `a` cannot be written, and nothing of what follows from it may begin.
            yield* bench.pass("510 millis")
            assert.deepStrictEqual(calls, ["a#1"], id)
            assert.deepStrictEqual(yield* bench.wait(engine.run(Main.execute(id, {}))), ["<a>", "<b>", "<c>"])
            assert.deepStrictEqual(calls, ["a#1", "b#1", "c#1"])
            const { executions, status, steps } = yield* bench.describe(id)
            assert.deepStrictEqual([status, executions.length], ["Completed", 1])
            assert.deepStrictEqual(steps.map(statusesOf), [["Completed"], ["Completed"], ["Completed"]])
            assert.isTrue(bench.logs.some((line) => line.includes("a commit failed")))
            yield* engine.close
          }
        }),
      {
        except: {
          crash: "its journal fails for a while, and that is counted",
          lost: "its journal fails for a while, and that is counted"
        }
      }
    )

    promise("fails a start, of which nothing is left, and the next one succeeds", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main((arg) => Effect.succeed(arg)))
        bench.failingCommits = 1
        const error = yield* bench.wait(Effect.flip(engine.run(Main.start("w", { arg: 1 }))))
        assert.instanceOf(error, JournalError)
        yield* bench.pass("1 minute")
        assert.deepStrictEqual(yield* bench.journal.workflow("w"), Option.none())
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", { arg: 2 }))), 2)
      }))

    promise("though it wrote a start leaves nothing undone: the workflow runs", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main((arg) => Effect.succeed(arg)))
        bench.loseAnswer = () => true
        const error = yield* bench.wait(Effect.flip(engine.run(Main.start("w", { arg: 1 }))))
        assert.instanceOf(error, JournalError)
        yield* bench.pass("1 minute")
        assert.strictEqual((yield* bench.describe("w")).status, "Completed")
      }))

    promise(
      "though it wrote a signal leaves nothing undone: who waits for it takes it",
      (bench) =>
        Effect.gen(function*() {
          const engine = yield* bench.start(main(() => Effect.zipRight(Go.await("go"), Effect.succeed("gone"))))
          yield* engine.run(Main.start("w", {}))
          yield* bench.settle
          bench.loseAnswer = () => true
          const error = yield* bench.wait(Effect.flip(engine.run(Go.send("w"))))
          assert.instanceOf(error, JournalError)
          yield* bench.pass("1 minute")
          assert.strictEqual((yield* bench.describe("w")).status, "Completed")
          assert.deepStrictEqual(yield* bench.journal.signals("w", 0), [])
        })
    )

    promise("though it wrote what a workflow sent has it sent once", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main((arg) => arg === "sends" ? Effect.orDie(Go.sendAs("send", "w")) : Workflow.sleep("nap", "1 day"))
        )
        yield* engine.run(Main.start("w", { arg: "waits" }))
        yield* bench.settle
        yield* engine.run(Main.start("v", { arg: "sends" }))
        bench.loseAnswer = ({ signals }) => signals.length > 0
        yield* bench.pass("1 minute")
        assert.strictEqual((yield* bench.describe("v")).status, "Completed")
        assert.isUndefined(bench.loseAnswer)
        assert.lengthOf(yield* bench.journal.signals("w", 0), 1)
      }))

    promise("fails the calls of clients with `JournalError`", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main(() => Act.execute("a", {}), counting([], 60_000)))
        const ended = yield* engine.run(Main.start("v", {}))
        yield* bench.wait(ended.result)
        const info = yield* engine.run(Main.start("w", {}))
        yield* bench.settle
        const service = yield* engine.run(Tempolite.Tempolite)
        const asked = [
          Effect.flip(engine.run(Main.info("w"))),
          Effect.flip(service.info("w")),
          Effect.flip(service.describe("w")),
          Effect.flip(service.cancel("w")),
          Effect.flip(service.resume("w")),
          Effect.flip(ended.result),
          Effect.flip(info.status),
          Effect.flip(info.describe),
          Effect.flip(Stream.runDrain(info.changes))
        ]
        for (const ask of asked) {
          bench.failingReads = 1
          assert.instanceOf(yield* ask, JournalError)
        }
        bench.failingReads = 0
        assert.strictEqual(yield* bench.wait(info.result), "<a>")
      }))

    promise("while it recovers is read again until it answers", (bench) =>
      Effect.gen(function*() {
        const live = main(threeSteps, counting([], 1_000))
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.pass("1500 millis")
        yield* first.crash
        bench.failingReads = 9
        yield* bench.start(live)
        yield* bench.pass("2 minutes")
        assert.strictEqual((yield* bench.describe("w")).status, "Completed")
      }))

    promise(
      "for good does not keep the engine from closing, and what was durable goes on at the next start",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = main(threeSteps, counting(calls, 1_000))
          const first = yield* bench.start(live, { grace: "10 seconds" })
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("500 millis")
          bench.failingCommits = Number.POSITIVE_INFINITY
          yield* bench.pass("2 seconds")
          yield* first.close
          bench.failingCommits = 0
          const second = yield* bench.start(live)
          assert.deepStrictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), ["<a>", "<b>", "<c>"])
          assert.deepStrictEqual(calls, ["a#1", "a#2", "b#1", "c#1"])
        })
    )
  })

  describe("before an activity starts", () => {
    promise(
      "every outcome that was delivered is durable, and so is its own attempt",
      (bench) =>
        Effect.gen(function*() {
          const seen: Array<readonly [string, ReadonlyArray<string>, string]> = []
          const live = main(
            () =>
              Effect.gen(function*() {
                const one = yield* SideEffect.record("one", Schema.Number, Effect.succeed(1))
                const two = yield* SideEffect.record("two", Schema.Number, Effect.succeed(one + 1))
                yield* Act.execute("a", { arg: two })
                yield* Effect.all([Act.execute("b", {}), SideEffect.record("three", Schema.Number, Effect.succeed(3))])
                yield* Saga.compensate(Act.execute("c", {}), () => Act.execute("undo", {}))
                return yield* Effect.flatMap(errorOf(Act.execute("bad", {})), Effect.fail)
              }),
            ({ key }) =>
              Effect.gen(function*() {
                const { steps } = yield* Effect.orDie(bench.journal.recorded("w", 1))
                const durable = yield* Effect.orDie(recorded(bench, "w"))
                seen.push([String(key), durable, steps.find(({ path }) => path === key)?.status ?? "unknown"])
                if (key === "bad") return yield* Effect.dieMessage("bad")
              })
          )
          const engine = yield* bench.start(live)
          yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
          assert.deepStrictEqual(seen, [
            ["a", ["one", "two"], "Running"],
            ["b", ["one", "two", "a"], "Running"],
            ["c", ["one", "two", "a", "b", "three"], "Running"],
            ["bad", ["one", "two", "a", "b", "three", "c"], "Running"],
            ["undo", ["one", "two", "a", "b", "three", "c", "bad"], "Running"]
          ])
        })
    )

    promise(
      "the engine waits for the journal, however slow it is; a crash meanwhile loses nothing that was seen",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          let draws = 0
          const live = main(() =>
            Effect.gen(function*() {
              const drawn = yield* SideEffect.record("drawn", Schema.Number, Effect.sync(() => ++draws))
              return yield* Act.execute("a", { arg: drawn })
            }), (execution, arg) => Effect.as(counting(calls)(execution, arg), arg))
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* Effect.sync(() => {
            bench.held = Deferred.unsafeMake<void>(FiberId.none)
          })
          yield* bench.pass("1 hour")
          assert.strictEqual(draws, 1)
          assert.deepStrictEqual(calls, [])
          yield* first.crash
          bench.held = undefined
          const second = yield* bench.start(live)
          // It was drawn again, which nobody can tell: nothing outside had seen the first.
          assert.strictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), 2)
          assert.deepStrictEqual(calls, ["a#1"])
        })
    )
  })

  describe("a result", () => {
    promise("is shown once it is durable, not before", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main(() => Act.execute("a", {}), counting([], 1_000)))
        const info = yield* engine.run(Main.start("w", {}))
        const waiting = yield* Effect.fork(info.result)
        yield* bench.pass("500 millis")
        const held = yield* Deferred.make<void>()
        bench.held = held
        yield* bench.pass("1 hour")
        assert.isNull(waiting.unsafePoll())
        assert.strictEqual((yield* bench.describe("w")).status, "Running")
        bench.held = undefined
        yield* Deferred.succeed(held, undefined)
        yield* bench.settle
        assert.deepStrictEqual(waiting.unsafePoll(), Exit.succeed("<a>"))
        assert.strictEqual((yield* bench.describe("w")).status, "Completed")
      }))
  })

  describe("a second engine", () => {
    promise(
      "fails with `JournalLocked`, which names the holder, until the first has closed",
      (bench) =>
        Effect.gen(function*() {
          const live = main(() => Effect.succeed("ok"))
          const first = yield* bench.start(live)
          const error = yield* Effect.flip(Effect.scoped(bench.start(live)))
          assert.instanceOf(error, JournalLocked)
          assert.match(error.message, /another engine runs the workflows of this journal: .*process|layerClient/)
          assert.strictEqual(yield* bench.wait(first.run(Main.execute("w", {}))), "ok")
          yield* first.close
          const second = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(second.run(Main.execute("v", {}))), "ok")
        })
    )

    promise(
      "that took the lock over makes the first one stop, and fail its calls; nothing of it is written",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = main(threeSteps, counting(calls, 10_000))
          const first = yield* bench.start(live)
          const info = yield* first.run(Main.start("w", {}))
          const waiting = yield* Effect.fork(Effect.exit(info.result))
          yield* bench.pass("5 seconds")
          // It does not renew its lease here, and stands still meanwhile.
          bench.clock.now += 60_000
          const second = yield* bench.start(live)
          yield* bench.settle
          assert.deepStrictEqual(calls, ["a#1", "a#2"])
          const result = yield* bench.wait(Effect.exit(second.run(Main.execute("w", {}))))
          assert.deepStrictEqual(result, Exit.succeed(["<a>", "<b>", "<c>"]))
          assert.match(show(yield* Fiber.join(waiting)), /this engine has lost the journal/)
          assert.match(
            show(yield* Effect.exit(bench.wait(first.run(Main.start("v", {}))))),
            /JournalError|lost the journal/
          )
          assert.deepStrictEqual(calls, ["a#1", "a#2", "b#1", "c#1"])
          assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Lost", "Completed"])
        }),
      { except: { crash: "two engines want the lock, and a restart wants it, too" } }
    )
  })

  describe("an engine that closes", () => {
    promise(
      "gives running activities their grace, and records what they ended with",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = main(threeSteps, counting(calls, 10_000))
          const first = yield* bench.start(live, { grace: "30 seconds" })
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("5 seconds")
          yield* first.close
          assert.deepStrictEqual(calls, ["a#1"])
          assert.deepStrictEqual(yield* recorded(bench, "w"), ["a"])
          assert.strictEqual((yield* bench.describe("w")).status, "Running")
          const second = yield* bench.start(live)
          assert.deepStrictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), ["<a>", "<b>", "<c>"])
          assert.deepStrictEqual(calls, ["a#1", "b#1", "c#1"])
        })
    )

    promise(
      "then interrupts them, records them as lost, undoes nothing, and goes on at the next start",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const ends: Array<string> = []
          const live = main(
            () =>
              Effect.gen(function*() {
                yield* Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {}))
                return yield* Act.execute("slow", {})
              }),
            (execution, arg) =>
              Effect.onExit(
                counting(calls, execution.key === "slow" ? 60_000 : 0)(execution, arg),
                (exit) => Effect.sync(() => ends.push(`${execution.key} ${Exit.isInterrupted(exit) ? "cut" : "done"}`))
              )
          )
          const first = yield* bench.start(live, { grace: "5 seconds" })
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("10 seconds")
          yield* first.close
          assert.deepStrictEqual(ends, ["charge done", "slow cut"])
          const { executions, status, steps } = yield* bench.describe("w")
          assert.deepStrictEqual([status, executions.map(({ status }) => status)], ["Running", ["Running"]])
          assert.deepStrictEqual(steps.map((step) => [step.key, step.status, ...statusesOf(step)]), [
            ["charge", "Completed", "Completed"],
            ["slow", "Running", "Lost"]
          ])
          const second = yield* bench.start(live)
          assert.strictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), "<slow>")
          assert.deepStrictEqual(calls, ["charge#1", "slow#1", "slow#2"])
        })
    )

    promise("is not held up by whatever workflows wait for", (bench) =>
      Effect.gen(function*() {
        const live = main((arg) =>
          arg === "sleep"
            ? Workflow.sleep("s", "1 day")
            : arg === "retry"
            ? Retried.execute("r", {})
            : Effect.sleep("1 day")
        )
        const engine = yield* bench.start(live)
        for (const arg of ["sleep", "retry", "implicit"]) yield* engine.run(Main.start(arg, { arg }))
        yield* bench.pass("1 hour")
        yield* engine.close
        assert.deepStrictEqual(bench.logs, [])
      }))
  })

  describe("an engine that starts", () => {
    promise("continues every unfinished workflow, however many, and no other", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = main(
          (arg) => Effect.zipRight(Act.execute("a", { arg }), Act.execute("b", { arg })),
          (execution, arg) =>
            Effect.zipLeft(
              counting(calls)(execution, arg),
              execution.key === "b" && arg !== 0 && execution.attempt === 1 ? Effect.never : Effect.void
            )
        )
        const first = yield* bench.start(live)
        const ids = Array.from({ length: 660 }, (_, index) => index)
        yield* first.run(Effect.forEach(ids, (id) => Main.start(id, { arg: id % 6 }), { concurrency: "unbounded" }))
        yield* bench.pass("1 minute")
        yield* first.crash
        calls.length = 0
        bench.replays = 0
        yield* bench.start(live)
        yield* bench.pass("1 minute")
        assert.lengthOf(calls, 550)
        assert.isTrue(calls.every((call) => call === "b#2"))
        assert.strictEqual(bench.replays, 550)
        const filter = { ...everything, statuses: ["Pending", "Running", "Paused", "Suspended"] as const }
        assert.deepStrictEqual(yield* bench.journal.list({ filter, after: 0, limit: 10 }), [])
      }), { except: { crash: "it counts what is read, and a restart reads again" } })

    promise(
      "finds the sleeps that are over, in the order in which they were, before anything else starts",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = main(
            () =>
              Effect.all([
                Effect.zipRight(Effect.sleep("2 hours"), Act.execute("second", {})),
                Effect.zipRight(Workflow.sleep("s", "1 hour"), Act.execute("first", {})),
                Effect.asVoid(Effect.timeoutOption(Act.execute("slow", {}), "3 hours"))
              ], { concurrency: "unbounded", discard: true }),
            (execution, arg) => counting(calls, execution.key === "slow" ? 86_400_000 : 0)(execution, arg)
          )
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* bench.pass("1 minute")
          yield* first.crash
          yield* bench.pass("1 day")
          yield* bench.start(live)
          yield* bench.settle
          assert.deepStrictEqual(calls, ["slow#1", "first#1", "second#1"])
          assert.strictEqual((yield* bench.describe("w")).status, "Completed")
        })
    )
  })

  describe("a client without an engine", () => {
    promise("starts, watches, waits, cancels and resumes beside the engine", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const engine = yield* bench.start(main((arg) => Act.execute("a", { arg }), counting(calls, 60_000)))
        const run = yield* client(bench)
        const info = yield* run(Main.start("w", { arg: 1 }))
        const waiting = yield* Effect.fork(info.result)
        const changes = yield* Effect.fork(Stream.runCollect(info.changes))
        yield* bench.pass("30 seconds")
        assert.deepStrictEqual(calls, ["a#1"])
        assert.strictEqual(yield* info.status, "Running")
        assert.strictEqual((yield* info.describe).steps[0]!.key, "a")
        assert.strictEqual(yield* bench.wait(Fiber.join(waiting)), "<a>")
        assert.strictEqual([...(yield* Fiber.join(changes))].at(-1), "Completed")
        // Idempotent, and refused, as with the engine.
        assert.strictEqual(yield* bench.wait(run(Main.execute("w", { arg: 1 }))), "<a>")
        assert.instanceOf(yield* run(Effect.flip(Main.start("w", { arg: 2 }))), WorkflowConflict)
        assert.deepStrictEqual(calls, ["a#1"])
        const second = yield* run(Main.start("v", {}))
        yield* bench.pass("30 seconds")
        yield* second.cancel
        yield* bench.settle
        assert.match(show(yield* Effect.exit(second.result)), /the workflow "v" was cancelled/)
        yield* engine.close
      }))

    promise("may come before the engine: what it asks for is durable", (bench) =>
      Effect.gen(function*() {
        const run = yield* client(bench)
        const first = yield* run(Main.start("w", { arg: 7 }))
        const second = yield* run(Main.start("v", {}))
        yield* second.cancel
        assert.strictEqual(yield* first.status, "Pending")
        assert.deepStrictEqual((yield* first.describe).executions, [])
        const engine = yield* bench.start(main((arg) => Act.execute("a", { arg }), (_, arg) => Effect.succeed(arg)))
        assert.strictEqual(yield* bench.wait(first.result), 7)
        assert.match(show(yield* Effect.exit(bench.wait(second.result))), /was cancelled/)
        assert.deepStrictEqual((yield* bench.describe("v")).steps, [])
        assert.deepStrictEqual(yield* bench.journal.requests, [])
        yield* engine.close
      }))

    promise("cannot run workflows, and says so", (bench) =>
      Effect.gen(function*() {
        const live = Layer.provide(main(() => Effect.void), Layer.provide(Tempolite.layerClient, bench.faulty))
        const exit = yield* Effect.exit(Layer.build(live))
        assert.match(
          show(exit),
          /the layer of the workflow "Main" needs an engine.*Use its `client` layer here, or `Tempolite.layer`/s
        )
      }))
  })

  promise("10,000 sequential steps run, and their replay reads the journal once", (bench) =>
    Effect.gen(function*() {
      const length = 10_000
      const calls: Array<string> = []
      const live = main(() =>
        Effect.gen(function*() {
          let sum = 0
          for (let i = 0; i < length; i++) sum += Number(yield* Act.execute(i, { arg: i }))
          yield* Act.execute("last", { arg: sum })
          return sum
        }), (execution, arg) => Effect.as(counting(calls, execution.key === "last" ? 60_000 : 0)(execution, arg), arg))
      const first = yield* bench.start(live)
      yield* first.run(Main.start("w", {}))
      while (calls.length <= length) yield* bench.settle
      yield* first.crash
      bench.replays = 0
      const second = yield* bench.start(live)
      assert.strictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), length * (length - 1) / 2)
      assert.deepStrictEqual(calls.slice(length), ["last#1", "last#2"])
      assert.strictEqual(bench.replays, 1)
    }), { except: { replay: "it is long", crash: "it is long", lost: "it is long" } })
}
