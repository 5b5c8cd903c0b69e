/**
 * Cancelling: a durable request that takes its place in the order of the journal.
 */
import { describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { Journal, Saga, Tempolite, Workflow, WorkflowCancelled, WorkflowNotFound } from "../../src/index.ts"
import {
  act,
  Again,
  type Bodies,
  Broken,
  called,
  done,
  everyCrash,
  fails,
  hasStatus,
  Held,
  id,
  Kid,
  Main,
  open,
  Outside,
  type Process,
  rows,
  settle,
  statuses,
  statusOf,
  Stubborn,
  testOn,
  until
} from "./lab.ts"
import { anew } from "./notes.ts"

const cancelled = Exit.fail(new WorkflowCancelled({ workflowId: id }))

/** The cancel has its place in the order. */
const hasCancel = until(
  "the cancel is in the journal",
  Effect.map(rows(), ({ workflow }) => workflow.cancelSeq !== null)
)

const isRecorded = (outside: Outside, path: string) =>
  until(`${path} is recorded`, Effect.sync(() => outside.recorded.has(`${id}/${path}`)))

/** Asks a journal that no engine runs. */
const cancelFromOutside = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  const context = yield* Layer.build(
    Layer.provide(Tempolite.layerClient, Layer.succeed(Journal.Journal, journal))
  )
  yield* Context.get(context, Tempolite.Tempolite).cancel(id)
})

/** Cancels once these run, and lets `released` end after that. */
const cancelAt = (running: ReadonlyArray<string>, released: string) => (process: Process, outside: Outside) =>
  Effect.gen(function*() {
    yield* called(outside, ...running)
    const info = yield* process.start
    yield* Effect.orDie(info.cancel)
    yield* hasCancel
    outside.release(released)
  }).pipe(Effect.catchAllCause(() => Effect.void))

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`cancel (${name})`, () => {
    const test = testOn(layer)

    test("interrupts what runs, undoes what is done, and ends the workflow Cancelled", (outside) =>
      Effect.gen(function*() {
        outside.hold("b", "c")
        const process = yield* open(outside, {
          main: Effect.zipRight(
            done("a"),
            Effect.all([act("b"), act("c"), Workflow.sleep("nap", "1 day"), Effect.sleep("2 days")], {
              concurrency: "unbounded"
            })
          )
        })
        const info = yield* process.start
        yield* called(outside, "b", "c")
        yield* info.cancel
        assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
        assert.sameMembers(outside.log.slice(1, 5), ["b", "c", "b cut", "c cut"])
        assert.deepStrictEqual(outside.log.slice(5), ["u-a"])
        assert.deepStrictEqual(yield* statuses(), {
          a: "Compensated",
          b: "Cancelled",
          c: "Cancelled",
          nap: "Cancelled",
          "~sleep/a/1": "Cancelled",
          "u-a": "Completed"
        })
        const { executions, workflow } = yield* rows()
        assert.strictEqual(workflow.status, "Cancelled")
        assert.deepStrictEqual(executions.map(({ status }) => status), ["Cancelled"])
      }))

    test(
      "starts nothing more of the body, and undoes nothing before what was interrupted has really ended",
      (outside) =>
        Effect.gen(function*() {
          outside.hold("b").linger("b")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), act("c")))
          })
          const info = yield* process.start
          yield* called(outside, "b")
          yield* info.cancel
          yield* called(outside, "b cut")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "b", "b cut"])
          assert.strictEqual(yield* info.status, "Running")
          outside.letGo("b")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "b", "b cut", "b let go", "u-a"])
        }),
      { except: { crash: "what runs in a process that dies is not waited for" } }
    )

    test("ends the wait for the next attempt of an activity", (outside) =>
      Effect.gen(function*() {
        outside.fail("a")
        const process = yield* open(outside, { main: Stubborn.execute("a") })
        const info = yield* process.start
        yield* until("a waits", Effect.map(statuses(), ({ a }) => a === "Retrying"))
        yield* info.cancel
        assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
        yield* TestClock.adjust("10 minutes")
        yield* settle
        assert.deepStrictEqual(outside.log, ["a"])
        assert.deepStrictEqual(yield* statuses(), { a: "Cancelled" })
      }))

    test("cancels the sub-workflows first: what they did is undone before what their parent did", (outside) =>
      Effect.gen(function*() {
        outside.hold("kid/y", "kid/u-x")
        const process = yield* open(outside, {
          main: Effect.zipRight(done("a"), Kid.child("kid")),
          kid: Effect.zipRight(done("x"), act("y"))
        })
        const info = yield* process.start
        yield* called(outside, "kid/y")
        yield* info.cancel
        yield* called(outside, "kid/u-x")
        yield* settle
        assert.deepStrictEqual(outside.log, ["a", "kid/x", "kid/y", "kid/y cut", "kid/u-x"])
        outside.release("kid/u-x")
        yield* Effect.exit(info.result)
        assert.deepStrictEqual(outside.log.slice(4), ["kid/u-x", "u-a"])
        assert.strictEqual(yield* statusOf("w\\/kid"), "Cancelled")
        assert.deepInclude(yield* statuses(), { kid: "Cancelled", a: "Compensated" })
      }))

    describe("is held off", () => {
      test("by an uninterruptible region, whose steps go on; then the workflow is Cancelled", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const process = yield* open(outside, {
            main: Effect.zipRight(
              done("a"),
              Effect.uninterruptible(Effect.all([act("b"), Effect.sleep("1 hour"), act("c")]))
            )
          })
          const info = yield* process.start
          yield* called(outside, "b")
          yield* info.cancel
          yield* hasCancel
          outside.release("b")
          yield* until("it sleeps", Effect.map(statuses(), (all) => all["~sleep/b/1"] === "Waiting"))
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log, ["a", "b", "c", "u-a"])
        }))

      test("by a body that cannot be interrupted: what it succeeded with is undone", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: Effect.uninterruptible(done("a")) })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* info.cancel
          yield* hasCancel
          outside.release("a")
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log, ["a", "u-a"])
        }))

      test("by the steps that finalizers and handlers of an interruption take", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("z"), act("a")).pipe(
              Effect.onInterrupt(() => Effect.ignore(Effect.zipRight(act("i"), act("j")))),
              Effect.ensuring(Effect.ignore(act("e")))
            )
          })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* info.cancel
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["z", "a", "a cut", "i", "j", "e", "u-z"])
        }))
    })

    describe("of a workflow whose body has ended", () => {
      test("changes nothing while it compensates: it fails with what it failed with", (outside) =>
        Effect.gen(function*() {
          outside.hold("u-b")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("a"), Effect.zipRight(done("b"), fails))
          })
          const info = yield* process.start
          yield* called(outside, "u-b")
          yield* info.cancel
          yield* hasCancel
          outside.release("u-b")
          assert.deepStrictEqual(yield* Effect.exit(info.result), Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log, ["a", "b", "u-b", "u-a"])
          assert.strictEqual(yield* info.status, "Failed")
        }))

      test("changes nothing while what it left behind ends: its outcome stands", (outside) =>
        Effect.gen(function*() {
          outside.hold("d").linger("d")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.forkDaemon(act("d"))
              return yield* done("a")
            })
          })
          const info = yield* process.start
          yield* called(outside, "d cut")
          yield* info.cancel
          yield* hasCancel
          outside.letGo("d")
          assert.deepStrictEqual(yield* Effect.exit(info.result), Exit.succeed("<a>"))
          assert.notInclude(outside.log, "u-a")
          assert.strictEqual(yield* info.status, "Completed")
        }), { except: { crash: "what runs in a process that dies is not waited for" } })

      test("changes nothing when it has ended, well or not, and is forgotten", (outside) =>
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const process = yield* open(outside, {
            main: done("a"),
            again: Effect.zipRight(done("b"), fails),
            kid: fails
          })
          for (const { start } of [Main, Kid]) {
            const workflow = `ended-${String(outside.log.length)}`
            const info = yield* process.run(start(workflow))
            yield* Effect.exit(info.result)
            yield* settle
            const before = yield* rows(workflow)
            yield* info.cancel
            yield* until("the request is handled", Effect.map(journal.requests, (all) => all.length === 0))
            assert.deepStrictEqual(yield* rows(workflow), before)
          }
        }))

      test("is an error where there is no such workflow", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {})
          const exit = yield* Effect.exit(
            process.run(Effect.flatMap(Tempolite.Tempolite, (service) => service.cancel("nobody")))
          )
          assert.deepStrictEqual(exit, Exit.fail(new WorkflowNotFound({ workflowId: "nobody" })))
        }))
    })

    test("twice is once", (outside) =>
      Effect.gen(function*() {
        outside.hold("b", "u-a")
        const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
        const info = yield* process.start
        yield* called(outside, "b")
        yield* info.cancel
        yield* info.cancel
        yield* called(outside, "u-a")
        const { workflow } = yield* rows()
        yield* info.cancel
        yield* settle
        assert.strictEqual((yield* rows()).workflow.cancelSeq, workflow.cancelSeq)
        outside.release("u-a")
        assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
        assert.deepStrictEqual(outside.log, ["a", "b", "b cut", "u-a"])
      }))

    describe("of a workflow that does not run", () => {
      test("that is suspended: it is undone", (outside) =>
        Effect.gen(function*() {
          const bodies: Bodies = {
            main: Effect.zipRight(done("a"), Effect.never),
            held: Effect.zipRight(done("a"), fails)
          }
          for (const start of ["main", "held"] as const) {
            const process = yield* open(outside, bodies)
            const workflow = `w-${start}`
            const info = yield* process.run(start === "main" ? Main.start(workflow) : Held.start(workflow))
            yield* hasStatus("Suspended", workflow)
            yield* settle
            yield* info.cancel
            assert.deepStrictEqual(
              yield* Effect.exit(info.result),
              Exit.fail(new WorkflowCancelled({ workflowId: workflow }))
            )
            assert.strictEqual((yield* statuses(workflow))["a"], "Compensated")
            yield* process.close
          }
          assert.deepStrictEqual(outside.log, ["a", "u-a", "a", "u-a"])
        }))

      test("that was suspended in a process that is no more", (outside) =>
        Effect.gen(function*() {
          const bodies: Bodies = { main: Effect.zipRight(done("a"), Effect.never) }
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* hasStatus("Suspended")
          yield* first.kill
          yield* cancelFromOutside
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
          assert.deepStrictEqual(outside.log, ["a", "u-a"])
        }))

      test("between two executions: the next one starts nothing of the body", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, { again: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.run(Again.start(id))
          yield* until("the next is due", Effect.map(rows(), ({ workflow }) => workflow.wakeAt !== null))
          yield* settle
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log, ["a", "b", "u-a"])
          assert.deepStrictEqual((yield* rows()).executions.map(({ status }) => status), ["Failed", "Cancelled"])
        }))

      test("whose process has died: what was acknowledged is done by the next one", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const bodies: Bodies = { main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), act("c"))) }
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "b")
          yield* first.kill
          outside.release("b")
          yield* cancelFromOutside
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
          // The activity that was lost may have been started again before the request was read.
          assert.deepStrictEqual(outside.once.filter((entry) => !entry.startsWith("b")), ["a", "u-a"])
        }))
    })

    describe("takes its place in the order of the journal", () => {
      test("what is recorded after it is delivered after it", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "u-a")
          const bodies: Bodies = {
            main: Effect.zipRight(done("a"), Effect.zipRight(done("b"), act("c")))
          }
          const first = yield* open(outside, bodies)
          const info = yield* first.start
          yield* called(outside, "a")
          yield* info.cancel
          yield* hasCancel
          outside.release("a")
          yield* called(outside, "u-a")
          const { steps, workflow } = yield* rows()
          assert.isAbove(steps.find(({ path }) => path === "a")!.seq!, workflow.cancelSeq!)
          yield* first.kill
          outside.release("u-a")
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
          assert.deepStrictEqual(outside.once.filter((entry) => !entry.includes("cut")), ["a", "u-a"])
        }))

      test("what was recorded before it is delivered before it, after a restart, too", (outside) =>
        Effect.gen(function*() {
          outside.hold("c")
          const seen: Array<string> = []
          const note = (key: string) => Effect.tap(act(key), () => Effect.sync(() => seen.push(key)))
          const bodies: Bodies = {
            main: anew(
              seen,
              Effect.all([note("a"), note("b"), Saga.compensate(note("c"), () => act("u-c")), note("d")])
            )
          }
          const first = yield* open(outside, bodies)
          const info = yield* first.start
          yield* called(outside, "c")
          yield* info.cancel
          yield* hasCancel
          yield* first.kill
          assert.deepStrictEqual(seen.splice(0), ["a", "b"])
          outside.release("c")
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
          assert.deepStrictEqual(seen, ["a", "b", "c"])
          assert.notInclude(outside.log, "d")
          assert.strictEqual(outside.log.at(-1), "u-c")
          yield* isRecorded(outside, "u-c")
        }))
    })

    it.effect("a crash anywhere: the same is undone, in the same order, once", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () => new Outside().hold("b", "kid/y"),
          bodies: {
            main: Effect.gen(function*() {
              yield* done("a")
              yield* Kid.startChild("kid")
              yield* done("b")
              return yield* act("never")
            }),
            kid: Effect.zipRight(done("x"), Effect.zipRight(act("y"), act("never")))
          },
          meanwhile: cancelAt(["b", "kid/y"], "b")
        })
        const undone = (outside: Outside) => outside.once.filter((entry) => entry.includes("u-"))
        assert.isAbove(all.at(-1)?.commits ?? 0, 9)
        for (const crashed of all) {
          const where = `after ${crashed.commits} commits`
          assert.deepStrictEqual(crashed.exit, cancelled, where)
          assert.deepStrictEqual(undone(crashed.outside), ["kid/u-x", "u-b", "u-a"], where)
          assert.notInclude(crashed.outside.log.join(), "never", where)
          assert.deepStrictEqual(crashed.outside.again, [], where)
          assert.deepStrictEqual(crashed.statuses, all.at(-1)!.statuses, where)
        }
      }))
  })
