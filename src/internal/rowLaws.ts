/**
 * The laws of the rows of one workflow as they are on record. What is not said here the engine does not promise: changed
 * code may leave a step behind in the middle, and what was reset for another execution leaves a gap in the order.
 */
import * as Either from "effect/Either"
import type { StepKind, StepStatus } from "../Info.ts"
import type { History, StepExecutionRow, StepRow, WorkflowExecutionRow, WorkflowRow } from "../JournalModel.ts"
import * as Json from "./json.ts"
import { isEnded } from "./status.ts"

/** The path of a step, unless it is the workflow itself, and what is wrong with it. */
export type Finding = readonly [path: string | null, message: string]

/** A history, with what the laws look up in it. */
interface View extends History {
  /** The steps of the present generation. */
  readonly present: ReadonlyArray<StepRow>
  /** The executions of each generation, in order. */
  readonly executionsOf: ReadonlyMap<number, ReadonlyArray<WorkflowExecutionRow>>
  /** The attempts of each step of the present generation, in order. */
  readonly attemptsOf: ReadonlyMap<string, ReadonlyArray<StepExecutionRow>>
}

const grouped = <Key, Row extends { readonly attempt: number }>(
  rows: ReadonlyArray<Row>,
  by: (row: Row) => Key
): Map<Key, Array<Row>> => {
  const groups = new Map<Key, Array<Row>>()
  for (const row of rows) {
    const group = groups.get(by(row))
    if (group === undefined) groups.set(by(row), [row])
    else group.push(row)
  }
  for (const group of groups.values()) group.sort((one, other) => one.attempt - other.attempt)
  return groups
}

export const view = (history: History): View => {
  const isPresent = ({ generation }: { readonly generation: number }) => generation === history.workflow.generation
  return {
    ...history,
    present: history.steps.filter(isPresent),
    executionsOf: grouped(history.executions, ({ generation }) => generation),
    attemptsOf: grouped(history.stepExecutions.filter(isPresent), ({ path }) => path)
  }
}

/** The last execution of the present generation that is on record. */
const begunOf = ({ executionsOf, workflow }: View): number =>
  executionsOf.get(workflow.generation)?.at(-1)?.attempt ?? 0

const isExecuted = ({ kind }: StepRow): boolean => kind === "Activity" || kind === "SideEffect"

const isFinished = ({ status }: { readonly status: string }): boolean =>
  status === "Completed" || status === "Failed" || status === "Compensated"

/** Whether the numbers are 1, 2, 3, …. */
const isCounted = (rows: ReadonlyArray<{ readonly attempt: number }>): boolean =>
  rows.every(({ attempt }, index) => attempt === index + 1)

const numbersOf = (rows: ReadonlyArray<{ readonly attempt: number }>): string =>
  rows.map(({ attempt }) => attempt).join(", ")

/** The fields of the workflow that go with its status. */
function* workflowStatus({ workflow }: View): Iterable<Finding> {
  const { finishedAt, outcome, reason, sleepsUntil, status, wakeAt } = workflow
  const ended = isEnded(status)
  if (ended !== (finishedAt !== null)) {
    yield [null, ended ? `it is ${status}, and has no end` : `it has an end, and is ${status}`]
  }
  if (!ended && outcome !== null) yield [null, `it has an outcome, and is ${status}`]
  if (status === "Failed" && outcome === null) yield [null, "it is Failed, and has no cause"]
  if (status === "Suspended" && reason === null) yield [null, "it is Suspended, and has no reason"]
  if (ended && reason !== null) yield [null, `it is ${status}, and has a reason to be suspended`]
  if (ended && wakeAt !== null) yield [null, `it is ${status}, and its next execution is due`]
  if (sleepsUntil !== null && status !== "Running") yield [null, `it sleeps, and is ${status}`]
}

/** Fields that are there together or not at all. */
function* pairs({ steps, workflow }: View): Iterable<Finding> {
  const workflowPairs: ReadonlyArray<readonly [keyof WorkflowRow, keyof WorkflowRow]> = [
    ["parentId", "parentPath"],
    ["forkedId", "forkedPath"],
    ["cancelSeq", "cancelAt"]
  ]
  for (const [one, other] of workflowPairs) {
    if ((workflow[one] === null) !== (workflow[other] === null)) {
      yield [null, `it has one of ${one} and ${other}, and not the other`]
    }
  }
  for (const { at, path, seq } of steps) {
    if ((seq === null) !== (at === null)) yield [path, "it has one of seq and at, and not the other"]
  }
}

/** The generations begin with 1, and each but the present one has gone on as the next. */
function* generations({ executionsOf, stepExecutions, steps, workflow }: View): Iterable<Finding> {
  const { firstPayload, generation } = workflow
  for (const known of executionsOf.keys()) {
    if (known < 1 || known > generation) {
      yield [null, `it has an execution of generation ${known}, and is in ${generation}`]
    }
  }
  let before = 1
  while (before < generation && executionsOf.get(before)?.at(-1)?.status === "ContinuedAsNew") before++
  if (before < generation) {
    const last = executionsOf.get(before)?.at(-1)?.status ?? "missing"
    yield [null, `it is in generation ${generation}, and the last execution of generation ${before} is ${last}`]
  }
  for (const row of [...steps, ...stepExecutions]) {
    if (row.generation !== generation) {
      yield [row.path, `it is of generation ${row.generation}, and the workflow is in ${generation}`]
    }
  }
  if (generation === 1 && firstPayload !== null) {
    yield [null, "it is in its first generation, and has another payload that it began with"]
  }
}

/** The executions of a generation are numbered, and each but the last was followed because it failed or was cancelled. */
function* executions({ executionsOf }: View): Iterable<Finding> {
  for (const [generation, rows] of executionsOf) {
    const last = rows.at(-1)
    const where = `of generation ${generation}`
    if (!isCounted(rows)) yield [null, `its executions ${where} are not numbered 1, 2, …: ${numbersOf(rows)}`]
    for (const row of rows) {
      const name = `the execution ${row.attempt} ${where}`
      if ((row.status === "Running") !== (row.finishedAt === null)) {
        yield [null, `${name} is ${row.status}, and has ${row.finishedAt === null ? "no" : "an"} end`]
      }
      if ((row.status === "Failed") !== (row.error !== null)) {
        yield [null, `${name} is ${row.status}, and has ${row.error === null ? "no" : "an"} error`]
      }
      if (row !== last && row.status !== "Failed" && row.status !== "Cancelled") {
        yield [null, `${name} is ${row.status}, and there is another after it`]
      }
    }
  }
}

/** The workflow and its present execution are of one mind. */
function* agreement(self: View): Iterable<Finding> {
  const { executionsOf, workflow } = self
  const { attempt, firstAttempt, status, wakeAt } = workflow
  const current = executionsOf.get(workflow.generation)?.find((row) => row.attempt === attempt)
  const last = begunOf(self)
  if (last !== attempt && last !== attempt - 1) {
    yield [null, `its execution is number ${attempt}, on record are ${last}`]
  }
  if (firstAttempt < 1 || firstAttempt > attempt) {
    yield [null, `its retries count from execution ${firstAttempt}, and it is in ${attempt}`]
  }
  const expected = isEnded(status) ? status : "Running"
  if (current === undefined ? isEnded(status) : current.status !== expected) {
    yield [null, `it is ${status}, and its execution ${attempt} is ${current?.status ?? "missing"}`]
  }
  if (status === "Pending" && current !== undefined) {
    yield [null, `it is Pending, and its execution ${attempt} has begun`]
  }
  if (wakeAt !== null && current !== undefined && !isEnded(status)) {
    yield [null, `its execution ${attempt} has begun, and is due`]
  }
}

/**
 * Whether an outcome, and with it its place, may have been taken back: for another execution, or for a repair. A step that
 * keeps no count of its attempts may have been repaired without a trace.
 */
const mayHaveGaps = ({ present, workflow }: View): boolean =>
  workflow.attempt > 1 || workflow.forkedId !== null ||
  present.some((row) =>
    row.round > 0 || row.firstAttempt > 1 || row.origin !== "Executed" || row.kind === "Send" ||
    (row.kind === "Workflow" && row.attempts === 0)
  )

/** Outcomes have places 1, 2, 3, … in one order, and a cancel is among them. */
function* order(self: View): Iterable<Finding> {
  const { present, workflow } = self
  const places = new Map<number, string | null>()
  if (workflow.cancelSeq !== null) places.set(workflow.cancelSeq, null)
  let isRepeated = false
  for (const { path, seq } of present) {
    if (seq === null) continue
    const other = places.get(seq)
    if (other !== undefined) yield [path, `it has the place ${seq} of ${other ?? "the cancel"}`]
    isRepeated ||= other !== undefined
    places.set(seq, path)
  }
  const least = Math.min(...places.keys())
  if (least < 1) yield [places.get(least) ?? null, `the order begins with ${least}`]
  else if (!isRepeated && !mayHaveGaps(self)) {
    let gap = 1
    while (places.has(gap)) gap++
    if (gap <= places.size) yield [null, `the order of its outcomes has a gap: none has the place ${gap}`]
  }
}

const always: ReadonlyArray<StepStatus> = ["Pending", "Completed", "Failed", "Cancelled", "Compensated"]
const statusesOf: Readonly<Record<StepKind, ReadonlyArray<StepStatus>>> = {
  Activity: [...always, "Running", "Retrying"],
  SideEffect: [...always, "Running", "Retrying"],
  Saga: ["Pending", "Running", "Completed", "Failed", "Compensating", "Compensated"],
  Timer: ["Pending", "Waiting", "Completed", "Cancelled", "Compensated"],
  Signal: ["Pending", "Waiting", "Completed", "Cancelled", "Compensated"],
  Send: always,
  Workflow: [...always, "Running"],
  Detach: ["Pending", "Running", "Completed", "Cancelled", "Compensated"],
  Version: ["Pending", "Completed", "Compensated"]
}

/** A step has an outcome and its place exactly when its status says so. The order has none for sagas. */
function* outcomes(self: View): Iterable<Finding> {
  const { present, workflow } = self
  const begun = begunOf(self)
  for (const { attempt, kind, origin, outcome, path, seq, status } of present) {
    if (!statusesOf[kind].includes(status)) yield [path, `it is a ${kind}, and ${status}`]
    if (kind === "Saga") {
      if (seq !== null) yield [path, `it is a Saga, and has the place ${seq} in the order`]
    } else {
      if (isFinished({ status }) !== (seq !== null)) {
        yield [path, `it is ${status}, and has ${seq === null ? "no" : "a"} place in the order`]
      }
      if (seq === null && origin !== "Executed") yield [path, `it has no outcome, and that is ${origin}`]
    }
    if (status === "Failed" && outcome === null) yield [path, "it is Failed, and has no cause"]
    if (!isFinished({ status }) && outcome !== null) yield [path, `it is ${status}, and has an outcome`]
    if (attempt > begun) yield [path, `it is of execution ${attempt}, and the last on record is ${begun}`]
    if (origin === "Forked" && workflow.forkedId === null) yield [path, "it is Forked, and the workflow is no fork"]
  }
}

/** What is to wake a step up is on record as long as it waits. */
function* wakeUps({ present }: View): Iterable<Finding> {
  for (const { kind, path, payload, status, wakeAt } of present) {
    const isDue = status === "Retrying" || (status === "Waiting" && (kind === "Timer" || payload !== null))
    if (isDue && wakeAt === null) yield [path, `it is ${status}, and nothing will wake it`]
    // A timer keeps the time at which it was due, and an attempt that failed while nobody waited any more its backoff.
    const mayBeDue = isDue || status === "Cancelled" || (kind === "Timer" && isFinished({ status }))
    if (!mayBeDue && wakeAt !== null) yield [path, `it is ${status}, and something will wake it`]
  }
}

/** What the last attempt of a step since it was asked for anew may be, by the status of the step. */
const lastAttempts: Readonly<Partial<Record<StepStatus, ReadonlyArray<StepExecutionRow["status"] | undefined>>>> = {
  Pending: [undefined, "Failed", "Cancelled", "TimedOut", "Lost"],
  Running: ["Running", "Lost"],
  Retrying: ["Failed", "TimedOut"],
  Completed: ["Completed"],
  Compensated: ["Completed"],
  Failed: ["Failed", "TimedOut"],
  Cancelled: [undefined, "Failed", "Cancelled", "TimedOut", "Lost"]
}

/** What the attempts of a step, in order, must be for its status. */
function* attemptsOfStep(row: StepRow, attempts: ReadonlyArray<StepExecutionRow>): Iterable<Finding> {
  const { firstAttempt, origin, path, round, status } = row
  if (firstAttempt < 1 || firstAttempt > row.attempts + 1) {
    yield [path, `its retries count from attempt ${firstAttempt}, and it has had ${row.attempts}`]
  }
  if (!isCounted(attempts) || attempts.length !== row.attempts) {
    yield [path, `it has had ${row.attempts} attempts, on record are ${numbersOf(attempts) || "none"}`]
  }
  const counted = attempts.filter(({ attempt }) => attempt >= firstAttempt)
  const last = counted.at(-1)?.status
  // Who records by hand, or copies, has made no attempt.
  if (origin === "Executed" && lastAttempts[status]?.includes(last) === false) {
    yield [path, `it is ${status}, and its last attempt is ${last ?? "missing"}`]
  }
  const successes = (rows: typeof attempts) => rows.filter((attempt) => attempt.status === "Completed").length
  const own = origin === "Executed" && (status === "Completed" || status === "Compensated") ? 1 : 0
  if (successes(counted) > own) {
    yield [path, `it is ${status}, and ${successes(counted)} attempts have succeeded since it was last asked for anew`]
  }
  if (successes(attempts) > round + own) {
    yield [path, `${successes(attempts)} of its attempts have succeeded, and it was asked for anew ${round} times`]
  }
}

/** One attempt after the other, and of a round one success. */
function* attempts(self: View): Iterable<Finding> {
  const { attemptsOf, present, workflow } = self
  const begun = begunOf(self)
  const executed = new Map(present.flatMap((row) => isExecuted(row) ? [[row.path, row]] : []))
  for (const [path, row] of executed) yield* attemptsOfStep(row, attemptsOf.get(path) ?? [])
  for (const [path, rows] of attemptsOf) {
    if (!executed.has(path)) yield [path, "it has attempts, and is no activity or side effect"]
    const last = rows.at(-1)
    let before = 1
    for (const row of rows) {
      const name = `its attempt ${row.attempt}`
      const isRunning = row.status === "Running"
      if (isRunning !== (row.finishedAt === null)) {
        yield [path, `${name} is ${row.status}, and has ${row.finishedAt === null ? "no" : "an"} end`]
      }
      if ((row.status === "Failed" || row.status === "TimedOut") !== (row.error !== null)) {
        yield [path, `${name} is ${row.status}, and has ${row.error === null ? "no" : "an"} error`]
      }
      if (isRunning && row !== last) yield [path, `${name} is Running, and there is another after it`]
      if (isRunning && isEnded(workflow.status)) {
        yield [path, `${name} is Running, and the workflow is ${workflow.status}`]
      }
      if (row.workflowAttempt < before || row.workflowAttempt > begun) {
        yield [path, `${name} is of execution ${row.workflowAttempt}, after ${before} and up to ${begun}`]
      }
      before = row.workflowAttempt
    }
  }
}

/** Nothing ends before it begins, or is recorded before what stands before it in the order: if the clock went on. */
function* times({ executions, present, stepExecutions, workflow }: View): Iterable<Finding> {
  const begun = workflow.startedAt ?? workflow.createdAt
  // The clock of a fork begins where that of its source began.
  if (begun < workflow.createdAt && workflow.forkedId === null) yield [null, "it began before it was created"]
  if (workflow.finishedAt !== null && workflow.finishedAt < begun) yield [null, "it ended before it began"]
  for (const { attempt, finishedAt, startedAt } of executions) {
    if (finishedAt !== null && finishedAt < startedAt) yield [null, `its execution ${attempt} ended before it began`]
  }
  for (const { attempt, finishedAt, path, startedAt } of stepExecutions) {
    if (finishedAt !== null && finishedAt < startedAt) yield [path, `its attempt ${attempt} ended before it began`]
  }
  const recorded = present.filter(({ seq }) => seq !== null).sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0))
  let before = Number.NEGATIVE_INFINITY
  for (const { at, path } of recorded) {
    if (at !== null && at < before) yield [path, "its outcome was recorded before the one that stands before it"]
    before = at ?? before
  }
}

const isJson = (text: string | null): boolean => Either.isRight(Json.parse(text))

/** What is JSON can be read. */
function* json({ executions, signals, stepExecutions, steps, workflow }: View): Iterable<Finding> {
  const fields = ["payload", "firstPayload", "outcome", "reason"] as const
  for (const field of fields) if (!isJson(workflow[field])) yield [null, `its ${field} is no JSON`]
  for (const { attempt, error } of executions) {
    if (!isJson(error)) yield [null, `the error of its execution ${attempt} is no JSON`]
  }
  for (const { name, payload } of signals) {
    if (!isJson(payload)) yield [null, `the payload of a signal ${JSON.stringify(name)} to it is no JSON`]
  }
  for (const { outcome, path, payload } of steps) {
    if (!isJson(payload)) yield [path, "its payload is no JSON"]
    if (!isJson(outcome)) yield [path, "its outcome is no JSON"]
  }
  for (const { attempt, error, heartbeat, path } of stepExecutions) {
    if (!isJson(error)) yield [path, `the error of its attempt ${attempt} is no JSON`]
    if (!isJson(heartbeat)) yield [path, `the heartbeat of its attempt ${attempt} is no JSON`]
  }
}

export const laws: Readonly<Record<string, (view: View) => Iterable<Finding>>> = {
  "workflow-status": workflowStatus,
  pairs,
  generations,
  executions,
  agreement,
  order,
  outcomes,
  "wake-ups": wakeUps,
  attempts,
  times,
  json
}
