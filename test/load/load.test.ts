/**
 * Very many workflows, very many steps, and a body that never ends. `TEMPOLITE_LOAD=full` takes the sizes that the README
 * promises.
 */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Logger, Option, Schedule, Schema, Stream } from "effect"
import { Activity, Signal, Tempolite, Workflow } from "../../src/index.ts"
import { heap } from "../support/garbage.ts"
import { journal, size, timeoutMillis, told } from "./support.ts"

const of = (length: number) => Array.from({ length }, (_, index) => index)

const counted = { payload: { n: Schema.Int }, success: Schema.Int }

class Double extends Activity.Tag<Double>()("Double", counted) {}
class Live extends Workflow.Tag<Live>()("Live", counted) {}
class Waiting extends Workflow.Tag<Waiting>()("Waiting", counted) {}
class Parallel extends Workflow.Tag<Parallel>()("Parallel", counted) {}
class Short extends Workflow.Tag<Short>()("Short", counted) {}
class Long
  extends Workflow.Tag<Long>()("Long", { payload: { round: Schema.Int, left: Schema.Int }, success: Schema.Int })
{}
class Endless extends Workflow.Tag<Endless>()("Endless", { payload: { how: Schema.Literal("void", "yieldNow") } }) {}
const Told = Signal.make("Told", { payload: { n: Schema.Int } })

const double = Double.layer(({ n }) => Effect.succeed(2 * n))

/** An engine, and a layer that runs on it. What it suspends is not said. */
const on = <R>(live: Layer.Layer<R, never, Tempolite.Tempolite>, options: Tempolite.Options = {}) =>
  live.pipe(
    Layer.provideMerge(Tempolite.layer({ closeGrace: 0, ...options })),
    Layer.orDie,
    Layer.merge(Logger.remove(Logger.defaultLogger))
  )

const test = (name: string, body: () => Effect.Effect<void, unknown, Layer.Layer.Success<typeof journal>>) => {
  it.live(name, () => Effect.provide(told(name, body()), journal), timeoutMillis)
}

/** How many workflows have this status. */
const count = (status: Workflow.Status, name: string) =>
  Effect.gen(function*() {
    const tempolite = yield* Tempolite.Tempolite
    const pages = Stream.paginateEffect(Option.none<string>(), (after) =>
      Effect.map(
        tempolite.list({
          status,
          name,
          limit: 1_000,
          ...Option.match(after, { onNone: () => ({}), onSome: (after) => ({ after }) })
        }),
        (page) => [page.workflows.length, Option.map(page.next, Option.some)]
      ))
    return yield* Stream.runSum(pages)
  })

const live = size(10_000, 300)
const waiting = size(100_000, 300)
const parallel = size(10_000, 1_000)
const steps = size(1_000_000, 6_000)
/** Each takes some seconds of computing until it is found out. */
const loops = size(2, 1) === 1 ? ["void"] as const : ["void", "yieldNow"] as const

describe("load", () => {
  test(`${live} workflows are live at once`, () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const all = yield* Deferred.make<void>()
      let running = 0
      const workflows = Live.layer(({ n }) => Double.execute("double", { n })).pipe(
        Layer.provide(Double.layer(({ n }) =>
          Effect.gen(function*() {
            if (++running === live) yield* Deferred.succeed(all, undefined)
            yield* Deferred.await(gate)
            return 2 * n
          })
        ))
      )
      yield* Effect.gen(function*() {
        const started = yield* Effect.forEach(of(live), (n) => Live.start(n, { n }), { concurrency: "unbounded" })
        yield* Deferred.await(all)
        // That they were begun is written by the way.
        yield* Effect.repeat(count("Running", "Live"), {
          until: (running) => running === live,
          schedule: Schedule.spaced("10 millis")
        })
        yield* Deferred.succeed(gate, undefined)
        const results = yield* Effect.forEach(started, ({ result }) => result, { concurrency: "unbounded" })
        assert.deepStrictEqual(results, of(live).map((n) => 2 * n))
      }).pipe(Effect.provide(on(workflows)))
    }))

  test(`${waiting} workflows wait, in this process and in the next, and one of them is woken`, () =>
    Effect.gen(function*() {
      const workflows = Waiting.layer(() =>
        Effect.raceFirst(
          Effect.map(Told.await("told"), ({ n }) => n),
          Effect.as(Workflow.sleep("a year", "365 days"), -1)
        )
      )
      const wake = (n: number) =>
        Effect.gen(function*() {
          yield* Told.send(n, { n: n + 1 })
          const { result } = yield* Waiting.info(n)
          assert.strictEqual(yield* result, n + 1)
        })
      yield* Effect.gen(function*() {
        yield* Effect.forEach(of(waiting), (n) => Waiting.start(n, { n }), { concurrency: 1_000, discard: true })
        yield* wake(waiting - 1)
      }).pipe(Effect.provide(on(workflows)))
      yield* Effect.gen(function*() {
        yield* wake(0)
        yield* wake(waiting - 2)
        assert.strictEqual(yield* count("Running", "Waiting"), waiting - 3)
        assert.strictEqual(yield* count("Completed", "Waiting"), 3)
      }).pipe(Effect.provide(on(workflows)))
    }))

  test("of a workflow that has left memory, less than a kilobyte is left", () =>
    Effect.gen(function*() {
      const workflows = Waiting.layer(() => Effect.as(Workflow.sleep("a year", "365 days"), 1))
      const [some, others] = [500, 2_000]
      yield* Effect.gen(function*() {
        const start = (from: number, to: number) =>
          Effect.gen(function*() {
            const ids = of(to).slice(from)
            yield* Effect.forEach(ids, (n) => Waiting.start(n, { n }), { concurrency: 100, discard: true })
            yield* Effect.repeat(count("Running", "Waiting"), {
              until: (running) => running === to,
              schedule: Schedule.spaced("10 millis")
            })
            return yield* heap
          })
        const before = yield* start(0, some)
        const after = yield* start(some, some + others)
        assert.isBelow((after - before) / others, 1_024)
      }).pipe(Effect.provide(on(workflows, { parkAfter: 0 })))
    }))

  test(`a body takes ${parallel} steps in parallel`, () =>
    Effect.gen(function*() {
      const workflows = Parallel.layer(({ n }) =>
        Effect.map(
          Effect.forEach(of(n), (n) => Double.execute(n, { n }), { concurrency: "unbounded" }),
          (all) => all.reduce((sum, n) => sum + n, 0)
        )
      ).pipe(Layer.provide(double))
      const sum = yield* Effect.provide(Parallel.execute("p", { n: parallel }), on(workflows))
      assert.strictEqual(sum, parallel * (parallel - 1))
    }))

  // A loop without Effect (`while (true) {}`) stops the process, and nobody in it can do anything.
  test("a body that never rests is suspended, and costs the others neither their turns nor their journal", () =>
    Effect.gen(function*() {
      const workflows = Layer.merge(
        Endless.layer(({ how }) => how === "void" ? Effect.forever(Effect.void) : Effect.forever(Effect.yieldNow())),
        Short.layer(({ n }) => Effect.as(Effect.forEach(of(10), (step) => Double.execute(step, { n })), n)).pipe(
          Layer.provide(double)
        )
      )
      const others = of(50)
      yield* Effect.gen(function*() {
        const endless = yield* Effect.forEach(loops, (how) => Endless.start(how, { how }))
        const statuses = Effect.forEach(endless, ({ status }) => status)
        const results = yield* Effect.forEach(others, (n) => Short.execute(n, { n }), { concurrency: 10 })
        assert.deepStrictEqual(results, others)
        // The others have ended, and the loops have not.
        assert.deepStrictEqual<ReadonlyArray<string>>(yield* statuses, loops.map(() => "Running"))
        for (const { changes, describe } of endless) {
          yield* Stream.runDrain(Stream.takeUntil(changes, (status) => status === "Suspended"))
          assert.match(String(Option.getOrThrow((yield* describe).reason)), /never rests/)
        }
      }).pipe(Effect.provide(on(workflows)))
      yield* Effect.gen(function*() {
        const tempolite = yield* Tempolite.Tempolite
        for (const n of others) {
          const { status, steps } = yield* tempolite.describe(n)
          assert.deepStrictEqual([status, ...steps.map((step) => step.status)], of(11).map(() => "Completed"))
        }
      }).pipe(Effect.provide(Tempolite.layerClient))
    }))

  describe(`memory is flat over ${steps} steps`, () => {
    /** How many bytes more there may be after two thirds of the steps. */
    const growthMax = 2_000_000

    /** Runs `third` three times, and looks at the heap after the first and after the last. */
    const flat = <R>(third: (number: number) => Effect.Effect<void, unknown, R>) =>
      Effect.gen(function*() {
        yield* third(0)
        const before = yield* heap
        yield* third(1)
        yield* third(2)
        const after = yield* heap
        assert.isBelow(after - before, growthMax, `it grew from ${before} to ${after} bytes`)
      })

    test("of workflows that come and go", () => {
      const perWorkflow = 100
      const perThird = Math.ceil(steps / 2 / 3 / perWorkflow)
      const workflows = Short.layer(({ n }) =>
        Effect.as(Effect.forEach(of(perWorkflow), (step) => Double.execute(step, { n }), { discard: true }), n)
      ).pipe(Layer.provide(double))
      return flat((number) =>
        Effect.forEach(
          of(perThird),
          (index) => Short.execute(number * perThird + index, { n: index }),
          { concurrency: 10, discard: true }
        )
      ).pipe(Effect.provide(on(workflows)))
    })

    test("of one workflow that continues as new", () => {
      const perRound = 250
      const perThird = Math.ceil(steps / 2 / 3 / perRound)
      const workflows = Long.layer(({ left, round }) =>
        Effect.gen(function*() {
          yield* Effect.forEach(of(perRound), (step) => Double.execute(step, { n: round }), { discard: true })
          if (left === 1) return round + 1
          return yield* Long.continueAsNew({ round: round + 1, left: left - 1 })
        })
      ).pipe(Layer.provide(double))
      return flat((number) =>
        Effect.map(Long.execute(number, { round: 0, left: perThird }), (rounds) => {
          assert.strictEqual(rounds, perThird)
        })
      ).pipe(Effect.provide(on(workflows)))
    })
  })
})
