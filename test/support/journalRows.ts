/**
 * Rows of a journal, made up.
 */
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import type * as Journal from "../../src/Journal.ts"

export const empty: Journal.Batch = {
  created: [],
  workflows: [],
  executions: [],
  steps: [],
  stepExecutions: [],
  handled: []
}

export const workflowRow = (id: string, row: Partial<Journal.WorkflowRow> = {}): Journal.WorkflowRow => ({
  id,
  name: "PlaceOrder",
  status: "Running",
  reason: null,
  generation: 1,
  attempt: 1,
  parentId: null,
  parentPath: null,
  payload: "{\"cents\":1999}",
  outcome: null,
  createdAt: 1_700_000_000_000,
  startedAt: null,
  finishedAt: null,
  wakeAt: null,
  cancelSeq: null,
  cancelAt: null,
  unusedOutcomes: 0,
  ...row
})

export const executionRow = (
  workflowId: string,
  row: Partial<Journal.WorkflowExecutionRow> = {}
): Journal.WorkflowExecutionRow => ({
  workflowId,
  generation: 1,
  attempt: 1,
  status: "Running",
  startedAt: 1_700_000_000_000,
  finishedAt: null,
  error: null,
  ...row
})

export const stepRow = (workflowId: string, path: string, row: Partial<Journal.StepRow> = {}): Journal.StepRow => ({
  workflowId,
  generation: 1,
  path,
  kind: "Activity",
  name: "ChargeCard",
  payload: null,
  status: "Running",
  outcome: null,
  seq: null,
  at: null,
  attempt: 1,
  attempts: 1,
  round: 0,
  firstAttempt: 1,
  wakeAt: null,
  undo: false,
  ...row
})

export const stepExecutionRow = (
  workflowId: string,
  path: string,
  row: Partial<Journal.StepExecutionRow> = {}
): Journal.StepExecutionRow => ({
  workflowId,
  generation: 1,
  path,
  attempt: 1,
  workflowAttempt: 1,
  status: "Running",
  startedAt: 1_700_000_000_000,
  finishedAt: null,
  error: null,
  ...row
})

export const request = (
  workflowId: string,
  row: Partial<Omit<Journal.RequestRow, "id">> = {}
): Omit<Journal.RequestRow, "id"> => ({ workflowId, kind: "Cancel", payload: null, at: 1_700_000_000_000, ...row })

/** Few, so that rows meet; among them those that a database or a document may take for something else. */
export const ids = ["a", "b", "order/42", "#7", "it's", "%", "\\u0000", "null", "ünïcödé 😀"]
const anyId = fc.constantFrom(...ids)
const anyPath = fc.constantFrom("charge", "trip/flight", "~sleep/charge/1", "\"quoted\"", "[0]", "日本")
const anyNumber = fc.oneof(fc.nat({ max: 3 }), fc.nat(), fc.maxSafeNat())
const anyText = fc.string({ unit: "binary" })
/** As schemas write it: control characters and lone surrogates are escaped within. */
const anyJson = fc.oneof(anyText, fc.jsonValue(), fc.constant("\u0000\ud800")).map((value) => JSON.stringify(value))
const orNull = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: null })

const anyWorkflow: fc.Arbitrary<Journal.WorkflowRow> = fc.record({
  id: anyId,
  name: fc.constantFrom("PlaceOrder", "Ship"),
  status: fc.constantFrom<Array<Journal.WorkflowRow["status"]>>(
    "Pending",
    "Running",
    "Paused",
    "Suspended",
    "Completed",
    "Failed",
    "Cancelled"
  ),
  reason: orNull(anyJson),
  generation: fc.integer({ min: 1, max: 3 }),
  attempt: anyNumber,
  parentPath: orNull(anyPath),
  payload: orNull(anyJson),
  outcome: orNull(anyJson),
  createdAt: anyNumber,
  startedAt: orNull(anyNumber),
  finishedAt: orNull(anyNumber),
  wakeAt: orNull(anyNumber),
  cancelSeq: orNull(anyNumber),
  cancelAt: orNull(anyNumber),
  unusedOutcomes: anyNumber
  // A workflow keeps its parent.
}).map((row) => ({ ...row, parentId: row.id === "a" ? null : row.id === "b" ? "order/42" : "a" }))

const anyExecution: fc.Arbitrary<Journal.WorkflowExecutionRow> = fc.record({
  workflowId: anyId,
  generation: fc.integer({ min: 1, max: 3 }),
  attempt: fc.integer({ min: 1, max: 2 }),
  status: fc.constantFrom("Running", "Completed", "Failed", "Cancelled", "ContinuedAsNew"),
  startedAt: anyNumber,
  finishedAt: orNull(anyNumber),
  error: orNull(anyJson)
})

const anyStep: fc.Arbitrary<Journal.StepRow> = fc.record({
  workflowId: anyId,
  generation: fc.integer({ min: 1, max: 3 }),
  path: anyPath,
  kind: fc.constantFrom("Activity", "SideEffect", "Saga", "Timer", "Workflow"),
  name: fc.constantFrom("ChargeCard", ""),
  payload: orNull(anyJson),
  status: fc.constantFrom(
    "Pending",
    "Running",
    "Retrying",
    "Waiting",
    "Completed",
    "Failed",
    "Cancelled",
    "Compensating",
    "Compensated"
  ),
  outcome: orNull(anyJson),
  seq: orNull(anyNumber),
  at: orNull(anyNumber),
  attempt: anyNumber,
  attempts: anyNumber,
  round: anyNumber,
  firstAttempt: anyNumber,
  wakeAt: orNull(anyNumber),
  undo: fc.boolean()
})

const anyStepExecution: fc.Arbitrary<Journal.StepExecutionRow> = fc.record({
  workflowId: anyId,
  generation: fc.integer({ min: 1, max: 3 }),
  path: anyPath,
  attempt: fc.integer({ min: 1, max: 2 }),
  workflowAttempt: anyNumber,
  status: fc.constantFrom("Running", "Completed", "Failed", "Cancelled", "TimedOut", "Lost"),
  startedAt: anyNumber,
  finishedAt: orNull(anyNumber),
  error: orNull(anyJson)
})

const identity = (row: Journal.WorkflowExecutionRow | Journal.StepRow | Journal.StepExecutionRow): string =>
  JSON.stringify([
    row.workflowId,
    row.generation,
    "path" in row ? row.path : null,
    "kind" in row ? null : row.attempt
  ])

/** A batch as an engine may write it: no two rows with the same identity, none both created and replaced. */
export const anyBatch: fc.Arbitrary<Journal.Batch> = fc.record({
  rows: fc.uniqueArray(fc.tuple(fc.boolean(), anyWorkflow), { selector: ([, row]) => row.id, maxLength: 4 }),
  executions: fc.uniqueArray(anyExecution, { selector: identity, maxLength: 4 }),
  steps: fc.uniqueArray(anyStep, { selector: identity, maxLength: 8 }),
  stepExecutions: fc.uniqueArray(anyStepExecution, { selector: identity, maxLength: 8 }),
  handled: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 })
}).map(({ rows, ...batch }) => ({
  ...batch,
  created: rows.flatMap(([isCreated, row]) => isCreated ? [row] : []),
  workflows: rows.flatMap(([isCreated, row]) => isCreated ? [] : [row])
}))

export const anyRequest = fc.record({
  workflowId: anyId,
  kind: fc.constantFrom("Start" as const, "Cancel" as const, "Resume" as const),
  payload: orNull(anyJson),
  at: anyNumber
})

export const anyCreated = fc.option(anyWorkflow, { nil: undefined }).map(Option.fromNullable)
