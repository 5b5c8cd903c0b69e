/**
 * Much that happens at one instant: it all ends, and each body sees on replay what it saw, in the same order. The rate of
 * deviations is 0.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Option, Schema } from "effect"
import type { Tempolite } from "../../src/index.ts"
import { Activity, Signal, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import { onEach, Seen, twice } from "../hostile/bed.ts"

class Take extends Activity.Tag<Take>()("Take", { payload: { millis: Schema.Number }, success: Schema.Number }) {}
class Fetch
  extends Activity.Tag<Fetch>()("Fetch", { payload: { n: Schema.Int, length: Schema.Int }, success: Schema.String })
{}
class Deadline extends Workflow.Tag<Deadline>()("Deadline", {
  payload: { millis: Schema.Int },
  success: Schema.Array(Schema.String)
}) {}
class Race
  extends Workflow.Tag<Race>()("Race", { payload: { millis: Schema.Int }, success: Schema.Array(Schema.String) })
{}
class Told
  extends Workflow.Tag<Told>()("Told", { payload: { millis: Schema.Int }, success: Schema.Array(Schema.String) })
{}
class Bulk extends Workflow.Tag<Bulk>()("Bulk", {
  payload: { count: Schema.Int, length: Schema.Int },
  success: Schema.Array(Schema.String)
}) {}
const Tick = Signal.make("Tick", { payload: { n: Schema.Int } })

const of = (length: number) => Array.from({ length }, (_, index) => index)

/** What happened in a body, in its order. */
const log = () => {
  const entries: Array<string> = []
  const note = (entry: string) => Effect.sync(() => void entries.push(entry))
  return { entries, note }
}

/** Forty activities end before the instant at which forty timeouts do, with it, and after it: a few at a time. */
const deadline = Deadline.layer(({ millis }) =>
  Effect.gen(function*() {
    const { entries, note } = log()
    yield* Effect.forEach(of(40), (n) =>
      Take.execute(n, { millis: millis * (0.1 + ((n * 7) % 11) / 10) }).pipe(
        Effect.timeoutOption(millis),
        Effect.flatMap((taken) => note(`${n} ${Option.isSome(taken) ? "in time" : "too late"}`))
      ), { concurrency: "unbounded", discard: true })
    return entries
  })
)

/** Fifty waits race with a timer that is over at the same instant. */
const race = Race.layer(({ millis }) =>
  Effect.gen(function*() {
    const { entries, note } = log()
    const waits = of(50).map((n) =>
      Workflow.sleep(`wait ${n}`, millis).pipe(Effect.ensuring(note(`${n} ended`)), Effect.as(`${n}`))
    )
    const winner = yield* Effect.raceAll([...waits, Effect.as(Workflow.sleep("deadline", millis), "deadline")])
    return [...entries, winner]
  })
)

/** Fifty waits for a signal that end with the deadline of each, while the signals come. */
const told = Told.layer(({ millis }) =>
  Effect.gen(function*() {
    const { entries, note } = log()
    yield* Effect.forEach(of(50), (n) =>
      Effect.flatMap(Tick.awaitWithin(n, millis), (tick) =>
        note(`${n} ${
          Option.match(tick, {
            onNone: () =>
              "nothing",
            onSome: (tick) => `took ${tick.n}`
          })
        }`)), {
      concurrency: "unbounded",
      discard: true
    })
    return entries
  })
)

/** Many large results, five at a time. */
const bulk = Bulk.layer(({ count, length }) =>
  Effect.gen(function*() {
    const { entries, note } = log()
    yield* Effect.forEach(of(count), (n) =>
      Effect.flatMap(Fetch.execute(n, { n, length }), (text) => note(`${n} ${text.length} ${text.slice(0, 8)}`)), {
      concurrency: 5,
      discard: true
    })
    return entries
  })
)

const outside = Layer.merge(
  Take.layer(({ millis }) => Effect.as(Effect.sleep(millis), millis)),
  Fetch.layer(({ length, n }) => Effect.succeed(`${n} `.repeat(length).slice(0, length)))
)

/** In which order the results came is kept beside; there are as many as were asked for, each once. */
const areAll = (entries: ReadonlyArray<string>, count: number) => {
  assert.deepStrictEqual(entries.map((entry) => Number.parseInt(entry)).sort((x, y) => x - y), of(count))
}

const live = Layer.provide(Layer.mergeAll(deadline, race, told, bulk), outside)

describe("on the real clock", () => {
  const copies = 3
  const millis = 100
  onEach("every storm ends, and none of its executions comes out otherwise on replay", () =>
    Effect.gen(function*() {
      const { replayed, value } = yield* twice(
        new Seen(),
        live,
        Effect.forEach(of(copies), (copy) =>
          Effect.gen(function*() {
            const waiting = yield* Told.start(`told ${copy}`, { millis })
            const ticks = Effect.forEach(
              of(50),
              (n) => Effect.zipRight(Effect.sleep(n % 5 === 0 ? 1 : 0), Effect.ignore(Tick.send(waiting.id, { n }))),
              { discard: true }
            )
            const all = yield* Effect.all({
              deadline: Deadline.execute(`deadline ${copy}`, { millis }),
              race: Race.execute(`race ${copy}`, { millis }),
              told: Effect.zipLeft(waiting.result, ticks, { concurrent: true })
            }, { concurrency: "unbounded" })
            return all
          }), { concurrency: "unbounded" })
      )
      for (const { deadline, race, told } of value) {
        areAll(deadline, 40)
        areAll(race.slice(0, -1), 50)
        areAll(told, 50)
        // No signal was taken twice, and they were taken in the order in which they came.
        const ticks = told.flatMap((entry) => /took (\d+)/.exec(entry)?.slice(1) ?? []).map(Number)
        assert.deepStrictEqual(ticks, of(ticks.length))
      }
      assert.strictEqual(replayed, 3 * copies)
    }))

  onEach("forty results of 1 MiB, five at a time, come back as they were", () =>
    Effect.gen(function*() {
      const { value } = yield* twice(new Seen(), live, Bulk.execute("bulk", { count: 40, length: 2 ** 20 }))
      areAll(value, 40)
      assert.isTrue(value.every((entry) => entry.split(" ")[1] === String(2 ** 20)))
    }))
})

describe("in virtual time, with a crash before and after each commit", () => {
  const survives = <A>(program: Effect.Effect<A, unknown, Race | Told | Bulk | Tempolite.Tempolite>) =>
    Effect.map(
      Testing.crashEverywhere({
        workflows: Layer.mergeAll(race, told, Layer.provide(bulk, outside)),
        program,
        downtime: Duration.millis(1)
      }),
      ({ commits, exit, runs }) => {
        // None deviated: the first that does is a failure.
        assert.strictEqual(runs, 2 * commits)
        return Exit.getOrElse(exit, () => assert.fail("it failed"))
      }
    )

  it.live(
    "a race of fifty waits with a timer at the same instant is won by the same",
    () =>
      Effect.map(survives(Race.execute("race", { millis: 1_000 })), (entries) => {
        areAll(entries.slice(0, -1), 50)
        // Of those that are over at one instant, the first that was asked for.
        assert.strictEqual(entries.at(-1), "0")
      }),
    60_000
  )

  it.live(
    "fifty waits at one deadline end in the same order",
    () =>
      Effect.map(survives(Told.execute("told", { millis: 1_000 })), (entries) => {
        assert.deepStrictEqual(entries, of(50).map((n) => `${n} nothing`))
      }),
    60_000
  )

  it.live(
    "twenty results, five at a time, come in the same order",
    () =>
      Effect.map(survives(Bulk.execute("bulk", { count: 20, length: 1_024 })), (entries) => {
        areAll(entries, 20)
      }),
    60_000
  )
})
