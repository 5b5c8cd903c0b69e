/**
 * The rows of a workflow as `describe` shows them. Pure; what does not parse is shown as it is.
 */
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { StepDescription, WorkflowDescription } from "../Info.ts"
import * as CauseText from "../internal/cause.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import * as Reason from "../internal/reason.ts"
import type { History, StepExecutionRow, StepRow, WorkflowRow } from "../Journal.ts"
import * as Ids from "./ids.ts"

const value = (text: string | null): unknown => Either.getOrElse(Json.parse(text), () => text)

const error = (text: string | null): Option.Option<unknown> =>
  Option.map(Option.fromNullable(text), (cause) => failure(cause))

const failure = (text: string): unknown => Either.getOrElse(CauseText.decode(text, Either.right), () => text)

const time = (millis: number | null): Option.Option<DateTime.Utc> =>
  Option.map(Option.fromNullable(millis), (at) => DateTime.unsafeMake(at))

/** The step of its parent that a workflow is. */
export const parentOf = (row: Pick<WorkflowRow, "parentId" | "parentPath">): WorkflowDescription["parent"] =>
  row.parentId === null || row.parentPath === null
    ? Option.none()
    : Option.some({
      workflowId: Key.decode(row.parentId),
      key: Key.decode(Key.segments(row.parentPath).at(-1) ?? row.parentPath)
    })

const outcome = (row: StepRow): StepDescription["outcome"] => {
  switch (row.status) {
    case "Completed":
    case "Compensated":
      // A saga that has undone itself had failed; one that was undone as a whole had succeeded.
      return Option.orElse(
        row.kind === "Saga" && row.status === "Compensated" ? failed(row.outcome) : Option.none(),
        () => Option.some(Exit.succeed(value(row.outcome)))
      )
    case "Failed":
      return Option.orElse(failed(row.outcome), () => Option.map(Option.fromNullable(row.outcome), Exit.die))
    default:
      return Option.none()
  }
}

/** The exit of a text that is a cause. */
const failed = (text: string | null): StepDescription["outcome"] =>
  Option.flatMap(
    Option.fromNullable(text),
    (cause) => Option.map(Either.getRight(CauseText.decode(cause, Either.right)), Exit.failCause)
  )

const attempt = (row: StepExecutionRow): StepDescription["executions"][number] => ({
  id: Ids.stepExecution(row.workflowId, row.generation, row.path, row.attempt),
  attempt: row.attempt,
  status: row.status,
  startedAt: DateTime.unsafeMake(row.startedAt),
  finishedAt: time(row.finishedAt),
  error: error(row.error)
})

const step = (row: StepRow, executions: ReadonlyArray<StepExecutionRow>): StepDescription => {
  const path = Key.segments(row.path).map(Key.decode)
  return {
    key: path.at(-1) ?? row.path,
    path,
    kind: row.kind,
    name: row.name,
    status: row.status,
    payload: value(row.payload),
    outcome: outcome(row),
    origin: row.origin,
    wakeAt: time(row.wakeAt),
    executions: executions.map(attempt)
  }
}

/** Steps are those of the present generation; executions are of all. */
export const describe = (
  { executions, signals, stepExecutions, steps, workflow }: History,
  children: ReadonlyArray<WorkflowDescription>
): WorkflowDescription => {
  const attempts = new Map<string, Array<StepExecutionRow>>()
  for (const row of stepExecutions) {
    if (row.generation !== workflow.generation) continue
    const same = attempts.get(row.path)
    if (same === undefined) attempts.set(row.path, [row])
    else same.push(row)
  }
  return {
    id: Key.decode(workflow.id),
    name: workflow.name,
    status: workflow.status,
    reason: Option.orElse(
      Reason.decode(workflow.reason),
      () => Option.map(Option.fromNullable(workflow.reason), value)
    ),
    generation: workflow.generation,
    parent: parentOf(workflow),
    forkedFrom: parentOf({ parentId: workflow.forkedId, parentPath: workflow.forkedPath }),
    payload: value(workflow.payload),
    createdAt: DateTime.unsafeMake(workflow.createdAt),
    finishedAt: time(workflow.finishedAt),
    unusedOutcomes: workflow.unusedOutcomes,
    executions: executions.map((row): WorkflowDescription["executions"][number] => ({
      id: Ids.workflowExecution(row.workflowId, row.generation, row.attempt),
      attempt: row.attempt,
      generation: row.generation,
      status: row.status,
      startedAt: DateTime.unsafeMake(row.startedAt),
      finishedAt: time(row.finishedAt),
      error: error(row.error)
    })),
    steps: steps.filter((row) => row.generation === workflow.generation)
      .map((row) => step(row, attempts.get(row.path) ?? [])),
    signals: signals.map((signal) => ({
      name: signal.name,
      payload: value(signal.payload),
      sentAt: DateTime.unsafeMake(signal.at)
    })),
    children
  }
}
