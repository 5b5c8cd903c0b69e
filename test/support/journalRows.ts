/**
 * Rows of a journal, made up.
 */
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Struct from "effect/Struct"
import { StepKind, StepOrigin } from "../../src/Info.ts"
import * as Journal from "../../src/Journal.ts"

export const empty: Journal.Batch = {
  created: [],
  workflows: [],
  executions: [],
  steps: [],
  stepExecutions: [],
  signals: [],
  taken: [],
  over: [],
  handled: []
}

export { everything } from "../../src/Journal.ts"

export const workflowRow = (id: string, row: Partial<Journal.WorkflowRow> = {}): Journal.WorkflowRow => ({
  id,
  name: "PlaceOrder",
  status: "Running",
  reason: null,
  generation: 1,
  attempt: 1,
  firstAttempt: 1,
  parentId: null,
  parentPath: null,
  forkedId: null,
  forkedPath: null,
  payload: "{\"cents\":1999}",
  firstPayload: null,
  outcome: null,
  createdAt: 1_700_000_000_000,
  startedAt: null,
  finishedAt: null,
  wakeAt: null,
  cancelSeq: null,
  cancelAt: null,
  sleepsUntil: null,
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
  origin: "Executed",
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
  heartbeat: null,
  ...row
})

export const signal = (workflowId: string, name: string, row: Partial<Journal.Sent> = {}): Journal.Sent => ({
  workflowId,
  name,
  payload: "{\"by\":\"post\"}",
  at: 1_700_000_000_000,
  ...row
})

export const creation = (workflow: Journal.WorkflowRow, steps: ReadonlyArray<Journal.StepRow> = []) =>
  Option.some<Journal.Creation>({ workflow, steps })

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

const statuses = ["Pending", "Running", "Paused", "Suspended", "Completed", "Failed", "Cancelled"] as const
const names = ["PlaceOrder", "Ship"]

const anyWorkflow: fc.Arbitrary<Journal.WorkflowRow> = fc.record({
  id: anyId,
  name: fc.constantFrom(...names),
  status: fc.constantFrom(...statuses),
  reason: orNull(anyJson),
  generation: fc.integer({ min: 1, max: 3 }),
  attempt: anyNumber,
  firstAttempt: anyNumber,
  parentPath: orNull(anyPath),
  forkedId: orNull(anyId),
  forkedPath: orNull(anyPath),
  payload: orNull(anyJson),
  firstPayload: orNull(anyJson),
  outcome: orNull(anyJson),
  createdAt: anyNumber,
  startedAt: orNull(anyNumber),
  finishedAt: orNull(anyNumber),
  wakeAt: orNull(anyNumber),
  cancelSeq: orNull(anyNumber),
  cancelAt: orNull(anyNumber),
  sleepsUntil: orNull(anyNumber),
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
  kind: fc.constantFrom(...StepKind.literals),
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
  undo: fc.boolean(),
  origin: fc.constantFrom(...StepOrigin.literals)
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
  error: orNull(anyJson),
  heartbeat: orNull(anyJson)
})

export const anySent: fc.Arbitrary<Journal.Sent> = fc.record({
  workflowId: anyId,
  name: fc.constantFrom("Approved", "it's", ""),
  payload: orNull(anyJson),
  at: anyNumber
})

const identity = (row: Journal.WorkflowExecutionRow | Journal.StepRow | Journal.StepExecutionRow): string =>
  JSON.stringify([
    row.workflowId,
    row.generation,
    "path" in row ? row.path : null,
    "kind" in row ? null : row.attempt
  ])

const anyGeneration = fc.record({ workflowId: anyId, generation: fc.integer({ min: 1, max: 3 }) })

/** A batch as an engine may write it: no two rows with the same identity, none both created and replaced. */
export const anyBatch: fc.Arbitrary<Journal.Batch> = fc.record({
  rows: fc.uniqueArray(fc.tuple(fc.boolean(), anyWorkflow), { selector: ([, row]) => row.id, maxLength: 4 }),
  executions: fc.uniqueArray(anyExecution, { selector: identity, maxLength: 4 }),
  steps: fc.uniqueArray(anyStep, { selector: identity, maxLength: 8 }),
  stepExecutions: fc.uniqueArray(anyStepExecution, { selector: identity, maxLength: 8 }),
  signals: fc.array(anySent, { maxLength: 4 }),
  taken: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
  over: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(anyGeneration, { maxLength: 3 }) }
  ),
  handled: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 })
}).map(({ rows, ...batch }) => ({
  ...batch,
  created: rows.flatMap(([isCreated, row]) => isCreated ? [row] : []),
  workflows: rows.flatMap(([isCreated, row]) => isCreated ? [] : [row])
}))

export const anyRequest = fc.record({
  workflowId: anyId,
  kind: fc.constantFrom(...Journal.RequestKind.literals),
  payload: orNull(anyJson),
  at: anyNumber
})

/** The steps are the workflow's own. */
export const anyCreation: fc.Arbitrary<Option.Option<Journal.Creation>> = fc.option(
  fc.record({
    workflow: anyWorkflow,
    steps: fc.uniqueArray(anyStep, { selector: ({ generation, path }) => `${generation}/${path}`, maxLength: 3 })
  }).map(({ steps, workflow }) => ({
    workflow,
    steps: steps.map((step) => ({ ...step, workflowId: workflow.id }))
  })),
  { nil: undefined }
).map(Option.fromNullable)

/** Mostly of little, so that something fits. */
export const anyFilter: fc.Arbitrary<Journal.Filter> = fc.record({
  statuses: orNull(fc.oneof(
    fc.subarray([...statuses]),
    fc.subarray(["Pending", "Running", "Paused", "Suspended"] as const),
    fc.subarray(["Failed", "Cancelled"] as const)
  )),
  name: orNull(fc.constantFrom(...names)),
  parentId: orNull(fc.constantFrom("", "a", "order/42")),
  idPrefix: orNull(fc.constantFrom("", "a", "order", "#", "%", "ünï", "ünïcödé 😀")),
  createdFrom: orNull(anyNumber),
  createdBefore: orNull(anyNumber),
  awakeAt: orNull(anyNumber)
}).chain((filter) =>
  fc.subarray(Struct.keys(filter), { maxLength: 2 }).map((given) => ({
    ...Journal.everything,
    ...Struct.pick(filter, ...given)
  }))
)
