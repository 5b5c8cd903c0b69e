/**
 * Rows of a workflow that keep the laws, and ways to change them.
 */
import { assert } from "vitest"
import type * as Invariants from "../../../src/internal/invariants.ts"
import type * as Journal from "../../../src/Journal.ts"
import { executionRow, signal, stepExecutionRow, stepRow, workflowRow } from "../../support/journalRows.ts"

export const at = (seconds: number) => 1_700_000_000_000 + 1_000 * seconds
export const failure = "{\"_tag\":\"Fail\",\"error\":\"no\"}"

export const ended = (path: string, attempt: number, status: "Completed" | "Failed" | "Lost" = "Completed") =>
  stepExecutionRow("w", path, {
    attempt,
    status,
    startedAt: at(attempt),
    finishedAt: at(attempt) + 500,
    error: status === "Failed" ? failure : null
  })

export const recorded = (path: string, seq: number, row: Partial<Journal.StepRow> = {}) =>
  stepRow("w", path, { status: "Completed", outcome: "\"done\"", seq, at: at(10 + seq), ...row })

/** In the middle: outcomes, a saga, an attempt that runs, another that is to be repeated, a timer, a wait. */
export const running: Journal.History = {
  workflow: workflowRow("w", { startedAt: at(0) }),
  executions: [executionRow("w")],
  steps: [
    recorded("charge", 1, { attempts: 2 }),
    recorded("drawn", 2, { kind: "SideEffect" }),
    recorded("approval", 3, { kind: "Signal", attempts: 0 }),
    stepRow("w", "trip", { kind: "Saga", attempts: 0 }),
    recorded("trip/flight", 4, { status: "Failed", outcome: failure }),
    recorded("cool-down", 5, { kind: "Timer", attempts: 0, outcome: null, wakeAt: at(15) }),
    stepRow("w", "pack"),
    stepRow("w", "ship", { status: "Retrying", wakeAt: at(99) }),
    stepRow("w", "nap", { kind: "Timer", status: "Waiting", attempts: 0, payload: "{\"millis\":1}", wakeAt: at(50) }),
    stepRow("w", "word", { kind: "Signal", status: "Waiting", attempts: 0 })
  ],
  stepExecutions: [
    ended("charge", 1, "Failed"),
    ended("charge", 2),
    ended("drawn", 1),
    ended("trip/flight", 1, "Failed"),
    stepExecutionRow("w", "pack"),
    ended("ship", 1, "Failed")
  ],
  signals: [{ ...signal("w", "Told"), id: 1 }]
}

/** At its end, in its second execution: the first was retried with what was undone. */
export const failed: Journal.History = {
  workflow: workflowRow("w", {
    status: "Failed",
    outcome: failure,
    attempt: 2,
    firstAttempt: 2,
    startedAt: at(0),
    finishedAt: at(90),
    cancelSeq: 3,
    cancelAt: at(40)
  }),
  executions: [
    executionRow("w", { status: "Failed", error: failure, finishedAt: at(30) }),
    executionRow("w", { attempt: 2, status: "Failed", error: failure, startedAt: at(31), finishedAt: at(90) })
  ],
  steps: [
    recorded("kept", 1, { attempt: 1 }),
    recorded("charge", 2, { attempt: 2, attempts: 3, round: 1, firstAttempt: 2, status: "Compensated" }),
    recorded("u-charge", 4, { attempt: 2, undo: true, attempts: 2, round: 1, firstAttempt: 2 }),
    stepRow("w", "u-kept", { status: "Pending", attempts: 1, round: 1, firstAttempt: 2 })
  ],
  stepExecutions: [
    ended("kept", 1),
    ended("charge", 1),
    { ...ended("charge", 2, "Lost"), workflowAttempt: 2 },
    { ...ended("charge", 3), workflowAttempt: 2 },
    ended("u-charge", 1),
    { ...ended("u-charge", 2), workflowAttempt: 2 },
    ended("u-kept", 1)
  ],
  signals: []
}

/** In its second generation, of which there is nothing yet. */
export const continued: Journal.History = {
  workflow: workflowRow("w", { generation: 2, payload: "2", firstPayload: "1" }),
  executions: [executionRow("w", { status: "ContinuedAsNew", finishedAt: at(5) })],
  steps: [],
  stepExecutions: [],
  signals: []
}

/** A fork waits to begin with what its source had done. */
export const forked: Journal.History = {
  workflow: workflowRow("w", { status: "Pending", startedAt: at(-9), forkedId: "v", forkedPath: "ship" }),
  executions: [],
  steps: [recorded("charge", 3, { attempt: 0, attempts: 0, origin: "Forked" })],
  stepExecutions: [],
  signals: []
}

export type Edit = (history: Journal.History) => Journal.History

const edit = <Row>(
  rows: ReadonlyArray<Row>,
  isMeant: (row: Row) => boolean,
  change: Partial<Row>
): ReadonlyArray<Row> => {
  assert.isTrue(rows.some(isMeant), "there is no such row")
  return rows.map((row) => isMeant(row) ? { ...row, ...change } : row)
}
export const workflow = (change: Partial<Journal.WorkflowRow>): Edit => (history) => ({
  ...history,
  workflow: { ...history.workflow, ...change }
})
export const execution = (attempt: number, change: Partial<Journal.WorkflowExecutionRow>): Edit => (history) => ({
  ...history,
  executions: edit(history.executions, (row) => row.attempt === attempt, change)
})
export const step = (path: string, change: Partial<Journal.StepRow>): Edit => (history) => ({
  ...history,
  steps: edit(history.steps, (row) => row.path === path, change)
})
export const attempt =
  (path: string, number: number, change: Partial<Journal.StepExecutionRow>): Edit => (history) => ({
    ...history,
    stepExecutions: edit(history.stepExecutions, (row) => row.path === path && row.attempt === number, change)
  })
export const more = (rows: Partial<Journal.History>): Edit => (history) => ({
  ...history,
  executions: [...history.executions, ...rows.executions ?? []],
  steps: [...history.steps, ...rows.steps ?? []],
  stepExecutions: [...history.stepExecutions, ...rows.stepExecutions ?? []],
  signals: [...history.signals, ...rows.signals ?? []]
})
export const without = (path: string, number?: number): Edit => (history) => ({
  ...history,
  steps: number === undefined ? history.steps.filter((row) => row.path !== path) : history.steps,
  stepExecutions: history.stepExecutions.filter((row) =>
    row.path !== path || (number !== undefined && row.attempt !== number)
  )
})
export const withoutExecution = (attempt: number): Edit => (history) => ({
  ...history,
  executions: history.executions.filter((row) => row.attempt !== attempt)
})
export const both = (...edits: ReadonlyArray<Edit>): Edit => (history) =>
  edits.reduce((now, edit) => edit(now), history)

/** What breaks the law, and where that is found. */
export type Case = readonly [name: string, history: Journal.History, edit: Edit, path?: string]

/** Which laws are broken, and where. */
export const brokenBy = (violations: ReadonlyArray<Invariants.Violation>) => ({
  laws: [...new Set(violations.map(({ law }) => law))],
  paths: [...new Set(violations.map(({ path }) => path))],
  ids: [...new Set(violations.map(({ workflowId }) => workflowId))]
})
