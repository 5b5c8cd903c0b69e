/**
 * What the parts of a pass share.
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as FiberId from "effect/FiberId"
import type * as FiberRefs from "effect/FiberRefs"
import type * as Option from "effect/Option"
import type { Definition } from "../Engine.ts"
import type { WorkflowEnded, WorkflowNotFound } from "../Errors.ts"
import type { WorkflowId } from "../Info.ts"
import type { SignalRow } from "../Journal.ts"
import type { Fork } from "./attempts.ts"
import type { ChildHost } from "./children.ts"
import type { Committer } from "./committer.ts"
import type { Flights } from "./flights.ts"
import type { Gate } from "./gate.ts"
import type { Ledger } from "./ledger.ts"
import type { Queues } from "./queues.ts"
import type { WorkflowScheduler } from "./scheduler.ts"
import type { Steps } from "./steps.ts"
import type { Timers } from "./timers.ts"

/** What a run needs of the engine. */
export interface Host {
  readonly committer: Committer
  readonly timers: Timers
  /** The ordinary clock. */
  readonly clock: Clock.Clock
  /** Its time, in whole milliseconds since the epoch. */
  readonly now: () => number
  /** Runs an effect on an ordinary fiber of the engine. */
  readonly fork: Fork
  /** Starts a fiber of a body, with the fiber refs of the engine as `updateRefs` changes them. */
  readonly forkBody: (
    effect: Effect.Effect<unknown, unknown>,
    scheduler: WorkflowScheduler,
    updateRefs: (refs: FiberRefs.FiberRefs, fiberId: FiberId.Runtime) => FiberRefs.FiberRefs
  ) => Fiber.RuntimeFiber<unknown, unknown>
  readonly children: ChildHost
  readonly signals: SignalHost
  readonly queues: Queues
  /** Whether a body begins at its first line whenever it has waited: for tests. */
  readonly replaysAlways: boolean
  /** Whether a workflow that sleeps until this time is forgotten meanwhile. */
  readonly isFar: (until: number) => boolean
  /** A workflow that runs here, and those above it, the nearest first. */
  readonly above: (id: string) => ReadonlyArray<string>
}

/** What a run asks of the engine about signals to other workflows. */
interface SignalHost {
  /** Tells why a signal cannot be sent to a workflow, if so. */
  readonly find: (
    id: WorkflowId,
    tell: (fault: Option.Option<WorkflowNotFound | WorkflowEnded>) => void
  ) => void
  /** A signal to this workflow was put, and will be durable. */
  readonly sent: (id: string) => void
  /** The signals that nobody has taken, from behind the id `after`. */
  readonly read: (id: string, after: number) => Effect.Effect<ReadonlyArray<SignalRow>>
}

/** The end of this generation: the payload of the next, and what ends the fiber that has asked for it. */
export interface Continuation {
  readonly payload: string | null
  readonly leave: (effect: Effect.Effect<never>) => void
}

export interface Parts {
  readonly host: Host
  readonly ledger: Ledger
  readonly flights: Flights
  readonly scheduler: WorkflowScheduler
  readonly steps: Steps
  readonly definition: Definition
  /** Closed while an operator holds the workflow. */
  readonly gate: Gate
  readonly continueAsNew: (continuation: Continuation) => void
  /** Whether the fibers of this pass are being ended without a trace. */
  readonly isDropped: () => boolean
  /** Whether the run is over: no attempt is started any more. */
  readonly isOver: () => boolean
  /** Whether the engine closes. */
  readonly isClosing: () => boolean
}
