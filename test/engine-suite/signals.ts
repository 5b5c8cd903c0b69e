/**
 * Signals: kept from the moment a workflow exists, taken once and in order, never by a wait that has lost its race.
 */
import { describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import {
  InvalidDuration,
  InvalidPayload,
  Journal,
  Saga,
  Signal,
  Tempolite,
  Workflow,
  WorkflowEnded,
  WorkflowNotFound
} from "../../src/index.ts"
import { promised } from "./bench.ts"
import {
  act,
  Again,
  type Body,
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
  reason,
  rows,
  settle,
  statuses,
  testOn,
  until
} from "./lab.ts"
import { anew } from "./notes.ts"

const Note = Signal.make("Note", { payload: { n: Schema.Number } })
const Other = Signal.make("Other", { payload: { n: Schema.Number } })
const Go = Signal.make("Go")

const take = (key: string) => Effect.map(Note.await(key), ({ n }) => n)

const takeWithin = (key: string, duration: Duration.DurationInput) =>
  Effect.map(Note.awaitWithin(key, duration), Option.match({ onNone: () => "too late", onSome: ({ n }) => n }))

/** Asks of a journal as another process would, whether an engine runs there or not. */
const client = <A, E>(effect: Effect.Effect<A, E, Tempolite.Tempolite | Main>) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.provide(
      effect,
      Layer.provideMerge(
        Main.client,
        Layer.provide(Tempolite.layerClient, Layer.succeed(Journal.Journal, journal))
      )
    ))

/** A workflow that only waits, for the bench. */
class Waiting extends Workflow.Tag<Waiting>()("Waiting", { success: Schema.Unknown }) {}

const live = (body: Effect.Effect<unknown, never, Workflow.Step<string>>) => Waiting.layer(() => body)

/** Sends one note after the other. */
const tell = (workflow: string, ...numbers: ReadonlyArray<number>) =>
  Effect.forEach(numbers, (n) => Note.send(workflow, { n }), { discard: true })

const tellLive = (process: Process, ...numbers: ReadonlyArray<number>) =>
  Effect.orDie(process.run(tell(id, ...numbers)))

/** The notes that nobody has taken. */
const kept = (workflow: string = id) =>
  Effect.map(rows(workflow), ({ signals }) => signals.map(({ payload }) => payload))

const note = (n: number) => `{"n":${n}}`

const waits = (path: string, workflow: string = id) =>
  until(
    `${path} of ${workflow} waits`,
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      const history = yield* journal.history(workflow)
      return Option.exists(history, ({ steps }) => steps.some((row) => row.path === path && row.status === "Waiting"))
    })
  )

const has = (path: string, status: string) =>
  until(`${path} is ${status}`, Effect.map(statuses(), (all) => all[path] === status))

const rowOf = (path: string) => Effect.map(rows(), ({ steps }) => steps.find((row) => row.path === path))

const both = Effect.all([take("s1"), take("s2")])

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`signals (${name})`, () => {
    const test = testOn(layer)
    const promise = promised(layer)

    describe("are kept in the order in which they came, and taken one by one", () => {
      test("that come before anybody waits, and after", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: Effect.zipRight(act("a"), Effect.all([both, take("s3")])) })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* tellLive(process, 3, 1)
          assert.deepStrictEqual(yield* kept(), [note(3), note(1)])
          outside.release("a")
          yield* waits("s3")
          assert.deepStrictEqual(yield* kept(), [])
          yield* tellLive(process, 2)
          assert.deepStrictEqual(yield* info.result, [[3, 1], 2])
        }))

      test("that another process sends while nobody runs the workflow, from when it exists", (outside) =>
        Effect.gen(function*() {
          yield* client(Effect.zipRight(Main.start(id), tell(id, 1)))
          assert.strictEqual((yield* rows()).workflow.status, "Pending")
          yield* client(tell(id, 2))
          const process = yield* open(outside, { main: both })
          assert.deepStrictEqual(yield* process.result, Exit.succeed([1, 2]))
        }))

      test("that another process sends beside an engine", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: both })
          const info = yield* process.start
          yield* waits("s1")
          yield* client(tell(id, 1))
          yield* waits("s2")
          yield* client(tell(id, 2))
          assert.deepStrictEqual(yield* info.result, [1, 2])
        }))

      test("that come while the engine is down", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, { main: Effect.all([take("s1"), both]) })
          yield* first.start
          yield* waits("s1")
          yield* first.kill
          yield* client(tell(id, 1))
          const second = yield* open(outside, { main: Effect.all([take("s1"), take("s2"), take("s3")]) })
          yield* waits("s2")
          yield* second.close
          yield* client(tell(id, 2, 3))
          const third = yield* open(outside, { main: Effect.all([take("s1"), take("s2"), take("s3")]) })
          assert.deepStrictEqual(yield* third.result, Exit.succeed([1, 2, 3]))
        }))

      for (const restarts of [false, true]) {
        test(`that come while the workflow is Paused${restarts ? ", and the process is another" : ""}`, (outside) =>
          Effect.gen(function*() {
            const first = yield* open(outside, { main: both })
            const info = yield* first.start
            yield* waits("s1")
            yield* info.pause
            yield* tellLive(first, 1)
            yield* client(tell(id, 2))
            yield* settle
            // The first is recorded, as every outcome is; the others wait for who is to ask next.
            assert.deepStrictEqual(yield* kept(), [note(2)])
            assert.deepStrictEqual(yield* statuses(), { s1: "Completed" })
            if (restarts) {
              yield* first.kill
            }
            const process = restarts ? yield* open(outside, { main: both }) : first
            const again = yield* process.start
            yield* again.resume
            assert.deepStrictEqual(yield* again.result, [1, 2])
          }), { except: { crash: "what is paused has no run after a restart, and records nothing" } })

        test(
          `that come in time while it is Paused${restarts ? ", and the process is another" : ""}, whenever it goes on`,
          (outside) =>
            Effect.gen(function*() {
              const main = takeWithin("s1", "1 hour")
              const first = yield* open(outside, { main })
              const info = yield* first.start
              yield* waits("s1")
              yield* info.pause
              if (restarts) {
                yield* first.kill
              }
              const process = restarts ? yield* open(outside, { main }) : first
              yield* client(tell(id, 1))
              yield* settle
              yield* TestClock.adjust("2 hours")
              const again = yield* process.start
              yield* again.resume
              assert.deepStrictEqual(yield* again.result, 1)
            })
        )
      }

      test("that come while the workflow is Suspended", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, { main: Effect.zipRight(act("a"), Effect.never) })
          yield* first.start
          yield* hasStatus("Suspended")
          yield* tellLive(first, 1)
          yield* client(tell(id, 2))
          yield* first.close
          const second = yield* open(outside, { main: Effect.zipRight(act("a"), both) })
          assert.deepStrictEqual(yield* second.result, Exit.succeed([1, 2]))
          assert.deepStrictEqual(outside.log, ["a"])
        }))

      test("of one name by several fibers: who asked first has the first", (outside) =>
        Effect.gen(function*() {
          const order: Array<string> = []
          const process = yield* open(outside, {
            main: anew(
              order,
              Effect.all(
                ["x", "y", "z"].map((key) =>
                  Effect.tap(take(key), (n) =>
                    Effect.sync(() =>
                      order.push(`${key}${n}`)
                    ))
                ),
                { concurrency: "unbounded" }
              )
            )
          })
          const info = yield* process.start
          yield* waits("z")
          yield* tellLive(process, 1, 2, 3)
          assert.deepStrictEqual(yield* info.result, [1, 2, 3])
          assert.deepStrictEqual(order, ["x1", "y2", "z3"])
        }))

      test("of one name by several workflows, which do not disturb each other", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: both })
          const one = yield* process.run(Main.start("one"))
          const two = yield* process.run(Main.start("two"))
          yield* waits("s1", "one")
          yield* waits("s1", "two")
          yield* process.run(tell("two", 3))
          yield* settle
          assert.deepStrictEqual(yield* statuses("one"), { s1: "Waiting" })
          yield* process.run(Effect.all([tell("one", 1, 2), tell("two", 4)]))
          assert.deepStrictEqual(yield* one.result, [1, 2])
          assert.deepStrictEqual(yield* two.result, [3, 4])
        }))

      test("of several names, each in an order of its own", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.all([Other.await("o1"), Note.await("s1"), Other.await("o2"), Note.await("s2")])
          })
          const info = yield* process.start
          yield* tellLive(process, 1, 2)
          yield* waits("o1")
          yield* process.run(Effect.zipRight(Other.send(id, { n: 3 }), Other.send(id, { n: 4 })))
          assert.deepStrictEqual(yield* info.result, [{ n: 3 }, { n: 1 }, { n: 4 }, { n: 2 }])
        }))

      test("and shown, those that nobody has taken, in `describe`", (outside) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 hour")
          const process = yield* open(outside, { main: Effect.zipRight(take("s1"), Go.await("go")) })
          const info = yield* process.start
          yield* tellLive(process, 1, 2)
          yield* waits("go")
          const { signals, steps } = yield* info.describe
          assert.deepStrictEqual(
            signals.map(({ name, payload, sentAt }) => [name, payload, sentAt.epochMillis]),
            [["Note", { n: 2 }, 3_600_000]]
          )
          assert.deepStrictEqual(
            steps.map(({ key, kind, name, status }) => [key, kind, name, status]),
            [["s1", "Signal", "Note", "Completed"], ["go", "Signal", "Go", "Waiting"]]
          )
          yield* process.run(Go.send(id))
          yield* info.result
          assert.deepStrictEqual(yield* kept(), [note(2)])
        }))

      test("whatever their payload: nothing, null, text", (outside) =>
        Effect.gen(function*() {
          const Maybe = Signal.make("Maybe", { payload: Schema.NullOr(Schema.String) })
          const seen: Array<unknown> = []
          const saw = Effect.tap((value: unknown) => Effect.sync(() => seen.push(value)))
          const process = yield* open(outside, {
            main: anew(
              seen,
              Effect.all([
                saw(Go.await("go")),
                saw(Maybe.await("m1")),
                saw(Maybe.awaitWithin("m2", "1 hour")),
                saw(Maybe.awaitWithin("m3", "1 hour"))
              ], { discard: true })
            )
          })
          const info = yield* process.start
          yield* process.run(Effect.all([
            Go.send(id),
            Maybe.send(id, "payload"),
            Maybe.send(id, null),
            Maybe.send(id, "")
          ]))
          yield* info.result
          assert.deepStrictEqual(seen, [{}, "payload", Option.some(null), Option.some("")])
        }))
    })

    describe("are not swallowed", () => {
      for (const crashes of [false, true]) {
        test(`by a wait that has lost its race${crashes ? ", nor by its replay" : ""}`, (outside) =>
          Effect.gen(function*() {
            outside.hold("b")
            const main: Body = Effect.gen(function*() {
              const won = yield* Effect.race(take("lost"), act("a"))
              yield* act("b")
              return [won, yield* take("s")]
            })
            const first = yield* open(outside, { main })
            yield* first.start
            yield* called(outside, "b")
            yield* has("lost", "Cancelled")
            yield* tellLive(first, 1)
            if (crashes) yield* first.kill
            const second = crashes ? yield* open(outside, { main }) : first
            outside.release("b")
            assert.deepStrictEqual(yield* second.result, Exit.succeed(["<a>", 1]))
          }))
      }

      test("by a wait that loses its race at the same instant", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const one = yield* Effect.race(take("s1"), act("a"))
              return [one, yield* take("s2")]
            })
          })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* waits("s1")
          outside.release("a")
          yield* tellLive(process, 1)
          // Whoever wins: of two signals each is taken by one of those that wait.
          yield* tellLive(process, 2)
          const result = yield* info.result
          assert.include([`["<a>",1]`, `[1,2]`], JSON.stringify(result))
        }), {
        except: {
          crash: "it decides what comes first, and a restart comes first",
          lost: "it decides what comes first, and a restart comes first"
        }
      })

      test("by the second of two waits that race for the same one", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const won = yield* Effect.race(
                Effect.map(take("s1"), (n) => `first ${n}`),
                Effect.map(take("s2"), (n) => `second ${n}`)
              )
              return [won, yield* take("s3")]
            })
          })
          const info = yield* process.start
          yield* waits("s2")
          yield* tellLive(process, 1, 2)
          assert.deepStrictEqual(yield* info.result, ["first 1", 2])
        }))

      test("by a workflow that is cancelled: the wait is Cancelled, and the signal still there", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), Other.await("o")) })
          const info = yield* process.start
          yield* waits("o")
          yield* tellLive(process, 1)
          yield* info.cancel
          assert.isTrue(Exit.isFailure(yield* Effect.exit(info.result)))
          assert.deepStrictEqual(yield* statuses(), { a: "Compensated", o: "Cancelled", "u-a": "Completed" })
          assert.deepStrictEqual(yield* kept(), [note(1)])
        }))

      test("by an execution that fails: the next one has what was taken, and then the next signal", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const process = yield* open(outside, {
            again: Effect.gen(function*() {
              const one = yield* take("s1")
              yield* act("a")
              return [one, yield* take("s2")]
            })
          })
          const info = yield* process.run(Again.start(id))
          yield* tellLive(process, 1)
          yield* until("it has failed", Effect.map(rows(), ({ workflow }) => workflow.wakeAt !== null))
          outside.mend("a")
          yield* tellLive(process, 2)
          yield* settle
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* info.result, [1, 2])
        }))

      test("by a workflow that failed, and is retried by hand", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const process = yield* open(outside, { main: Effect.zipRight(act("a"), take("s")) })
          const info = yield* process.start
          yield* tellLive(process, 1)
          yield* Effect.exit(info.result)
          outside.mend("a")
          yield* info.retry
          assert.deepStrictEqual(yield* info.result, 1)
        }))
    })

    test("win a race: what they race with is interrupted", (outside) =>
      Effect.gen(function*() {
        outside.hold("a")
        const process = yield* open(outside, { main: Effect.race(take("s"), act("a")) })
        const info = yield* process.start
        yield* called(outside, "a")
        yield* tellLive(process, 7)
        assert.strictEqual(yield* info.result, 7)
        assert.deepStrictEqual(outside.log, ["a", "a cut"])
        assert.deepStrictEqual(yield* statuses(), { s: "Completed", a: "Cancelled" })
      }))

    test("are taken while a workflow compensates", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, {
          main: Effect.zipRight(
            Saga.compensate(act("a"), () => Effect.flatMap(take("undo"), (n) => act(`u-${n}`))),
            fails
          )
        })
        const info = yield* process.start
        yield* waits("undo")
        yield* tellLive(process, 4)
        yield* Effect.exit(info.result)
        assert.deepStrictEqual(outside.log, ["a", "u-4"])
        assert.strictEqual((yield* statuses())["a"], "Compensated")
      }))

    describe("within a time", () => {
      const main: Body = Effect.all([takeWithin("s1", "1 hour"), takeWithin("s2", "1 hour")])

      test("are given, or it is said that it is over; what comes later is for the next", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.all([main, main.pipe(() => take("s3"))]) })
          const info = yield* process.start
          yield* waits("s1")
          yield* TestClock.adjust("59 minutes")
          yield* tellLive(process, 1)
          yield* waits("s2")
          yield* TestClock.adjust("1 hour")
          yield* waits("s3")
          yield* tellLive(process, 2)
          assert.deepStrictEqual(yield* info.result, [[1, "too late"], 2])
        }))

      test("that is fixed when they are first waited for, whatever becomes of the process", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, { main })
          yield* first.start
          yield* waits("s1")
          assert.strictEqual((yield* rowOf("s1"))?.wakeAt, 3_600_000)
          yield* TestClock.adjust("20 minutes")
          yield* first.kill
          yield* TestClock.adjust("20 minutes")
          const second = yield* open(outside, { main })
          yield* settle
          assert.strictEqual((yield* rowOf("s1"))?.wakeAt, 3_600_000)
          yield* TestClock.adjust("19 minutes")
          yield* settle
          assert.deepStrictEqual(yield* statuses(), { s1: "Waiting" })
          yield* TestClock.adjust("1 minute")
          yield* waits("s2")
          assert.strictEqual((yield* rowOf("s1"))?.at, 3_600_000)
          assert.strictEqual((yield* rowOf("s2"))?.wakeAt, 7_200_000)
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(yield* second.result, Exit.succeed(["too late", "too late"]))
        }))

      test("that the code has changed, while they are waited for, is a new one", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, { main: takeWithin("s", "1 hour") })
          yield* first.start
          yield* waits("s")
          yield* first.kill
          yield* TestClock.adjust("10 minutes")
          const second = yield* open(outside, { main: takeWithin("s", "20 minutes") })
          yield* until("it waits anew", Effect.map(rowOf("s"), (row) => row?.wakeAt === 30 * 60_000))
          yield* TestClock.adjust("20 minutes")
          assert.deepStrictEqual(yield* second.result, Exit.succeed("too late"))
        }))

      test("that is none: only what is there already", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, {
            main: Effect.zipRight(act("a"), Effect.all([takeWithin("s1", 0), takeWithin("s2", 0)]))
          })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* tellLive(process, 1)
          outside.release("a")
          yield* settle
          yield* TestClock.adjust(0)
          assert.deepStrictEqual(yield* info.result, [1, "too late"])
        }))

      for (const duration of ["-1 millis", "Infinity"] as const) {
        test(`that cannot be is a defect, and nothing is recorded: ${duration}`, (outside) =>
          Effect.gen(function*() {
            const process = yield* open(outside, {
              main: Effect.map(
                Effect.exit(takeWithin("s", duration === "Infinity" ? Number.POSITIVE_INFINITY : -1)),
                (exit) =>
                  Exit.isFailure(exit) && exit.cause._tag === "Die" && exit.cause.defect instanceof InvalidDuration
              )
            })
            assert.deepStrictEqual(yield* process.result, Exit.succeed(true))
            assert.deepStrictEqual(yield* statuses(), {})
          }))
      }
    })

    describe("and a time that was over while no engine ran:", () => {
      const races: ReadonlyArray<readonly [string, Body]> = [
        ["awaitWithin", takeWithin("s", "1 hour")],
        ["a race with a sleep", Effect.race(take("s"), Effect.as(Workflow.sleep("nap", "1 hour"), "too late"))],
        [
          "a timeout",
          Effect.map(Effect.timeoutOption(take("s"), "1 hour"), Option.getOrElse(() => "too late"))
        ]
      ]
      for (const [what, race] of races) {
        for (
          const [when, minutes, expected] of [
            ["before it was over wins", 59, [1, 2]],
            ["when it was over wins", 60, [1, 2]],
            ["after it was over loses, and is kept", 61, ["too late", 1]]
          ] as const
        ) {
          test(`what was sent ${when} (${what})`, (outside) =>
            Effect.gen(function*() {
              const main = Effect.all([race, take("next")])
              const first = yield* open(outside, { main })
              yield* first.start
              yield* waits("s")
              yield* first.kill
              yield* TestClock.adjust(`${minutes} minutes`)
              yield* client(tell(id, 1))
              yield* TestClock.adjust("5 hours")
              yield* client(tell(id, 2))
              const second = yield* open(outside, { main })
              assert.deepStrictEqual(yield* second.result, Exit.succeed([...expected]))
            }))
        }
      }

      for (const [when, minutes, expected] of [["before", 59, [1, 2]], ["after", 61, ["too late", 1]]] as const) {
        promise(`what was sent ${when} it was over, seen when the process has stood still`, (bench) =>
          Effect.gen(function*() {
            const engine = yield* bench.start(live(Effect.all([takeWithin("s", "1 hour"), take("next")])))
            const info = yield* engine.run(Waiting.start("w", {}))
            yield* bench.settle
            // It is stopped: time passes, and nothing is done.
            bench.clock.now += minutes * 60_000
            yield* bench.journal.send({ workflowId: "w", name: "Note", payload: note(1), at: bench.clock.now })
            bench.clock.now += 3_600_000
            yield* bench.journal.send({ workflowId: "w", name: "Note", payload: note(2), at: bench.clock.now })
            assert.deepStrictEqual(yield* bench.wait(info.result), [...expected])
          }))
      }

      test("what was sent between two of them wins over the second, which must not be over with the first", (outside) =>
        Effect.gen(function*() {
          const seen: Array<unknown> = []
          const main = anew(
            seen,
            Effect.all([
              Effect.zipRight(
                Workflow.sleep("nap", "1 hour"),
                Effect.sync(() =>
                  seen.push("slept")
                )
              ),
              Effect.tap(takeWithin("s", "3 hours"), (n) => Effect.sync(() => seen.push(n)))
            ], { concurrency: "unbounded", discard: true })
          )
          const first = yield* open(outside, { main })
          yield* first.start
          yield* waits("s")
          yield* first.kill
          yield* TestClock.adjust("2 hours")
          yield* client(tell(id, 1))
          yield* TestClock.adjust("5 hours")
          const second = yield* open(outside, { main })
          yield* second.result
          assert.deepStrictEqual(seen, ["slept", 1])
        }))

      test("what was sent between two of them is heard by who waits for it only after the first", (outside) =>
        Effect.gen(function*() {
          const main = Effect.map(
            Effect.timeoutOption(Effect.zipRight(Workflow.sleep("nap", "1 hour"), take("s")), "3 hours"),
            Option.getOrElse(() => "too late")
          )
          const first = yield* open(outside, { main })
          yield* first.start
          yield* waits("nap")
          yield* first.kill
          yield* TestClock.adjust("30 minutes")
          yield* client(Other.send(id, { n: 0 }))
          yield* TestClock.adjust("90 minutes")
          yield* client(tell(id, 1))
          yield* TestClock.adjust("5 hours")
          yield* client(Other.send(id, { n: 0 }))
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed(1))
        }))
    })

    describe("send", () => {
      for (const where of ["in the process of the engine", "in another one"]) {
        const run = <A, E2>(process: Process, effect: Effect.Effect<A, E2, Tempolite.Tempolite>) =>
          where === "in another one" ? client(effect) : process.run(effect)
        test(`fails for a workflow that is not there, or has ended, and changes nothing, ${where}`, (outside) =>
          Effect.gen(function*() {
            const journal = yield* Journal.Journal
            const process = yield* open(outside, { main: Effect.void, kid: fails, again: take("s") })
            yield* process.run(Main.execute("completed"))
            yield* Effect.exit(process.run(Kid.execute("failed")))
            const info = yield* process.run(Again.start("cancelled"))
            yield* info.cancel
            yield* Effect.exit(info.result)
            yield* settle
            const before = yield* Effect.forEach(["completed", "failed", "cancelled"], (workflow) => rows(workflow))
            const errors = yield* Effect.forEach(
              ["nobody", "completed", "failed", "cancelled"],
              (workflow) => Effect.flip(run(process, Note.send(workflow, { n: 1 })))
            )
            const isUnsendable = Schema.is(Schema.Union(WorkflowNotFound, WorkflowEnded))
            assert.deepStrictEqual(
              errors.filter(isUnsendable).map(({ message }) => message),
              [
                new WorkflowNotFound({ workflowId: "nobody" }),
                new WorkflowEnded({ workflowId: "completed", status: "Completed" }),
                new WorkflowEnded({ workflowId: "failed", status: "Failed" }),
                new WorkflowEnded({ workflowId: "cancelled", status: "Cancelled" })
              ].map(({ message }) => message)
            )
            assert.deepStrictEqual(
              yield* Effect.forEach(["completed", "failed", "cancelled"], (workflow) => rows(workflow)),
              before
            )
            assert.deepStrictEqual(yield* journal.requests, [])
          }))

        test(`fails for what is no payload, or no id, and changes nothing, ${where}`, (outside) =>
          Effect.gen(function*() {
            const Short = Signal.make("Short", { payload: { text: Schema.String.pipe(Schema.maxLength(3)) } })
            const process = yield* open(outside, { main: take("s") })
            yield* process.start
            yield* waits("s")
            const faults = [Short.send(id, { text: "long" }), Note.send("", { n: 1 })]
            for (const fault of faults) {
              assert.instanceOf(yield* Effect.flip(run(process, fault)), InvalidPayload)
            }
            assert.deepStrictEqual(yield* kept(), [])
          }))
      }

      test("to a sub-workflow, or any other that is found by its id", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Kid.child("kid"), kid: take("s") })
          const info = yield* process.start
          yield* waits("s", "w\\/kid")
          yield* process.run(tell("w/kid", 5))
          assert.strictEqual(yield* info.result, 5)
        }))
    })

    describe("sent by a workflow", () => {
      test("are taken by another one, and the step is on record", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.orDie(
              Effect.zipRight(Note.sendAs("tell", "other", { n: 1 }), Note.sendAs("more", "other", { n: 2 }))
            ),
            again: both
          })
          const other = yield* process.run(Again.start("other"))
          const info = yield* process.start
          yield* info.result
          assert.deepStrictEqual(yield* other.result, [1, 2])
          const { steps } = yield* info.describe
          assert.deepStrictEqual(
            steps.map(({ key, kind, name, payload, status }) => [key, kind, name, payload, status]),
            [
              ["tell", "Send", "Note", ["other", { n: 1 }], "Completed"],
              ["more", "Send", "Note", ["other", { n: 2 }], "Completed"]
            ]
          )
        }))

      test("to itself, before and after it waits for them", (outside) =>
        Effect.gen(function*() {
          const send = (key: string, n: number) => Effect.orDie(Note.sendAs(key, id, { n }))
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* send("tell", 1)
              const one = yield* take("s1")
              const [two] = yield* Effect.all([take("s2"), Effect.zipRight(act("a"), send("more", 2))], {
                concurrency: 2
              })
              return [one, two]
            })
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed([1, 2]))
        }))

      test("to the sub-workflow that was just started", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const kid = yield* Kid.startChild("kid")
              yield* Effect.orDie(Note.sendAs("tell", kid.workflowId, { n: 3 }))
              return yield* kid.result
            }),
            kid: take("s")
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(3))
        }))

      test("to the workflow that was just detached", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const kid = yield* Kid.detach("kid")
              yield* Effect.orDie(Note.sendAs("tell", kid, { n: 3 }))
            }),
            kid: take("s")
          })
          yield* process.result
          yield* hasStatus("Completed", "w\\/kid")
          assert.strictEqual((yield* rows("w\\/kid")).workflow.outcome, "3")
        }))

      test("to nobody, or to one that has ended, fail with a typed error that is recorded once", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const seen: Array<unknown> = []
          const send = (key: string, to: string) =>
            Effect.tap(Effect.either(Note.sendAs(key, to, { n: 1 })), (either) => Effect.sync(() => seen.push(either)))
          const main: Body = anew(
            seen,
            Effect.all([send("s1", "nobody"), send("s2", "over"), act("a")], { discard: true })
          )
          const first = yield* open(outside, { main, again: take("s") })
          yield* Effect.exit(first.run(Held.execute("over")))
          yield* first.start
          yield* called(outside, "a")
          const expected = [
            Either.left(new WorkflowNotFound({ workflowId: "nobody" })),
            Either.left(new WorkflowEnded({ workflowId: "over", status: "Completed" }))
          ]
          assert.deepStrictEqual(seen.splice(0), expected)
          yield* first.kill
          const second = yield* open(outside, { main, again: take("s") })
          // There is somebody now: what is recorded stays.
          yield* second.run(Again.start("nobody"))
          outside.release("a")
          yield* second.result
          assert.deepStrictEqual(seen, expected)
          yield* waits("s", "nobody")
          assert.deepStrictEqual(yield* kept("nobody"), [])
        }))

      test("with what is no payload: a defect, and nothing is recorded", (outside) =>
        Effect.gen(function*() {
          const Short = Signal.make("Short", { payload: { text: Schema.String.pipe(Schema.maxLength(3)) } })
          const process = yield* open(outside, {
            main: Effect.map(
              Effect.exit(Short.sendAs("tell", id, { text: "long" })),
              (exit) => Exit.isFailure(exit) && exit.cause._tag === "Die" && exit.cause.defect instanceof InvalidPayload
            )
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(true))
          assert.deepStrictEqual(yield* statuses(), {})
        }))

      it.effect("arrive exactly once, wherever the process crashes", () =>
        Effect.gen(function*() {
          const all = yield* everyCrash(layer, {
            outside: () => new Outside(),
            bodies: {
              main: Effect.gen(function*() {
                const kid = yield* Kid.startChild("kid")
                yield* Effect.orDie(Effect.all([
                  Note.sendAs("one", kid.workflowId, { n: 1 }),
                  Note.sendAs("self", id, { n: 9 })
                ], { concurrency: 2 }))
                yield* act("a")
                yield* Effect.orDie(Note.sendAs("two", kid.workflowId, { n: 2 }))
                const heard = yield* takeWithin("s1", "1 minute")
                return [heard, yield* kid.result, yield* takeWithin("s2", 0)]
              }),
              kid: Effect.gen(function*() {
                const heard = yield* both
                yield* act("k")
                return [heard, yield* takeWithin("s3", 0)]
              })
            },
            // What is over at once is over when time passes.
            meanwhile: () => Effect.forever(Effect.zipRight(settle, TestClock.adjust(0)))
          })
          assert.isAbove(all.at(-1)?.commits ?? 0, 7)
          for (const { commits, exit, outside } of all) {
            assert.deepStrictEqual(
              exit,
              Exit.succeed([9, [[1, 2], "too late"], "too late"]),
              `after ${commits} commits`
            )
            assert.deepStrictEqual(outside.again, [], `after ${commits} commits`)
          }
        }))
    })

    it.effect("are taken exactly once, wherever the process crashes", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () => new Outside(),
          bodies: {
            main: Effect.gen(function*() {
              const heard = yield* both
              yield* act("a")
              const more = yield* Effect.all(
                ["x", "y"].map((key) => Effect.zipLeft(take(key), act(`after-${key}`))),
                { concurrency: 2 }
              )
              return [heard, more]
            })
          },
          // A client that sends what it is not sure to have sent.
          meanwhile: (process) =>
            Effect.gen(function*() {
              yield* process.start
              const { signals, steps } = yield* rows()
              const sent = signals.length + steps.filter(({ kind, seq }) => kind === "Signal" && seq !== null).length
              yield* tellLive(process, ...[1, 2, 3, 4].slice(sent))
            }).pipe(Effect.catchAllCause(() => Effect.void))
        })
        assert.isAbove(all.at(-1)?.commits ?? 0, 4)
        for (const { commits, exit } of all) {
          assert.deepStrictEqual(exit, Exit.succeed([[1, 2], [3, 4]]), `after ${commits} commits`)
        }
      }))

    describe("on record", () => {
      test("that do not decode any more suspend the workflow; mended, it goes on with what was taken", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const first = yield* open(outside, { main: Effect.zipLeft(take("s"), act("a")) })
          yield* first.start
          yield* tellLive(first, 1)
          yield* called(outside, "a")
          yield* first.kill
          const Changed = Signal.make("Note", { payload: { n: Schema.Number, by: Schema.String } })
          const second = yield* open(outside, { main: Effect.zipLeft(Changed.await("s"), act("a")) })
          yield* second.start
          const why = yield* reason()
          assert.include(why, "NonDeterminism")
          assert.include(why, "does not decode any more")
          assert.include(why, "\"s\"")
          assert.strictEqual((yield* rowOf("s"))?.status, "Completed")
          yield* second.close
          outside.release("a")
          const third = yield* open(outside, { main: Effect.zipLeft(take("s"), act("a")) })
          assert.deepStrictEqual(yield* third.result, Exit.succeed(1))
        }))

      test("under the key of another signal, or of another kind of step, are NonDeterminism", (outside) =>
        Effect.gen(function*() {
          for (const [workflow, changed] of [["w1", Other.await("s")], ["w2", act("s")]] as const) {
            outside.hold("a")
            const main = (step: Body): Body => Effect.zipRight(step, act("a"))
            const first = yield* open(outside, { main: main(take("s")) })
            yield* first.run(Main.start(workflow))
            yield* first.run(tell(workflow, 1))
            yield* until(
              "it has been taken",
              Effect.map(statuses(workflow), ({ s }) => s === "Completed")
            )
            yield* first.kill
            const second = yield* open(outside, { main: main(changed) })
            assert.include(yield* reason(workflow), "NonDeterminism")
            yield* second.close
          }
        }))

      test("are taken again by nobody: a wait that was answered is answered from the journal", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const main = Effect.zipLeft(take("s"), act("a"))
          const first = yield* open(outside, { main })
          yield* first.start
          yield* tellLive(first, 1, 2)
          yield* called(outside, "a")
          yield* first.kill
          outside.release("a")
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed(1))
          assert.deepStrictEqual(yield* kept(), [note(2)])
        }))
    })

    test("many at once are all taken, in order", (outside) =>
      Effect.gen(function*() {
        const numbers = Array.from({ length: 100 }, (_, index) => index)
        const process = yield* open(outside, {
          main: Effect.forEach(numbers, (n) => take(`s${n}`))
        })
        const info = yield* process.start
        yield* tellLive(process, ...numbers)
        assert.deepStrictEqual(yield* info.result, numbers)
      }))
  })
