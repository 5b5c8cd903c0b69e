/**
 * What definitions and clients ask of the engine. `engine/` implements it; `Tempolite.ts` puts the two together.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { JournalError, WorkflowCancelled, WorkflowConflict, WorkflowNotFound } from "./Errors.ts"
import type { RetryPolicy } from "./Execution.ts"
import type { Parent, WorkflowDescription, WorkflowId, WorkflowStatus } from "./Info.ts"
import type { Outcome } from "./Outcome.ts"

/**
 * What a body is told about the execution that it runs in.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecutionContext {
  readonly workflowId: WorkflowId
  readonly executionId: string
  /** From 1; a replay continues the same attempt. */
  readonly attempt: number
  readonly generation: number
  readonly startedAt: DateTime.Utc
  /** Whether what runs now has run before. It differs between a first run and a replay: for logs and metrics only. */
  readonly isReplaying: Effect.Effect<boolean>
  readonly parent: Option.Option<Parent>
}

/**
 * A workflow's code, as a layer registers it: text in, text out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Definition {
  readonly name: string
  /** `Left` says why the recorded payload does not decode any more, which suspends the workflow. */
  readonly body: (
    payload: string | null,
    context: ExecutionContext
  ) => Either.Either<Effect.Effect<unknown, unknown, Scope.Scope>, string>
  readonly encode: (exit: Exit.Exit<unknown, unknown>) => Outcome
  readonly retry: Option.Option<RetryPolicy>
  readonly suspendOn: Option.Option<"defect" | "failure">
  /** Why a key is not one of the workflow's `keys`, if so. */
  readonly invalidKey: (key: string | number) => Option.Option<string>
}

/**
 * How a workflow ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ended {
  readonly status: "Completed" | "Failed" | "Cancelled"
  readonly outcome: Outcome
}

/**
 * What the modules of definitions ask for; applications use the methods of `Service`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Engine {
  /** Lets the engine run workflows of this name until the scope closes. Unfinished ones continue at once. */
  readonly register: (definition: Definition) => Effect.Effect<void, never, Scope.Scope>
  /** Returns once the workflow is durable; joins the one that was started with the same name and payload. */
  readonly start: (request: {
    readonly id: WorkflowId
    readonly name: string
    readonly payload: string | null
  }) => Effect.Effect<void, WorkflowConflict | JournalError>
  /** Waits until the workflow has ended, and its end is durable. */
  readonly ended: (id: WorkflowId) => Effect.Effect<Ended, WorkflowNotFound | JournalError>
  /** The name that the workflow was started under. */
  readonly nameOf: (id: WorkflowId) => Effect.Effect<string, WorkflowNotFound | JournalError>
}

/**
 * A workflow as seen from outside: the resource, whatever number of executions it takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkflowInfo<out A, out E> {
  readonly id: WorkflowId
  /** Waits for the outcome; interrupting the wait leaves the workflow alone. A defect of the body is a defect here. */
  readonly result: Effect.Effect<A, E | WorkflowCancelled | JournalError>
  readonly status: Effect.Effect<WorkflowStatus, JournalError>
  readonly describe: Effect.Effect<WorkflowDescription, JournalError>
  /** The status now, and each one that follows, to the last. */
  readonly changes: Stream.Stream<WorkflowStatus, JournalError>
  /** Returns once the request is durable; a workflow that has ended stays as it is. */
  readonly cancel: Effect.Effect<void, JournalError>
  /** Replays a workflow that is `Suspended`; another one goes on as it is. */
  readonly resume: Effect.Effect<void, JournalError>
}

/**
 * The client: what can be asked from outside of any workflow, by id.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly info: (id: WorkflowId) => Effect.Effect<WorkflowInfo<unknown, unknown>, WorkflowNotFound | JournalError>
  readonly describe: (id: WorkflowId) => Effect.Effect<WorkflowDescription, WorkflowNotFound | JournalError>
  readonly changes: (id: WorkflowId) => Stream.Stream<WorkflowStatus, WorkflowNotFound | JournalError>
  readonly cancel: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | JournalError>
  readonly resume: (id: WorkflowId) => Effect.Effect<void, WorkflowNotFound | JournalError>
  /** For definitions. */
  readonly engine: Engine
}

/**
 * The engine of this process, or its client.
 *
 * @since 0.1.0
 * @category tags
 */
export class Tempolite extends Context.Tag("tempolite/Tempolite")<Tempolite, Service>() {}
