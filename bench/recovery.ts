/**
 * d: a process is killed in the middle of a long workflow, and a new one continues it.
 */
import { Deferred, Effect, Layer, Schema } from "effect"
import { copyFileSync } from "node:fs"
import { Activity, Workflow } from "../src/index.ts"
import { atMost, type Benchmark } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

class Last extends Activity.Tag<Last>()("Last") {}
class Interrupted extends Workflow.Tag<Interrupted>()("Interrupted", {
  payload: { n: Schema.Int },
  success: Schema.Int
}) {}

const id = "d"

const workflows = (last: Effect.Effect<void>) =>
  Interrupted.layer(({ n }) => Effect.zipLeft(Programs.steps(n), Last.execute("last"))).pipe(
    Layer.provide([Programs.DoubleLive, Last.layer(() => last)])
  )

const params = Schema.Struct({ filename: Schema.String, steps: Schema.Int })

/** Takes all steps but the last, in which the process is killed. */
const killed = Task.make("recovery-killed", {
  params,
  result: Schema.Struct({}),
  run: ({ filename, steps }) =>
    Effect.gen(function*() {
      const reached = yield* Deferred.make<void>()
      const { context } = yield* Programs.open(
        workflows(Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never)),
        Programs.journal(filename, "full")
      )
      yield* Effect.provide(Interrupted.start(id, { n: steps }), context)
      yield* Deferred.await(reached)
      yield* Task.sayReady
      return yield* Effect.never
    })
})

/** From the opening of the journal to the result. */
const continued = Task.make("recovery-continued", {
  params,
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ filename, steps }) =>
    Effect.gen(function*() {
      const all = Effect.gen(function*() {
        const { context } = yield* Programs.open(workflows(Effect.void), Programs.journal(filename, "full"))
        const { result } = yield* Effect.provide(Interrupted.info(id), context)
        yield* Programs.expect(result, Programs.sumOfDoubles(steps))
      })
      const [millis] = yield* Programs.timed(all)
      return { millis }
    })
})

/** Opens the file, reads and parses what a replay needs, and commits once. */
const bare = Task.make("recovery-limit", {
  params: Schema.Struct({ filename: Schema.String }),
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ filename }) =>
    Effect.map(
      Programs.timed(Effect.flatMap(Limit.connect(filename), (database) =>
        Effect.sync(() => {
          database.exec("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL")
          const rows = Limit.rowsOf(database, `SELECT * FROM ${Limit.tables.step} WHERE workflow_id = ?`, id)
          for (const { outcome, payload } of rows) {
            for (const text of [outcome, payload]) if (typeof text === "string") JSON.parse(text)
          }
          database.exec(`UPDATE ${Limit.tables.workflow} SET unused_outcomes = unused_outcomes WHERE id = '${id}'`)
        }))),
      ([millis]) => ({ millis })
    )
})

export const d: Benchmark = {
  name: "d",
  title: "a new process continues a workflow whose process was killed",
  tasks: [killed, continued, bare],
  measure: ({ file, size }) =>
    Effect.forEach([[1_000, 60], [size(10_000, 2_000), 300]] as const, ([steps, goal]) =>
      Effect.gen(function*() {
        const filename = file(`recovery-${steps}.db`)
        const copy = file(`recovery-${steps}-bare.db`)
        yield* killed.untilKilled({ filename, steps })
        // As it was left: with a log beside it.
        yield* Effect.sync(() => {
          for (const suffix of ["", "-wal"]) copyFileSync(filename + suffix, copy + suffix)
        })
        const { millis } = yield* continued.inChild({ filename, steps })
        const limit = yield* bare.inChild({ filename: copy })
        return {
          name: `from open to result, ${steps} steps`,
          unit: "ms",
          value: millis,
          limit: { of: "bare SQLite opens, reads, commits", value: limit.millis },
          goals: [atMost(goal)]
        }
      }))
}
