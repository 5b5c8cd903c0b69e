/**
 * The outside of a simulated run: what activities do, when they end, and a log of both. A replay "with the same future"
 * is given the plans of the run before it: an activity that starts again then ends when it would have ended.
 */
import { Effect, Exit } from "effect"
import type { Activity } from "../../src/index.ts"
import type { SimClock } from "./SimClock.ts"

/** When an attempt at `path` is to end, and when it really did (it may have been interrupted before). */
export interface Plan {
  readonly path: string
  readonly at: number
  endedAt: number
}

export interface Call {
  readonly path: string
  readonly attempt: number
  /** What the outside was asked, and the key by which it knows a request that it has had before. */
  readonly asked: string
  readonly idempotencyKey: string
  readonly startedAt: number
  ended: "Running" | "Completed" | "Interrupted"
  /** How many commits there were when it started, and when it ended. */
  readonly commitsAtStart: number
  commitsAtEnd: number
}

/** A small hash, for delays that depend on nothing but their name and the seed. */
export const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h ^= h >>> 15
  h = Math.imul(h, 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}

export class World {
  readonly calls: Array<Call> = []
  readonly plans: Array<Plan> = []
  private readonly future: Array<Plan>
  readonly clock: SimClock
  private readonly seed: number
  private readonly commits: () => number

  constructor(options: {
    readonly clock: SimClock
    readonly seed: number
    readonly commits: () => number
    /** Plans of the run that this one continues. */
    readonly future: ReadonlyArray<Plan>
  }) {
    this.clock = options.clock
    this.seed = options.seed
    this.commits = options.commits
    // What has ended by now is the past.
    this.future = options.future.filter((plan) => plan.endedAt > options.clock.now)
  }

  /** One attempt: it ends at an instant of its own. */
  attempt<A, E>(
    execution: Activity.ActivityExecution,
    payload: unknown,
    outcome: () => Exit.Exit<A, E>
  ): Effect.Effect<A, E> {
    const { activityId: path, attempt, idempotencyKey } = execution
    return Effect.suspend(() => {
      const { clock } = this
      const planned = this.future.findIndex((plan) => plan.path === path)
      const [known] = planned === -1 ? [] : this.future.splice(planned, 1)
      const at = known?.at ?? clock.now + 1 + hash(`${this.seed} ${path} ${this.count(path)}`) % 100_000
      const plan: Plan = { path, at, endedAt: Number.POSITIVE_INFINITY }
      this.plans.push(plan)
      const call: Call = {
        path,
        attempt,
        asked: JSON.stringify(payload),
        idempotencyKey,
        startedAt: clock.now,
        ended: "Running",
        commitsAtStart: this.commits(),
        commitsAtEnd: -1
      }
      this.calls.push(call)
      return Effect.onExit(Effect.flatMap(clock.sleepUntil(at), outcome), (exit) =>
        Effect.sync(() => {
          call.ended = Exit.isInterrupted(exit) ? "Interrupted" : "Completed"
          call.commitsAtEnd = this.commits()
          plan.endedAt = clock.now
          clock.activity++
        }))
    })
  }

  private count(path: string): number {
    return this.calls.filter((call) => call.path === path).length
  }
}
