/**
 * h: signals that are sent from outside, awaited and taken.
 */
import { Array, Effect, Schema } from "effect"
import { Signal, Workflow } from "../src/index.ts"
import { atLeast, type Benchmark, type Figure } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

const Told = Signal.make("Told", { payload: { n: Schema.Int } })

/** Takes as many signals as its payload says, one after the other; its result is their sum. */
class Listener extends Workflow.Tag<Listener>()("Listener", { payload: { n: Schema.Int }, success: Schema.Int }) {}

const ListenerLive = Listener.layer(({ n }) =>
  Effect.gen(function*() {
    let sum = 0
    for (let index = 0; index < n; index++) sum += (yield* Told.await(`signal-${index}`)).n
    return sum
  })
)

const sendsAtOnce = 100

/** Each signal tells 1. */
const tell = (prefix: string, listeners: number, each: number) =>
  Effect.gen(function*() {
    const started = yield* Effect.forEach(
      Programs.of(listeners),
      (n) => Listener.start(`${prefix}-${n}`, { n: each }),
      { concurrency: sendsAtOnce }
    )
    yield* Effect.forEach(
      Programs.of(listeners * each),
      (n) => Told.send(`${prefix}-${n % listeners}`, { n: 1 }),
      { concurrency: sendsAtOnce, discard: true }
    )
    yield* Effect.forEach(started, ({ result }) => Programs.expect(result, each), {
      concurrency: "unbounded",
      discard: true
    })
  })

const signals = Task.make("signals", {
  params: Schema.Struct({ filename: Schema.String, listeners: Schema.Int, each: Schema.Int }),
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ each, filename, listeners }) =>
    Effect.gen(function*() {
      const { context } = yield* Programs.open(ListenerLive, Programs.journal(filename, "full"))
      return yield* Effect.gen(function*() {
        yield* tell("first", 10, 100)
        const [millis] = yield* Programs.timed(tell("h", listeners, each))
        return { millis }
      }).pipe(Effect.provide(context))
    })
})

/** The signal that a step took. */
const signalOf = ({ row }: Limit.StepRows, id: number): Limit.Write["row"] => ({
  id,
  workflow_id: row["workflow_id"] ?? null,
  name: row["name"] ?? null,
  payload: row["outcome"] ?? null,
  at: row["at"] ?? null
})

/** In each commit a hundred signals arrive, and the hundred before them are taken. */
const plan: Limit.Plan = (workflows) => {
  const steps = workflows.flatMap(({ steps }) => steps)
  const batches = Array.chunksOf(
    steps.map((step, index) => ({ step, signal: signalOf(step, index + 1) })),
    sendsAtOnce
  )
  return [
    workflows.map(({ row }) => Limit.insert(Limit.tables.workflow, row)),
    ...Array.makeBy(batches.length + 1, (index) => [
      ...(batches[index] ?? []).map(({ signal }) => Limit.insert(Limit.tables.signal, signal)),
      ...(batches[index - 1] ?? []).flatMap(({ signal, step }) => [
        ...Limit.insertStep(step),
        Limit.remove(Limit.tables.signal, signal)
      ])
    ]),
    workflows.flatMap(Limit.end)
  ]
}

const limit = Limit.task("signals-limit", plan)

export const h: Benchmark = {
  name: "h",
  title: "10,000 signals sent, awaited and handled, 100 at a time",
  tasks: [signals, limit],
  measure: ({ file, size }) => {
    const total = size(10_000, 1_000)
    return Effect.forEach([1, 100], (listeners) =>
      Effect.gen(function*() {
        const filename = file(`signals-${listeners}.db`)
        const { millis } = yield* signals.inChild({ filename, listeners, each: total / listeners })
        const bare = yield* limit.inChild({ source: filename, prefix: "h-", durability: "full" })
        const figure: Figure = {
          name: listeners === 1 ? "signals to one workflow" : `signals to ${listeners} workflows`,
          unit: "/s",
          value: total / millis * 1_000,
          limit: { of: "bare SQLite, batches of 100", value: total / bare.millis * 1_000 },
          goals: [atLeast(5_000)]
        }
        return figure
      }))
  }
}
