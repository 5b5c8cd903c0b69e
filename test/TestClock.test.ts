/**
 * Months and years under the `TestClock` of Effect, as the user of the library would test a workflow of theirs.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  Chunk,
  Clock,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Schedule,
  Schema,
  TestClock,
  TestContext
} from "effect"
import { Activity, Journal, Signal, Tempolite, Workflow } from "../src/index.ts"
import { layer as sqlite } from "./sqlite/support.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}

/** A call to the outside, which notes when it came, in days. */
class Note extends Activity.Tag<Note>()("Note", { payload: { what: Schema.String } }) {}

const Paid = Signal.make("Paid", { payload: { by: Schema.String } })

class Subscription extends Workflow.Tag<Subscription>()("Subscription", {
  success: Schema.Unknown,
  error: Schema.Union(Declined, Activity.ActivityTimeout)
}) {}

const days = Effect.map(Clock.currentTimeMillis, (millis) => millis / Duration.toMillis("1 day"))

type Body = Effect.Effect<
  unknown,
  Declined | Activity.ActivityTimeout,
  Note | Workflow.Step<Workflow.Key> | Workflow.Execution
>

/** An application that runs `body`, and what it noted. */
const application = (body: Body, options: Tempolite.Options = {}) => {
  const notes: Array<string> = []
  const note = Note.layer(({ what }) => Effect.map(days, (day) => void notes.push(`${what} on day ${day}`)))
  const live = Subscription.layer(() => body).pipe(
    Layer.provide(note),
    Layer.provideMerge(Tempolite.layer(options))
  )
  return { notes, live, inMemory: Layer.provide(live, Journal.layerMemory) }
}

/** Starts the workflow, lets the time pass, and gives how it ended by then. */
const after = (duration: Duration.DurationInput) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(Subscription.execute("s"))
    yield* TestClock.adjust(duration)
    return yield* fiber.poll
  })

describe("under a test clock", () => {
  it.effect("a workflow that sleeps for a year has ended after one", () => {
    const { inMemory, notes } = application(
      Effect.gen(function*() {
        yield* Note.execute("charge", { what: "charged" })
        yield* Workflow.sleep("a year", "365 days")
        yield* Note.execute("renew", { what: "renewed" })
        return "renewed"
      })
    )
    return Effect.gen(function*() {
      const subscription = yield* Subscription.start("s")
      yield* TestClock.adjust("364 days")
      assert.strictEqual(yield* subscription.status, "Running")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* subscription.result, "renewed")
      assert.deepStrictEqual(notes, ["charged on day 0", "renewed on day 365"])
    }).pipe(Effect.provide(inMemory))
  })

  it("it is so, too, with the context of a test in an ordinary one", () => {
    const { inMemory } = application(Workflow.sleep("a year", "365 days"))
    const passed = Effect.provide(after("366 days"), inMemory)
    return Effect.provide(passed, TestContext.TestContext).pipe(
      Effect.map((exit) => assert.deepStrictEqual(exit, Option.some(Exit.succeed(undefined)))),
      Effect.runPromise
    )
  })

  for (const [name, journal] of [["memory", Journal.layerMemory], ["sqlite", sqlite]] as const) {
    it.effect(`an engine at rest waits for nothing that comes again and again (${name})`, () => {
      const { live } = application(Paid.await("paid"))
      return Effect.gen(function*() {
        yield* Subscription.start("s")
        yield* TestClock.adjust("1 day")
        const clock = yield* TestClock.testClock()
        assert.deepStrictEqual(Chunk.toReadonlyArray(yield* clock.sleeps), [])
      }).pipe(Effect.provide(Layer.provide(live, journal)))
    })
  }

  it.effect("retries come when they are due, months later", () => {
    const attempts: Array<number> = []
    class Flaky extends Activity.Tag<Flaky>()("Flaky", {
      error: Declined,
      retry: { schedule: Schedule.exponential("10 days"), times: 4 }
    }) {}
    const live = Subscription.layer(() => Flaky.execute("a")).pipe(
      Layer.provide(Flaky.layer(() =>
        Effect.flatMap(days, (day) => {
          attempts.push(day)
          return new Declined()
        })
      )),
      Layer.provideMerge(Tempolite.layer()),
      Layer.provide(Journal.layerMemory)
    )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* after("366 days"), Option.some(Exit.fail(new Declined())))
      assert.deepStrictEqual(attempts, [0, 10, 30, 70, 150])
    }).pipe(Effect.provide(live))
  })

  it.effect("a workflow has its next execution when that is due", () => {
    class Again extends Workflow.Tag<Again>()("Again", {
      success: Schema.Number,
      error: Declined,
      retry: { schedule: Schedule.spaced("100 days"), times: 3 }
    }) {}
    const live = Again.layer(() =>
      Effect.flatMap(Workflow.Execution, ({ attempt }) => attempt < 4 ? new Declined() : Effect.succeed(attempt))
    ).pipe(Layer.provideMerge(Tempolite.layer()), Layer.provide(Journal.layerMemory))
    return Effect.gen(function*() {
      const fiber = yield* Effect.fork(Again.execute("a"))
      yield* TestClock.adjust("299 days")
      assert.isTrue(Option.isNone(yield* fiber.poll))
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* Fiber.join(fiber), 4)
    }).pipe(Effect.provide(live))
  })

  it.effect("attempts time out after weeks, and heartbeats keep one alive for months", () => {
    const ended: Array<string> = []
    class Slow extends Activity.Tag<Slow>()("Slow", { timeout: "3 weeks" }) {}
    class Alive extends Activity.Tag<Alive>()("Alive", { heartbeatTimeout: "2 days" }) {}
    const live = Subscription.layer(() =>
      Effect.gen(function*() {
        const slow = yield* Effect.flip(Slow.execute("slow"))
        const alive = yield* Effect.flip(Alive.execute("alive"))
        return [slow.timeout, alive.timeout]
      }).pipe(Effect.orElseSucceed(() => "it ended in time"))
    ).pipe(
      Layer.provide(Layer.merge(
        Slow.layer(() => Effect.never),
        Alive.layer(() =>
          Effect.flatMap(
            Activity.Execution,
            ({ heartbeat }) =>
              Effect.repeatN(Effect.zipRight(heartbeat(), Effect.sleep("1 day")), 89).pipe(
                Effect.zipRight(Effect.never)
              )
          )
        ).pipe(
          Layer.tap(() => Effect.void)
        )
      )),
      Layer.provideMerge(Tempolite.layer()),
      Layer.provide(Journal.layerMemory)
    )
    return Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.zipLeft(
        Subscription.execute("s"),
        Effect.map(days, (day) => ended.push(`day ${day}`))
      ))
      yield* TestClock.adjust("366 days")
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["attempt", "heartbeat"])
      // Three weeks, then the last heartbeat after 89 days, and two more.
      assert.deepStrictEqual(ended, ["day 112"])
    }).pipe(Effect.provide(live))
  })

  it.effect("a wait for a signal ends when its time is over, or when the signal comes", () => {
    const { inMemory } = application(
      Effect.gen(function*() {
        const first = yield* Paid.awaitWithin("first", "90 days")
        const second = yield* Paid.awaitWithin("second", "90 days")
        return [Option.isSome(first), Option.isSome(second), yield* days]
      })
    )
    return Effect.gen(function*() {
      const subscription = yield* Subscription.start("s")
      yield* TestClock.adjust("100 days")
      yield* Paid.send("s", { by: "ann" })
      assert.deepStrictEqual(yield* subscription.result, [false, true, 100])
    }).pipe(Effect.provide(inMemory))
  })

  it.effect("sleeps, timeouts and schedules of Effect in a body pass as the others", () => {
    const { inMemory, notes } = application(
      Effect.gen(function*() {
        yield* Effect.sleep("30 days")
        const late = yield* Paid.await("paid").pipe(Effect.timeoutOption("60 days"))
        yield* Effect.forEach(
          [1, 2, 3],
          (round) => Effect.delay(Note.execute(round, { what: `reminded (${round})` }), "20 days")
        )
        return Option.isNone(late)
      })
    )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* after("366 days"), Option.some(Exit.succeed(true)))
      assert.deepStrictEqual(notes, ["reminded (1) on day 110", "reminded (2) on day 130", "reminded (3) on day 150"])
    }).pipe(Effect.provide(inMemory))
  })

  it.effect("the rate of a queue is kept over months", () => {
    const starts: Array<number> = []
    class Mail extends Activity.Tag<Mail>()("Mail", { queue: "mail" }) {}
    const live = Subscription.layer(() =>
      Effect.forEach([1, 2, 3, 4, 5], (key) => Mail.execute(key), { concurrency: "unbounded", discard: true })
    ).pipe(
      Layer.provide(Mail.layer(() => Effect.map(days, (day) => void starts.push(day)))),
      Layer.provideMerge(Tempolite.layer({ queues: { mail: { rate: { limit: 2, per: "30 days" } } } })),
      Layer.provide(Journal.layerMemory)
    )
    return Effect.gen(function*() {
      yield* Subscription.start("s")
      yield* TestClock.adjust("366 days")
      assert.deepStrictEqual(starts, [0, 0, 30, 30, 60])
    }).pipe(Effect.provide(live))
  })

  it.effect("what came due while no engine ran happens when the next one starts", () => {
    const { live, notes } = application(
      Effect.zipRight(Workflow.sleep("nap", "100 days"), Note.execute("a", { what: "woken" }))
    )
    return Effect.gen(function*() {
      yield* Effect.provide(Effect.zipRight(Subscription.start("s"), TestClock.adjust("50 days")), live)
      yield* TestClock.adjust("200 days")
      yield* Effect.provide(Subscription.execute("s"), live)
      assert.deepStrictEqual(notes, ["woken on day 250"])
    }).pipe(Effect.provide(Journal.layerMemory))
  })

  it.effect("an engine closes, though nobody lets time pass: with an activity, and a workflow nobody knows", () => {
    class Stuck extends Activity.Tag<Stuck>()("Stuck") {}
    return Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const first = Subscription.layer(() => Stuck.execute("a")).pipe(
        Layer.provide(Stuck.layer(() => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))),
        Layer.provideMerge(Tempolite.layer({ closeGrace: 0 }))
      )
      yield* Effect.provide(Effect.zipRight(Subscription.start("s"), Deferred.await(begun)), first)
      yield* Effect.provide(Effect.yieldNow(), Tempolite.layer({ closeGrace: 0 }))
      const status = yield* Effect.provide(
        Effect.flatMap(Subscription.info("s"), (info) => info.status),
        Layer.provideMerge(Subscription.client, Tempolite.layerClient)
      )
      assert.strictEqual(status, "Running")
    }).pipe(Effect.provide(Journal.layerMemory))
  })
})
