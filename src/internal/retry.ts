/**
 * Retry options as the policy that the engine folds over recorded attempts.
 */
import * as Effect from "effect/Effect"
import { pipe } from "effect/Function"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { RetryPolicy } from "../Execution.ts"
import type { Retry } from "../Step.ts"

const isSchedule = <E>(retry: Retry<E>): retry is Schedule.Schedule<unknown, E> => Schedule.isSchedule(retry)

/** As `Effect.retry` makes a schedule of its options. */
const toSchedule = <E>(retry: Retry<E>): Schedule.Schedule<unknown, E> => {
  if (isSchedule(retry)) return retry
  const { schedule = Schedule.forever, times, until, while: while_ } = retry
  return pipe(
    schedule,
    (self): Schedule.Schedule<unknown, E> => while_ === undefined ? self : Schedule.whileInput(self, while_),
    (self): Schedule.Schedule<unknown, E> => until === undefined ? self : Schedule.untilInput(self, until),
    (self): Schedule.Schedule<unknown, E> =>
      times === undefined ? self : Schedule.intersect(self, Schedule.recurs(times))
  )
}

/** The policy of `retry` for errors of the schema; `errorOf` finds the first typed error of a recorded cause. */
export const policy = <E>(
  retry: Retry<E> | undefined,
  error: Schema.Schema<E, unknown>,
  errorOf: (cause: string) => Option.Option<E>
): Option.Option<RetryPolicy> =>
  Option.map(Option.fromNullable(retry), (retry) => {
    const isError = Schema.is(error)
    return {
      schedule: Schedule.mapInputEffect(toSchedule(retry), (input: unknown) =>
        isError(input) ? Effect.succeed(input) : Effect.dieMessage("a retry policy was stepped with another error")),
      input: errorOf
    }
  })
