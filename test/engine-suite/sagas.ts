/**
 * Sagas: what is undone, when, in which order, and what is recorded of it.
 */
import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { type Journal, Saga, Workflow, WorkflowCancelled } from "../../src/index.ts"
import {
  act,
  Again,
  Broken,
  called,
  Do,
  done,
  everyCrash,
  fails,
  hasStatus,
  Held,
  id,
  open,
  Outside,
  rows,
  settle,
  statuses,
  Stubborn,
  testOn,
  until
} from "./lab.ts"
import { anew } from "./notes.ts"

/** A saga with a payload, a success, an error and keys of its own. */
class Trip extends Saga.Tag<Trip>()("Trip", {
  payload: { to: Schema.String },
  success: Schema.DateFromString,
  error: Broken,
  keys: Schema.Literal("flight", "u-flight", "hotel", "u-hotel")
}) {}

/** `flight`, then `hotel`, with undos, then the given end. */
const trip = (end: Effect.Effect<Date, Broken>) =>
  Trip.layer(() =>
    Effect.gen(function*() {
      yield* Saga.compensate(Do.execute("flight"), () => Do.execute("u-flight"))
      yield* Saga.compensate(Do.execute("hotel"), () => Do.execute("u-hotel"))
      return yield* end
    })
  )

/** The keys of the errors in a cause; a failed undo is a defect in it. */
const pathsOf = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
  [...Cause.failures(cause), ...Cause.defects(cause)].map((error) =>
    Predicate.hasProperty(error, "key") ? String(error.key) : /"key": "(.*)"/.exec(String(error))?.[1] ?? String(error)
  )

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`sagas (${name})`, () => {
    const test = testOn(layer)

    describe("a workflow as a saga", () => {
      test("undoes in reverse order, one after the other, and fails with what the body failed with", (outside) =>
        Effect.gen(function*() {
          outside.hold("u-b")
          const process = yield* open(outside, {
            main: done("a").pipe(Effect.zipRight(done("b")), Effect.zipRight(done("c")), Effect.zipRight(fails))
          })
          const info = yield* process.start
          yield* called(outside, "u-b")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "b", "c", "u-c", "u-b"])
          outside.release("u-b")
          assert.deepStrictEqual(yield* Effect.exit(info.result), Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log, ["a", "b", "c", "u-c", "u-b", "u-a"])
          assert.strictEqual(yield* info.status, "Failed")
        }))

      test("marks what was undone, and keeps its outcome; the undos are steps of their own", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), fails)) })
          const info = yield* process.start
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(yield* statuses(), { a: "Compensated", b: "Completed", "u-a": "Completed" })
          const { steps } = yield* info.describe
          assert.deepStrictEqual(
            steps.map(({ key, outcome }) => [key, outcome]),
            [["a", Option.some(Exit.succeed("<a>"))], ["b", Option.some(Exit.succeed("<b>"))], [
              "u-a",
              Option.some(Exit.succeed("<u-a>"))
            ]]
          )
        }))

      test("undoes nothing when it succeeds", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), Saga.scoped("trip", done("b"))) })
          assert.deepStrictEqual(yield* process.result, Exit.succeed("<b>"))
          assert.deepStrictEqual(outside.log, ["a", "trip/b"])
          assert.deepStrictEqual(yield* statuses(), { a: "Completed", trip: "Completed", "trip/b": "Completed" })
        }))

      test("undoes nothing whose step failed itself", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), done("b")) })
          assert.isTrue(Exit.isFailure(yield* process.result))
          assert.deepStrictEqual(outside.log, ["a", "b", "u-a"])
          assert.deepStrictEqual(yield* statuses(), { a: "Compensated", b: "Failed", "u-a": "Completed" })
        }))

      test("undoes after a defect of the body, too", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), Effect.dieMessage("oh")) })
          const exit = yield* process.result
          assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
          assert.deepStrictEqual(outside.log, ["a", "u-a"])
        }))

      test("gives the undo the value, and the cause", (outside) =>
        Effect.gen(function*() {
          const seen: Array<unknown> = []
          const process = yield* open(outside, {
            main: anew(
              seen,
              act("a").pipe(
                Saga.compensate((value, cause) =>
                  Effect.zipRight(Effect.sync(() => seen.push(value, pathsOf(cause))), act("u-a"))
                ),
                Effect.zipRight(fails)
              )
            )
          })
          yield* process.result
          assert.deepStrictEqual(seen, ["<a>", ["body"]])
        }))

      test("undoes in reverse order of completion what ran side by side", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "b", "c")
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.forEach(["a", "b", "c"], done, { concurrency: "unbounded" }), fails)
          })
          const info = yield* process.start
          yield* called(outside, "a", "b", "c")
          for (const key of ["b", "c", "a"]) {
            outside.release(key)
            yield* until(`${key} is recorded`, Effect.sync(() => outside.recorded.has(`${id}/${key}`)))
          }
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "b", "c", "u-a", "u-c", "u-b"])
        }))
    })

    describe("a saga in a workflow", () => {
      test("is undone before its failure is seen, and the workflow goes on", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* done("a")
              const inner = yield* Effect.either(
                Saga.scoped("trip", Effect.zipRight(done("flight"), Effect.zipRight(done("hotel"), fails)))
              )
              yield* act("b")
              return Either.isLeft(inner) ? inner.left.key : "none"
            })
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed("body"))
          assert.deepStrictEqual(outside.log, ["a", "trip/flight", "trip/hotel", "trip/u-hotel", "trip/u-flight", "b"])
          assert.deepStrictEqual(yield* statuses(), {
            a: "Completed",
            trip: "Compensated",
            "trip/flight": "Compensated",
            "trip/hotel": "Compensated",
            "trip/u-hotel": "Completed",
            "trip/u-flight": "Completed",
            b: "Completed"
          })
        }))

      test("keeps, when it was undone, what it failed with", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.ignore(Saga.scoped("trip", Effect.zipRight(done("a"), fails)))
          })
          const info = yield* process.start
          yield* info.result
          const [saga] = (yield* info.describe).steps.filter(({ kind }) => kind === "Saga")
          const exit = Option.getOrThrow(saga!.outcome)
          assert.deepStrictEqual(Exit.isFailure(exit) ? pathsOf(exit.cause) : [], ["body"])
          assert.strictEqual(saga!.status, "Compensated")
        }))

      test("has keys of its own, in each saga", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.all([
              act("a"),
              Saga.scoped("x", Effect.zipRight(act("a"), Saga.scoped("x", act("a")))),
              Saga.scoped("y", act("a"))
            ])
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(["<a>", "<a>", "<a>"]))
          assert.deepStrictEqual(outside.log, ["a", "x/a", "x/x/a", "y/a"])
        }))

      test("is undone before those around it", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(
              done("a"),
              Saga.scoped("x", Effect.zipRight(done("b"), Saga.scoped("y", Effect.zipRight(done("c"), fails))))
            )
          })
          assert.deepStrictEqual(yield* process.result, Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log, ["a", "x/b", "x/y/c", "x/y/u-c", "x/u-b", "u-a"])
        }))

      test("that succeeded is not undone with the one around it", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(Saga.scoped("trip", done("flight")), Effect.zipRight(done("a"), fails))
          })
          yield* process.result
          assert.deepStrictEqual(outside.log, ["trip/flight", "a", "u-a"])
          assert.strictEqual((yield* statuses())["trip"], "Completed")
        }))

      test("that succeeded is undone as a whole by what stands around it", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Saga.scoped("trip", done("flight")).pipe(
              Saga.compensate(() => act("undo-trip")),
              Effect.zipRight(Effect.zipRight(done("a"), fails))
            )
          })
          const info = yield* process.start
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["trip/flight", "a", "u-a", "undo-trip"])
          assert.deepStrictEqual(yield* statuses(), {
            trip: "Compensated",
            "trip/flight": "Compensated",
            a: "Compensated",
            "u-a": "Completed",
            "undo-trip": "Completed"
          })
          const trip = (yield* info.describe).steps.find(({ key }) => key === "trip")
          assert.deepStrictEqual(trip?.outcome, Option.some(Exit.succeed("<flight>")))
        }))

      test("without anything to undo is Failed", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.ignore(Saga.scoped("trip", Effect.zipRight(act("a"), fails)))
          })
          yield* process.result
          assert.deepStrictEqual(yield* statuses(), { trip: "Failed", "trip/a": "Completed" })
        }))

      test("is Running, then Compensating, then Compensated", (outside) =>
        Effect.gen(function*() {
          outside.hold("trip/a", "trip/u-a")
          const process = yield* open(outside, {
            main: Effect.ignore(Saga.scoped("trip", Effect.zipRight(done("a"), fails)))
          })
          const info = yield* process.start
          yield* called(outside, "trip/a")
          assert.deepInclude(yield* statuses(), { trip: "Running" })
          outside.release("trip/a")
          yield* called(outside, "trip/u-a")
          assert.deepInclude(yield* statuses(), { trip: "Compensating" })
          outside.release("trip/u-a")
          yield* info.result
          assert.deepInclude(yield* statuses(), { trip: "Compensated" })
        }))

      test("interrupts its own fibers before it undoes, and only those", (outside) =>
        Effect.gen(function*() {
          outside.hold("outer", "trip/d").linger("trip/d")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.forkDaemon(act("outer"))
              yield* Effect.ignore(Saga.scoped(
                "trip",
                Effect.gen(function*() {
                  yield* done("a")
                  yield* Effect.forkDaemon(act("d"))
                  yield* act("b")
                  return yield* fails
                })
              ))
              return yield* act("z")
            })
          })
          const info = yield* process.start
          yield* called(outside, "trip/d cut")
          yield* settle
          assert.notInclude(outside.log, "trip/u-a")
          outside.letGo("trip/d")
          yield* called(outside, "z")
          yield* info.result
          assert.deepStrictEqual(outside.log.slice(-5), ["trip/d cut", "trip/d let go", "trip/u-a", "z", "outer cut"])
        }), { except: { crash: "what runs in a process that dies is not waited for" } })
    })

    describe("a declared saga", () => {
      test("runs under its key, and gives its decoded success", (outside) =>
        Effect.gen(function*() {
          const to = new Date(86_400_000)
          const process = yield* open(outside, {
            main: Trip.execute("trip", { to: "Rome" }).pipe(
              Effect.map((date) => date.getTime()),
              Effect.provide(trip(Effect.succeed(to)))
            )
          })
          const info = yield* process.start
          assert.strictEqual(yield* info.result, to.getTime())
          assert.deepStrictEqual(outside.log, ["trip/flight", "trip/hotel"])
          const [saga] = (yield* info.describe).steps
          assert.deepInclude(saga, { kind: "Saga", name: "Trip", status: "Completed", payload: { to: "Rome" } })
          assert.deepStrictEqual(saga!.outcome, Option.some(Exit.succeed(to.toISOString())))
        }))

      test("fails with its typed error, once it is undone", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Trip.execute("trip", { to: "Rome" }).pipe(
              Effect.catchTag("Broken", ({ key }) => Effect.as(act("b"), `caught ${key}`)),
              Effect.provide(trip(fails))
            )
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed("caught body"))
          assert.deepStrictEqual(outside.log, ["trip/flight", "trip/hotel", "trip/u-hotel", "trip/u-flight", "b"])
        }))
    })

    describe("a compensated step", () => {
      test("that runs when the workflow is cancelled is waited for, and undone", (outside) =>
        Effect.gen(function*() {
          outside.hold("charge")
          const process = yield* open(outside, { main: Effect.zipRight(done("charge"), act("after")) })
          const info = yield* process.start
          yield* called(outside, "charge")
          yield* info.cancel
          yield* settle
          assert.deepStrictEqual(outside.log, ["charge"])
          outside.release("charge")
          const exit = yield* Effect.exit(info.result)
          assert.deepStrictEqual(exit, Exit.fail(new WorkflowCancelled({ workflowId: id })))
          assert.deepStrictEqual(outside.log, ["charge", "u-charge"])
        }))

      test("that loses a race is waited for, and undone when the workflow fails", (outside) =>
        Effect.gen(function*() {
          outside.hold("slow")
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.race(done("slow"), done("fast")), act("after").pipe(Effect.zipRight(fails)))
          })
          const info = yield* process.start
          yield* until("fast is recorded", Effect.sync(() => outside.recorded.has(`${id}/fast`)))
          yield* settle
          assert.deepStrictEqual(outside.log, ["slow", "fast"])
          outside.release("slow")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["slow", "fast", "after", "u-slow", "u-fast"])
        }))

      test("that times out is waited for, and undone when the workflow fails", (outside) =>
        Effect.gen(function*() {
          outside.hold("slow")
          const process = yield* open(outside, { main: Effect.timeout(done("slow"), "1 minute").pipe(Effect.orDie) })
          const info = yield* process.start
          yield* called(outside, "slow")
          yield* TestClock.adjust("2 minutes")
          yield* settle
          assert.deepStrictEqual(outside.log, ["slow"])
          outside.release("slow")
          assert.isTrue(Exit.isFailure(yield* Effect.exit(info.result)))
          assert.deepStrictEqual(outside.log, ["slow", "u-slow"])
        }))

      test("may be interrupted where it says so; then there is nothing to undo", (outside) =>
        Effect.gen(function*() {
          outside.hold("slow")
          const slow = Saga.compensate(Effect.interruptible(act("slow")), () => act("u-slow"))
          const process = yield* open(outside, { main: Effect.zipRight(Effect.race(slow, done("fast")), fails) })
          yield* process.result
          assert.deepStrictEqual(outside.log, ["slow", "fast", "slow cut", "u-fast"])
          assert.deepInclude(yield* statuses(), { slow: "Cancelled", fast: "Compensated" })
        }))
    })

    describe("the fibers of a workflow that fails", () => {
      test("are interrupted, and what they ran has ended, before anything is undone", (outside) =>
        Effect.gen(function*() {
          outside.hold("d").linger("d")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.forkDaemon(Effect.zipRight(act("d"), act("d2")))
              yield* done("a")
              return yield* fails
            })
          })
          const info = yield* process.start
          yield* called(outside, "d cut")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "d", "d cut"])
          outside.letGo("d")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "d", "d cut", "d let go", "u-a"])
          assert.deepInclude(yield* statuses(), { d: "Cancelled" })
        }), { except: { crash: "what runs in a process that dies is not waited for" } })

      test("have what they complete meanwhile undone, too", (outside) =>
        Effect.gen(function*() {
          outside.hold("d")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.forkDaemon(Effect.zipRight(done("d"), done("d2")))
              yield* done("a")
              return yield* fails
            })
          })
          const info = yield* process.start
          yield* until(
            "a is recorded",
            Effect.sync(() =>
              outside.recorded.has(`${id}/a`)
            )
          )
          yield* settle
          outside.release("d")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "d", "u-d", "u-a"])
        }))

      test("are interrupted at a success, too: their steps are Cancelled", (outside) =>
        Effect.gen(function*() {
          outside.hold("d")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.forkDaemon(Effect.zipRight(done("d0"), act("d")))
              yield* Effect.forkDaemon(Workflow.sleep("nap", "1 hour"))
              yield* Effect.forkDaemon(Effect.sleep("2 hours"))
              yield* act("a")
              return yield* act("b")
            })
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed("<b>"))
          assert.deepStrictEqual(outside.log, ["a", "d0", "b", "d", "d cut"])
          assert.deepStrictEqual(yield* statuses(), {
            d0: "Completed",
            nap: "Cancelled",
            "~sleep/1": "Cancelled",
            a: "Completed",
            b: "Completed",
            d: "Cancelled"
          })
        }))
    })

    describe("an undo", () => {
      test("may time out and race: it runs on a fiber that can be interrupted", (outside) =>
        Effect.gen(function*() {
          outside.hold("slow", "loser")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Saga.compensate(act("a"), () =>
                Effect.gen(function*() {
                  yield* Effect.timeoutOption(act("slow"), "1 minute")
                  yield* Effect.race(act("loser"), act("winner"))
                }))
              return yield* fails
            })
          })
          const info = yield* process.start
          yield* called(outside, "slow")
          yield* TestClock.adjust("1 minute")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "slow", "slow cut", "loser", "winner", "loser cut"])
          assert.deepInclude(yield* statuses(), { a: "Compensated", slow: "Cancelled", loser: "Cancelled" })
        }))

      test("may time out after a cancel, too", (outside) =>
        Effect.gen(function*() {
          outside.hold("slow", "b")
          const process = yield* open(outside, {
            main: act("a").pipe(
              Saga.compensate(() =>
                Effect.timeoutOption(act("slow"), "1 minute")
              ),
              Effect.zipRight(act("b"))
            )
          })
          const info = yield* process.start
          yield* called(outside, "b")
          yield* info.cancel
          yield* called(outside, "slow")
          yield* TestClock.adjust("1 minute")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "b", "b cut", "slow", "slow cut"])
          assert.strictEqual(yield* info.status, "Cancelled")
        }))

      test("that is registered with a saga that has failed runs at once", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* done("a")
              yield* Saga.compensate(act("b"), () => Effect.zipRight(done("late"), act("u-b")))
              return yield* fails
            })
          })
          yield* process.result
          assert.deepStrictEqual(outside.log, ["a", "b", "late", "u-late", "u-b", "u-a"])
        }))

      test("that fails keeps none of the others from running, and the workflow ends Failed with every failure", (outside) =>
        Effect.gen(function*() {
          outside.fail("u-b", "u-d")
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.forEach(["a", "b", "c", "d"], done), fails)
          })
          const info = yield* process.start
          const exit = yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log.slice(4), ["u-d", "u-c", "u-b", "u-a"])
          assert.deepStrictEqual(Exit.isFailure(exit) ? pathsOf(exit.cause) : [], ["body", "u-d", "u-b"])
          const description = yield* info.describe
          assert.strictEqual(description.status, "Failed")
          const error = Option.getOrThrow(description.executions[0]!.error)
          assert.deepStrictEqual(Cause.isCause(error) ? pathsOf(error) : [], ["body", "u-d", "u-b"])
          assert.deepInclude(yield* statuses(), {
            a: "Compensated",
            b: "Completed",
            c: "Compensated",
            d: "Completed",
            "u-b": "Failed",
            "u-d": "Failed"
          })
        }))

      test("that fails leaves its saga Failed, with every failure, and those around it are undone", (outside) =>
        Effect.gen(function*() {
          outside.fail("trip/u-b")
          const process = yield* open(outside, {
            main: Effect.zipRight(
              done("a"),
              Saga.scoped("trip", Effect.zipRight(done("b"), Effect.zipRight(done("c"), fails)))
            )
          })
          const exit = yield* process.result
          assert.deepStrictEqual(outside.log, ["a", "trip/b", "trip/c", "trip/u-c", "trip/u-b", "u-a"])
          assert.deepStrictEqual(Exit.isFailure(exit) ? pathsOf(exit.cause) : [], ["body", "u-b"])
          assert.deepInclude(yield* statuses(), { trip: "Failed", "trip/b": "Completed", "trip/c": "Compensated" })
          const saga = (yield* rows()).steps.find(({ path }) => path === "trip")
          assert.include(saga?.outcome, "u-b")
        }))

      test("that fails makes a cancelled workflow Failed", (outside) =>
        Effect.gen(function*() {
          outside.fail("u-a").hold("b")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "b")
          yield* info.cancel
          const exit = yield* Effect.exit(info.result)
          assert.strictEqual(yield* info.status, "Failed")
          assert.deepInclude(Exit.isFailure(exit) ? pathsOf(exit.cause) : [], "u-a")
        }))

      test("is retried by its own policy first", (outside) =>
        Effect.gen(function*() {
          outside.fail("u-a")
          const process = yield* open(outside, {
            main: act("a").pipe(Saga.compensate(() => Stubborn.execute("u-a")), Effect.zipRight(fails))
          })
          const info = yield* process.start
          yield* called(outside, "u-a")
          yield* settle
          outside.mend("u-a")
          yield* TestClock.adjust("1 minute")
          const exit = yield* Effect.exit(info.result)
          assert.deepStrictEqual(exit, Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log, ["a", "u-a", "u-a"])
        }))
    })

    describe("is not undone", () => {
      test("when another execution of the workflow follows, but when the last one has failed", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { again: Effect.zipRight(done("a"), Effect.zipRight(act("b"), fails)) })
          const info = yield* process.run(Again.start(id))
          yield* until(
            "the first execution has failed",
            Effect.map(info.describe, ({ executions }) => executions.some(({ status }) => status === "Failed"))
          )
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "b"])
          assert.strictEqual(yield* info.status, "Running")
          yield* TestClock.adjust("1 minute")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "b", "u-a"])
          assert.strictEqual(yield* info.status, "Failed")
        }))

      test("twice, nor kept, what was undone as a whole, when another execution follows", (outside) =>
        Effect.gen(function*() {
          const whole = Saga.scoped("trip", done("flight")).pipe(Saga.compensate(() => act("undo-trip")))
          const process = yield* open(outside, {
            again: Effect.zipRight(Saga.scoped("all", Effect.zipRight(whole, fails)), act("never"))
          })
          const info = yield* process.run(Again.start(id))
          yield* called(outside, "all/undo-trip")
          yield* settle
          yield* TestClock.adjust("1 minute")
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(
            outside.log,
            ["all/trip/flight", "all/undo-trip", "all/trip/flight", "all/undo-trip"]
          )
          assert.deepStrictEqual(yield* statuses(), {
            all: "Compensated",
            "all/trip": "Compensated",
            "all/trip/flight": "Compensated",
            "all/undo-trip": "Completed"
          })
        }))

      test("when the workflow is suspended", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, {
            held: Effect.zipRight(done("a"), Effect.zipRight(done("c"), act("b")))
          })
          yield* process.run(Held.start(id))
          yield* hasStatus("Suspended")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "c", "b"])
        }))

      test("when the engine closes, or dies; the next one goes on", (outside) =>
        Effect.gen(function*() {
          outside.hold("trip/c")
          let undone = 0
          const bodies = {
            main: Effect.zipRight(
              Saga.compensate(act("a"), () => Effect.zipRight(Effect.sync(() => undone++), act("u-a"))),
              Saga.scoped(
                "trip",
                Saga.compensate(act("b"), () => Effect.zipRight(Effect.sync(() => undone++), act("u-b"))).pipe(
                  Effect.zipRight(act("c")),
                  Effect.zipRight(fails)
                )
              )
            )
          }
          for (const end of ["close", "kill"] as const) {
            const process = yield* open(outside, bodies)
            yield* process.start
            yield* until(`c runs (${end})`, Effect.sync(() => outside.log.at(-1) === "trip/c"))
            yield* process[end]
            assert.notInclude(outside.log.join(), "u-")
            // An undo is not even begun: what of it is no step would be done.
            assert.strictEqual(undone, 0)
            assert.deepInclude(yield* statuses(), { a: "Completed", trip: "Running", "trip/b": "Completed" })
          }
          outside.release("trip/c")
          const process = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* process.result, Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log.slice(-3), ["trip/c", "trip/u-b", "u-a"])
          assert.deepStrictEqual(outside.again, [])
        }))
    })

    it.effect("a crash anywhere: what is due is undone once, in the same order, and nothing that was recorded runs again", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () => new Outside().fail("u-b"),
          bodies: {
            main: Effect.gen(function*() {
              yield* done("a")
              yield* Effect.ignore(Saga.scoped("x", Effect.zipRight(done("i"), Effect.zipRight(done("j"), fails))))
              yield* done("b")
              yield* Saga.scoped("y", Effect.zipRight(done("k"), Effect.zipRight(done("l"), fails)))
            })
          }
        })
        const last = all.at(-1)!
        assert.deepStrictEqual(
          last.outside.log,
          ["a", "x/i", "x/j", "x/u-j", "x/u-i", "b", "y/k", "y/l", "y/u-l", "y/u-k", "u-b", "u-a"]
        )
        assert.isAbove(all.at(-1)?.commits ?? 0, 11)
        for (const crashed of all) {
          const where = `after ${crashed.commits} commits`
          assert.deepStrictEqual(crashed.outside.once, last.outside.log, where)
          assert.deepStrictEqual(crashed.outside.again, [], where)
          assert.deepStrictEqual(crashed.statuses, last.statuses, where)
          assert.deepStrictEqual(
            Exit.isFailure(crashed.exit) ? pathsOf(crashed.exit.cause) : [],
            ["body", "u-b"],
            where
          )
        }
      }))
  })
