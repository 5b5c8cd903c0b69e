/**
 * The transitions of the logical model, on the rows of the journal. Pure.
 */
import type { StepExecutionStatus } from "../Info.ts"
import type { StepExecutionRow, StepRow, WorkflowRow } from "../Journal.ts"
import * as Outcome from "../Outcome.ts"
import { type Asked, isImplicitTimer } from "./replay.ts"

/**
 * A step that is to be started. It keeps its attempts on record, and a timer or a retry that was pending under the same
 * payload keeps its time; a completed outcome before it is given up.
 */
export const stepAsked = (
  workflow: WorkflowRow,
  path: string,
  asked: Asked,
  compensating: boolean,
  before: StepRow | undefined
): StepRow => {
  const givenUp = before !== undefined && before.seq !== null
  const attempts = before?.attempts ?? 0
  const goesOn = before?.payload === asked.payload && (before.status === "Waiting" || before.status === "Retrying")
  return {
    workflowId: workflow.id,
    generation: workflow.generation,
    path,
    ...asked,
    status: "Pending",
    outcome: null,
    seq: null,
    at: null,
    attempt: workflow.attempt,
    attempts,
    round: (before?.round ?? 0) + (givenUp ? 1 : 0),
    firstAttempt: givenUp ? attempts + 1 : before?.firstAttempt ?? 1,
    wakeAt: goesOn ? before.wakeAt : null,
    undo: compensating
  }
}

/** The step with its outcome, which is final in this execution. */
export const stepEnded = (row: StepRow, outcome: Outcome.Outcome, seq: number, at: number): StepRow => ({
  ...row,
  ...Outcome.match(outcome, {
    Success: ({ value }) => ({ status: "Completed" as const, outcome: value }),
    Failure: ({ cause }) => ({ status: "Failed" as const, outcome: cause })
  }),
  seq,
  at,
  wakeAt: row.kind === "Timer" ? row.wakeAt : null
})

/** The outcome of a row that has one. */
export const outcomeOf = (row: StepRow): Outcome.Outcome =>
  row.status === "Failed"
    ? Outcome.Failure({ cause: row.outcome ?? "{\"_tag\":\"Empty\"}" })
    : Outcome.Success({ value: row.outcome })

export const executionEnded = (
  row: StepExecutionRow,
  status: StepExecutionStatus,
  at: number,
  error: string | null
): StepExecutionRow => ({ ...row, status, finishedAt: at, error })

/** Whether a step keeps its outcome in the next execution of its workflow. */
const isKept = (row: StepRow): boolean => row.status === "Completed" && !row.undo && !isImplicitTimer(row)

/**
 * What the next execution of a workflow does not keep: steps that failed, were cancelled, lost or compensated; undo
 * steps; sagas that are not completed; implicit timers. They are asked again as if for the first time, except that
 * their attempts go on counting, and that a completed one has another idempotency key.
 */
export const reset = (rows: Iterable<StepRow>): ReadonlyArray<StepRow> =>
  Array.from(rows).filter((row) => !isKept(row)).map(resetStep)

/** One step as if it had never been asked for, but for its attempts on record. */
export const resetStep = (row: StepRow): StepRow => ({
  ...row,
  status: "Pending",
  outcome: null,
  seq: null,
  at: null,
  wakeAt: null,
  undo: false,
  round: row.round + (row.status === "Completed" || row.status === "Compensated" ? 1 : 0),
  firstAttempt: row.attempts + 1
})

/**
 * What a workflow that was held for repair asks for again: the step that failed, and what the sagas around it undid
 * when it did.
 */
export const repair = (rows: ReadonlyArray<StepRow>, failed: string): ReadonlyArray<StepRow> => {
  const undone = rows.filter((row) =>
    row.kind === "Saga" && row.status !== "Completed" && failed.startsWith(`${row.path}/`)
  )
  const isUndone = (row: StepRow) =>
    undone.includes(row) ||
    ((row.undo || row.status === "Compensated" || (row.kind === "Saga" && row.status !== "Completed")) &&
      undone.some(({ path }) => row.path.startsWith(`${path}/`)))
  return rows
    .filter((row) => (row.path === failed && row.status === "Failed") || isUndone(row))
    .map(resetStep)
}

/** Whether a workflow of this row will never change again, but by an operator's hand. */
export const hasEnded = (row: WorkflowRow): boolean =>
  row.status === "Completed" || row.status === "Failed" || row.status === "Cancelled"
