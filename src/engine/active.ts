/**
 * A workflow that was taken on, and is in memory.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { Asked } from "./commands.ts"
import type { Run } from "./execution.ts"
import type { Place } from "./queues.ts"

export interface Active {
  run: Run | undefined
  /** What came while there was no run. */
  readonly commands: Array<Asked>
  /** Cancels that wait for a run, which gives them their place in the order. */
  readonly cancels: Array<Asked>
  /** What waits until it has come back to where it was when it left memory. */
  readonly atRest: Array<Asked>
  /** Whether it has been parked, and has not run since. */
  isBack: boolean
  /** Whether it is to run though it is suspended. */
  isWanted: boolean
  /** Whether it is known to exist, and not to have ended. */
  isToEnd: boolean
  /** Those above it, the nearest first, once they are known. */
  above: ReadonlyArray<string> | undefined
  /** In the queue of its workflows. */
  place: Place | undefined
  /** Whether something has come for it since it was last asked to leave memory. */
  isStirred: boolean
  /** Opens when a command, or the end of the engine, cuts a wait short. */
  readonly hurry: Effect.Latch
  readonly running: Deferred.Deferred<void>
}

export const make = (): Active => ({
  run: undefined,
  commands: [],
  cancels: [],
  atRest: [],
  isBack: false,
  isWanted: false,
  isToEnd: false,
  above: undefined,
  place: undefined,
  isStirred: false,
  hurry: Effect.unsafeMakeLatch(false),
  running: Deferred.unsafeMake(FiberId.none)
})
