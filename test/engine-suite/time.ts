/**
 * The time of a body: sleeps are durable, the clock stands still between deliveries, and what tells of a run tells it
 * once, in wall time.
 */
import { describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { assert } from "vitest"
import { Activity, type Journal, SideEffect, Signal, Workflow } from "../../src/index.ts"
import {
  act,
  Again,
  type Body,
  called,
  Hasty,
  id,
  open,
  type Process,
  reason,
  rows,
  settle,
  statuses,
  testOn,
  until
} from "./lab.ts"
import { anew } from "./notes.ts"

const wakeAtOf = (path: string) =>
  Effect.map(rows(), ({ steps }) => steps.find((row) => row.path === path)?.wakeAt ?? undefined)

const waits = (path: string) =>
  until(
    `${path} waits`,
    Effect.map(rows(), ({ steps }) => steps.some((row) => row.path === path && row.status === "Waiting"))
  )

/** Whether the workflow has ended by now. */
const hasEnded = Effect.zipRight(settle, Effect.map(rows(), ({ workflow }) => workflow.finishedAt !== null))

const startAndWait = (process: Process, path: string) => Effect.zipLeft(process.start, waits(path))

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`time (${name})`, () => {
    const test = testOn(layer)

    describe("a sleep", () => {
      const sleeps: ReadonlyArray<readonly [string, string, Body]> = [
        ["Effect.sleep", "~sleep/1", Effect.sleep("1 hour")],
        ["Workflow.sleep", "nap", Workflow.sleep("nap", "1 hour")],
        ["Workflow.sleepUntil", "nap", Workflow.sleepUntil("nap", DateTime.unsafeMake(3_600_000))]
      ]
      for (const [what, path, main] of sleeps) {
        test(`ends when it would have ended, whatever became of the process: ${what}`, (outside) =>
          Effect.gen(function*() {
            const first = yield* open(outside, { main })
            yield* startAndWait(first, path)
            assert.strictEqual(yield* wakeAtOf(path), 3_600_000)
            yield* TestClock.adjust("20 minutes")
            yield* first.kill
            yield* TestClock.adjust("20 minutes")
            const second = yield* open(outside, { main })
            yield* TestClock.adjust("10 minutes")
            yield* second.close
            const third = yield* open(outside, { main })
            const info = yield* third.start
            yield* TestClock.adjust("9 minutes")
            assert.isFalse(yield* hasEnded)
            assert.strictEqual(yield* wakeAtOf(path), 3_600_000)
            yield* TestClock.adjust("1 minute")
            yield* info.result
            assert.deepStrictEqual(yield* statuses(), { [path]: "Completed" })
            assert.strictEqual((yield* rows()).steps[0]?.at, 3_600_000)
          }))
      }

      test("gives nothing", (outside) =>
        Effect.gen(function*() {
          const seen: Array<unknown> = []
          const note = Effect.tap((value: unknown) => Effect.sync(() => seen.push(value)))
          const process = yield* open(outside, {
            main: anew(seen, Effect.zipRight(note(Effect.sleep(1)), note(Workflow.sleep("nap", 1))))
          })
          yield* startAndWait(process, "~sleep/1")
          yield* TestClock.adjust(1)
          yield* waits("nap")
          yield* TestClock.adjust(1)
          yield* process.result
          assert.deepStrictEqual(seen, [undefined, undefined])
        }))

      test("until a time that has passed is over at once", (outside) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("1 hour")
          const process = yield* open(outside, { main: Workflow.sleepUntil("nap", DateTime.unsafeMake(1)) })
          assert.isTrue(Exit.isSuccess(yield* process.result))
        }))

      test("of nothing, or less, has no row; one without end neither", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, {
            main: Effect.race(
              Effect.zipRight(Effect.sleep(0), Effect.zipRight(Effect.sleep(Duration.millis(-1)), act("a"))),
              Effect.sleep(Duration.infinity)
            )
          })
          const info = yield* process.start
          yield* called(outside, "a")
          assert.deepStrictEqual(yield* statuses(), { a: "Running" })
          outside.release("a")
          yield* info.result
          assert.deepStrictEqual(yield* statuses(), { a: "Completed" })
        }))

      test("of a part of a millisecond is kept as it is, and ends with the next one", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.sleep(Duration.millis(0.25)), Workflow.sleep("nap", Duration.micros(1_500n)))
          })
          const info = yield* startAndWait(process, "~sleep/1")
          assert.strictEqual(yield* wakeAtOf("~sleep/1"), 1)
          yield* TestClock.adjust(1)
          yield* waits("nap")
          assert.strictEqual(yield* wakeAtOf("nap"), 3)
          yield* TestClock.adjust(2)
          yield* info.result
          assert.deepStrictEqual(
            (yield* rows()).steps.map(({ payload }) => payload),
            ["{\"millis\":0.25}", "{\"millis\":1.5}"]
          )
        }))

      test("may be longer than a timer of the platform", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.sleep("60 days") })
          yield* startAndWait(process, "~sleep/1")
          for (const days of [25, 25, 9]) {
            yield* TestClock.adjust(Duration.days(days))
            assert.isFalse(yield* hasEnded)
          }
          yield* TestClock.adjust("1 day")
          assert.isTrue(Exit.isSuccess(yield* process.result))
        }))

      test("until a day in a year ends then, in whichever process", (outside) =>
        Effect.gen(function*() {
          const year = 365 * 24 * 3_600_000
          const main = Effect.zipRight(
            Workflow.sleepUntil("nap", DateTime.unsafeMake(year)),
            Effect.clockWith((clock) => clock.currentTimeMillis)
          )
          const first = yield* open(outside, { main })
          yield* startAndWait(first, "nap")
          assert.strictEqual(yield* wakeAtOf("nap"), year)
          yield* TestClock.adjust("100 days")
          yield* first.kill
          yield* TestClock.adjust("100 days")
          const second = yield* open(outside, { main })
          const info = yield* second.start
          yield* TestClock.adjust("164 days")
          assert.isFalse(yield* hasEnded)
          yield* TestClock.adjust("1 day")
          assert.strictEqual(yield* info.result, year)
        }))

      test("that lost its race is Cancelled, and wakes nobody", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.race(Effect.sleep("1 hour"), act("a")), Effect.sleep("3 hours"))
          })
          const info = yield* startAndWait(process, "~sleep/a/1")
          yield* TestClock.adjust("2 hours")
          assert.isFalse(yield* hasEnded)
          yield* TestClock.adjust("1 hour")
          yield* info.result
          assert.deepStrictEqual(yield* statuses(), {
            "~sleep/1": "Cancelled",
            a: "Completed",
            "~sleep/a/1": "Completed"
          })
        }))

      test("of a schedule is durable, too", (outside) =>
        Effect.gen(function*() {
          const main = Effect.suspend(() => {
            let round = 0
            return Effect.suspend(() => act(`a${String(round++)}`)).pipe(
              Effect.repeat(Schedule.intersect(Schedule.spaced("1 hour"), Schedule.recurs(2)))
            )
          })
          const first = yield* open(outside, { main })
          yield* startAndWait(first, "~sleep/a0/1")
          yield* TestClock.adjust("30 minutes")
          yield* first.kill
          const second = yield* open(outside, { main })
          const info = yield* second.start
          yield* TestClock.adjust("30 minutes")
          yield* waits("~sleep/a1/1")
          assert.strictEqual(yield* wakeAtOf("~sleep/a1/1"), 2 * 3_600_000)
          yield* TestClock.adjust("1 hour")
          yield* info.result
          assert.deepStrictEqual(outside.log, ["a0", "a1", "a2"])
        }))
    })

    describe("a sleep whose duration the code has changed", () => {
      test("is a new one while it waits", (outside) =>
        Effect.gen(function*() {
          const first = yield* open(outside, {
            main: Effect.zipRight(Effect.sleep("1 hour"), Workflow.sleep("nap", "1 hour"))
          })
          yield* startAndWait(first, "~sleep/1")
          yield* first.kill
          yield* TestClock.adjust("10 minutes")
          const second = yield* open(outside, {
            main: Effect.zipRight(Effect.sleep("20 minutes"), Workflow.sleep("nap", "5 minutes"))
          })
          const info = yield* second.start
          yield* until("it waits anew", Effect.map(wakeAtOf("~sleep/1"), (at) => at === 30 * 60_000))
          yield* TestClock.adjust("20 minutes")
          yield* waits("nap")
          assert.strictEqual(yield* wakeAtOf("nap"), 35 * 60_000)
          yield* TestClock.adjust("5 minutes")
          assert.isTrue(Exit.isSuccess(yield* Effect.exit(info.result)))
        }))

      for (
        const [what, path, sleep] of [
          ["an implicit one", "~sleep/1", (duration) => Effect.sleep(duration)],
          ["one with a key", "nap", (duration) => Workflow.sleep("nap", duration)]
        ] satisfies ReadonlyArray<readonly [string, string, (duration: Duration.DurationInput) => Body]>
      ) {
        test(`is NonDeterminism once it has fired: ${what}`, (outside) =>
          Effect.gen(function*() {
            outside.hold("a")
            const first = yield* open(outside, { main: Effect.zipRight(sleep("1 hour"), act("a")) })
            yield* startAndWait(first, path)
            yield* TestClock.adjust("1 hour")
            yield* called(outside, "a")
            yield* first.kill
            const second = yield* open(outside, { main: Effect.zipRight(sleep("2 hours"), act("a")) })
            yield* second.start
            const why = yield* reason()
            assert.include(why, "NonDeterminism")
            assert.include(why, path)
            assert.include(why, "3600000")
            assert.include(why, "7200000")
            assert.strictEqual((yield* statuses())[path], "Completed")
          }))
      }
    })

    describe("after the process stood still", () => {
      test("timers fire in the order of their times, before any step starts", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "b")
          const order: Array<string> = []
          const note = (what: string) => Effect.sync(() => order.push(what))
          const sleep = (hours: number) =>
            Effect.zipRight(Effect.sleep(Duration.hours(hours)), note(`${String(hours)}: ${outside.log.join()}`))
          const main = Effect.all([act("a"), sleep(5), sleep(2), sleep(4), Effect.zipRight(sleep(3), act("b"))], {
            concurrency: "unbounded",
            discard: true
          })
          const first = yield* open(outside, { main })
          yield* startAndWait(first, "~sleep/4")
          yield* first.kill
          yield* TestClock.adjust("10 hours")
          outside.log.length = 0
          const second = yield* open(outside, { main })
          yield* second.start
          yield* called(outside, "a", "b")
          assert.deepStrictEqual(order, ["2: ", "3: ", "4: ", "5: "])
          const { steps } = yield* rows()
          assert.deepStrictEqual(
            steps.filter(({ kind }) => kind === "Timer").toSorted((x, y) => x.seq! - y.seq!).map(({ wakeAt }) =>
              wakeAt
            ),
            [2, 3, 4, 5].map((hours) => hours * 3_600_000)
          )
        }), { except: { crash: "its body notes what it does, and does it again in a replay" } })

      test("a timer fires before a side effect is recorded that begins and ends at once", (outside) =>
        Effect.gen(function*() {
          let hangs = true
          const main = Effect.raceFirst(
            SideEffect.record(
              "reading",
              Schema.String,
              Effect.suspend(() => hangs ? Effect.never : Effect.succeed("read"))
            ),
            Effect.as(Effect.sleep("1 hour"), "time")
          )
          const first = yield* open(outside, { main })
          yield* startAndWait(first, "~sleep/1")
          yield* first.kill
          yield* TestClock.adjust("2 hours")
          hangs = false
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("time"))
        }))

      test(
        "timers of all kinds fire in one order, and those of the same time in the order of their beginning",
        (outside) =>
          Effect.gen(function*() {
            const order: Array<string> = []
            const Never = Signal.make("Never")
            const note = (name: string) => Effect.tap(() => Effect.sync(() => order.push(name)))
            const main = Effect.all([
              Workflow.sleep("named", "4 hours").pipe(note("named")),
              Workflow.sleepUntil("until", DateTime.unsafeMake(3 * 3_600_000)).pipe(note("until")),
              Workflow.sleepUntil("past", DateTime.unsafeMake(-1)).pipe(note("past")),
              Effect.sleep("2 hours").pipe(note("implicit")),
              Never.awaitWithin("within", "1 hour").pipe(note("within")),
              Workflow.sleep("same", "2 hours").pipe(note("same"))
            ], { concurrency: "unbounded", discard: true })
            const first = yield* open(outside, { main }, { dieAfter: 2 })
            yield* startAndWait(first, "same")
            yield* first.kill
            order.length = 0
            yield* TestClock.adjust("10 hours")
            const second = yield* open(outside, { main })
            yield* second.result
            assert.deepStrictEqual(order, ["past", "within", "implicit", "same", "until", "named"])
          }),
        { except: { crash: "it crashes at each of its own commits", lost: "it crashes at each of its own commits" } }
      )

      test("the sleep that would have won its race wins it", (outside) =>
        Effect.gen(function*() {
          const main = Effect.race(
            Effect.as(Effect.sleep("5 hours"), "late"),
            Effect.as(Effect.sleep("2 hours"), "early")
          )
          const first = yield* open(outside, { main })
          yield* startAndWait(first, "~sleep/2")
          yield* first.kill
          yield* TestClock.adjust("10 hours")
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("early"))
        }))

      test("a sleep that is over wins over a step that would be quick, since it is recorded first", (outside) =>
        Effect.gen(function*() {
          const main = (reading: Effect.Effect<string>) =>
            Effect.race(
              SideEffect.record("reading", Schema.String, reading),
              Effect.as(Effect.sleep("1 hour"), "slept")
            )
          const first = yield* open(outside, { main: main(Effect.never) })
          yield* startAndWait(first, "~sleep/1")
          yield* first.kill
          yield* TestClock.adjust("2 hours")
          const second = yield* open(outside, { main: main(Effect.succeed("read")) })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("slept"))
        }))

      test("a step whose timeout had not begun does not time out before it ran", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const main = Effect.zipRight(act("a"), Effect.timeout(act("b"), "1 minute").pipe(Effect.orDie))
          const first = yield* open(outside, { main }, { closeGrace: "1 minute" })
          yield* first.start
          yield* called(outside, "a")
          // It ends while the engine closes: recorded, and not delivered any more.
          const closing = yield* Effect.fork(first.close)
          yield* settle
          outside.release("a")
          yield* closing
          assert.deepStrictEqual(yield* statuses(), { a: "Completed" })
          yield* TestClock.adjust("2 days")
          const second = yield* open(outside, { main })
          assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
          assert.deepStrictEqual(outside.log, ["a", "b"])
        }))

      test("the timeout of an attempt begins with the attempt", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const main = Hasty.execute("a")
          const first = yield* open(outside, { main })
          yield* first.start
          yield* called(outside, "a")
          yield* TestClock.adjust("50 seconds")
          yield* first.kill
          yield* TestClock.adjust("1 hour")
          const second = yield* open(outside, { main })
          const info = yield* second.start
          yield* until("it runs again", Effect.sync(() => outside.count("a") === 2))
          yield* TestClock.adjust("50 seconds")
          outside.release("a")
          assert.strictEqual(yield* info.result, "<a>")
        }))
    })

    describe("the clock of a body", () => {
      const now = Effect.all([
        Clock.currentTimeMillis,
        Effect.map(DateTime.now, DateTime.toEpochMillis),
        Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))
      ])

      test("begins with the start, shows the time of the latest delivery, and stands still between", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "b", "c")
          const seen: Array<ReadonlyArray<number>> = []
          const look = Effect.tap(now, (times) => Effect.sync(() => seen.push(times)))
          const main = anew(
            seen,
            Effect.gen(function*() {
              yield* look
              yield* act("a")
              yield* look
              yield* Effect.repeatN(Effect.yieldNow(), 5_000)
              yield* look
              yield* act("b")
              yield* look
              yield* act("c")
            })
          )
          yield* TestClock.adjust(1_000)
          const first = yield* open(outside, { main })
          yield* first.start
          yield* called(outside, "a")
          yield* TestClock.adjust(500)
          outside.release("a")
          yield* called(outside, "b")
          yield* TestClock.adjust(250)
          outside.release("b")
          yield* called(outside, "c")
          const expected = [1_000, 1_500, 1_500, 1_750].map((time) => [time, time, time])
          assert.deepStrictEqual(seen.splice(0), expected)
          yield* first.kill
          yield* TestClock.adjust("1 day")
          outside.release("c")
          const second = yield* open(outside, { main })
          yield* second.result
          assert.deepStrictEqual(seen, expected)
        }))

      test("is no clock of activities: they see the ordinary one", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Effect.sleep("1 hour")
              return yield* Activity.make("now", { success: Schema.Number, execute: Clock.currentTimeMillis })
            })
          })
          yield* startAndWait(process, "~sleep/1")
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual(yield* process.result, Exit.succeed(3_600_000))
        }))

      test("begins with the generation in every execution", (outside) =>
        Effect.gen(function*() {
          outside.fail("a")
          const seen: Array<number> = []
          yield* TestClock.adjust(5_000)
          const process = yield* open(outside, {
            again: Effect.zipRight(
              Effect.tap(Clock.currentTimeMillis, (time) => Effect.sync(() => seen.push(time))),
              act("a")
            )
          })
          const info = yield* process.run(Again.start(id))
          yield* until("the first has failed", Effect.map(rows(), ({ workflow }) => workflow.wakeAt !== null))
          yield* settle
          yield* TestClock.adjust("1 minute")
          yield* Effect.exit(info.result)
          assert.isAtLeast(seen.length, 2)
          assert.deepStrictEqual([...new Set(seen)], [5_000])
        }))
    })

    describe("what tells of a body", () => {
      test("log lines are written once, and dated by the wall clock", (outside) =>
        Effect.gen(function*() {
          const lines: Array<readonly [string, number]> = []
          const logger = Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ date, message }) => {
              lines.push([String(message), date.getTime()])
            })
          )
          const main = Effect.gen(function*() {
            yield* Effect.log("one")
            yield* Effect.sleep("1 hour")
            yield* Effect.log("two")
            yield* act("a")
            yield* act("b")
            yield* Effect.log("three")
          })
          outside.hold("b")
          const first = yield* open(outside, { main }, { layer: logger })
          yield* startAndWait(first, "~sleep/1")
          yield* TestClock.adjust("1 hour")
          yield* called(outside, "b")
          yield* first.kill
          yield* TestClock.adjust("1 hour")
          outside.release("b")
          const second = yield* open(outside, { main }, { layer: logger })
          yield* second.result
          assert.deepStrictEqual(
            lines.filter(([line]) => !line.includes("tempolite")),
            [["one", 0], ["two", 3_600_000], ["three", 7_200_000]]
          )
        }), { except: { crash: "its body notes what it does, and does it again in a replay" } })

      test("spans are opened once, in wall time; those of handlers are spans, too", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const spans: Array<readonly [string, bigint]> = []
          const layer = tracer(spans)
          const main = Effect.gen(function*() {
            yield* Effect.withSpan(act("a"), "one")
            yield* act("b")
            yield* Effect.withSpan(Effect.void, "two")
          })
          yield* TestClock.adjust(1_000)
          const first = yield* open(outside, { main }, { layer })
          yield* first.start
          yield* called(outside, "b")
          yield* first.kill
          yield* TestClock.adjust(1_000)
          outside.release("b")
          const second = yield* open(outside, { main }, { layer })
          yield* second.result
          assert.deepStrictEqual(spans.filter(([span]) => ["one", "two", "attempt"].includes(span)), [
            ["one", 1_000_000_000n],
            ["attempt", 1_000_000_000n],
            ["attempt", 1_000_000_000n],
            ["attempt", 2_000_000_000n],
            ["two", 2_000_000_000n]
          ])
        }), { except: { crash: "its body notes what it does, and does it again in a replay" } })
    })
  })

/** Notes the spans that are opened, and when. */
const tracer = (spans: Array<readonly [string, bigint]>) =>
  Layer.setTracer(Tracer.make({
    context: (f) => f(),
    span: (name, parent, context, links, startTime, kind) => {
      spans.push([name, startTime])
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: name,
        traceId: "test",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes: new Map(),
        links,
        sampled: true,
        kind,
        end: () => {},
        attribute: () => {},
        event: () => {},
        addLinks: () => {}
      }
      return span
    }
  }))
