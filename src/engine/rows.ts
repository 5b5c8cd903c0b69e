/**
 * The transitions of the logical model, on the rows of the journal. Pure.
 */
import type { StepExecutionStatus } from "../Info.ts"
import { isEnded } from "../internal/status.ts"
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
    undo: compensating,
    origin: "Executed"
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
  origin: "Executed",
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

/** The place of a step in the order, if it has one. A saga is where the first step of it is. */
export const placeOf = (rows: ReadonlyArray<StepRow>, step: StepRow): number | null =>
  step.kind === "Saga"
    ? rows.reduce<number | null>(
      (least, { path, seq }) => seq !== null && path.startsWith(`${step.path}/`) ? Math.min(seq, least ?? seq) : least,
      null
    )
    : step.seq

/**
 * The steps that a fork begins with: what was recorded before the place `before` (or at all), as it was, but for what
 * was undone outside. They answer the same question only, as those of an older execution.
 */
export const forked = (
  rows: ReadonlyArray<StepRow>,
  workflowId: string,
  before: number | null
): ReadonlyArray<StepRow> =>
  rows.flatMap((row): ReadonlyArray<StepRow> =>
    row.seq !== null && (before === null || row.seq < before) && !row.undo &&
      (row.status === "Completed" || row.status === "Failed")
      ? [{
        ...row,
        workflowId,
        generation: 1,
        attempt: 0,
        attempts: 0,
        round: 0,
        firstAttempt: 1,
        origin: "Forked"
      }]
      : []
  )

/**
 * Whether an operator may record the outcome of a step by hand: it has none, or its workflow is held because it failed,
 * or because what was recorded by hand was wrong.
 */
export const isSkippable = (row: StepRow, isHeld: boolean): boolean =>
  row.kind !== "Saga" && (row.seq === null || (isHeld && (row.status === "Failed" || row.origin === "Skipped")))

/** What a step is skipped with, given the value as text; a wait for a signal takes it as the payload. */
export const skippedWith = (row: StepRow, value: string | null): Outcome.Outcome =>
  row.kind === "Signal" ? signalled(row, value) : Outcome.Success({ value: row.kind === "Timer" ? null : value })

/** The outcome of a wait for a signal; one with a deadline that is given nothing has seen it pass. */
const signalled = (row: StepRow, payload: string | null): Outcome.Outcome =>
  row.payload !== null && payload === null ? tooLate : taken(payload)

/** What a wait for a signal ends with when its time is over. */
export const tooLate: Outcome.Outcome = Outcome.Success({ value: null })

/** What a wait for a signal ends with when it has taken one. */
export const taken = (payload: string | null): Outcome.Outcome =>
  Outcome.Success({ value: payload === null ? "{}" : `{"payload":${payload}}` })

/** A new execution of a workflow that has ended: what it did stays, its end is forgotten. */
export const retried = (row: WorkflowRow): WorkflowRow => ({
  ...row,
  status: "Pending",
  reason: null,
  attempt: row.attempt + 1,
  firstAttempt: row.attempt + 1,
  outcome: null,
  finishedAt: null,
  wakeAt: null,
  cancelSeq: null,
  cancelAt: null
})

/**
 * The next generation of a workflow. A cancel that was not delivered in this one is the first thing in the next.
 */
export const continued = (row: WorkflowRow, payload: string | null): WorkflowRow => ({
  ...row,
  status: row.status === "Paused" ? "Paused" : "Running",
  reason: null,
  generation: row.generation + 1,
  attempt: 1,
  firstAttempt: 1,
  payload,
  firstPayload: row.generation === 1 ? row.payload : row.firstPayload,
  startedAt: null,
  wakeAt: null,
  cancelSeq: row.cancelSeq === null ? null : 1,
  unusedOutcomes: 0
})

/** What a workflow was started with, whatever it continued with since. */
export const startedWith = (row: WorkflowRow): string | null => row.generation === 1 ? row.payload : row.firstPayload

/** Whether a workflow of this row will never change again, but by an operator's hand. */
export const hasEnded = ({ status }: WorkflowRow): boolean => isEnded(status)
