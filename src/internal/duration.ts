/**
 * Durations that come from outside. `Duration.decode` makes zero of what is negative or no number, so the input itself is
 * looked at first.
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidDuration } from "../Errors.ts"

const isTuple = (input: Duration.DurationInput): input is readonly [seconds: number, nanos: number] =>
  Array.isArray(input)

/** In whatever unit: only its sign counts. */
const sizeOf = (input: Duration.DurationInput): number => {
  if (typeof input === "string") return Number.parseFloat(input)
  if (isTuple(input)) return input[0] * 1e9 + input[1]
  return typeof input === "object" ? Duration.toMillis(input) : Number(input)
}

const show = (input: Duration.DurationInput): string => {
  if (isTuple(input)) return `[${input.join(", ")}]`
  return Duration.isDuration(input) ? Duration.format(input) : String(input)
}

/** One that is not negative; what has no end, or is more than a number of milliseconds can hold, is `Duration.infinity`. */
const decode = (what: string, input: Duration.DurationInput): Either.Either<Duration.Duration, InvalidDuration> => {
  const invalid = () => new InvalidDuration({ of: what, duration: show(input) })
  return Either.flatMap(
    Either.try({
      try: () => sizeOf(input) >= 0 ? Option.some(Duration.decode(input)) : Option.none(),
      catch: invalid
    }),
    Option.match({
      onNone: () => Either.left(invalid()),
      onSome: (duration) => Either.right(Number.isFinite(Duration.toMillis(duration)) ? duration : Duration.infinity)
    })
  )
}

/** A time to wait, as `what` was given it. */
export const finite = (
  what: string,
  input: Duration.DurationInput
): Either.Either<Duration.Duration, InvalidDuration> =>
  Either.filterOrLeft(
    decode(what, input),
    Duration.isFinite,
    () => new InvalidDuration({ of: what, duration: show(input) })
  )

/** A limit, as `what` was given it: one without an end is none. */
export const limit = (
  what: string,
  input: Duration.DurationInput | undefined
): Either.Either<Option.Option<Duration.Duration>, InvalidDuration> =>
  input === undefined
    ? Either.right(Option.none())
    : Either.map(decode(what, input), Option.liftPredicate(Duration.isFinite))
