/**
 * Letting a run go: nothing of it stays behind, nothing of it is started or written, and it goes on at the next start.
 */
import { describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { WorkflowScheduler } from "../../src/engine/scheduler.ts"
import { type Journal, Workflow } from "../../src/index.ts"
import { act, type Body, called, done, hasStatus, Kid, open, rows, settle, statuses, testOn, until } from "./lab.ts"
import * as Stage from "./modes/stage.ts"

const note = (seen: Array<string>, what: string) => Effect.sync(() => seen.push(what))

/** The fibers that nothing but the process holds. */
const roots = Effect.zipRight(settle, Effect.map(Fiber.roots, (all) => new Set(all)))

/** Those that bodies run on, and that were not there before. */
const bodiesSince = (before: ReadonlySet<Fiber.RuntimeFiber<unknown, unknown>>) =>
  Effect.map(
    roots,
    (all) =>
      [...all].filter((fiber) => !before.has(fiber) && fiber.currentScheduler instanceof WorkflowScheduler).length
  )

/** What keeps the process from ending. */
const handles = Effect.sync(() => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length)

const waiting: ReadonlyArray<readonly [string, Body]> = [
  ["a step", act("held")],
  ["a sleep", Effect.zipLeft(Effect.sleep("1 hour"), act("never"))],
  [
    "fibers, children and daemons of it",
    Effect.gen(function*() {
      yield* Effect.forkDaemon(act("held"))
      yield* Effect.fork(Effect.sleep("1 hour"))
      yield* Effect.forkScoped(Workflow.sleep("nap", "1 hour"))
      yield* Effect.forEach(["h1", "h2", "h3"], act, { concurrency: "unbounded" })
    })
  ],
  ["a step in an uninterruptible region", Effect.uninterruptible(Effect.zipRight(act("held"), act("never")))],
  ["a compensated step", Effect.zipRight(done("a"), done("held"))],
  [
    "a race of a sleep and a queue",
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<string>()
      yield* Effect.raceAll([Queue.take(queue), Effect.sleep("1 hour"), act("held"), Effect.never])
    })
  ],
  ["a sub-workflow", Kid.child("kid")]
]

/** Notes what is logged, but for what only a fault of the journal makes an engine say. */
const noting = (lines: Array<string>) =>
  Effect.map(Stage.Current, (stage) =>
    Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => {
        const said = String(message)
        if (!stage.isOfFault(said)) lines.push(said)
      })
    ))

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`dropping (${name})`, () => {
    const test = testOn(layer)
    const counting = testOn(layer, {
      except: {
        crash: "it counts the fibers and handles of the process",
        parked: "it counts the fibers of a body that waits, which must be in memory"
      }
    })

    describe("an engine that closes leaves no fiber, no root and no handle behind, starts nothing and undoes nothing", () => {
      for (const [what, main] of waiting) {
        counting(`of a body that waits for ${what}`, (outside) =>
          Effect.gen(function*() {
            // Whatever is made once for the whole process, is there before.
            yield* Effect.flatMap(open(outside, {}), ({ close }) => close)
            outside.hold("held", "h1", "h2", "h3", "kid/held")
            const before = [yield* roots, yield* handles] as const
            const process = yield* open(outside, { main, kid: act("held") })
            yield* process.start
            yield* until("it runs", Effect.map(rows(), ({ steps }) => steps.length > 0))
            yield* settle
            assert.isAbove(yield* bodiesSince(before[0]), 0)
            const started = [...outside.log]
            yield* process.close
            assert.strictEqual(yield* bodiesSince(before[0]), 0, "fibers of the body")
            const left = [...yield* roots].filter((fiber) => !before[0].has(fiber))
            assert.strictEqual(left.length, 0, "fibers of the engine")
            assert.isAtMost(yield* handles, before[1], "handles left")
            assert.sameMembers(outside.log.filter((entry) => !entry.endsWith(" cut")), started)
            const { executions, stepExecutions, workflow } = yield* rows()
            assert.strictEqual(workflow.status, "Running")
            assert.deepStrictEqual(executions.map(({ status }) => status), ["Running"])
            assert.notInclude(stepExecutions.map(({ status }) => status), "Running")
            assert.notInclude(stepExecutions.map(({ status }) => status), "Cancelled")
          }))
      }
    })

    counting("a suspended run leaves no fiber behind, either", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, {
          main: Effect.gen(function*() {
            yield* Effect.forkDaemon(Effect.never)
            yield* Effect.forEach([1, 2, 3], () => Effect.never, { concurrency: "unbounded" })
          })
        })
        const before = yield* roots
        yield* process.start
        yield* hasStatus("Suspended")
        assert.strictEqual(yield* bodiesSince(before), 0)
      }))

    counting("a run at fault through a foreign wake-up leaves no fiber behind, either", (outside) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const process = yield* open(outside, {
          main: Effect.all([Effect.forkDaemon(Deferred.await(gate)), Effect.sleep("1 hour")])
        })
        const before = yield* roots
        yield* process.start
        yield* until(
          "it sleeps",
          Effect.map(rows(), ({ steps }) =>
            steps.length > 0)
        )
        yield* Deferred.succeed(gate, undefined)
        yield* hasStatus("Suspended")
        assert.strictEqual(yield* bodiesSince(before), 0)
      }))

    test("the finalizers of a body run, and the steps that they take are refused", (outside) =>
      Effect.gen(function*() {
        outside.hold("held")
        const seen: Array<string> = []
        const main = Effect.gen(function*() {
          yield* Effect.addFinalizer(() =>
            Effect.zipRight(note(seen, "outer"), Effect.ignore(act("in-finalizer")))
          )
          yield* Effect.acquireRelease(Effect.void, () => note(seen, "released"))
          yield* act("held").pipe(
            Effect.onInterrupt(() => Effect.zipRight(note(seen, "interrupted"), Effect.ignore(act("in-handler")))),
            Effect.ensuring(note(seen, "ensured"))
          )
        })
        const first = yield* open(outside, { main })
        yield* first.start
        yield* called(outside, "held")
        yield* first.close
        assert.deepStrictEqual(seen.splice(0), ["interrupted", "ensured", "released", "outer"])
        assert.deepStrictEqual(outside.log, ["held", "held cut"])
        assert.deepStrictEqual(Object.keys(yield* statuses()), ["held"])
        outside.release("held")
        const second = yield* open(outside, { main })
        assert.isTrue(Exit.isSuccess(yield* second.result))
        assert.deepStrictEqual(seen, ["ensured", "released", "outer"])
        assert.strictEqual(outside.log.at(-1), "in-finalizer")
      }), {
      except: {
        replay: "the finalizers of a body run in each replay",
        crash: "the finalizers of a body run in each replay"
      }
    })

    test("what a body logs while it is dropped is not heard", (outside) =>
      Effect.gen(function*() {
        outside.hold("held")
        const lines: Array<string> = []
        const first = yield* open(
          outside,
          { main: Effect.ensuring(act("held"), Effect.log("from the finalizer")) },
          { layer: yield* noting(lines) }
        )
        yield* first.start
        yield* called(outside, "held")
        yield* first.close
        assert.deepStrictEqual(lines, [])
      }))

    test("a fiber that waits uninterruptibly for something else is let go, and that is logged", (outside) =>
      Effect.gen(function*() {
        outside.hold("held")
        const lines: Array<string> = []
        const gate = yield* Deferred.make<void>()
        const process = yield* open(
          outside,
          { main: Effect.zipRight(Effect.forkDaemon(Effect.uninterruptible(Deferred.await(gate))), act("held")) },
          { layer: yield* noting(lines) }
        )
        yield* process.start
        yield* called(outside, "held")
        yield* process.close
        assert.strictEqual(lines.length, 1)
        assert.match(lines[0] ?? "", /1 fibers of the workflow w wait uninterruptibly/)
      }))

    describe("activities that run when the engine closes", () => {
      test("may end within the grace, and are recorded; nothing follows from it", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const main = Effect.zipRight(done("a"), act("b"))
          const first = yield* open(outside, { main }, { closeGrace: "10 seconds" })
          yield* first.start
          yield* called(outside, "a")
          const closing = yield* Effect.fork(first.close)
          yield* settle
          outside.release("a")
          yield* Fiber.join(closing)
          assert.deepStrictEqual(yield* statuses(), { a: "Completed" })
          assert.deepStrictEqual(outside.log, ["a"])
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
          assert.deepStrictEqual(outside.log, ["a", "b"])
        }))

      test("are interrupted after it, and Lost; the next attempt has the next number", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const first = yield* open(outside, { main: act("a") }, { closeGrace: "10 seconds" })
          yield* first.start
          yield* called(outside, "a")
          const closing = yield* Effect.fork(first.close)
          yield* settle
          yield* TestClock.adjust("9 seconds")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a"])
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(closing)
          assert.deepStrictEqual(outside.log, ["a", "a cut"])
          outside.release("a")
          const second = yield* open(outside, { main: act("a") })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("<a>"))
          const { stepExecutions } = yield* rows()
          assert.deepStrictEqual(
            stepExecutions.map(({ attempt, status }) => [attempt, status]),
            [[1, "Lost"], [2, "Completed"]]
          )
        }))
    })
  })
