/**
 * a, a': one workflow of a thousand activities, one after the other.
 */
import { Effect, Schema } from "effect"
import { atLeast, type Benchmark, ratioAtLeast, type Setting } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import { loop } from "./loop.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

/** Workflows one after the other, behind one that warms the process up. */
export const sequential = Task.make("sequential", {
  params: Schema.Struct({
    filename: Schema.String,
    durability: Programs.Durability,
    prefix: Schema.String,
    steps: Schema.Int,
    workflows: Schema.Int,
    warmUp: Schema.Int
  }),
  result: Schema.Struct({ openMillis: Schema.Number, firstMillis: Schema.Number, millis: Schema.Number }),
  run: ({ durability, filename, prefix, steps, warmUp, workflows }) =>
    Effect.gen(function*() {
      const { context, openMillis } = yield* Programs.open(
        Programs.SequenceLive,
        Programs.journal(filename, durability)
      )
      const execute = (id: string, n: number) =>
        Programs.expect(Programs.Sequence.execute(id, { n }), Programs.sumOfDoubles(n))
      const measured = Effect.forEach(Programs.of(workflows), (n) => execute(`${prefix}-${n}`, steps), {
        discard: true
      })
      return yield* Effect.gen(function*() {
        const [firstMillis] = yield* Programs.timed(execute(`first-${prefix}`, warmUp))
        const [millis] = yield* Programs.timed(measured)
        return { openMillis, firstMillis, millis }
      }).pipe(Effect.provide(context))
    })
})

/** One commit for the start, and one for each step, of which the last has the end too. */
export const sequentialLimit = Limit.task("sequential-limit", Limit.inBatches(1))

const steps = 1_000

const onDisk = ({ file, size }: Setting, durability: "full" | "normal") =>
  Effect.gen(function*() {
    const [filename, workflows] = [file(`${durability}.db`), size(5, 1)]
    const of = { filename, durability, prefix: "a", steps, workflows, warmUp: steps }
    const { firstMillis, millis } = yield* sequential.inChild(of)
    const bare = yield* sequentialLimit.inChild({ source: filename, prefix: "a-", durability })
    const name = durability === "full" ? "" : ", synchronous=NORMAL"
    return [
      {
        name: `steps${name}`,
        unit: "/s",
        value: steps * workflows / millis * 1_000,
        limit: { of: "bare SQLite, a commit a step", value: steps * workflows / bare.millis * 1_000 },
        goals: durability === "full" ? [ratioAtLeast(0.75)] : []
      },
      { name: `steps of the first workflow${name}`, unit: "/s", value: steps / firstMillis * 1_000, goals: [] }
    ]
  })

export const a: Benchmark = {
  name: "a",
  title: "one workflow of 1,000 activities in sequence",
  tasks: [sequential, sequentialLimit],
  measure: (setting) =>
    Effect.map(
      Effect.forEach(setting.normal ? ["full", "normal"] as const : ["full"] as const, (durability) =>
        onDisk(setting, durability)),
      (figures) =>
        figures.flat()
    )
}

export const inMemory: Benchmark = {
  name: "a'",
  title: "the same with the journal in memory",
  tasks: [sequential, loop],
  measure: ({ size }) =>
    Effect.gen(function*() {
      const workflows = size(50, 2)
      const of = { filename: "", durability: "memory" as const, prefix: "a", steps, workflows, warmUp: steps }
      const { firstMillis, millis } = yield* sequential.inChild(of)
      const bare = yield* loop.inChild({ steps, rounds: workflows })
      return [
        {
          name: "steps",
          unit: "/s",
          value: steps * workflows / millis * 1_000,
          limit: { of: "a bare loop of schemas and fibers", value: steps * workflows / bare.millis * 1_000 },
          goals: [atLeast(30_000)]
        },
        { name: "steps of the first workflow", unit: "/s", value: steps / firstMillis * 1_000, goals: [] }
      ]
    })
}
