import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, Option } from "effect"
import { InvalidDuration } from "../../src/Errors.ts"
import { finite, limit } from "../../src/internal/duration.ts"

/** As what comes from code without types. */
const untyped = (input: unknown) => input as Duration.DurationInput

describe("a duration", () => {
  it.each<[input: Duration.DurationInput, millis: number]>([
    [0, 0],
    [-0, 0],
    [1.5, 1.5],
    ["2 seconds", 2000],
    ["-0 seconds", 0],
    [3_000_000n, 3],
    [[1, 500_000_000], 1500],
    [[1, -500_000_000], 500],
    [[-1, 1_500_000_000], 500],
    [Duration.minutes(1), 60_000],
    [Duration.zero, 0]
  ])("is taken where it is finite and not negative: %s", (input, millis) => {
    assert.strictEqual(Duration.toMillis(Either.getOrThrow(finite("x", input))), millis)
    assert.deepStrictEqual(
      Option.map(Either.getOrThrow(limit("x", input)), Duration.toMillis),
      Option.some(millis)
    )
  })

  it.each<[input: Duration.DurationInput, shown: string]>([
    [-1, "-1"],
    [-0.5, "-0.5"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
    ["-5 seconds", "-5 seconds"],
    ["-0.5 days", "-0.5 days"],
    [-5n, "-5"],
    [[-1, 0], "[-1, 0]"],
    [[0, -1], "[0, -1]"],
    [[1, -1_000_000_001], "[1, -1000000001]"],
    [[Number.NaN, 0], "[NaN, 0]"],
    [[Number.NEGATIVE_INFINITY, 0], "[-Infinity, 0]"],
    [untyped("3 parsecs"), "3 parsecs"],
    [untyped("soon"), "soon"],
    [untyped(""), ""],
    [untyped({}), "[object Object]"],
    [untyped([1]), "[1]"]
  ])("is refused where it is negative or none: %s", (input, shown) => {
    const refused = Option.getOrThrow(Either.getLeft(finite("`sleep` \"k\"", input)))
    assert.deepStrictEqual(refused, new InvalidDuration({ of: "`sleep` \"k\"", duration: shown }))
    assert.deepStrictEqual(limit("`sleep` \"k\"", input), Either.left(refused))
  })

  it.each<[input: Duration.DurationInput, shown: string]>([
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Duration.infinity, "Infinity"],
    [[Number.POSITIVE_INFINITY, 0], "[Infinity, 0]"],
    [10n ** 400n, `1${"0".repeat(400)}`]
  ])("without an end is none as a limit, and refused as a time to wait: %s", (input, shown) => {
    assert.deepStrictEqual(
      finite("x", input),
      Either.left(new InvalidDuration({ of: "x", duration: shown }))
    )
    assert.deepStrictEqual(limit("x", input), Either.right(Option.none()))
  })

  it("that is left out is no limit", () => {
    assert.deepStrictEqual(limit("x", undefined), Either.right(Option.none()))
  })

  it("that cannot be used says where it was given", () => {
    assert.strictEqual(
      Either.getOrThrow(Either.flip(finite("`sleep` \"k\"", -1))).message,
      "the duration of `sleep` \"k\" is -1: give one that is finite and not negative"
    )
  })
})
