import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Option } from "effect"
import * as key from "../../src/internal/key.ts"

/** Strings that are made of what the encoding treats in some other way, and any others. */
const strings = FastCheck.oneof(
  FastCheck.string({
    unit: FastCheck.constantFrom(
      "a",
      "7",
      "u",
      "0",
      "#",
      "~",
      "/",
      "\\",
      "\u0000",
      "\n",
      "\ud800",
      "\udc00",
      "😀",
      " "
    ),
    maxLength: 8
  }),
  FastCheck.string({ unit: "binary" })
)
const numbers = FastCheck.oneof(FastCheck.integer(), FastCheck.double({ noNaN: true, noDefaultInfinity: true }))
const keys = FastCheck.oneof(strings.filter((text) => text !== ""), numbers)

describe("encode", () => {
  it.prop("is undone by decode", [keys], ([value]) =>
    // There is one zero only.
    assert.strictEqual(key.decode(key.encode(value)), value === 0 ? 0 : value))

  it.prop(
    "gives no two keys the same text",
    [keys, keys],
    ([a, b]) => assert.strictEqual(key.encode(a) === key.encode(b), a === b)
  )

  it.prop("gives text that every database keeps as it is", [keys], ([value]) => {
    assert.notMatch(key.encode(value), /[\u0000-\u001f]/)
    assert.isTrue(key.encode(value).isWellFormed())
  })

  it("writes what a person can read", () => {
    assert.deepStrictEqual(
      ["charge", "ship-a b", 7, -1.5, "7", "#7", "~x", "a#b", "a/b", "a\\b", "a\nb"].map(key.encode),
      ["charge", "ship-a b", "#7", "#-1.5", "7", "\\#7", "\\~x", "a#b", "a\\/b", "a\\\\b", "a\\u000ab"]
    )
  })

  it("leaves a leading tilde to the engine", () => {
    assert.isFalse(key.encode("~sleep").startsWith("~"))
    assert.strictEqual(key.decode("~sleep"), "~sleep")
  })
})

describe("paths", () => {
  it.prop("are split where they were joined", [FastCheck.array(keys, { minLength: 1 })], ([path]) => {
    const encoded = path.map(key.encode)
    const joined = encoded.reduce(key.join, "")
    assert.deepStrictEqual(key.segments(joined), encoded)
    assert.deepStrictEqual(key.segments(joined).map(key.decode), path.map((value) => value === 0 ? 0 : value))
  })

  it.prop(
    "are the same for the same keys only",
    [FastCheck.array(keys, { minLength: 1 }), FastCheck.array(keys, { minLength: 1 })],
    ([a, b]) =>
      assert.strictEqual(
        a.map(key.encode).reduce(key.join, "") === b.map(key.encode).reduce(key.join, ""),
        a.length === b.length && a.every((value, index) => value === b[index])
      )
  )

  it("have no segments at the workflow itself", () => {
    assert.deepStrictEqual(key.segments(""), [])
  })
})

describe("invalid", () => {
  it.prop(
    "takes every string but the empty one, and every finite number",
    [keys],
    ([value]) => assert.deepStrictEqual(key.invalid(value), Option.none())
  )

  it("says why a key is none", () => {
    for (const value of ["", Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.include(Option.getOrThrow(key.invalid(value)), "is not a key")
    }
  })
})
