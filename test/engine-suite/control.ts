/**
 * What an operator may ask of a workflow: to hold it, to let it go on, to do it again; of one, or of all that fit.
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import {
  InvalidStatus,
  Journal,
  Saga,
  Signal,
  Tempolite,
  Workflow,
  WorkflowCancelled,
  WorkflowNotFound
} from "../../src/index.ts"
import { promised } from "./bench.ts"
import { Act, counting, Main as BenchMain, main } from "./domain.ts"
import {
  act,
  Again,
  type Bodies,
  Broken,
  called,
  client,
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

const Go = Signal.make("Go", { payload: { by: Schema.String } })

const cancelled = Exit.fail(new WorkflowCancelled({ workflowId: id }))

/** The ids of sub-workflows, as the journal writes them. */
const kid = "w\\/kid"

const service = ({ run }: Process) => run(Tempolite.Tempolite)

const recordedAs = (path: string, status: string, workflow: string = id) =>
  until(`${path} is ${status}`, Effect.map(statuses(workflow), (all) => all[path] === status))

const statusesOf = (...workflows: ReadonlyArray<string>) => Effect.forEach(workflows, (workflow) => statusOf(workflow))

/** The attempts of a workflow, and how each ended. */
const executionsOf = (workflow: string = id) =>
  Effect.map(rows(workflow), ({ executions }) => executions.map(({ attempt, status }) => `${attempt} ${status}`))

/** The attempts at a step, and how each ended. */
const attemptsAt = (path: string, workflow: string = id) =>
  Effect.map(
    rows(workflow),
    ({ stepExecutions }) =>
      stepExecutions.filter((row) => row.path === path).map(({ attempt, status }) => `${attempt} ${status}`)
  )

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`control (${name})`, () => {
    const test = testOn(layer)
    const promise = promised(layer)

    describe("a workflow that is paused", () => {
      for (const first of ["a timer", "an activity"] as const) {
        test(`records what comes meanwhile, and meets it in that order when it goes on: ${first} first`, (outside) =>
          Effect.gen(function*() {
            outside.hold("b")
            const process = yield* open(outside, {
              main: Effect.flatMap(
                Effect.race(act("b"), Effect.as(Workflow.sleep("late", "1 hour"), "late")),
                (won) =>
                  Effect.as(act("c"), won)
              )
            })
            const info = yield* process.start
            yield* called(outside, "b")
            yield* info.pause
            const come = {
              "a timer": Effect.zipRight(TestClock.adjust("1 hour"), recordedAs("late", "Completed")),
              "an activity": Effect.zipRight(
                Effect.sync(() => outside.release("b")),
                recordedAs("b", "Completed")
              )
            }
            yield* come[first]
            yield* first === "a timer" ? come["an activity"] : come["a timer"]
            yield* settle
            assert.deepStrictEqual(outside.log, ["b"])
            assert.strictEqual(yield* info.status, "Paused")
            yield* info.resume
            assert.strictEqual(yield* info.result, first === "a timer" ? "late" : "<b>")
          }), { except: { crash: "what is paused has no run after a restart, and records nothing" } })
      }

      test("begins no new attempt of an activity, however long it is due", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const process = yield* open(outside, { main: Stubborn.execute("a") })
          const info = yield* process.start
          yield* recordedAs("a", "Retrying")
          yield* info.pause
          yield* TestClock.adjust("10 minutes")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a"])
          outside.mend("a")
          yield* info.resume
          assert.strictEqual(yield* info.result, "<a>")
          assert.deepStrictEqual(yield* attemptsAt("a"), ["1 Failed", "2 Completed"])
        }))

      test("starts nothing that waits in a queue, and keeps no place from others", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: act("a"), kid: act("x"), again: act("z") }, { concurrency: 1 })
          const first = yield* process.start
          yield* called(outside, "a")
          const second = yield* process.run(Kid.start("second"))
          yield* hasStatus("Running", "second")
          yield* settle
          yield* second.pause
          outside.release("a")
          yield* first.result
          yield* settle
          assert.deepStrictEqual(outside.log, ["a"])
          yield* process.run(Effect.flatMap(Again.start("third"), ({ result }) =>
            result))
          assert.deepStrictEqual(outside.log, ["a", "z"])
          yield* second.resume
          assert.strictEqual(yield* second.result, "<x>")
        }), { except: { crash: "it decides what comes first, and a restart comes first" } })

      test("gives the signals that come to who waits, in their order, and goes on with them later", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.all([Go.await("one"), Go.await("two")])
          })
          const info = yield* process.start
          yield* recordedAs("one", "Waiting")
          yield* info.pause
          yield* process.run(Go.send(id, { by: "ann" }))
          yield* process.run(Go.send(id, { by: "bob" }))
          yield* settle
          assert.deepStrictEqual(yield* statuses(), { one: "Completed" })
          assert.strictEqual(yield* info.status, "Paused")
          assert.deepStrictEqual(
            (yield* info.describe).signals.map(({ name, payload }) => [name, payload]),
            [["Go", { by: "bob" }]]
          )
          yield* info.resume
          assert.deepStrictEqual(yield* info.result, [{ by: "ann" }, { by: "bob" }])
          assert.deepStrictEqual((yield* info.describe).signals, [])
        }), { except: { crash: "what is paused has no run after a restart, and records nothing" } })

      test("is held once, however often it is asked for", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: act("a") })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* Effect.all([info.pause, info.pause], { concurrency: "unbounded" })
          yield* info.pause
          assert.strictEqual(yield* info.status, "Paused")
          outside.release("a")
          yield* info.resume
          assert.strictEqual(yield* info.result, "<a>")
        }))

      test("between two executions does not begin the next one", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, { again: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.run(Again.start(id))
          yield* until(
            "the next is due",
            Effect.map(rows(), ({ workflow }) =>
              workflow.wakeAt !== null)
          )
          yield* info.pause
          yield* TestClock.adjust("1 hour")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "b"])
          assert.strictEqual(yield* info.status, "Paused")
          outside.mend("b")
          yield* info.resume
          assert.strictEqual(yield* info.result, "<b>")
          assert.deepStrictEqual(outside.log, ["a", "b", "b"])
          assert.deepStrictEqual(yield* executionsOf(), ["1 Failed", "2 Completed"])
        }))
    })

    describe("the sub-workflows of a workflow that is paused", () => {
      const bodies: Bodies = {
        main: Effect.gen(function*() {
          const started = yield* Again.startChild("started")
          yield* Kid.detach("own")
          const value = yield* Kid.child("kid")
          yield* started.result
          return value
        }),
        kid: Again.child("grand"),
        again: Effect.zipRight(act("x"), act("y"))
      }
      const first = ["kid\\/grand/x", "started/x", "own\\/grand/x"]
      const attached = ["w", "w\\/kid", "w\\/kid\\/grand", "w\\/started"]

      /** Lets them go on, one of them before the other. */
      const goOn = (outside: Outside, resume: Effect.Effect<void, unknown>) =>
        Effect.gen(function*() {
          outside.hold("started/y")
          yield* resume
          yield* recordedAs("kid", "Completed")
          outside.release("started/y")
        })

      test("are paused and go on with it, however deep they are; those that are independent are not", (outside) =>
        Effect.gen(function*() {
          outside.hold(...first)
          const process = yield* open(outside, bodies)
          const info = yield* process.start
          yield* called(outside, ...first)
          yield* info.pause
          assert.deepStrictEqual(yield* statusesOf(...attached), ["Paused", "Paused", "Paused", "Paused"])
          assert.strictEqual(yield* statusOf("w\\/own"), "Running")
          for (const name of first) {
            outside.release(name)
          }
          yield* hasStatus("Completed", "w\\/own")
          yield* settle
          assert.deepStrictEqual(outside.log.toSorted(), [...first, "own\\/grand/y"].toSorted())
          yield* goOn(outside, info.resume)
          assert.strictEqual(yield* info.result, "<y>")
        }))

      for (const end of ["close", "kill"] as const) {
        test(`stay so when the process ends, and go on with it in another one: ${end}`, (outside) =>
          Effect.gen(function*() {
            outside.hold(...first)
            const process = yield* open(outside, bodies)
            const info = yield* process.start
            yield* called(outside, ...first)
            yield* info.pause
            yield* process[end]
            for (const name of first) {
              outside.release(name)
            }
            const before = outside.log.length
            const second = yield* open(outside, bodies)
            const again = yield* second.start
            yield* hasStatus("Completed", "w\\/own")
            yield* settle
            assert.deepStrictEqual(outside.log.slice(before), ["own\\/grand/x", "own\\/grand/y"])
            assert.deepStrictEqual(yield* statusesOf(...attached), ["Paused", "Paused", "Paused", "Paused"])
            yield* goOn(outside, again.resume)
            assert.strictEqual(yield* again.result, "<y>")
            assert.deepStrictEqual(outside.again, [])
          }))
      }

      test("are paused though they are being started at that moment", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(act("a"), Kid.child("kid")),
            kid: Effect.zipRight(act("x"), act("y"))
          })
          let started = 0
          for (let turns = 0; turns < 14; turns++) {
            outside.hold("a", "kid/x")
            const workflow = `w${turns}`
            const before = outside.log.length
            const info = yield* process.run(Main.start(workflow))
            yield* until(
              "a runs",
              Effect.sync(() =>
                outside.log.length > before
              )
            )
            outside.release("a")
            for (let turn = 0; turn < turns; turn++) {
              yield* Effect.promise(() =>
                new Promise(setImmediate)
              )
            }
            yield* info.pause
            yield* settle
            const paused = outside.log.length
            outside.release("kid/x")
            yield* settle
            assert.lengthOf(outside.log, paused)
            const { children } = yield* info.describe
            started += children.length
            assert.deepStrictEqual(
              [
                yield* info.status,
                ...children.map(({ status }) => status)
              ],
              [
                "Paused",
                ...children.map(() => "Paused")
              ]
            )
            yield* info.resume
            assert.strictEqual(yield* info.result, "<y>")
          }
          assert.isAbove(started, 0)
        }))

      test("may be paused by themselves, and their parent waits", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const process = yield* open(outside, {
            main: Kid.child("kid"),
            kid: Effect.zipRight(act("x"), act("y"))
          })
          yield* process.start
          yield* called(outside, "kid/x")
          const { pause } = yield* service(process)
          yield* pause("w/kid")
          outside.release("kid/x")
          yield* settle
          assert.deepStrictEqual(yield* statusesOf(id, kid), ["Running", "Paused"])
          yield* process.kill
          const second = yield* open(outside, { main: Kid.child("kid"), kid: Effect.zipRight(act("x"), act("y")) })
          yield* second.start
          yield* settle
          assert.deepStrictEqual(outside.log, ["kid/x"])
          yield* (yield* service(second)).resume("w/kid")
          assert.deepStrictEqual(yield* second.result, Exit.succeed("<y>"))
        }))

      test("that were suspended are held with it, and are asked again when it goes on", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const process = yield* open(outside, {
            main: Effect.zip(Kid.child("kid"), act("b"), { concurrent: true }),
            kid: Effect.zipRight(act("x"), Effect.never)
          })
          const info = yield* process.start
          yield* called(outside, "kid/x")
          yield* hasStatus("Suspended", kid)
          yield* settle
          yield* info.pause
          assert.deepStrictEqual(yield* statusesOf(id, kid), ["Paused", "Paused"])
          yield* info.resume
          yield* hasStatus("Suspended", kid)
          yield* settle
          assert.strictEqual(yield* info.status, "Running")
          assert.deepStrictEqual(outside.log.toSorted(), ["b", "kid/x"])
        }))
    })

    describe("a workflow that is suspended", () => {
      test("asks the step that failed again when it is resumed, in the same execution", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, { held: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.run(Held.start(id))
          yield* hasStatus("Suspended")
          yield* settle
          yield* info.resume
          yield* until("it was asked again", Effect.sync(() => outside.count("b") === 2))
          yield* hasStatus("Suspended")
          yield* settle
          outside.mend("b")
          yield* info.resume
          assert.strictEqual(yield* info.result, "<b>")
          assert.deepStrictEqual(outside.log, ["a", "b", "b", "b"])
          assert.deepStrictEqual(yield* executionsOf(), ["1 Completed"])
          assert.deepStrictEqual(yield* attemptsAt("b"), ["1 Failed", "2 Failed", "3 Completed"])
          assert.strictEqual(new Set(outside.keys.get("b")).size, 1)
        }))

      test("does what its sagas had undone once more, as other calls to the outside", (outside) =>
        Effect.gen(function*() {
          outside.fail("trip/leg/b")
          const process = yield* open(outside, {
            held: Saga.scoped(
              "trip",
              Effect.zipRight(done("x"), Saga.scoped("leg", Effect.zipRight(done("y"), act("b"))))
            )
          })
          const info = yield* process.run(Held.start(id))
          yield* hasStatus("Suspended")
          yield* settle
          assert.deepStrictEqual(outside.log.splice(0), [
            ...["trip/x", "trip/leg/y", "trip/leg/b"],
            ...["trip/leg/u-y", "trip/u-x"]
          ])
          outside.mend("trip/leg/b")
          yield* info.resume
          assert.strictEqual(yield* info.result, "<b>")
          assert.deepStrictEqual(outside.log, ["trip/x", "trip/leg/y", "trip/leg/b"])
          assert.strictEqual(new Set(outside.keys.get("trip/x")).size, 2)
          assert.strictEqual(new Set(outside.keys.get("trip/leg/y")).size, 2)
          assert.strictEqual(new Set(outside.keys.get("trip/leg/b")).size, 1)
          assert.deepStrictEqual(yield* executionsOf(), ["1 Completed"])
        }))

      test("is repaired by a resume in another process, and when it was paused since", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const bodies: Bodies = { held: Effect.zipRight(done("a"), act("b")) }
          const first = yield* open(outside, bodies)
          const info = yield* first.run(Held.start(id))
          yield* hasStatus("Suspended")
          yield* settle
          yield* info.pause
          assert.strictEqual(yield* info.status, "Paused")
          yield* first.kill
          outside.mend("b")
          const second = yield* open(outside, bodies)
          const again = yield* second.run(Held.start(id))
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "b"])
          yield* again.resume
          assert.strictEqual(yield* again.result, "<b>")
          assert.deepStrictEqual(outside.log, ["a", "b", "b"])
        }))
    })

    describe("a cancel of a workflow that is paused", () => {
      test("begins no attempt that was due meanwhile", (outside) =>
        Effect.gen(function*() {
          outside.fail("b")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), Stubborn.execute("b")) })
          const info = yield* process.start
          yield* recordedAs("b", "Retrying")
          yield* info.pause
          yield* TestClock.adjust("10 minutes")
          yield* settle
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log, ["a", "b", "u-a"])
          assert.deepStrictEqual(yield* attemptsAt("b"), ["1 Failed"])
        }))

      test("comes after what was recorded meanwhile, and nothing starts in between", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* info.pause
          outside.release("a")
          yield* recordedAs("a", "Completed")
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log, ["a", "u-a"])
        }), { except: { crash: "what is paused has no run after a restart, and records nothing" } })

      for (const end of ["none", "close", "kill"] as const) {
        test(`undoes what is below first (the process ended meanwhile: ${end})`, (outside) =>
          Effect.gen(function*() {
            outside.hold("kid/y")
            const bodies: Bodies = {
              main: Effect.zipRight(done("a"), Kid.child("kid")),
              kid: Effect.zipRight(done("x"), act("y"))
            }
            const first = yield* open(outside, bodies)
            const info = yield* first.start
            yield* called(outside, "kid/y")
            yield* info.pause
            if (end !== "none") yield* first[end]
            const last = end === "none" ? first : yield* open(outside, bodies)
            yield* Effect.flatMap(last.start, (again) => again.cancel)
            assert.deepStrictEqual(yield* last.result, cancelled)
            assert.deepStrictEqual(outside.log, ["a", "kid/x", "kid/y", "kid/y cut", "kid/u-x", "u-a"])
            assert.deepStrictEqual(yield* statusesOf(id, kid), ["Cancelled", "Cancelled"])
          }))
      }

      test("lets go on what cannot be interrupted, and what is below it", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const process = yield* open(outside, {
            main: Effect.uninterruptible(Kid.child("kid")),
            kid: Effect.zipRight(act("x"), act("y"))
          })
          const info = yield* process.start
          yield* called(outside, "kid/x")
          yield* info.pause
          outside.release("kid/x")
          yield* settle
          assert.deepStrictEqual(outside.log, ["kid/x"])
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(yield* statusesOf(id, kid), ["Cancelled", "Completed"])
        }))

      test("lets it be undone when it was cancelled before it was paused, sub-workflows included", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/y", "kid/u-x")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("a"), Kid.child("kid")),
            kid: Effect.zipRight(done("z"), Effect.zipRight(done("x"), act("y")))
          })
          const info = yield* process.start
          yield* called(outside, "kid/y")
          yield* info.cancel
          yield* called(outside, "kid/u-x")
          yield* info.pause
          assert.deepStrictEqual(yield* statusesOf(id, kid), ["Paused", "Paused"])
          outside.release("kid/u-x")
          yield* settle
          assert.strictEqual(outside.log.at(-1), "kid/u-x")
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          assert.deepStrictEqual(outside.log.slice(-3), ["kid/u-x", "kid/u-z", "u-a"])
        }))
    })

    describe("a workflow that is retried by hand", () => {
      test("does again what failed and what was undone, as other calls where these had been made", (outside) =>
        Effect.gen(function*() {
          outside.fail("c")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), act("c")))
          })
          const info = yield* process.start
          assert.deepStrictEqual(yield* Effect.exit(info.result), Exit.fail(new Broken({ key: "c" })))
          assert.deepStrictEqual(outside.log.splice(0), ["a", "b", "c", "u-a"])
          outside.mend("c")
          outside.hold("c")
          yield* info.retry
          const result = yield* Effect.fork(info.result)
          yield* until(
            "c runs",
            Effect.sync(() => outside.log.includes("c"))
          )
          yield* settle
          assert.isNull(result.unsafePoll())
          assert.strictEqual(yield* info.status, "Running")
          assert.isTrue(Option.isNone((yield* info.describe).finishedAt))
          outside.release("c")
          assert.strictEqual(yield* Fiber.join(result), "<c>")
          assert.deepStrictEqual(outside.log, ["a", "c"])
          assert.strictEqual(new Set(outside.keys.get("a")).size, 2)
          assert.strictEqual(new Set(outside.keys.get("c")).size, 1)
          assert.deepStrictEqual(yield* executionsOf(), ["1 Failed", "2 Completed"])
          assert.deepStrictEqual(yield* attemptsAt("a"), ["1 Completed", "2 Completed"])
          assert.deepStrictEqual(yield* attemptsAt("b"), ["1 Completed"])
          assert.deepStrictEqual(yield* attemptsAt("c"), ["1 Failed", "2 Completed"])
        }))

      test("after a cancel begins as after a failure, and may be cancelled again", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "b")
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          yield* info.retry
          yield* until(
            "b runs again",
            Effect.sync(() => outside.count("b") === 2)
          )
          yield* info.cancel
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          outside.release("b")
          yield* info.retry
          assert.strictEqual(yield* info.result, "<b>")
          assert.deepStrictEqual(outside.log, ["a", "b", "b cut", "u-a", "a", "b", "b cut", "u-a", "a", "b"])
          assert.deepStrictEqual(yield* executionsOf(), ["1 Cancelled", "2 Cancelled", "3 Completed"])
          assert.deepStrictEqual(yield* attemptsAt("b"), ["1 Cancelled", "2 Cancelled", "3 Completed"])
          assert.strictEqual(new Set(outside.keys.get("a")).size, 3)
          assert.strictEqual(new Set(outside.keys.get("b")).size, 1)
        }))

      test("has its whole policies again: that of an activity, and its own", (outside) =>
        Effect.gen(function*() {
          outside.fail("a", "b")
          const process = yield* open(outside, { main: Stubborn.execute("a"), again: act("b") })
          const one = yield* process.start
          const other = yield* process.run(Again.start("other"))
          const bothFail = Effect.gen(function*() {
            for (let minutes = 0; minutes < 3; minutes++) {
              yield* settle
              yield* TestClock.adjust("1 minute")
            }
            assert.isTrue(Exit.isFailure(yield* Effect.exit(one.result)))
            assert.isTrue(Exit.isFailure(yield* Effect.exit(other.result)))
          })
          yield* bothFail
          assert.deepStrictEqual(yield* attemptsAt("a"), ["1 Failed", "2 Failed", "3 Failed"])
          assert.deepStrictEqual(yield* executionsOf("other"), ["1 Failed", "2 Failed"])
          yield* one.retry
          yield* other.retry
          yield* bothFail
          assert.deepStrictEqual(
            yield* attemptsAt("a"),
            [1, 2, 3, 4, 5, 6].map((attempt) => `${attempt} Failed`)
          )
          assert.deepStrictEqual(yield* executionsOf("other"), [1, 2, 3, 4].map((attempt) => `${attempt} Failed`))
        }))

      test("starts another sub-workflow for one that failed, and keeps one that completed", (outside) =>
        Effect.gen(function*() {
          outside.fail("bad/x")
          const process = yield* open(outside, { main: Effect.zip(Kid.child("good"), Kid.child("bad")), kid: act("x") })
          const info = yield* process.start
          yield* Effect.exit(info.result)
          outside.mend("bad/x")
          yield* info.retry
          assert.deepStrictEqual(yield* info.result, ["<x>", "<x>"])
          const { children } = yield* info.describe
          assert.deepStrictEqual(
            children.map(({ status }) => status),
            ["Completed", "Failed", "Completed"]
          )
          assert.strictEqual(outside.count("good/x"), 1)
        }))

      test("may be a sub-workflow; what its parent has seen of it stays", (outside) =>
        Effect.gen(function*() {
          outside.fail("kid/x").hold("b")
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.ignore(Kid.child("kid")), act("b")),
            kid: act("x")
          })
          const info = yield* process.start
          yield* called(outside, "b")
          outside.mend("kid/x")
          const { info: infoOf, retry } = yield* service(process)
          yield* retry("w/kid")
          assert.strictEqual(yield* Effect.flatMap(infoOf("w/kid"), ({ result }) => result), "<x>")
          outside.release("b")
          assert.isTrue(Exit.isSuccess(yield* Effect.exit(info.result)))
          assert.deepStrictEqual(yield* statusesOf(id, kid), ["Completed", "Completed"])
          assert.deepStrictEqual((yield* statuses())["kid"], "Failed")
        }))

      test("keeps what could not be undone, and undoes it when it fails again", (outside) =>
        Effect.gen(function*() {
          outside.fail("b", "u-a")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log.splice(0), ["a", "b", "u-a"])
          outside.mend("u-a")
          yield* info.retry
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["b", "u-a"])
          assert.strictEqual((yield* statuses())["a"], "Compensated")
        }))

      test("has not ended for the client of another process that has asked for it, before it is begun and after", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const process = yield* open(outside, { main: act("a") })
          const info = yield* process.start
          yield* Effect.exit(info.result)
          outside.mend("a")
          const elsewhere = yield* Effect.flatMap(client, (service) => service.info(id))
          yield* process.close
          yield* elsewhere.retry
          const result = yield* Effect.fork(elsewhere.result)
          yield* settle
          assert.isNull(result.unsafePoll())
          yield* open(outside, { main: act("a") })
          assert.strictEqual(yield* Fiber.join(result), "<a>")
        }))
    })

    describe("all workflows that fit", () => {
      test("are paused, resumed, cancelled and retried at once, and counted", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "x")
          const process = yield* open(outside, { main: act("a"), kid: act("x"), again: Effect.void })
          const { cancelAll, pauseAll, resumeAll, retryAll } = yield* service(process)
          const mains = ["order-1", "order-2", "order-3", "other"]
          yield* Effect.forEach(mains, (workflow) => process.run(Main.start(workflow)))
          yield* process.run(Kid.start("order-kid"))
          yield* process.run(Again.execute("order-over"))
          yield* called(outside, "a", "x")
          const orders = { name: "Main", idPrefix: "order-" }

          assert.strictEqual(yield* pauseAll({ name: "Nobody" }), 0)
          assert.strictEqual(yield* pauseAll(orders), 3)
          assert.deepStrictEqual(yield* statusesOf(...mains), ["Paused", "Paused", "Paused", "Running"])
          assert.strictEqual(yield* resumeAll({ idPrefix: "order-1" }), 1)
          assert.strictEqual(yield* resumeAll({}), 2)
          assert.deepStrictEqual(yield* statusesOf(...mains), ["Running", "Running", "Running", "Running"])
          assert.strictEqual(yield* cancelAll({ status: "Paused" }), 0)
          assert.strictEqual(yield* cancelAll({ idPrefix: "order-" }), 4)
          yield* Effect.forEach([...mains.slice(0, 3), "order-kid"], (workflow) => hasStatus("Cancelled", workflow))
          assert.strictEqual(yield* statusOf("order-over"), "Completed")
          yield* settle
          outside.release("a")
          assert.strictEqual(yield* retryAll({ ...orders, status: ["Failed", "Cancelled", "Running"] }), 3)
          yield* Effect.forEach(mains, (workflow) => hasStatus("Completed", workflow))
          assert.strictEqual(yield* statusOf("order-kid"), "Cancelled")
        }))

      test("are all reached, however many there are", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Workflow.sleep("nap", "1 day") })
          const { cancelAll, list, pauseAll } = yield* service(process)
          const count = 230
          yield* Effect.forEach(
            Array.from({ length: count }, (_, index) => index),
            (index) => process.run(Main.start(index)),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(yield* pauseAll({}), count)
          assert.lengthOf((yield* list({ status: "Paused", limit: 1_000 })).workflows, count)
          assert.strictEqual(yield* cancelAll({ status: "Paused" }), count)
          yield* until(
            "all are cancelled",
            Effect.map(list({ status: "Cancelled", limit: 1_000 }), ({ workflows }) => workflows.length === count)
          )
        }))
    })

    describe("a client without an engine", () => {
      const bodies: Bodies = {
        main: Effect.zipRight(done("a"), Effect.zipRight(Kid.child("kid"), Go.await("go"))),
        kid: Effect.zipRight(act("x"), act("y"))
      }

      /** A process that is slow to read what clients ask. */
      const slowly = <A, E, R>(process: Effect.Effect<A, E, R>) =>
        Effect.flatMap(Journal.Journal, (journal) =>
          Effect.provideService(process, Journal.Journal, {
            ...journal,
            requests: Effect.zipRight(settle, journal.requests)
          }))

      test("is heard by the engine of another process at once", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const process = yield* open(outside, bodies)
          const info = yield* process.start
          yield* called(outside, "kid/x")
          const { cancel, pause, resume, retry } = yield* client
          yield* pause(id)
          yield* hasStatus("Paused", kid)
          yield* hasStatus("Paused")
          outside.release("kid/x")
          yield* settle
          assert.deepStrictEqual(outside.log, ["a", "kid/x"])
          yield* resume(id)
          yield* recordedAs("go", "Waiting")
          yield* cancel(id)
          assert.deepStrictEqual(yield* Effect.exit(info.result), cancelled)
          yield* retry(id)
          yield* until("it runs again", Effect.sync(() => outside.count("a") === 2))
          yield* process.run(Go.send(id, { by: "ann" }))
          assert.deepStrictEqual(yield* info.result, { by: "ann" })
        }))

      test("is heard by the next engine when there is none, before anything starts", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "kid/x")
          yield* first.kill
          outside.release("kid/x")
          const { pause } = yield* client
          yield* pause(id)
          const before = outside.log.length
          const second = yield* open(outside, bodies)
          yield* hasStatus("Paused", kid)
          yield* hasStatus("Paused")
          yield* settle
          assert.lengthOf(outside.log, before)
          yield* second.kill
          const { resume } = yield* client
          yield* resume(id)
          const third = yield* open(outside, bodies)
          yield* recordedAs("go", "Waiting")
          yield* third.run(Go.send(id, { by: "ann" }))
          assert.deepStrictEqual(yield* third.result, Exit.succeed({ by: "ann" }))
        }))

      test("is heard by the next engine before anything starts, however slowly that reads what was asked", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "kid/x")
          yield* first.kill
          const { pause } = yield* client
          yield* pause(id)
          const before = outside.log.length
          yield* slowly(open(outside, bodies))
          yield* hasStatus("Paused", kid)
          yield* hasStatus("Paused")
          yield* settle
          assert.lengthOf(outside.log, before)
        }))

      test("is heard by the next engine before that tells anybody how the workflow had ended before", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const first = yield* open(outside, { main: act("a") })
          assert.deepStrictEqual(yield* first.result, Exit.fail(new Broken({ key: "a" })))
          yield* first.close
          outside.mend("a")
          const { retry } = yield* client
          yield* retry(id)
          const second = yield* slowly(open(outside, { main: act("a") }))
          assert.deepStrictEqual(yield* second.result, Exit.succeed("<a>"))
        }))

      test("may hold a workflow before its first run, and cancel one before it is done again", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, { main: Effect.zipRight(done("a"), fails) })
          yield* first.result
          const elsewhere = yield* Effect.zipRight(first.close, client)
          outside.log.splice(0)
          yield* elsewhere.retry(id)
          yield* elsewhere.cancel(id)
          yield* elsewhere.fork(id, "new", "a")
          yield* elsewhere.pause("new")
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
          yield* hasStatus("Paused", "new")
          yield* settle
          // It may have begun before the cancel was read.
          assert.sameMembers(outside.log, outside.log.length === 0 ? [] : ["a", "u-a"])
          assert.deepStrictEqual(yield* executionsOf(), ["1 Failed", "2 Cancelled"])
          assert.deepStrictEqual(yield* executionsOf("new"), [])
          yield* elsewhere.resume("new")
          yield* until("it runs", Effect.sync(() => outside.log.includes("kid/x")))
        }))

      test("is told what will not be possible once what it asked for before is done", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const process = yield* open(outside, bodies)
          yield* process.start
          yield* called(outside, "kid/x")
          yield* process.close
          const { cancel, pause, resume } = yield* client
          assert.strictEqual((yield* Effect.flip(resume(id)))._tag, "InvalidStatus")
          yield* pause(id)
          yield* resume(id)
          assert.strictEqual((yield* Effect.flip(resume(id)))._tag, "InvalidStatus")
          yield* pause(id)
          yield* cancel(id)
          assert.strictEqual((yield* Effect.flip(resume(id)))._tag, "InvalidStatus")
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, cancelled)
        }))
    })

    promise("a request that waits for the code of its workflow keeps none back that does not", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = main(() =>
          Act.execute("a", {}), counting(calls, 60_000))
        const first = yield* bench.start(live)
        yield* first.run(BenchMain.start("w", {}))
        yield* bench.pass("1 second")
        yield* first.crash
        const second = yield* bench.start(Layer.empty)
        const without = yield* second.run(Tempolite.Tempolite)
        yield* bench.wait(without.cancel("w"))
        yield* bench.wait(without.cancel("w"))
        yield* bench.wait(without.pause("w"))
        assert.strictEqual((yield* bench.describe("w")).status, "Paused")
        // It has said by then that there is no code.
        yield* bench.pass("1 minute")
        const said = bench.logs.length
        yield* bench.pass("1 hour")
        assert.lengthOf(bench.logs, said)
        yield* second.close
        yield* bench.start(live)
        yield* bench.pass("10 seconds")
        assert.strictEqual((yield* bench.describe("w")).status, "Cancelled")
        assert.deepStrictEqual(calls, ["a#1"])
      }))

    it.effect("a crash anywhere between a pause and a resume: it comes out as if there had been none", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () =>
            new Outside().hold("kid/x"),
          bodies: {
            main: Effect.zipRight(done("a"), Effect.zip(Kid.child("kid"), act("b"))),
            kid: Effect.zipRight(act("x"), act("y"))
          },
          meanwhile: (process, outside) =>
            Effect.gen(function*() {
              yield* called(outside, "kid/x")
              const info = yield* process.start
              yield* info.pause
              const before = outside.log.length
              outside.release("kid/x")
              yield* settle
              if (outside.log.length > before) {
                outside.log.push("started meanwhile")
              }
              yield* info.resume
            }).pipe(Effect.catchAllCause(() =>
              Effect.void
            ))
        })
        assert.isAbove(all.at(-1)?.commits ?? 0, 7)
        for (const crashed of all) {
          const where = `after ${crashed.commits} commits`
          assert.deepStrictEqual(crashed.exit, Exit.succeed(["<y>", "<b>"]), where)
          assert.deepStrictEqual(crashed.outside.again, [], where)
          assert.notInclude(crashed.outside.log, "started meanwhile", where)
          assert.deepStrictEqual(crashed.statuses, { a: "Completed", kid: "Completed", b: "Completed" }, where)
          assert.deepStrictEqual(crashed.description.children.map(({ status }) => status), ["Completed"], where)
        }
      }))

    it.effect("a crash anywhere around a retry: it is done once", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () => new Outside().fail("b"),
          bodies: { main: Effect.zipRight(done("a"), act("b")) },
          result: (process, outside) =>
            Effect.gen(function*() {
              const exit = yield* process.result
              if (Exit.isSuccess(exit)) return exit
              outside.mend("b")
              // What was asked for before the crash may be under way.
              yield* Effect.flatMap(process.start, ({ retry }) => Effect.ignore(retry))
              return yield* process.result
            })
        })
        assert.isAbove(all.at(-1)?.commits ?? 0, 5)
        for (const { commits, description, exit, outside } of all) {
          const where = `after ${commits} commits`
          assert.deepStrictEqual(exit, Exit.succeed("<b>"), where)
          assert.deepStrictEqual(outside.again, [], where)
          assert.isAtMost(description.executions.length, 2, where)
          assert.strictEqual(description.executions.at(-1)?.status, "Completed", where)
        }
      }))

    it.effect("a crash anywhere around a resume that was acknowledged: the step that failed is asked again", () =>
      Effect.gen(function*() {
        const acknowledged = new Set<Outside>()
        const all = yield* everyCrash(layer, {
          outside: () => new Outside().fail("b"),
          bodies: { held: Effect.zipRight(done("a"), act("b")) },
          meanwhile: (process, outside) =>
            Effect.gen(function*() {
              const info = yield* process.run(Held.start(id))
              yield* hasStatus("Suspended")
              if (acknowledged.has(outside)) return
              outside.mend("b")
              yield* info.resume
              acknowledged.add(outside)
            }).pipe(Effect.catchAllCause(() => Effect.void)),
          result: ({ run }) => Effect.exit(run(Held.execute(id)))
        })
        assert.isAbove(all.at(-1)?.commits ?? 0, 4)
        for (const { commits, exit, outside } of all) {
          const where = `after ${commits} commits`
          assert.deepStrictEqual(exit, Exit.succeed("<b>"), where)
          assert.notInclude(outside.again, "a", where)
        }
      }))

    describe("the result of a workflow", () => {
      test("is given to all who wait, and a wait that ends leaves the workflow alone", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: act("a") })
          const info = yield* process.start
          const elsewhere = yield* Effect.flatMap(client, (service) => service.info(id))
          yield* called(outside, "a")
          const wait = (result: typeof info.result) =>
            Effect.forEach(Array.from({ length: 20 }), () => Effect.fork(result))
          const [here, there, given] = yield* Effect.all([wait(info.result), wait(elsewhere.result), wait(info.result)])
          yield* settle
          yield* Fiber.interruptAll(given)
          yield* settle
          assert.strictEqual(yield* info.status, "Running")
          assert.deepStrictEqual(outside.log, ["a"])
          outside.release("a")
          const results = yield* Effect.forEach([...here, ...there], Fiber.join)
          assert.deepStrictEqual([...new Set(results)], ["<a>"])
        }))
    })

    describe("is refused, and nothing is changed,", () => {
      type Operation = "pause" | "resume" | "retry"
      const refusals: ReadonlyArray<readonly [Operation, string, Workflow.Status]> = [
        ["pause", "completed", "Completed"],
        ["pause", "failed", "Failed"],
        ["pause", "cancelled", "Cancelled"],
        ["resume", "running", "Running"],
        ["resume", "completed", "Completed"],
        ["resume", "failed", "Failed"],
        ["resume", "cancelled", "Cancelled"],
        ["retry", "running", "Running"],
        ["retry", "paused", "Paused"],
        ["retry", "suspended", "Suspended"],
        ["retry", "completed", "Completed"]
      ]

      test("what the status does not allow, and of a workflow that is not there", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "x")
          const process = yield* open(outside, { main: act("a"), kid: act("x"), again: Effect.void, held: fails })
          const { describe, ...asked } = yield* service(process)
          yield* process.run(Main.start("running"))
          yield* process.run(Main.start("paused"))
          yield* process.run(Kid.start("cancelled"))
          yield* process.run(Kid.start("failed"))
          yield* until("all run", Effect.sync(() => outside.count("a") + outside.count("x") === 4))
          yield* asked.pause("paused")
          yield* asked.cancel("cancelled")
          outside.fail("x").release("x")
          yield* process.run(Again.execute("completed"))
          yield* process.run(Held.start("suspended"))
          for (const [, workflow, status] of refusals) yield* hasStatus(status, workflow)
          yield* settle
          for (const [operation, workflow, status] of refusals) {
            const before = yield* describe(workflow)
            const error = yield* Effect.flip(asked[operation](workflow))
            assert.deepStrictEqual(error, new InvalidStatus({ workflowId: workflow, operation, status }))
            yield* settle
            assert.deepStrictEqual(yield* describe(workflow), before)
          }
          for (const operation of ["pause", "resume", "retry", "cancel"] as const) {
            assert.deepStrictEqual(
              yield* Effect.flip(asked[operation]("nobody")),
              new WorkflowNotFound({ workflowId: "nobody" })
            )
          }
        }))

      it("and says what may be", () => {
        const message = (operation: Operation, status: Workflow.Status) =>
          new InvalidStatus({ workflowId: id, operation, status }).message
        assert.strictEqual(
          message("pause", "Failed"),
          "cannot pause the workflow \"w\", which is Failed: only a workflow that has not ended can be paused"
        )
        assert.include(message("resume", "Running"), "only one that is Paused or Suspended can be resumed")
        assert.include(message("retry", "Running"), "only one that is Failed or Cancelled can be retried")
      })
    })
  })
