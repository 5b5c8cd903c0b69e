/**
 * Ids of executions and activities. They are derived, never drawn, and so the same on every replay.
 */
import * as Key from "../internal/key.ts"
import type { StepRow, WorkflowRow } from "../Journal.ts"

/** The `attempt`-th execution of this generation. */
export const workflowExecution = (id: string, generation: number, attempt: number): string =>
  `${id}@${generation}.${attempt}`

/** The logical step. */
export const step = (id: string, generation: number, path: string): string =>
  Key.join(generation === 1 ? id : `${id}@${generation}`, path)

/** One attempt at a step. */
export const stepExecution = (id: string, generation: number, path: string, attempt: number): string =>
  `${step(id, generation, path)}@${attempt}`

/**
 * One for all attempts that are to have one effect outside. It names the workflow's birth, so that an id that is used
 * again after a prune is another workflow to the outside, and the round, so that what was done, undone and is done
 * again is not taken for the first.
 */
export const idempotencyKey = (workflow: WorkflowRow, row: StepRow): string =>
  `${step(workflow.id, workflow.generation, row.path)}@${workflow.createdAt.toString(36)}` +
  (row.round === 0 ? "" : `.${row.round}`)

/**
 * The id of a sub-workflow: where it was asked for. It is an id as any other, under which a client finds it; what its
 * parent's id was escaped for is not escaped again, however deep it is.
 */
export const child = (parent: WorkflowRow, path: string): string => {
  const parentId = parent.parentId === null ? parent.id : String(Key.decode(parent.id))
  return Key.encode(step(parentId, parent.generation, path))
}
