/**
 * k: what a step takes in the file, and how many commits a workflow of b takes.
 */
import { Effect } from "effect"
import { atMost, type Benchmark } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import { sequential, sequentialLimit } from "./sequential.ts"
import { counted, sideBySideLimit } from "./sideBySide.ts"

/** The bytes of all payloads and outcomes of the steps whose workflows' ids begin with `prefix`. */
const payloads = (filename: string, prefix: string) =>
  Effect.scoped(Effect.map(Limit.connect(filename, true), (database) => {
    const sum = "sum(ifnull(length(CAST(payload AS BLOB)), 0) + ifnull(length(CAST(outcome AS BLOB)), 0))"
    const [row] = Limit.rowsOf(
      database,
      `SELECT ${sum} AS bytes FROM ${Limit.tables.step} WHERE workflow_id GLOB ?`,
      `${prefix}*`
    )
    return Number(row?.["bytes"])
  }))

export const k: Benchmark = {
  name: "k",
  title: "bytes of a step, and commits of a workflow of b",
  tasks: [counted],
  measure: ({ file, size }) =>
    Effect.gen(function*() {
      const [filename, none] = [file("bytes.db"), file("none.db")]
      const steps = size(10_000, 1_000)
      const of = { durability: "full" as const, prefix: "order", workflows: 1, warmUp: 0 }
      yield* sequential.inChild({ ...of, filename: none, steps: 0 })
      yield* sequential.inChild({ ...of, filename, steps })
      yield* sequentialLimit.inChild({ source: filename, prefix: "order-", durability: "full" })
      const payloadBytes = yield* payloads(filename, "order-")
      const each = (path: string) => (Limit.sizeOf(path) - Limit.sizeOf(none) - payloadBytes) / steps

      const [source, workflows] = [file("counted.db"), size(1_000, 200)]
      const { commits } = yield* counted.inChild({ filename: source, workflows })
      const bare = yield* sideBySideLimit.inChild({ source, prefix: "b-", durability: "full" })
      return [
        {
          name: "bytes of a step beyond payloads",
          unit: "B",
          value: each(filename),
          limit: { of: "the same rows, written once", value: each(`${filename}.${sequentialLimit.name}`) },
          goals: [atMost(300)]
        },
        {
          name: "commits for each workflow of b",
          unit: "",
          value: commits / workflows,
          limit: { of: "batches of 100", value: bare.commits / workflows },
          goals: []
        }
      ]
    })
}
