/**
 * c: from the start to the result of a workflow of one activity, one after the other.
 */
import { Effect, Schema } from "effect"
import { type Benchmark, ratioAtMost } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

const latency = Task.make("latency", {
  params: Schema.Struct({ filename: Schema.String, workflows: Schema.Int }),
  result: Schema.Struct({ firstMillis: Schema.Number, p50Millis: Schema.Number, p99Millis: Schema.Number }),
  run: ({ filename, workflows }) =>
    Effect.gen(function*() {
      const { context } = yield* Programs.open(Programs.SequenceLive, Programs.journal(filename, "full"))
      const execute = (id: string) => Programs.expect(Programs.Sequence.execute(id, { n: 1 }), Programs.sumOfDoubles(1))
      const times = yield* Effect.forEach(
        Programs.of(workflows),
        (n) => Effect.map(Programs.timed(execute(`c-${n}`)), ([millis]) => millis)
      ).pipe(Effect.provide(context))
      return {
        firstMillis: times[0] ?? Number.NaN,
        p50Millis: Limit.percentile(times, 0.5),
        p99Millis: Limit.percentile(times, 0.99)
      }
    })
})

/** One row, one commit. */
const oneRow = Limit.task(
  "latency-limit",
  (workflows) => workflows.map(({ row }) => [Limit.insert(Limit.tables.workflow, row)])
)

export const c: Benchmark = {
  name: "c",
  title: "from start to result of a workflow of one activity",
  tasks: [latency, oneRow],
  measure: ({ file, size }) =>
    Effect.gen(function*() {
      const filename = file("latency.db")
      const { firstMillis, p50Millis, p99Millis } = yield* latency.inChild({ filename, workflows: size(2_000, 200) })
      const bare = yield* oneRow.inChild({ source: filename, prefix: "c-", durability: "full" })
      const limit = { of: "a commit of one row, p50", value: bare.p50Millis }
      return [
        { name: "p50", unit: "ms", value: p50Millis, limit, goals: [ratioAtMost(3)] },
        { name: "p99", unit: "ms", value: p99Millis, limit, goals: [ratioAtMost(10)] },
        { name: "the first of the process", unit: "ms", value: firstMillis, limit, goals: [] }
      ]
    })
}
