/**
 * What a body may not do is said at run time: the workflow is suspended with a reason, and nothing of the run at fault
 * is committed or started. What it may do comes out the same again: random numbers among them.
 */
import { describe } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import { assert } from "vitest"
import { type Journal, WorkflowCancelled } from "../../src/index.ts"
import {
  act,
  type Body,
  called,
  done,
  hasStatus,
  id,
  Main,
  open,
  type Process,
  reason,
  rows,
  settle,
  statuses,
  testOn
} from "./lab.ts"
import { anew } from "./notes.ts"

/** Starts `main`, lets `act` happen once the workflow waits, and gives the reason of the suspension. */
const suspended = (process: Process, act: Effect.Effect<unknown> = Effect.void) =>
  Effect.gen(function*() {
    yield* process.start
    yield* settle
    yield* act
    return yield* reason()
  })

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`determinism (${name})`, () => {
    const test = testOn(layer)

    describe("what is no step, and wakes a fiber", () => {
      const foreign: ReadonlyArray<
        readonly [string, (gate: Deferred.Deferred<void>, runtime: Runtime.Runtime<never>) => Effect.Effect<void>]
      > = [
        ["a promise", (gate, runtime) => Effect.promise(() => Runtime.runPromise(runtime)(Deferred.await(gate)))],
        [
          "a callback",
          (gate, runtime) =>
            Effect.async<void>((resume) => {
              Runtime.runFork(runtime)(Deferred.await(gate)).addObserver(() => {
                resume(Effect.void)
              })
            })
        ],
        ["a Deferred shared with the outside", (gate) => Deferred.await(gate)]
      ]
      for (const [what, wait] of foreign) {
        test(`suspends the workflow, naming it and the span: ${what}`, (outside) =>
          Effect.gen(function*() {
            outside.hold("a")
            const gate = yield* Deferred.make<void>()
            const runtime = yield* Effect.runtime<never>()
            const process = yield* open(outside, {
              main: Effect.race(
                act("a"),
                Effect.zipRight(Effect.withSpan(wait(gate, runtime), "asks the bank"), act("after"))
              )
            })
            const why = yield* suspended(process, Deferred.succeed(gate, undefined))
            assert.include(why, "NonDeterminism")
            assert.include(why, "\"workflowId\":\"w\"")
            assert.include(why, "asks the bank")
            yield* settle
            assert.deepStrictEqual(outside.log, ["a"])
          }), { except: { crash: "what is foreign to the body is there when it is replayed" } })
      }

      test(
        "ends the run where it is: its exit is not taken, and nothing more of it is written",
        (outside) =>
          Effect.gen(function*() {
            outside.hold("a", "b")
            const gate = yield* Deferred.make<void>()
            const process = yield* open(outside, {
              main: Effect.raceFirst(
                Effect.zipRight(Deferred.await(gate), Effect.succeed("ended")),
                Effect.all([done("a"), Effect.zipRight(act("b"), act("c"))], { concurrency: "unbounded" })
              )
            })
            yield* process.start
            yield* called(outside, "a", "b")
            yield* Deferred.succeed(gate, undefined)
            yield* hasStatus("Suspended")
            outside.release("b")
            outside.release("a")
            yield* settle
            assert.notInclude(outside.log, "c")
            assert.notInclude(outside.log, "u-a")
            const { executions, workflow } = yield* rows()
            assert.strictEqual(workflow.outcome, null)
            assert.deepStrictEqual(executions.map(({ status }) => status), ["Running"])
          }),
        { except: { crash: "what is foreign to the body is there when it is replayed" } }
      )

      test("says so where there is nothing else to wait for, at once: it may never come", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(act("a"), Effect.promise(() => new Promise(() => {})))
          })
          const why = yield* suspended(process)
          assert.include(why, "WorkflowStuck")
          assert.include(why, "waits for nothing that the journal can deliver")
          assert.include(why, "\"workflowId\":\"w\"")
        }))
    })

    describe("a step on another scheduler", () => {
      const elsewhere: ReadonlyArray<readonly [string, Body]> = [
        ["by Effect.withScheduler", Effect.withScheduler(act("a"), new Scheduler.MixedScheduler(2048))],
        [
          "by a runtime with another scheduler",
          Effect.flatMap(Effect.runtime<Effect.Effect.Context<ReturnType<typeof act>>>(), (runtime) =>
            Effect.flatMap(
              Effect.sync(() => Runtime.runFork(runtime)(act("a"), { scheduler: new Scheduler.MixedScheduler(2048) })),
              Fiber.join
            ))
        ]
      ]
      for (const [what, main] of elsewhere) {
        test(`suspends the workflow: ${what}`, (outside) =>
          Effect.gen(function*() {
            const process = yield* open(outside, { main: Effect.zipRight(act("z"), main) })
            const why = yield* suspended(process)
            assert.include(why, "NonDeterminism")
            assert.include(why, "another scheduler")
            assert.deepStrictEqual(outside.log, ["z"])
          }))
      }

      test("by a runtime from outside of the workflow: the workflow does not hang", (outside) =>
        Effect.gen(function*() {
          const runtime = yield* Effect.runtime<never>()
          const process = yield* open(outside, {
            main: Effect.flatMap(
              Effect.contextWithEffect((context) =>
                Effect.sync(() =>
                  Runtime.runFork(runtime)(Effect.zipRight(Effect.yieldNow(), Effect.provide(act("a"), context)))
                )
              ),
              Fiber.join
            )
          })
          const why = yield* suspended(process)
          assert.match(why, /NonDeterminism|WorkflowStuck/)
          assert.deepStrictEqual(outside.log, [])
        }))
    })

    describe("a body that waits for nothing", () => {
      const waits: ReadonlyArray<readonly [string, Body]> = [
        ["Effect.never", Effect.never],
        ["a sleep without end", Effect.sleep(Duration.infinity)],
        ["a Deferred that nobody completes", Effect.flatMap(Deferred.make<string>(), Deferred.await)]
      ]
      for (const [what, main] of waits) {
        test(`is suspended, and can be cancelled: ${what}`, (outside) =>
          Effect.gen(function*() {
            const process = yield* open(outside, { main: Effect.zipRight(done("a"), main) })
            const info = yield* process.start
            assert.include(yield* reason(), "waits for nothing that the journal can deliver")
            assert.deepStrictEqual(yield* statuses(), { a: "Completed" })
            yield* info.cancel
            assert.deepStrictEqual(
              yield* Effect.exit(info.result),
              Exit.fail(new WorkflowCancelled({ workflowId: id }))
            )
            assert.deepStrictEqual(outside.log, ["a", "u-a"])
          }))
      }
    })

    test("a callback that throws suspends the workflow, and says what was thrown", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, {
          main: Effect.gen(function*() {
            const fiber = yield* Effect.fork(act("a"))
            fiber.addObserver(() => {
              throw new Error("not here")
            })
            return yield* Fiber.join(fiber)
          })
        })
        assert.include(yield* suspended(process), "not here")
      }))

    test("a fault and the end of the body in one turn: the fault is what counts, and nothing starts", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, {
          main: Effect.gen(function*() {
            yield* Effect.forkDaemon(act("a"))
            yield* Effect.forkDaemon(act("a"))
            yield* Effect.yieldNow()
            return "ended"
          })
        })
        assert.include(yield* suspended(process), "DuplicateKey")
        assert.deepStrictEqual(outside.log, [])
        assert.deepStrictEqual((yield* rows()).executions.map(({ status }) => status), ["Running"])
      }))

    test("once the code is right, the next process goes on where the workflow was", (outside) =>
      Effect.gen(function*() {
        const gate = Deferred.unsafeMake<void>(FiberId.none)
        const first = yield* open(outside, { main: Effect.zipRight(act("a"), Deferred.await(gate)) })
        yield* first.start
        yield* hasStatus("Suspended")
        yield* first.close
        const second = yield* open(outside, { main: Effect.zip(act("a"), act("b")) })
        assert.deepStrictEqual(yield* second.result, Exit.succeed(["<a>", "<b>"]))
        assert.deepStrictEqual(outside.log, ["a", "b"])
      }))

    describe("random numbers", () => {
      const draws = Effect.all([
        Random.next,
        Random.nextInt,
        Random.nextBoolean,
        Random.nextRange(5, 9),
        Random.nextIntBetween(0, 1_000),
        Effect.map(Random.shuffle([1, 2, 3, 4, 5, 6, 7, 8]), Chunk.toReadonlyArray)
      ])

      test("are the same in a replay, and go on as they would have", (outside) =>
        Effect.gen(function*() {
          const seen: Array<unknown> = []
          const note = Effect.tap(draws, (drawn) => Effect.sync(() => seen.push(drawn)))
          const main = anew(
            seen,
            Effect.zipRight(
              note,
              Effect.zipRight(act("a"), Effect.zipRight(note, Effect.zipRight(act("b"), note)))
            )
          )
          const first = yield* open(outside.hold("b"), { main })
          yield* first.start
          yield* called(outside, "b")
          yield* first.kill
          const before = seen.splice(0)
          outside.release("b")
          const second = yield* open(outside, { main })
          const exit = yield* second.result
          assert.strictEqual(before.length, 2)
          assert.deepStrictEqual(seen.slice(0, 2), before)
          assert.deepStrictEqual(exit, Exit.succeed(seen[2]))
          assert.notDeepEqual(seen[1], seen[0])
          assert.notDeepEqual(seen[2], seen[1])
        }))

      test("are others in each workflow", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: draws })
          const all = yield* Effect.forEach(["x", "y", "z"], (workflow) => process.run(Main.execute(workflow)))
          assert.strictEqual(new Set(all.map((drawn) => JSON.stringify(drawn))).size, 3)
        }))
    })
  })
