/**
 * What an operator, or a parent, may ask of a workflow, and what it does to one that has no run. Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isEnded } from "../internal/status.ts"
import type { RequestKind, WorkflowRow } from "../Journal.ts"
import type * as Journal from "../Journal.ts"
import type { Rows } from "./committer.ts"
import * as Row from "./rows.ts"

export type Command =
  | { readonly _tag: "Cancel" | "Pause" | "Resume" | "Retry" }
  | { readonly _tag: "Skip"; readonly path: string; readonly value: string | null }

/** A command, and what is to be told of it. */
export interface Asked {
  readonly command: Command
  /** It was done, or there was nothing to do: what it changed is put, and will be durable. */
  readonly done: () => void
  /** It cannot be done in this process now: it stays on record. */
  readonly putBack: () => void
}

const Skipped = Schema.parseJson(Schema.Struct({ path: Schema.String, value: Schema.NullOr(Schema.String) }))

/** The payload of a request to skip a step. */
export const encodeSkip: (skip: typeof Skipped.Type) => string = Schema.encodeSync(Skipped)
const decodeSkip = Schema.decodeOption(Skipped)

/** The command of a request, if it is one that can be read. */
export const fromRequest = ({ kind, payload }: Journal.RequestRow): Command | undefined => {
  switch (kind) {
    case "Cancel":
    case "Pause":
    case "Resume":
    case "Retry":
      return { _tag: kind }
    case "Skip":
      return Option.getOrUndefined(
        Option.map(decodeSkip(payload ?? ""), (skip) => ({ _tag: "Skip" as const, ...skip }))
      )
    case "Start":
    case "Signal":
      return undefined
  }
}

/** Of those that are commands, the first of each workflow: what stands behind it waits for it. */
export const first = (requests: ReadonlyArray<Journal.RequestRow>): ReadonlyArray<Journal.RequestRow> => {
  const byWorkflow = new Map<string, Journal.RequestRow>()
  for (const request of requests) {
    const isCommand = request.kind !== "Start" && request.kind !== "Signal"
    if (isCommand && !byWorkflow.has(request.workflowId)) byWorkflow.set(request.workflowId, request)
  }
  return [...byWorkflow.values()]
}

/** Whether a workflow of this status may be asked for this. A cancel of one that has ended changes nothing. */
export const isPossible = (kind: RequestKind, status: WorkflowRow["status"]): boolean => {
  switch (kind) {
    case "Pause":
    case "Cancel":
    case "Skip":
      return !isEnded(status)
    case "Resume":
      return status === "Paused" || status === "Suspended"
    case "Retry":
      return status === "Failed" || status === "Cancelled"
    case "Start":
    case "Signal":
      return true
  }
}

/** The status that a workflow will have once what was asked before has been done. */
export const expected = (status: WorkflowRow["status"], kinds: Iterable<RequestKind>): WorkflowRow["status"] => {
  let now = status
  for (const kind of kinds) {
    if (!isPossible(kind, now)) continue
    if (kind === "Pause") now = "Paused"
    else if (kind === "Resume" || kind === "Retry") now = "Running"
    else if (kind === "Cancel" && now === "Paused") now = "Running"
  }
  return now
}

export const needsSteps = ({ _tag }: Command): boolean => _tag === "Skip" || _tag === "Retry"

export const nothingRecorded: Journal.Recorded = { executions: [], steps: [], openStepExecutions: [] }

type Effect = Pick<Rows, "steps" | "stepExecutions"> & { readonly workflow: WorkflowRow }

/** What a command changes of a workflow that has no run, if anything. */
export const toRow = (
  command: Command,
  workflow: WorkflowRow,
  recorded: Journal.Recorded,
  now: number
): Effect | undefined => {
  if (!isPossible(command._tag, workflow.status)) return undefined
  switch (command._tag) {
    case "Cancel":
      return undefined
    case "Pause":
      return workflow.status === "Paused" ? undefined : { workflow: { ...workflow, status: "Paused" } }
    case "Resume":
      // The reason stays until it runs: it says what is to be repaired.
      return { workflow: { ...workflow, status: workflow.startedAt === null ? "Pending" : "Running" } }
    case "Retry":
      return { workflow: Row.retried(workflow), steps: Row.reset(recorded.steps) }
    case "Skip":
      return skip(command, workflow, recorded, now)
  }
}

const skip = (
  { path, value }: Extract<Command, { readonly _tag: "Skip" }>,
  workflow: WorkflowRow,
  recorded: Journal.Recorded,
  now: number
): Effect | undefined => {
  const row = recorded.steps.find((step) => step.path === path)
  if (row === undefined || !Row.isSkippable(row, workflow.reason !== null)) return undefined
  const again = Row.repair(recorded.steps, path).filter((step) => step.path !== path)
  const seq = 1 + Math.max(workflow.cancelSeq ?? 0, ...recorded.steps.map((step) => step.seq ?? 0))
  const lost = recorded.openStepExecutions.filter((attempt) => attempt.path === path && attempt.status === "Running")
  return {
    workflow,
    steps: [...again, Row.stepEnded({ ...row, origin: "Skipped" }, Row.skippedWith(row, value), seq, now)],
    stepExecutions: lost.map((attempt) => Row.executionEnded(attempt, "Lost", now, null))
  }
}
