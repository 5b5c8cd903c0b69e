/**
 * What the parts of a run share.
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Definition } from "../Engine.ts"
import type { ChildHost } from "./children.ts"
import type { Committer } from "./committer.ts"
import type { Ledger } from "./ledger.ts"
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
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** Starts a fiber of a body. */
  readonly forkBody: (
    effect: Effect.Effect<unknown, unknown>,
    scheduler: WorkflowScheduler
  ) => Fiber.RuntimeFiber<unknown, unknown>
  readonly children: ChildHost
}

export interface Parts {
  readonly host: Host
  readonly ledger: Ledger
  readonly scheduler: WorkflowScheduler
  readonly steps: Steps
  readonly definition: Definition
  /** Whether the fibers of the run are being ended without a trace. */
  readonly isDropped: () => boolean
  /** Whether the engine closes. */
  readonly isClosing: () => boolean
}
