/**
 * g: whether what has finished is in the way.
 */
import { Effect, Schema } from "effect"
import { closeSync, existsSync, fsyncSync, openSync } from "node:fs"
import { Tempolite } from "../src/index.ts"
import { atMost, type Benchmark, type Figure, ratioAtLeast } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import { sequential } from "./sequential.ts"
import * as Task from "./task.ts"

const id = (n: number) => `finished-${String(n).padStart(7, "0")}`

/** What all are copies of: a workflow that an engine has run. */
const original = "original"

const times = new Set(["created_at", "started_at", "finished_at", "at"])

/** A row of the original as that of copy `n`, which ended so many milliseconds before it. */
const copied = (column: string, table: string): string => {
  if (column === (table === Limit.tables.workflow ? "id" : "workflow_id")) return "printf('finished-%07d', n)"
  if (column === "row_id") return "row_id + n * size"
  if (column === "changed") return "changed + n"
  return times.has(column) ? `${column} - n` : column
}

/** The file has no other rows than those of the original. */
const copy = (table: string, columns: ReadonlyArray<string>, count: number) =>
  `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count}),
    original AS MATERIALIZED (SELECT *, count(*) OVER () AS size FROM ${table})
  INSERT INTO ${table} (${columns.join(", ")})
  SELECT ${columns.map((column) => copied(column, table)).join(", ")} FROM number CROSS JOIN original ORDER BY n`

/** Runs one workflow, and writes copies of its rows. */
const fill = Task.make("finished-fill", {
  params: Schema.Struct({ filename: Schema.String, count: Schema.Int }),
  result: Schema.Struct({}),
  run: ({ count, filename }) =>
    Effect.gen(function*() {
      const opened = Programs.open(Programs.SequenceLive, Programs.journal(filename, "full"))
      const execute = (id: string) => Programs.expect(Programs.Sequence.execute(id, { n: 2 }), Programs.sumOfDoubles(2))
      yield* Effect.scoped(Effect.flatMap(opened, ({ context }) => Effect.provide(execute(original), context)))
      yield* Effect.scoped(Effect.map(Limit.connect(filename), (database) => {
        database.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -500000")
        for (const table of [Limit.tables.workflow, Limit.tables.execution, Limit.tables.step, Limit.tables.attempt]) {
          const columns = Limit.rowsOf(database, `SELECT name FROM pragma_table_info('${table}')`)
          database.exec(copy(table, columns.map(({ name }) => String(name)), count))
        }
        database.exec("PRAGMA journal_mode = WAL")
      }))
      // What the system has not written yet would be written while the next process is measured.
      yield* Effect.acquireUseRelease(
        Effect.sync(() => openSync(filename, "r+")),
        (descriptor) =>
          Effect.sync(() => {
            fsyncSync(descriptor)
          }),
        (descriptor) =>
          Effect.sync(() => {
            closeSync(descriptor)
          })
      )
      // They are to an engine what it would have written.
      const { context } = yield* opened
      yield* Effect.gen(function*() {
        const shown = yield* description(original)
        for (const n of [1, Math.ceil(count / 2), count]) {
          yield* execute(id(n))
          yield* Programs.expect(description(id(n)), shown)
        }
      }).pipe(Effect.provide(context))
      return {}
    })
})

/** All that `describe` says, but for the name and the times. */
const description = (id: string) =>
  Effect.gen(function*() {
    const tempolite = yield* Tempolite.Tempolite
    const text = JSON.stringify(yield* tempolite.describe(id))
    return text.replaceAll(id, "…").replaceAll(/"\d{4}-\d\d-\d\dT[^"]*"/g, "\"…\"")
  })

const steps = 1_000

export const g: Benchmark = {
  name: "g",
  title: "a in a file with many finished workflows",
  tasks: [fill],
  measure: ({ file, kept, size }) =>
    Effect.gen(function*() {
      const workflows = size(5, 1)
      // The file stays for the next run.
      const prefix = `g${Date.now().toString(36)}`
      const rate = (filename: string) =>
        Effect.map(
          sequential.inChild({ filename, durability: "full", prefix, steps, workflows, warmUp: steps }),
          ({ millis, openMillis }) => ({ openMillis, perSecond: steps * workflows / millis * 1_000 })
        )
      const none = file("none.db")
      // It has its tables, as the others.
      yield* fill.inChild({ filename: none, count: 1 })
      const empty = yield* rate(none)
      const figures = yield* Effect.forEach([
        size(1_000, 100),
        size(10_000, 1_000),
        size(100_000, 5_000),
        size(1_000_000, 20_000)
      ], (count) =>
        Effect.gen(function*() {
          const filename = kept(`finished-${count}.db`)
          if (!existsSync(filename)) yield* fill.inChild({ filename, count })
          const { openMillis, perSecond } = yield* rate(filename)
          const isGoal = count >= size(100_000, 5_000)
          const figures: ReadonlyArray<Figure> = [
            {
              name: `${count} finished, steps`,
              unit: "/s",
              value: perSecond,
              limit: { of: "a new file", value: empty.perSecond },
              goals: isGoal ? [ratioAtLeast(0.9)] : [],
              point: { panel: "g", series: "tempolite", size: count, y: perSecond }
            },
            {
              name: `${count} finished, open`,
              unit: "ms",
              value: openMillis,
              limit: { of: "a new file", value: empty.openMillis },
              goals: isGoal ? [atMost(50)] : [],
              point: { panel: "g open", series: "tempolite", size: count, y: openMillis }
            }
          ]
          return figures
        }))
      return [
        {
          name: "a new file, steps",
          unit: "/s",
          value: empty.perSecond,
          goals: [],
          point: { panel: "g", series: "a new file", y: empty.perSecond }
        },
        {
          name: "a new file, open",
          unit: "ms",
          value: empty.openMillis,
          goals: [],
          point: { panel: "g open", series: "a new file", y: empty.openMillis }
        },
        ...figures.flat()
      ]
    })
}
