/**
 * f: whether a step costs the same however many came before it.
 */
import { Effect } from "effect"
import { type Benchmark, type Figure, ratioAtLeast } from "./benchmark.ts"
import { sequential, sequentialLimit } from "./sequential.ts"

/** At least so many steps are taken, in as many workflows as that needs. */
const stepsMin = 2_000

export const f: Benchmark = {
  name: "f",
  title: "the rate of a, by the number of steps",
  tasks: [],
  measure: ({ file, size }) =>
    Effect.gen(function*() {
      const sizes = size(4, 2) === 4 ? [100, 1_000, 10_000, 50_000] : [100, 2_000]
      const measured = yield* Effect.forEach(sizes, (steps) =>
        Effect.gen(function*() {
          const [filename, workflows] = [file(`${steps}.db`), Math.max(1, stepsMin / steps)]
          const of = { filename, durability: "full" as const, prefix: "f", steps, workflows, warmUp: 1_000 }
          const { millis } = yield* sequential.inChild(of)
          const bare = yield* sequentialLimit.inChild({ source: filename, prefix: "f-", durability: "full" })
          const perSecond = (millis: number) => steps * workflows / millis * 1_000
          return { steps, rate: perSecond(millis), bareRate: perSecond(bare.millis) }
        }))
      const [first] = measured
      return measured.flatMap(({ bareRate, rate, steps }, index): ReadonlyArray<Figure> => [
        {
          name: `${steps} steps`,
          unit: "/s",
          value: rate,
          ...first === undefined || index === 0 ? {} : { limit: { of: `${first.steps} steps`, value: first.rate } },
          goals: index === measured.length - 1 ? [ratioAtLeast(0.9)] : [],
          point: { panel: "f", series: "tempolite", size: steps, y: rate }
        },
        {
          name: `${steps} steps, bare SQLite`,
          unit: "/s",
          value: bareRate,
          goals: [],
          point: { panel: "f", series: "bare SQLite", size: steps, y: bareRate }
        }
      ])
    })
}
