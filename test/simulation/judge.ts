/**
 * Whether a run on the engine was as it had to be.
 */
import { Option, Schema } from "effect"
import type { Journal } from "../../src/index.ts"
import { orders, predict } from "./model.ts"
import { canonical, type Event, type Observed } from "./observed.ts"
import { everyPart, type Generations } from "./program.ts"
import { allCommands, type Schedule } from "./schedule.ts"
import type { Run } from "./simulate.ts"
import { isSequential, isTimeless } from "./timeless.ts"

/** How much was known of a run beforehand. */
export type Prediction =
  /** Everything, to the millisecond. */
  | "exact"
  /** Everything but which came first of what happened at one instant. */
  | "exact but for ties"
  /** How it ends, and what has been done. */
  | "the end"
  /** What must never be. */
  | "the laws"

export interface Verdict {
  readonly prediction: Prediction
  readonly objections: ReadonlyArray<string>
}

const isSame = (run: Run) => (model: Observed): boolean =>
  model.status === run.status && model.outcome === run.outcome && model.endedAt === run.endedAt &&
  canonical(model.events).join() === canonical(run.events).join()

const differences = (model: Observed, run: Run): ReadonlyArray<string> => {
  const compare = (what: string, expected: unknown, found: unknown) =>
    expected === found ? [] : [`${what} is ${found}, and has to be ${expected}`]
  const [expected, found] = [canonical(model.events), canonical(run.events)]
  const index = expected.findIndex((line, index) => line !== found[index])
  const at = index === -1 ? expected.length : index
  return [
    ...compare("the status", model.status, run.status),
    ...compare("the outcome", model.outcome, run.outcome),
    ...compare("the end", model.endedAt, run.endedAt),
    ...compare(`event ${at}`, expected[at], found[at])
  ]
}

/** Nothing went wrong: all is known, but for what happens at one instant. */
const exactly = (generations: Generations, schedule: Schedule, run: Run): Verdict => {
  const commands = allCommands(schedule)
  const usual = predict(generations, commands)
  if (isSame(run)(usual)) return { prediction: "exact", objections: [] }
  const isKnown = orders.some((order) => isSame(run)(predict(generations, commands, order)))
  return { prediction: "exact but for ties", objections: isKnown ? [] : differences(usual, run) }
}

/** Those that succeeded, in the order in which they did so at last. */
const succeeded = (events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const names = events.filter(({ what }) => what === "ok").map(({ name }) => name)
  return names.filter((name, index) => names.lastIndexOf(name) === index)
}

/** Time does not matter: what comes of it is known, however often it was begun anew. */
const inTheEnd = (generations: Generations, schedule: Schedule, run: Run): ReadonlyArray<string> => {
  const model = predict(generations, allCommands(schedule))
  const order = (events: ReadonlyArray<Event>) =>
    isSequential(generations) ? succeeded(events) : succeeded(events).toSorted()
  const [expected, found] = [order(model.events).join(" "), order(run.events).join(" ")]
  return [
    ...(model.status === run.status && model.outcome === run.outcome
      ? []
      : [`it is ${run.status} (${run.outcome}), and has to be ${model.status} (${model.outcome})`]),
    ...(expected === found ? [] : [`done is ${found}, and has to be ${expected}`])
  ]
}

const Named = Schema.parseJson(Schema.Struct({ name: Schema.String }))
const nameOf = ({ payload }: Journal.StepRow): string | undefined =>
  payload === null ? undefined : Option.getOrUndefined(Schema.decodeOption(Named)(payload))?.name

/** The steps of activities by their names, as they were written last. */
const byName = ({ batches }: Run): ReadonlyMap<string, Journal.StepRow> =>
  new Map(
    batches.flatMap(({ steps }) => steps).flatMap((row) => {
      const name = row.kind === "Activity" ? nameOf(row) : undefined
      return name === undefined ? [] : [[name, row] as const]
    })
  )

/** No activity was called more often than it had failed, and than processes ended while it was under way. */
const tooOften = (
  { batches, ends, events }: Run,
  rows: ReadonlyMap<string, Journal.StepRow>
): ReadonlyArray<string> => {
  const failed = new Map<string, Set<number>>()
  const idOf = (row: { readonly workflowId: string; readonly generation: number; readonly path: string }) =>
    `${row.workflowId} ${row.generation} ${row.path}`
  for (const row of batches.flatMap(({ stepExecutions }) => stepExecutions)) {
    if (row.status !== "Failed" && row.status !== "TimedOut") continue
    failed.set(idOf(row), (failed.get(idOf(row)) ?? new Set()).add(row.attempt))
  }
  return Array.from(rows).flatMap(([name, row]) => {
    const starts = events.filter((event) => event.name === name && event.what === "start").length
    const lost = ends.filter(({ begun }) => begun.has(name)).length
    const allowed = 1 + (failed.get(idOf(row))?.size ?? 0) + lost
    return starts <= allowed ? [] : [`${name} was called ${starts} times, and ${allowed} at most were needed`]
  })
}

const frameOf = (name: string): string =>
  name.slice(0, Math.max(...["/", "!", ":"].map((end) => name.lastIndexOf(end))))

/** What was done in a saga that failed is undone, all of it, what was done last first. */
const undone = (
  generations: Generations,
  { batches, events, histories }: Run,
  rows: ReadonlyMap<string, Journal.StepRow>
): ReadonlyArray<string> => {
  const workflows = new Map(histories.map(({ workflow }) => [workflow.id, workflow]))
  // One that has succeeded may be compensated as a whole: then what is around it says what that is.
  const failedSagas = new Set(
    batches.flatMap(({ steps }) => steps)
      .filter(({ kind, status }) => kind === "Saga" && (status === "Compensating" || status === "Failed"))
      .map(({ generation, path, workflowId }) => `${workflowId} ${generation} ${path}`)
  )
  const hasFailed = ({ generation, path, workflowId }: Journal.StepRow): boolean => {
    const workflow = workflows.get(workflowId)
    if (workflow?.generation !== generation) return false
    return path.includes("/")
      ? failedSagas.has(`${workflowId} ${generation} ${path.slice(0, path.lastIndexOf("/"))}`)
      : workflow.status === "Failed" || workflow.status === "Cancelled"
  }
  const pairs = generations.flatMap(everyPart).flatMap((part) => {
    if (part._tag !== "Compensate" || part.part._tag !== "Activity" || part.undo._tag !== "Activity") return []
    const [done, undo] = [rows.get(part.part.name), rows.get(part.undo.name)]
    if (done === undefined || done.seq === null || done.status === "Failed" || !hasFailed(done)) return []
    return [{ name: part.part.name, done: done.seq, undo, undoName: part.undo.name }]
  })
  const begun = (name: string) => events.findIndex((event) => event.name === name && event.what === "start")
  return pairs.flatMap(({ done, name, undo, undoName }) => {
    if (undo === undefined || undo.seq === null) return [`${name} was not undone`]
    return pairs.flatMap((other) =>
      frameOf(other.name) === frameOf(name) && other.done < done && begun(other.undoName) < begun(undoName)
        ? [`${other.name} was undone before ${name}, and done before it`]
        : []
    )
  })
}

export const judge = (generations: Generations, schedule: Schedule, run: Run): Verdict => {
  const rows = byName(run)
  const laws = [...run.violations, ...tooOften(run, rows), ...undone(generations, run, rows)]
  if (laws.length > 0) return { prediction: "the laws", objections: laws }
  if (run.faults.length === 0) return exactly(generations, schedule, run)
  return isTimeless(generations, schedule)
    ? { prediction: "the end", objections: inTheEnd(generations, schedule, run) }
    : { prediction: "the laws", objections: [] }
}
