/**
 * What a step may ask of the workflow execution that it runs in. Definitions call it, `engine/` implements it.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type { Key } from "./Info.ts"
import type { Outcome } from "./Outcome.ts"

/**
 * A retry policy that can be folded over recorded attempts. `input` gives what the schedule is stepped with for a
 * recorded cause, or `None` where the cause holds no typed error, which no policy retries.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  readonly schedule: Schedule.Schedule<unknown, unknown>
  readonly input: (cause: string) => Option.Option<unknown>
}

/**
 * What one attempt of an activity is told about itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface Attempt {
  readonly workflowId: Key
  readonly workflowExecutionId: string
  /** The logical activity; the same for all of its attempts. */
  readonly activityId: string
  readonly executionId: string
  readonly key: Key
  readonly attempt: number
  /** The same for every attempt that must have one effect outside; another one after a compensation. */
  readonly idempotencyKey: string
  /**
   * A sign of life, for `heartbeatTimeout`; the next attempt finds `details` (JSON) in `lastHeartbeat`. It costs nothing
   * in itself: the last details are written when the attempt ends, and from time to time before.
   */
  readonly heartbeat: (details?: unknown) => Effect.Effect<void>
  /**
   * The details of the last heartbeat of the attempts before this one, or `undefined`. Of an attempt that was killed with
   * its process, those of some seconds before.
   */
  readonly lastHeartbeat: Effect.Effect<unknown>
}

/**
 * A call to the outside: runs at least once, on the ordinary runtime, and ends with an outcome.
 *
 * @since 0.1.0
 * @category models
 */
export interface Work {
  readonly kind: "Activity" | "SideEffect"
  readonly key: Key
  readonly name: string
  readonly payload: string | null
  /**
   * To run on a fiber that is for nothing else. Must not fail, and must not need anything. An interruption is the
   * engine's doing, or becomes a defect.
   */
  readonly run: (attempt: Attempt) => Effect.Effect<Outcome>
  readonly retry: Option.Option<RetryPolicy>
  /** How long each attempt may take. */
  readonly timeout: Option.Option<Limit>
  /** How long each attempt may go without a heartbeat. */
  readonly heartbeatTimeout: Option.Option<Limit>
  /** What bounds how many of its attempts run at once. */
  readonly queue: Option.Option<string>
}

/**
 * A limit in time of an attempt; `onTimeout` is what the attempt fails with when it is over.
 *
 * @since 0.2.0
 * @category models
 */
export interface Limit {
  readonly duration: Duration.Duration
  readonly onTimeout: (attempt: number) => Outcome
}

/**
 * An activity that was started: `executionId` is that of its first attempt, derived, and so the same on replay.
 *
 * @since 0.2.0
 * @category models
 */
export interface StartedActivity {
  readonly executionId: string
  readonly result: Effect.Effect<Outcome>
}

/**
 * A wait for the next signal of a name: `within` from when it is first reached, or without end.
 *
 * @since 0.2.0
 * @category models
 */
export interface SignalWait {
  readonly key: Key
  readonly name: string
  readonly within: Option.Option<Duration.Duration>
}

/**
 * A signal to a workflow.
 *
 * @since 0.2.0
 * @category models
 */
export interface Send {
  readonly key: Key
  readonly name: string
  readonly workflowId: Key
  readonly payload: string | null
}

/**
 * A wait for a time: `duration` from when it is first reached, or until a time in milliseconds since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface Timer {
  readonly key: Key
  readonly name: "sleep" | "sleepUntil"
  readonly duration: Option.Option<Duration.Duration>
  readonly until: Option.Option<number>
}

/**
 * A sub-workflow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Child {
  readonly key: Key
  readonly name: string
  readonly payload: string | null
}

/**
 * A sub-workflow that was started: the ids are derived, and so the same on replay. `exit` is the outcome of the
 * execution that was current when it is first asked for; `result` that of the resource.
 *
 * @since 0.1.0
 * @category models
 */
export interface StartedChild {
  readonly workflowId: Key
  readonly executionId: string
  readonly attempt: number
  readonly exit: Effect.Effect<Outcome>
  readonly result: Effect.Effect<Outcome>
}

/**
 * A region whose compensations run if it fails. `encode` gives what the journal keeps of its exit.
 *
 * @since 0.1.0
 * @category models
 */
export interface Region<A, E> {
  readonly key: Key
  readonly name: string
  readonly payload: string | null
  readonly encode: (exit: Exit.Exit<A, E>) => Outcome
  /** Why a key inside is not one of the saga's own `keys`, if so. */
  readonly invalidKey: (key: Key) => Option.Option<string>
}

/**
 * Every method suspends the calling fiber and resumes it in the order of the journal; a fault in the program (a key
 * used twice, another step recorded under it) never resumes it and suspends the workflow.
 *
 * @since 0.1.0
 * @category models
 */
export interface Execution {
  /** Answers from the journal where it holds the key; otherwise runs the work, and records its outcome once. */
  readonly perform: (work: Work) => Effect.Effect<Outcome>
  /** Begins `perform` in the background of the workflow, which ends it if nobody has waited for it. */
  readonly start: (work: Work) => Effect.Effect<StartedActivity>
  readonly sleep: (timer: Timer) => Effect.Effect<void>
  /** Starts the sub-workflow unless the journal has it, and waits for its outcome. */
  readonly child: (child: Child) => Effect.Effect<Outcome>
  readonly startChild: (child: Child) => Effect.Effect<StartedChild>
  /** Starts an independent workflow unless the journal has it, and gives its id, which is derived. */
  readonly detach: (child: Child) => Effect.Effect<Key>
  /** Takes the next signal, and gives its payload; `None` once `within` is over. */
  readonly signal: (wait: SignalWait) => Effect.Effect<Option.Option<string | null>>
  /** Sends a signal once. Fails with an encoded `WorkflowNotFound` or `WorkflowEnded`. */
  readonly send: (send: Send) => Effect.Effect<Outcome>
  /** The version of a change that this workflow runs; it may be asked for many times. */
  readonly version: (changeId: string, range: { readonly min: number; readonly max: number }) => Effect.Effect<number>
  /** Ends this generation of the workflow `name`, which must be the one that runs, and begins the next. */
  readonly continueAsNew: (name: string, payload: string | null) => Effect.Effect<never>
  /** Runs `self` as a saga of its own. */
  readonly saga: <A, E, R>(region: Region<A, E>, self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs `self` uninterruptibly and, when it succeeds, registers its undo with the enclosing saga. */
  readonly compensate: <A, E, R, X, E2, R2>(
    self: Effect.Effect<A, E, R>,
    undo: (value: A, cause: Cause.Cause<unknown>) => Effect.Effect<X, E2, R2>
  ) => Effect.Effect<A, E, R | R2>
  /** Suspends the workflow: what the journal holds under `key` cannot be used by this program. Never resumes. */
  readonly diverged: (key: Key, message: string) => Effect.Effect<never>
}

/**
 * The execution that the current fiber belongs to. Set by the engine, inherited by every fiber of a body; `None`
 * everywhere else, in handlers of activities too.
 *
 * @since 0.1.0
 * @category fiber refs
 */
export const current: FiberRef.FiberRef<Option.Option<Execution>> = globalValue(
  "tempolite/Execution/current",
  () => FiberRef.unsafeMake<Option.Option<Execution>>(Option.none())
)
