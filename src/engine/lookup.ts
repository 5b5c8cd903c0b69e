/**
 * What the row of a workflow says to whoever asks from outside.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Ended } from "../Engine.ts"
import { type JournalError, WorkflowConflict, WorkflowEnded, WorkflowNotFound } from "../Errors.ts"
import type { WorkflowId } from "../Info.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import { Failure, Success } from "../Outcome.ts"
import * as Row from "./rows.ts"

/** How the workflow ended, if it has. */
export const endOf = (row: Journal.WorkflowRow): Option.Option<Ended> => {
  switch (row.status) {
    case "Completed":
      return Option.some({ status: row.status, outcome: Success({ value: row.outcome }) })
    case "Failed":
    case "Cancelled":
      return Option.some({ status: row.status, outcome: Failure({ cause: row.outcome ?? "{\"_tag\":\"Empty\"}" }) })
    default:
      return Option.none()
  }
}

/** Whether a start may join what is on record under its id. */
export const conflict = (
  asked: { readonly name: string; readonly payload: string | null },
  found: Journal.WorkflowRow
): Option.Option<WorkflowConflict> => {
  const startedWith = Row.startedWith(found)
  if (found.name === asked.name && startedWith === asked.payload) return Option.none()
  const reason = found.name === asked.name
    ? `it was started with the payload ${startedWith ?? "nothing"}, and this asks for ${asked.payload ?? "nothing"}`
    : `it is a workflow ${JSON.stringify(found.name)}, and this asks for ${JSON.stringify(asked.name)}`
  return Option.some(new WorkflowConflict({ workflowId: Key.decode(found.id), reason }))
}

/** Why a signal cannot be sent to the workflow `id`, if so. */
export const unsendable = (
  id: WorkflowId,
  row: Option.Option<Journal.WorkflowRow>
): Option.Option<WorkflowNotFound | WorkflowEnded> => {
  if (Option.isNone(row)) return Option.some(new WorkflowNotFound({ workflowId: id }))
  const { status } = row.value
  return Row.hasEnded(row.value) ? Option.some(new WorkflowEnded({ workflowId: id, status })) : Option.none()
}

/** Reads a workflow that must exist. */
export const existing = (
  journal: Journal.Service,
  id: WorkflowId
): Effect.Effect<Journal.WorkflowRow, WorkflowNotFound | JournalError> =>
  Effect.flatMap(
    journal.workflow(Key.encode(id)),
    Option.match({
      onNone: () => Effect.fail(new WorkflowNotFound({ workflowId: id })),
      onSome: Effect.succeed
    })
  )

/** How a workflow has ended, if it has, and nobody has asked since that it be retried. */
export const endUnlessRetried = (journal: Journal.Service, id: WorkflowId) =>
  Effect.zipWith(
    // In this order: what is handled in between is seen as what it has led to.
    journal.requests,
    existing(journal, id),
    (requests, row) =>
      requests.some(({ kind, workflowId }) => kind === "Retry" && workflowId === row.id) ? Option.none() : endOf(row)
  )
