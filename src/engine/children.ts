/**
 * What a run asks of the engine about its sub-workflows.
 */
import type { Ended } from "../Engine.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import { Failure } from "../Outcome.ts"

/** The end of something is told. */
interface Watch {
  /** Tells nothing any more; the sub-workflow goes on. */
  readonly release: () => void
  /** Whether it has not ended yet, as far as the journal knew: until then it is being looked up. */
  readonly isWatched: () => boolean
}

interface ChildHandle extends Watch {
  /** Cancels the sub-workflow, at any time after `start`; its end is still told. */
  readonly cancel: () => void
}

export interface ChildHost {
  /** Starts the sub-workflow unless it is on record, and tells its end, once. */
  readonly start: (row: Journal.WorkflowRow, tell: {
    readonly ended: (ended: Ended) => void
    /** The id belongs to something else. */
    readonly conflict: (found: Journal.WorkflowRow) => void
  }) => ChildHandle
  /** Starts an independent workflow unless it is on record, and tells when it is durable. */
  readonly detach: (row: Journal.WorkflowRow, tell: {
    readonly started: () => void
    /** The id belongs to something else. */
    readonly conflict: (found: Journal.WorkflowRow) => void
  }) => void
  /** Lets those sub-workflows of `parentId` go on that an operator holds. */
  readonly free: (parentId: string) => void
  /**
   * Tells the end of one execution of a workflow; one that continued as new is followed into the next generation.
   */
  readonly watchExecution: (
    id: string,
    generation: number,
    attempt: number,
    tell: (outcome: Outcome) => void
  ) => Watch
}

/** The row of a sub-workflow before it runs. */
export const row = (options: {
  readonly id: string
  readonly name: string
  readonly payload: string | null
  readonly parent: { readonly id: string; readonly path: string } | null
  readonly createdAt: number
}): Journal.WorkflowRow => ({
  id: options.id,
  name: options.name,
  status: "Pending",
  reason: null,
  generation: 1,
  attempt: 1,
  firstAttempt: 1,
  parentId: options.parent?.id ?? null,
  parentPath: options.parent?.path ?? null,
  forkedId: null,
  forkedPath: null,
  payload: options.payload,
  firstPayload: null,
  outcome: null,
  createdAt: options.createdAt,
  startedAt: null,
  finishedAt: null,
  wakeAt: null,
  cancelSeq: null,
  cancelAt: null,
  sleepsUntil: null,
  unusedOutcomes: 0
})

/** What a parent sees of a sub-workflow that was cancelled: a typed error. */
export const cancelled = (id: string): Outcome =>
  Failure({
    cause: JSON.stringify({ _tag: "Fail", error: { _tag: "WorkflowCancelled", workflowId: Key.decode(id) } })
  })
