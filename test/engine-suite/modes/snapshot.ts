/**
 * What a journal holds, as far as no crash may change it: without times, and without attempts.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Journal } from "../../../src/index.ts"

/** The place of each outcome among the others of its generation: a number may be left out. */
const placesOf = ({ steps, workflow }: Journal.History) => {
  const done = steps.filter(({ status }) => status !== "Cancelled")
  const seqs = [...done, { generation: workflow.generation, seq: workflow.cancelSeq }]
  const known = new Map<string, number>()
  const counts = new Map<number, number>()
  for (const { generation, seq } of seqs.toSorted((one, other) => (one.seq ?? 0) - (other.seq ?? 0))) {
    if (seq === null) continue
    const place = counts.get(generation) ?? 0
    known.set(`${generation} ${seq}`, place)
    counts.set(generation, place + 1)
  }
  return (generation: number, seq: number | null) => known.get(`${generation} ${seq}`) ?? null
}

const lines = (history: Journal.History): ReadonlyArray<string> => {
  const { executions, signals, steps, workflow } = history
  const placeOf = placesOf(history)
  const line = (what: string, ...parts: ReadonlyArray<unknown>) =>
    `${workflow.id} ${what}: ${parts.map((part) => JSON.stringify(part)).join(" ")}`
  return [
    line(
      "workflow",
      workflow.name,
      workflow.status,
      workflow.generation,
      workflow.payload,
      // Of one that was cancelled it tells who was interrupted, which may be more or fewer fibers.
      workflow.status === "Cancelled" ? null : workflow.outcome,
      workflow.reason,
      workflow.parentId,
      workflow.parentPath,
      workflow.forkedId,
      placeOf(workflow.generation, workflow.cancelSeq),
      workflow.unusedOutcomes
    ),
    ...executions.map(({ attempt, error, generation, status }) =>
      line(`execution ${generation}.${attempt}`, status, error)
    ),
    // Whether what was begun, and given up, had been noted before the process died, does not matter.
    ...steps.filter(({ status }) => status !== "Cancelled").map((step) =>
      line(
        `step ${step.generation} ${step.path}`,
        step.kind,
        step.name,
        step.payload,
        step.status,
        step.outcome,
        placeOf(step.generation, step.seq),
        step.round,
        step.undo,
        step.origin
      )
    ).sort(),
    ...signals.map(({ name, payload }) => line("signal", name, payload))
  ]
}

/** One line for each row. */
export const take = (journal: Journal.Service): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const all = yield* journal.list({ filter: Journal.everything, after: 0, limit: Number.MAX_SAFE_INTEGER })
    const histories = yield* Effect.forEach(all, ({ workflow }) => journal.history(workflow.id))
    return histories.flatMap(Option.toArray).toSorted((one, other) => one.workflow.id < other.workflow.id ? -1 : 1)
      .flatMap(lines)
  }).pipe(Effect.orDie)
