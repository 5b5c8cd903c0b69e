/**
 * The vocabulary of both models: ids, statuses and what `describe` shows.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The name a developer gives to a step. It is unique in its workflow (or saga); `1` and `"1"` are two keys.
 *
 * @since 0.1.0
 * @category models
 */
export type Key = string | number

/**
 * The id of a workflow, chosen by whoever starts it.
 *
 * @since 0.1.0
 * @category models
 */
export type WorkflowId = Key

/**
 * The status of a workflow as a resource: what was asked for, whatever number of executions it takes.
 *
 * @since 0.1.0
 * @category statuses
 */
export const WorkflowStatus = Schema.Literal(
  "Pending",
  "Running",
  "Paused",
  "Suspended",
  "Completed",
  "Failed",
  "Cancelled"
)
/**
 * @since 0.1.0
 * @category statuses
 */
export type WorkflowStatus = typeof WorkflowStatus.Type

/**
 * The status of one attempt at a workflow.
 *
 * @since 0.1.0
 * @category statuses
 */
export const WorkflowExecutionStatus = Schema.Literal("Running", "Completed", "Failed", "Cancelled", "ContinuedAsNew")
/**
 * @since 0.1.0
 * @category statuses
 */
export type WorkflowExecutionStatus = typeof WorkflowExecutionStatus.Type

/**
 * What a step is.
 *
 * @since 0.1.0
 * @category models
 */
export const StepKind = Schema.Literal(
  "Activity",
  "SideEffect",
  "Saga",
  "Timer",
  /** A wait for a signal. */
  "Signal",
  /** A signal to another workflow. */
  "Send",
  /** An attached sub-workflow. */
  "Workflow",
  /** The start of an independent workflow. */
  "Detach",
  /** The version of a change that this workflow runs. */
  "Version"
)
/**
 * @since 0.1.0
 * @category models
 */
export type StepKind = typeof StepKind.Type

/**
 * The status of a step as a resource. Activities and side effects are never `Waiting`; timers are never `Retrying`.
 *
 * @since 0.1.0
 * @category statuses
 */
export const StepStatus = Schema.Literal(
  "Pending",
  "Running",
  "Retrying",
  "Waiting",
  "Completed",
  "Failed",
  "Cancelled",
  "Compensating",
  "Compensated"
)
/**
 * @since 0.1.0
 * @category statuses
 */
export type StepStatus = typeof StepStatus.Type

/**
 * The status of one attempt at an activity or a side effect. `Lost`: the process ended while it ran.
 *
 * @since 0.1.0
 * @category statuses
 */
export const StepExecutionStatus = Schema.Literal("Running", "Completed", "Failed", "Cancelled", "TimedOut", "Lost")
/**
 * @since 0.1.0
 * @category statuses
 */
export type StepExecutionStatus = typeof StepExecutionStatus.Type

/**
 * Where the outcome of a step comes from: an execution of this workflow, an operator's hand (`skip`), or the workflow
 * that this one was forked from.
 *
 * @since 0.2.0
 * @category models
 */
export const StepOrigin = Schema.Literal("Executed", "Skipped", "Forked")
/**
 * @since 0.2.0
 * @category models
 */
export type StepOrigin = typeof StepOrigin.Type

/**
 * The step of a parent workflow that started a sub-workflow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parent {
  readonly workflowId: WorkflowId
  readonly key: Key
}

/**
 * One attempt, at a workflow or at a step. `error` is what it failed with, as the journal holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionDescription<Status extends string = string> {
  readonly id: string
  readonly attempt: number
  readonly status: Status
  readonly startedAt: DateTime.Utc
  readonly finishedAt: Option.Option<DateTime.Utc>
  readonly error: Option.Option<unknown>
}

/**
 * One step, and its attempts. `path` is the list of keys from the workflow down to it; payload and outcome are in
 * their encoded (JSON) form.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepDescription {
  readonly key: Key
  readonly path: ReadonlyArray<Key>
  readonly kind: StepKind
  readonly name: string
  readonly status: StepStatus
  readonly payload: unknown
  readonly outcome: Option.Option<Exit.Exit<unknown, unknown>>
  readonly origin: StepOrigin
  /** When a timer fires, a wait for a signal gives up, or the next attempt is due. */
  readonly wakeAt: Option.Option<DateTime.Utc>
  readonly executions: ReadonlyArray<ExecutionDescription<StepExecutionStatus>>
}

/**
 * A signal that waits to be taken.
 *
 * @since 0.2.0
 * @category models
 */
export interface SignalDescription {
  readonly name: string
  readonly payload: unknown
  readonly sentAt: DateTime.Utc
}

/**
 * One workflow as a resource, without its executions and steps.
 *
 * @since 0.2.0
 * @category models
 */
export interface WorkflowSummary {
  readonly id: WorkflowId
  readonly name: string
  readonly status: WorkflowStatus
  readonly generation: number
  readonly parent: Option.Option<Parent>
  readonly createdAt: DateTime.Utc
  readonly finishedAt: Option.Option<DateTime.Utc>
}

/**
 * Which workflows are meant: those that fit everything given. Nothing given means all of them.
 *
 * @since 0.2.0
 * @category models
 */
export interface WorkflowFilter {
  readonly name?: string
  readonly status?: WorkflowStatus | ReadonlyArray<WorkflowStatus>
  /** The attached sub-workflows of this one, or, with `null`, the workflows that are nobody's. */
  readonly parent?: WorkflowId | null
  /** Those whose id is a text that begins so. */
  readonly idPrefix?: string
  /** Created at this time or later. */
  readonly createdFrom?: DateTime.DateTime
  /** Created before this time. */
  readonly createdBefore?: DateTime.DateTime
}

/**
 * Workflows in the order of their creation; `next` is where the page after this one begins, if there may be one.
 *
 * @since 0.2.0
 * @category models
 */
export interface WorkflowPage {
  readonly workflows: ReadonlyArray<WorkflowSummary>
  readonly next: Option.Option<string>
}

/**
 * A workflow that has another status.
 *
 * @since 0.2.0
 * @category models
 */
export interface WorkflowChange {
  readonly id: WorkflowId
  readonly name: string
  readonly status: WorkflowStatus
}

/**
 * One workflow: the resource, its executions, its steps and theirs. `reason` says why a workflow is `Suspended`: a
 * `SuspendReason`, whose message tells what to do.
 * `unusedOutcomes` counts the recorded outcomes that the code never asked for (a lost race, a step that was removed).
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowDescription {
  readonly id: WorkflowId
  readonly name: string
  readonly status: WorkflowStatus
  readonly reason: Option.Option<unknown>
  readonly generation: number
  readonly parent: Option.Option<Parent>
  /** Where this workflow was forked, and from which step on it ran itself. */
  readonly forkedFrom: Option.Option<Parent>
  readonly payload: unknown
  readonly createdAt: DateTime.Utc
  readonly finishedAt: Option.Option<DateTime.Utc>
  readonly unusedOutcomes: number
  readonly executions: ReadonlyArray<
    ExecutionDescription<WorkflowExecutionStatus> & { readonly generation: number }
  >
  readonly steps: ReadonlyArray<StepDescription>
  /** In order of arrival. */
  readonly signals: ReadonlyArray<SignalDescription>
  /** The attached sub-workflows, in order of creation, each with its own. */
  readonly children: ReadonlyArray<WorkflowDescription>
}
