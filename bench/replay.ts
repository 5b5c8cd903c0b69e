/**
 * i: a replay alone, from a journal in memory.
 */
import { Deferred, Effect, Layer, Schema } from "effect"
import { Activity, Journal, Workflow } from "../src/index.ts"
import { atLeast, type Benchmark } from "./benchmark.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

class Last extends Activity.Tag<Last>()("Last") {}
class Long extends Workflow.Tag<Long>()("Long", { payload: { n: Schema.Int } }) {}

const id = "i"

/** An engine until all steps have their outcomes, and the body asks for one more; says how long that took. */
const untilLast = (journal: Layer.Layer<Journal.Journal>, steps: number) =>
  Effect.scoped(Effect.gen(function*() {
    const reached = yield* Deferred.make<void>()
    const last = Last.layer(() => Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never))
    const workflows = Long.layer(({ n }) => Effect.zipRight(Programs.steps(n), Last.execute("last"))).pipe(
      Layer.provide([Programs.DoubleLive, last])
    )
    const [millis] = yield* Programs.timed(Effect.gen(function*() {
      const { context } = yield* Programs.open(workflows, journal)
      // It joins the workflow that is there already.
      yield* Effect.provide(Long.start(id, { n: steps }), context)
      yield* Deferred.await(reached)
    }))
    return millis
  }))

const replay = Task.make("replay", {
  params: Schema.Struct({ steps: Schema.Int }),
  result: Schema.Struct({ firstMillis: Schema.Number, secondMillis: Schema.Number }),
  run: ({ steps }) =>
    Effect.gen(function*() {
      const journal = Layer.succeedContext(yield* Layer.build(Journal.layerMemory))
      yield* untilLast(journal, steps)
      return { firstMillis: yield* untilLast(journal, steps), secondMillis: yield* untilLast(journal, steps) }
    })
})

export const i: Benchmark = {
  name: "i",
  title: "replay of 100,000 steps from memory",
  tasks: [replay],
  measure: ({ size }) =>
    Effect.gen(function*() {
      const steps = size(100_000, 5_000)
      const { firstMillis, secondMillis } = yield* replay.inChild({ steps })
      const perSecond = (millis: number) => steps / millis * 1_000
      return [
        { name: "steps", unit: "/s", value: perSecond(firstMillis), goals: [atLeast(150_000)] },
        { name: "steps of the replay after that", unit: "/s", value: perSecond(secondMillis), goals: [] }
      ]
    })
}
