/**
 * Every error of Tempolite. Each says what happened, to what, and what to do about it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { WorkflowStatus } from "./Info.ts"

const Id = Schema.Union(Schema.String, Schema.Number)
const show = (id: string | number): string => JSON.stringify(id)

/**
 * The journal could not be read or written. Nothing that the call asked for is durable. The engine itself retries its
 * own writes and never shows this to a workflow.
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalError extends Schema.TaggedError<JournalError>()("JournalError", {
  message: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * Another engine runs the workflows of this journal, or took them over from this one. `holder` names its process.
 *
 * @since 0.1.0
 * @category errors
 */
export class JournalLocked extends Schema.TaggedError<JournalLocked>()("JournalLocked", {
  holder: Schema.String
}) {
  override get message(): string {
    return `another engine runs the workflows of this journal: ${this.holder}. ` +
      "Stop it, or use `Tempolite.layerClient` in this process"
  }
}

/**
 * No workflow has this id.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowNotFound extends Schema.TaggedError<WorkflowNotFound>()("WorkflowNotFound", {
  workflowId: Id
}) {
  override get message(): string {
    return `no workflow has the id ${show(this.workflowId)}: start it first, or correct the id`
  }
}

/**
 * The id belongs to another workflow, or to the same one with another payload. What was recorded stays as it is.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowConflict extends Schema.TaggedError<WorkflowConflict>()("WorkflowConflict", {
  workflowId: Id,
  /** What was asked for, and what the journal holds under this id. */
  reason: Schema.String
}) {
  override get message(): string {
    return `the id ${show(this.workflowId)} is taken: ${this.reason}. Choose another id`
  }
}

/**
 * The workflow was cancelled, and its compensations ran.
 *
 * @since 0.1.0
 * @category errors
 */
export class WorkflowCancelled extends Schema.TaggedError<WorkflowCancelled>()("WorkflowCancelled", {
  workflowId: Id
}) {
  override get message(): string {
    return `the workflow ${show(this.workflowId)} was cancelled`
  }
}

/**
 * The workflow has ended, and takes nothing more. Nothing was changed.
 *
 * @since 0.2.0
 * @category errors
 */
export class WorkflowEnded extends Schema.TaggedError<WorkflowEnded>()("WorkflowEnded", {
  workflowId: Id,
  status: WorkflowStatus
}) {
  override get message(): string {
    return `the workflow ${show(this.workflowId)} has ended (${this.status}) and takes no signals any more`
  }
}

const mayBe = {
  pause: "only a workflow that has not ended can be paused",
  resume: "only one that is Paused or Suspended can be resumed",
  retry: "only one that is Failed or Cancelled can be retried",
  skip: "only a step that has no outcome yet, or that failed and suspended its workflow, can be skipped"
}

/**
 * What was asked for is not possible in the status that the workflow (or the step) has. Nothing was changed.
 *
 * @since 0.2.0
 * @category errors
 */
export class InvalidStatus extends Schema.TaggedError<InvalidStatus>()("InvalidStatus", {
  workflowId: Id,
  operation: Schema.Literal("pause", "resume", "retry", "skip"),
  /** Of the workflow, or of the step that was to be skipped. */
  status: Schema.String
}) {
  override get message(): string {
    return `cannot ${this.operation} the workflow ${show(this.workflowId)}, which is ${this.status}: ` +
      mayBe[this.operation]
  }
}

/**
 * The workflow has no step on record under this path.
 *
 * @since 0.2.0
 * @category errors
 */
export class StepNotFound extends Schema.TaggedError<StepNotFound>()("StepNotFound", {
  workflowId: Id,
  path: Schema.String
}) {
  override get message(): string {
    return `the workflow ${show(this.workflowId)} has no step ${show(this.path)} on record: it has not asked for it ` +
      "yet, or the key is another one (`describe` lists them)"
  }
}

/**
 * A duration that is negative, or has no end. Nothing was recorded. Where no error can be given (a step in a body, an
 * option of a definition) it is a defect.
 *
 * @since 0.2.0
 * @category errors
 */
export class InvalidDuration extends Schema.TaggedError<InvalidDuration>()("InvalidDuration", {
  /** What the duration was given to. */
  of: Schema.String,
  duration: Schema.String
}) {
  override get message(): string {
    return `the duration of ${this.of} is ${this.duration}: give one that is finite and not negative`
  }
}

/**
 * A queue that cannot work, or that nobody declared. It is a defect of the layer that is built.
 *
 * @since 0.2.0
 * @category errors
 */
export class InvalidQueue extends Schema.TaggedError<InvalidQueue>()("InvalidQueue", {
  queue: Schema.String,
  message: Schema.String
}) {}

/**
 * What was given to `name` does not fit its schema, or JSON cannot hold it. Nothing was recorded.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidPayload extends Schema.TaggedError<InvalidPayload>()("InvalidPayload", {
  name: Schema.String,
  message: Schema.String
}) {}

/**
 * One attempt of an activity took longer than its `timeout`, or gave no sign of life for its `heartbeatTimeout`, and was
 * interrupted.
 *
 * @since 0.1.0
 * @category errors
 */
export class ActivityTimeout extends Schema.TaggedError<ActivityTimeout>()("ActivityTimeout", {
  activity: Schema.String,
  attempt: Schema.Number,
  /** Which of the two it was. */
  timeout: Schema.optionalWith(Schema.Literal("attempt", "heartbeat"), { default: () => "attempt" })
}) {
  override get message(): string {
    return this.timeout === "attempt"
      ? `attempt ${this.attempt} of the activity ${show(this.activity)} did not end within its timeout`
      : `attempt ${this.attempt} of the activity ${show(this.activity)} sent no heartbeat within its heartbeat timeout`
  }
}

/**
 * The reason of a suspension: what the program asks for does not agree with what the journal holds.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NonDeterminism extends Schema.TaggedError<NonDeterminism>()("NonDeterminism", {
  workflowId: Id,
  /** The path of the step, or `None` where the fault is not of one step. */
  key: Schema.NullOr(Schema.String),
  message: Schema.String
}) {}

/**
 * The reason of a suspension: one key was used twice in one execution.
 *
 * @since 0.1.0
 * @category reasons
 */
export class DuplicateKey extends Schema.TaggedError<DuplicateKey>()("DuplicateKey", {
  workflowId: Id,
  key: Schema.String
}) {
  override get message(): string {
    return `the key ${show(this.key)} was used twice in one execution of the workflow ${show(this.workflowId)}. ` +
      "To retry or time out one step, give its activity `retry` or `timeout`; to repeat a group of steps, put the " +
      "round into their keys"
  }
}

/**
 * The reason of a suspension: a key that cannot name a step, or that is not one of the declared `keys`.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", {
  workflowId: Id,
  key: Schema.String,
  message: Schema.String
}) {}

/**
 * The reason of a suspension: no code for this workflow is registered in the process that runs the journal.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WorkflowUnregistered extends Schema.TaggedError<WorkflowUnregistered>()("WorkflowUnregistered", {
  workflowId: Id,
  name: Schema.String
}) {
  override get message(): string {
    return `the workflow ${show(this.workflowId)} is a ${show(this.name)}, and no layer of that name is provided. ` +
      "Provide its layer; it continues at once"
  }
}

/**
 * The reason of a suspension: the body cannot go on. It waits for something that the journal does not know, or it
 * never rests, or `suspendOn` holds it for repair.
 *
 * @since 0.1.0
 * @category reasons
 */
export class WorkflowStuck extends Schema.TaggedError<WorkflowStuck>()("WorkflowStuck", {
  workflowId: Id,
  message: Schema.String,
  /** The path of the step that `resume` runs again, where the workflow is held for repair. */
  failedStep: Schema.NullOr(Schema.String)
}) {}

/**
 * Why a workflow is `Suspended`.
 *
 * @since 0.1.0
 * @category reasons
 */
export const SuspendReason = Schema.Union(NonDeterminism, DuplicateKey, InvalidKey, WorkflowUnregistered, WorkflowStuck)
/**
 * @since 0.1.0
 * @category reasons
 */
export type SuspendReason = typeof SuspendReason.Type
