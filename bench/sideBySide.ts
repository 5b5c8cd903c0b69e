/**
 * b: workflows of three activities, a hundred at a time. And how many commits that takes, which is told with k.
 */
import { Effect, Layer, Schema } from "effect"
import { Journal } from "../src/index.ts"
import { atLeast, type Benchmark, type Figure, ratioAtLeast, type Setting } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

const steps = 3
const atOnce = 100

const execute = (id: string) =>
  Programs.expect(Programs.Sequence.execute(id, { n: steps }), Programs.sumOfDoubles(steps))

const executeAll = (prefix: string, count: number) =>
  Effect.forEach(Programs.of(count), (n) => execute(`${prefix}-${n}`), { concurrency: atOnce, discard: true })

const sideBySide = Task.make("side-by-side", {
  params: Schema.Struct({ filename: Schema.String, durability: Programs.Durability, workflows: Schema.Int }),
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ durability, filename, workflows }) =>
    Effect.gen(function*() {
      const { context } = yield* Programs.open(Programs.SequenceLive, Programs.journal(filename, durability))
      return yield* Effect.gen(function*() {
        yield* executeAll("first", workflows)
        const [millis] = yield* Programs.timed(executeAll("b", workflows))
        return { millis }
      }).pipe(Effect.provide(context))
    })
})

/** The same, without a clock: every call of the journal that writes is counted. */
export const counted = Task.make("side-by-side-counted", {
  params: Schema.Struct({ filename: Schema.String, workflows: Schema.Int }),
  result: Schema.Struct({ commits: Schema.Int }),
  run: ({ filename, workflows }) =>
    Effect.gen(function*() {
      let commits = 0
      const counting = <A, E>(write: Effect.Effect<A, E>): Effect.Effect<A, E> =>
        Effect.suspend(() => {
          commits++
          return write
        })
      const journal = Layer.effect(
        Journal.Journal,
        Effect.map(Journal.Journal, (journal): Journal.Service => ({
          ...journal,
          commit: (lease, batch) => counting(journal.commit(lease, batch)),
          submit: (request, created) => counting(journal.submit(request, created)),
          send: (signal) => counting(journal.send(signal))
        }))
      ).pipe(Layer.provide(Programs.journal(filename, "full")))
      const { context } = yield* Programs.open(Programs.SequenceLive, journal)
      yield* Effect.provide(executeAll("b", workflows), context)
      return { commits }
    })
})

/** A hundred workflows at a time: their starts are one commit, their first steps another, and so on. */
export const sideBySideLimit = Limit.task("side-by-side-limit", Limit.inBatches(atOnce))

const onDisk = ({ file, size }: Setting, durability: "full" | "normal") =>
  Effect.gen(function*() {
    const [filename, workflows] = [file(`${durability}.db`), size(1_000, 200)]
    const { millis } = yield* sideBySide.inChild({ filename, durability, workflows })
    const bare = yield* sideBySideLimit.inChild({ source: filename, prefix: "b-", durability })
    const figure: Figure = {
      name: `workflows${durability === "full" ? "" : ", synchronous=NORMAL"}`,
      unit: "/s",
      value: workflows / millis * 1_000,
      limit: { of: "bare SQLite, batches of 100", value: workflows / bare.millis * 1_000 },
      goals: durability === "full" ? [atLeast(4_000), ratioAtLeast(0.3)] : []
    }
    return figure
  })

export const b: Benchmark = {
  name: "b",
  title: "1,000 workflows of 3 activities, 100 at a time",
  tasks: [sideBySide, sideBySideLimit],
  measure: (setting) =>
    Effect.gen(function*() {
      const durabilities = setting.normal ? ["full", "normal"] as const : ["full"] as const
      const figures = yield* Effect.forEach(durabilities, (durability) => onDisk(setting, durability))
      const workflows = setting.size(1_000, 200)
      const { millis } = yield* sideBySide.inChild({ filename: "", durability: "memory", workflows })
      return [
        ...figures,
        { name: "workflows, in memory", unit: "/s", value: workflows / millis * 1_000, goals: [atLeast(8_000)] }
      ]
    })
}
