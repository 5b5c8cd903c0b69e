import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { assert } from "vitest"
import * as Retry from "../../src/engine/retry.ts"
import { policy } from "../../src/internal/retry.ts"
import type { RetryOptions } from "../../src/Step.ts"

/** Time that passes as soon as somebody sleeps. */
class PassingClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  now = 1_700_000_000_000
  unsafeCurrentTimeMillis = () => this.now
  unsafeCurrentTimeNanos = () => BigInt(this.now) * 1_000_000n
  currentTimeMillis = Effect.sync(() => this.now)
  currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())
  sleep = (duration: Duration.Duration) =>
    Effect.sync(() => {
      this.now += Duration.toMillis(duration)
    })
}

const millis = fc.integer({ min: 1, max: 400 })

const anySimple: fc.Arbitrary<Schedule.Schedule<unknown, number>> = fc.oneof(
  fc.nat(6).map((n) => Schedule.recurs(n)),
  millis.map((n) => Schedule.spaced(n)),
  millis.map((n) => Schedule.exponential(n)),
  millis.map((n) => Schedule.fibonacci(n)),
  millis.map((n) => Schedule.linear(n)),
  millis.map((n) => Schedule.fixed(n)),
  millis.map((n) => Schedule.windowed(n)),
  fc.constant(Schedule.forever),
  fc.constant(Schedule.stop),
  millis.map((n) => Schedule.upTo(Schedule.spaced(50), n)),
  fc.nat(4).map((n) => Schedule.recurWhile((error: number) => error > n)),
  millis.map((n) => Schedule.modifyDelay(Schedule.exponential(n), () => Duration.millis(7)))
)

const anySchedule: fc.Arbitrary<Schedule.Schedule<unknown, number>> = fc.oneof(
  anySimple,
  fc.tuple(anySimple, anySimple).map(([x, y]) => Schedule.union(x, y)),
  fc.tuple(anySimple, anySimple).map(([x, y]) => Schedule.intersect(x, y)),
  fc.tuple(fc.nat(3), anySimple).map(([n, y]) => Schedule.andThen(Schedule.recurs(n), y))
)

const anyOptions: fc.Arbitrary<RetryOptions<number>> = fc.record({
  schedule: anySchedule,
  times: fc.nat(5),
  while: fc.nat(4).map((n) => (error: number) => error >= n),
  until: fc.nat(4).map((n) => (error: number) => error === n)
}, { requiredKeys: [] })

/** How long each attempt takes, and what it fails with; then one succeeds. */
const anyAttempts = fc.array(fc.record({ takes: fc.nat(300), error: fc.nat(5) }), { maxLength: 8 })

const errorOf = (cause: string) => cause === "defect" ? Option.none() : Option.some(Number(cause))

const fold = (
  retry: Schedule.Schedule<unknown, number> | RetryOptions<number>,
  failures: ReadonlyArray<Retry.Failure>,
  seed = "seed"
) =>
  Retry.next(Option.getOrThrow(policy(retry, Schema.make<number, unknown>(Schema.Number.ast), errorOf)), failures, seed)

describe("the next attempt", () => {
  it.effect.prop(
    "is due when Effect.retry would make it, and is not, when it would not",
    [fc.oneof(anySchedule, anyOptions), anyAttempts],
    ([retry, attempts]) =>
      Effect.gen(function*() {
        const clock = new PassingClock()
        const starts: Array<number> = []
        const failures: Array<Retry.Failure> = []
        const attempt = Effect.suspend(() => {
          const next = attempts[starts.length]
          starts.push(clock.now)
          if (next === undefined) return Effect.void
          clock.now += next.takes
          failures.push({ at: clock.now, cause: String(next.error) })
          return Effect.fail(next.error)
        })
        yield* (Schedule.isSchedule(retry) ? Effect.retry(attempt, retry) : Effect.retry(attempt, retry)).pipe(
          Effect.ignore,
          Effect.withClock(clock)
        )
        for (let failed = 1; failed <= failures.length; failed++) {
          assert.deepStrictEqual(
            yield* fold(retry, failures.slice(0, failed)),
            Option.fromNullable(starts[failed]),
            `after ${String(failed)} of ${String(failures.length)} failures`
          )
        }
      }),
    { fastCheck: { numRuns: 400 } }
  )

  const failed = (...causes: ReadonlyArray<string>) =>
    causes.map((cause, index) => ({ at: 1_000 * (index + 1), cause }))

  it.effect("is none after a cause without a typed error, whatever the policy says, and whenever it was", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* fold(Schedule.forever, failed("defect")), Option.none())
      assert.deepStrictEqual(yield* fold(Schedule.forever, failed("1", "defect")), Option.none())
      assert.deepStrictEqual(yield* fold(Schedule.forever, failed("1", "1")), Option.some(2_000))
    }))

  it.effect("is none where nothing has failed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* fold(Schedule.forever, []), Option.none())
    }))

  it.effect("depends on nothing but the failures and the seed, where the schedule draws, too", () =>
    Effect.gen(function*() {
      const jittered = Schedule.jittered(Schedule.exponential("10 seconds"))
      const failures = failed("1", "1", "1")
      const due = yield* fold(jittered, failures)
      assert.deepStrictEqual(yield* fold(jittered, failures), due)
      assert.notDeepEqual(yield* fold(jittered, failures, "other"), due)
    }))

  it.effect("is at a whole millisecond, and not before the schedule says", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* fold(Schedule.spaced(Duration.micros(1_500n)), failed("1")), Option.some(1_002))
    }))
})
