/**
 * Compares a run in which processes died with one in which none did. Pure.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Reason from "../internal/reason.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../JournalModel.ts"
import type { Write } from "./mortalJournal.ts"
import type { Histories, Played } from "./scenario.ts"
import * as Show from "./show.ts"

/** What has to be the same: with what everything ended, or how, or nothing. */
export type Same = "outcomes" | "statuses" | "nothing"

type AnyPlayed = Played<unknown, unknown>

/** A step of one generation, of whatever workflow. */
const stepId = (row: { readonly workflowId: string; readonly generation: number; readonly path: string }): string =>
  `${row.generation} ${row.workflowId.length} ${row.workflowId}${row.path}`

const named = (step: { readonly workflowId: string; readonly path: string }): string =>
  `the step "${step.path}" of the workflow ${Show.id(step.workflowId)}`

const sum = (counts: ReadonlyArray<number>): number => counts.reduce((total, count) => total + count, 0)

const rows = (histories: Histories) => Array.from(histories.values())

/** Why the workflows that are suspended are so. */
const suspensions = (histories: Histories): ReadonlyArray<string> =>
  rows(histories).flatMap(({ workflow }) =>
    workflow.status === "Suspended"
      ? [
        `the workflow ${Show.id(workflow.id)} is suspended: ` +
        Option.match(Reason.decode(workflow.reason), {
          onNone: () => workflow.reason ?? "for no reason",
          onSome: ({ message }) => message
        })
      ]
      : []
  )

/** What keeps a run from its end, if so. */
export const obstacles = ({ end, left }: AnyPlayed): ReadonlyArray<string> => {
  switch (end._tag) {
    case "Ended":
      return []
    case "Suspended":
      return suspensions(left)
    case "Idle": {
      const open = rows(left).filter(({ workflow }) => !isEnded(workflow.status) && workflow.status !== "Suspended")
      return [
        "the program does not end: nothing happens any more, and nobody sleeps",
        ...suspensions(left),
        ...open.map(({ workflow }) => `the workflow ${Show.id(workflow.id)} is ${workflow.status}`)
      ]
    }
    case "Endless":
      return ["the program does not end, however often time is moved", ...suspensions(left)]
  }
}

/** What `verify` says against a run. */
export const objections = ({ verified }: AnyPlayed): ReadonlyArray<string> =>
  Exit.isSuccess(verified) ? [] : [`\`verify\` failed: ${withoutFrames(Cause.pretty(verified.cause))}`]

const withoutFrames = (text: string): string =>
  text.split("\n").filter((line) => !line.trimStart().startsWith("at ")).join("\n")

const workflowDifferences = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  const ended = rows(without.left).filter(({ workflow }) => isEnded(workflow.status))
  const changed = ended.flatMap(({ workflow: before }) => {
    const name = `the workflow ${Show.id(before.id)}`
    const after = crashed.left.get(before.id)?.workflow
    if (after === undefined) {
      return [
        `${name} was never started. A process that starts again must choose the same ids, and start what is not there`
      ]
    }
    if (after.status !== before.status) return [`${name} is ${after.status}, and ${before.status} without a crash`]
    const [here, there] = [Show.recorded(after.outcome), Show.recorded(before.outcome)]
    return same === "statuses" || here === there ? [] : [
      `${name} ended with ${Show.short(here)}, and without a crash with ${Show.short(there)}`
    ]
  })
  // What goes on without end may have got further.
  const isWhole = ended.length === without.left.size
  const more = rows(crashed.left).filter(({ workflow }) => isWhole && !without.left.has(workflow.id))
  return [
    ...changed,
    ...more.map(({ workflow }) => `the workflow ${Show.id(workflow.id)} does not exist without a crash`)
  ]
}

const exitDifferences = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  if (without.end._tag !== "Ended" || crashed.end._tag !== "Ended") return []
  const [here, there] = [Show.exit(crashed.end.exit), Show.exit(without.end.exit)]
  const isSame = same === "statuses" ? crashed.end.exit._tag === without.end.exit._tag : here === there
  return isSame ? [] : [`the program ended with ${Show.short(here)}, and without a crash with ${Show.short(there)}`]
}

/** Whether a step has an outcome that its workflow may have acted upon. A loser of a race may have ended, or not. */
const hasOutcome = (row: Journal.StepRow): boolean =>
  !row.path.startsWith("~") && (row.status === "Completed" || row.status === "Failed" || row.status === "Compensated")

const stepDifferences = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> =>
  rows(without.left).filter(({ workflow }) => isEnded(workflow.status)).flatMap(({ steps, workflow }) => {
    const found = new Map(crashed.left.get(workflow.id)?.steps.map((row) => [stepId(row), row]))
    return steps.filter(hasOutcome).flatMap((before) => {
      const after = found.get(stepId(before))
      const undo = before.undo ? "undo: " : ""
      if (after?.status === "Cancelled") return []
      if (after === undefined || after.status === "Pending") {
        return [`${undo}${named(before)} did not run, and is ${before.status} without a crash`]
      }
      if (!hasOutcome(after)) {
        return [`${undo}${named(before)} was begun and left, and is ${before.status} without a crash`]
      }
      if (after.status !== before.status) {
        return [`${undo}${named(before)} is ${after.status}, and ${before.status} without a crash`]
      }
      const [here, there] = [Show.recorded(after.outcome), Show.recorded(before.outcome)]
      return same === "statuses" || here === there ? [] : [
        `${undo}${named(before)} ended with ${Show.short(here)}, and without a crash with ${Show.short(there)}`
      ]
    })
  })

/** Undos whose order is determined: they are of one saga, and one begins after the other has ended. */
const undosInOrder = (without: AnyPlayed): ReadonlyArray<readonly [Journal.StepRow, Journal.StepRow]> => {
  const [begun, ended] = [new Map<string, number>(), new Map<string, number>()]
  without.writes.forEach(({ steps = [] }, index) => {
    for (const row of steps) {
      if (!begun.has(stepId(row))) begun.set(stepId(row), index)
      if (row.seq !== null) ended.set(stepId(row), index)
    }
  })
  return rows(without.left).flatMap(({ steps }) => {
    const undos = inOrder(steps.filter((row) => row.undo && row.seq !== null))
    return undos.flatMap((first, index) =>
      undos.slice(index + 1).filter((second) =>
        second.generation === first.generation && sagaOf(second) === sagaOf(first) &&
        (begun.get(stepId(second)) ?? 0) >= (ended.get(stepId(first)) ?? Number.POSITIVE_INFINITY)
      ).map((second) => [first, second] as const)
    )
  })
}

const inOrder = (steps: ReadonlyArray<Journal.StepRow>): ReadonlyArray<Journal.StepRow> =>
  Array.from(steps).sort((one, other) => one.generation - other.generation || (one.seq ?? 0) - (other.seq ?? 0))

/** The path of the saga that a step is in. */
const sagaOf = ({ path }: Journal.StepRow): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** What was undone, in the order in which it had been done. */
const done = ({ steps }: Journal.History): string =>
  inOrder(steps.filter(({ status }) => status === "Compensated")).map(stepId).join(" ")

const undoDifferences = (without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> =>
  undosInOrder(without).flatMap(([first, second]) => {
    const [before, after] = [without, crashed].map(({ left }) => left.get(first.workflowId))
    // What was done in another order is undone in another order.
    if (before === undefined || after === undefined || done(before) !== done(after)) return []
    const seqOf = (step: Journal.StepRow) => after.steps.find((row) => stepId(row) === stepId(step))?.seq ?? null
    const [one, two] = [seqOf(first), seqOf(second)]
    return one === null || two === null || one < two
      ? []
      : [`undo: ${named(second)} was taken before "${first.path}", and after it without a crash`]
  })

const executionsOf = (histories: Histories): ReadonlyMap<string, ReadonlyArray<Journal.StepExecutionRow>> => {
  const byStep = new Map<string, Array<Journal.StepExecutionRow>>()
  for (const row of rows(histories).flatMap(({ stepExecutions }) => stepExecutions)) {
    const known = byStep.get(stepId(row))
    if (known === undefined) byStep.set(stepId(row), [row])
    else known.push(row)
  }
  return byStep
}

/** What was executed again although its outcome was on record, or once more although it was not under way. */
const executionDifferences = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  const expected = executionsOf(without.left)
  const steps = new Map(rows(crashed.left).flatMap((history) => history.steps).map((row) => [stepId(row), row]))
  const crashes = crashed.crashes.map(({ left }) => ({
    executions: executionsOf(left),
    recorded: new Map(rows(left).flatMap((history) => history.steps).map((row) => [stepId(row), row]))
  }))
  return Array.from(executionsOf(crashed.left)).flatMap(([id, executions]) => {
    const [first] = executions
    const step = steps.get(id)
    if (first === undefined || step === undefined) return []
    const name = named(first)
    const isRepeated = crashes.some(({ recorded }) => {
      const before = recorded.get(id)
      return (before?.status === "Completed" || before?.status === "Compensated") && before.round === step.round &&
        step.attempts > before.attempts
    })
    if (isRepeated) return [`${name} had completed before the crash, and was executed again`]
    const history = without.left.get(first.workflowId)
    if (same === "nothing" || history === undefined || !isEnded(history.workflow.status)) return []
    const once = expected.get(id)?.length ?? 0
    const inFlight = sum(
      crashes.map(({ executions }) => executions.get(id)?.some(({ status }) => status === "Running") === true ? 1 : 0)
    )
    return executions.length <= once + inFlight ? [] : [
      `${name} was executed ${executions.length} times: ${once} without a crash, and ${
        inFlight === 0 ? "it was not" : "once more because it was"
      } under way at a crash`
    ]
  })
}

/** How often signals were sent, by name and workflow. */
const sent = ({ writes }: AnyPlayed): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { name, workflowId } of writes.flatMap(({ signals = [] }) => signals)) {
    const signal = `the signal ${JSON.stringify(name)} was sent to the workflow ${Show.id(workflowId)}`
    counts.set(signal, (counts.get(signal) ?? 0) + 1)
  }
  return counts
}

/** No fault by itself, and what may explain those that there are. */
const sentAgain = (without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  const before = sent(without)
  return Array.from(sent(crashed)).flatMap(([signal, count]) => {
    const once = before.get(signal) ?? 0
    return count <= once ? [] : [`${signal} ${count} times, and ${once} times without a crash`]
  })
}

/** Everything in which `crashed` is not what it has to be. */
export const differences = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  const found = faults(same, without, crashed)
  return found.length === 0 ? found : [...sentAgain(without, crashed), ...found]
}

const faults = (same: Same, without: AnyPlayed, crashed: AnyPlayed): ReadonlyArray<string> => {
  const obstructed = obstacles(crashed)
  // Where a run did not end, all else follows from that.
  if (obstructed.length > 0) return [...obstructed, ...executionDifferences("nothing", without, crashed)]
  return [
    ...(same === "nothing" ? [] : [
      ...exitDifferences(same, without, crashed),
      ...workflowDifferences(same, without, crashed),
      ...stepDifferences(same, without, crashed),
      ...undoDifferences(without, crashed)
    ]),
    ...executionDifferences(same, without, crashed),
    ...objections(crashed)
  ]
}

/** What a write says, in lines. */
export const described = (write: Write): ReadonlyArray<string> => [
  ...(write.request === undefined
    ? []
    : [`the request of a client: ${write.request.kind} of the workflow ${Show.id(write.request.workflowId)}`]),
  ...(write.created ?? []).map(({ id, name }) => `the workflow ${Show.id(id)} (${name}): created`),
  ...(write.workflows ?? []).map(({ id, name, status }) => `the workflow ${Show.id(id)} (${name}): ${status}`),
  ...(write.steps ?? []).map((row) => `${named(row)} (${row.kind} ${row.name}): ${row.status}`),
  ...(write.signals ?? []).map(({ name, workflowId }) => `the signal ${name} to the workflow ${Show.id(workflowId)}`)
]

/** The attempts that were under way, or whose end is not on record, `lost` being what was not written any more. */
export const inFlight = (left: Histories, lost: Write): ReadonlyArray<string> => {
  const running = rows(left).flatMap(({ stepExecutions }) =>
    stepExecutions.filter(({ status }) => status === "Running")
  )
  const all = [...running, ...(lost.stepExecutions ?? [])]
  return Array.from(new Set(all.map((row) => `attempt ${row.attempt} of ${named(row)}`)))
}
