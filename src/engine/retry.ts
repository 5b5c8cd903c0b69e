/**
 * Durable retries: the state of a schedule is not stored, but rebuilt by folding the recorded failures through it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as Intervals from "effect/ScheduleIntervals"
import type { RetryPolicy } from "../Execution.ts"
import * as Random from "./random.ts"

/** An attempt that failed: when it ended (ms since the epoch), and its cause as the journal has it. */
export interface Failure {
  readonly at: number
  readonly cause: string
}

/**
 * When the attempt after the last of `failures` is due, or `None` when the policy is spent or the last cause holds no
 * typed error. Depends on its arguments only: the draws of a jittered schedule come from `seed`. A policy that throws
 * retries nothing.
 */
export const next = (
  policy: RetryPolicy,
  failures: ReadonlyArray<Failure>,
  seed: string
): Effect.Effect<Option.Option<number>> =>
  Effect.gen(function*() {
    let state: unknown = policy.schedule.initial
    let due = Option.none<number>()
    for (const failure of failures) {
      const input = policy.input(failure.cause)
      if (Option.isNone(input)) return Option.none()
      const step: readonly [unknown, unknown, ScheduleDecision.ScheduleDecision] = yield* policy.schedule.step(
        failure.at,
        input.value,
        state
      )
      const [after, , decision] = step
      if (ScheduleDecision.isDone(decision)) return Option.none()
      state = after
      due = Option.some(Math.ceil(Math.max(failure.at, Intervals.start(decision.intervals))))
    }
    return due
  }).pipe(
    Effect.withRandom(Random.make(seed)),
    Effect.catchAllDefect((defect) =>
      Effect.as(Effect.logError("tempolite: a retry policy threw; nothing is retried", defect), Option.none())
    )
  )
