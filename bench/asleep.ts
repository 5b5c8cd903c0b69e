/**
 * e: what workflows that sleep cost, and how soon they are awake.
 */
import { Console, DateTime, Effect, Layer, Schedule, Schema } from "effect"
import { Activity, Workflow } from "../src/index.ts"
import { atMost, type Benchmark, type Figure } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import { resident } from "./memory.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

/** Wakes up at an instant (milliseconds since the epoch), and says so. */
class Sleeper extends Workflow.Tag<Sleeper>()("Sleeper", { payload: { at: Schema.Int } }) {}
class Awake extends Activity.Tag<Awake>()("Awake") {}

const workflows = (awake: Effect.Effect<void>) =>
  Sleeper.layer(({ at }) =>
    Effect.zipRight(Workflow.sleepUntil("until", DateTime.unsafeMake(at)), Awake.execute("awake"))
  ).pipe(Layer.provide(Awake.layer(() => awake)))

const startsAtOnce = 1_000

const start = (count: number, at: number) =>
  Effect.forEach(Programs.of(count), (n) => Sleeper.start(`e-${n}`, { at }), { concurrency: startsAtOnce })

/** Waits until as many timers stand in the file: a start returns before that. */
const asleep = (filename: string, count: number) =>
  Effect.scoped(
    Effect.flatMap(Limit.connect(filename, true), (database) =>
      Effect.sync(() =>
        Number(Limit.rowsOf(database, `SELECT count(*) AS n FROM ${Limit.tables.step} WHERE kind = 'Timer'`)[0]?.["n"])
      ).pipe(Effect.repeat({
        schedule: Schedule.spaced("20 millis"),
        until: (n) =>
          n >= count
      })))
  )

const year = 365 * 24 * 3_600_000

const memory = Task.make("asleep-memory", {
  params: Schema.Struct({ filename: Schema.String, count: Schema.Int }),
  result: Schema.Struct({ bytes: Schema.Number }),
  run: ({ count, filename }) =>
    Effect.gen(function*() {
      const { context } = yield* Programs.open(workflows(Effect.void), Programs.journal(filename, "full"))
      yield* Effect.provide(Effect.zipRight(start(count, Date.now() + year), asleep(filename, count)), context)
      return { bytes: yield* resident }
    })
})

/** The same workflows in a new process, which finds them asleep. */
const recovered = Task.make("asleep-recovered", {
  params: Schema.Struct({ filename: Schema.String }),
  result: Schema.Struct({ bytes: Schema.Number }),
  run: ({ filename }) =>
    Effect.gen(function*() {
      yield* Programs.open(workflows(Effect.void), Programs.journal(filename, "full"))
      return { bytes: yield* resident }
    })
})

const wakeUp = Task.make("asleep-wake-up", {
  params: Schema.Struct({ filename: Schema.String, count: Schema.Int, aheadMillis: Schema.Int }),
  result: Schema.Struct({ awakeMillis: Schema.Number, endedMillis: Schema.Number }),
  run: ({ aheadMillis, count, filename }) =>
    Effect.gen(function*() {
      const awake: Array<number> = []
      const { context } = yield* Programs.open(
        workflows(Effect.sync(() => {
          awake.push(Date.now())
        })),
        Programs.journal(filename, "full")
      )
      const at = Date.now() + aheadMillis
      return yield* Effect.gen(function*() {
        const started = yield* start(count, at)
        yield* asleep(filename, count)
        if (Date.now() >= at || awake.length > 0) return yield* Effect.dieMessage("it was not asleep in time")
        yield* Effect.forEach(started, ({ result }) => result, { concurrency: "unbounded", discard: true })
        const ended = Date.now()
        if (awake.length !== count) return yield* Effect.dieMessage(`${awake.length} of ${count} were woken`)
        return { awakeMillis: Math.max(...awake) - at, endedMillis: ended - at }
      }).pipe(Effect.provide(context))
    })
})

/** What does not fit into memory must not hide the figures of what does. */
const orNothing = <A>(self: Effect.Effect<A, Task.ChildFailed>, nothing: A): Effect.Effect<A> =>
  Effect.catchAll(self, ({ message }) => Effect.as(Console.error(message), nothing))

const nothing = { bytes: Number.NaN }

const megabytes = (bytes: number) => bytes / 1e6

export const e: Benchmark = {
  name: "e",
  title: "workflows that are asleep",
  tasks: [memory, recovered, wakeUp],
  measure: ({ file, size }) =>
    Effect.gen(function*() {
      const sizes = [[1_000, [atMost(5)]], [10_000, []], [size(100_000, 3_000), [atMost(150)]]] as const
      // Side by side: of each process only the memory is looked at.
      const [idle, measured] = yield* Effect.all([
        memory.inChild({ filename: file("asleep-0.db"), count: 0 }),
        Effect.forEach(
          sizes.filter(([count]) => count === 1_000 || count <= size(100_000, 3_000)),
          ([count, goals]) =>
            Effect.gen(function*() {
              const filename = file(`asleep-${count}.db`)
              const here = yield* orNothing(memory.inChild({ filename, count }), nothing)
              const later = Number.isNaN(here.bytes)
                ? nothing
                : yield* orNothing(recovered.inChild({ filename }), nothing)
              return { count, goals, here, later }
            }),
          { concurrency: "unbounded" }
        )
      ], { concurrency: "unbounded" })
      const figures = measured.flatMap(({ count, goals, here, later }) => {
        const more = (name: string, bytes: number, series: string): Figure => ({
          name: `${count} asleep, ${name}`,
          unit: "MB more than an idle engine",
          value: megabytes(bytes - idle.bytes),
          goals,
          point: { panel: "e", series, size: count, y: megabytes(bytes) }
        })
        return [
          more("started here", here.bytes, "where they were started"),
          more("after a restart", later.bytes, "after a restart")
        ]
      })
      const woken = size(1_000, 200)
      const { awakeMillis, endedMillis } = yield* wakeUp.inChild({
        filename: file("wake-up.db"),
        count: woken,
        aheadMillis: size(10_000, 3_000)
      })
      return [
        {
          name: "an idle engine",
          unit: "MB",
          value: megabytes(idle.bytes),
          goals: [],
          point: { panel: "e", series: "an idle engine", y: megabytes(idle.bytes) }
        },
        ...figures,
        { name: `${woken} due at one instant, all awake`, unit: "ms", value: awakeMillis, goals: [atMost(300)] },
        { name: `${woken} due at one instant, all ended`, unit: "ms", value: endedMillis, goals: [] }
      ]
    })
}
