/**
 * What is written, as statements: one for each row. A statement that stays prepared takes less for each row than one for
 * all of them, which would have to find them in a document.
 */
import type * as Journal from "../JournalModel.ts"
import type { Parameter, Statement } from "./connection.ts"
import * as Tables from "./tables.ts"

const { step, stepExecution, workflow, workflowExecution } = Tables

const insert = {
  workflow: `${workflow.insert} RETURNING id`,
  /** If its workflow exists. */
  signal: "INSERT INTO tempolite_signal (name, payload, at, workflow_id) " +
    "SELECT ?, ?, ?, id FROM tempolite_workflow WHERE id = ?"
}

const ofGeneration = "WHERE workflow_id = ? AND generation = ?"

const remove = {
  request: "DELETE FROM tempolite_request WHERE id = ?",
  signal: "DELETE FROM tempolite_signal WHERE id = ?",
  steps: `DELETE FROM tempolite_step ${ofGeneration}`,
  stepExecutions: `DELETE FROM tempolite_step_execution ${ofGeneration}`
}

/** Each workflow gets a place of its own, should it be new; those that are written together are one change. */
const placed = (sql: string, rows: ReadonlyArray<Journal.WorkflowRow>, last: Tables.Places): ReadonlyArray<Statement> =>
  rows.map((row, index) => ({
    sql,
    parameters: [...workflow.values(row), last.row_id + index + 1, last.changed + 1]
  }))

/** Workflows whose ids are free; returns these ids. */
export const creations = (rows: ReadonlyArray<Journal.WorkflowRow>, last: Tables.Places): ReadonlyArray<Statement> =>
  placed(insert.workflow, rows, last)

export const workflows = (rows: ReadonlyArray<Journal.WorkflowRow>, last: Tables.Places): ReadonlyArray<Statement> =>
  placed(workflow.upsert, rows, last)

const each = <A>(
  sql: string,
  items: ReadonlyArray<A>,
  parameters: (item: A) => ReadonlyArray<Parameter>
): ReadonlyArray<Statement> => items.map((item) => ({ sql, parameters: parameters(item) }))

export const steps = (rows: ReadonlyArray<Journal.StepRow>): ReadonlyArray<Statement> =>
  each(step.upsert, rows, step.values)

export const signals = (sent: ReadonlyArray<Journal.Sent>): ReadonlyArray<Statement> =>
  each(insert.signal, sent, ({ at, name, payload, workflowId }) => [name, payload, at, workflowId])

/** A batch, but for its workflows. */
export const others = (batch: Journal.Batch): ReadonlyArray<Statement> => [
  ...each(workflowExecution.upsert, batch.executions, workflowExecution.values),
  ...steps(batch.steps),
  ...each(stepExecution.upsert, batch.stepExecutions, stepExecution.values),
  ...signals(batch.signals),
  ...each(remove.signal, batch.taken, (id) => [id]),
  ...[remove.steps, remove.stepExecutions].flatMap((sql) =>
    each(sql, batch.over, ({ generation, workflowId }) => [workflowId, generation])
  ),
  ...each(remove.request, batch.handled, (id) => [id])
]
