/**
 * Values, texts and keys of every shape, and what may become of them.
 */
import { FastCheck } from "effect"
import { isDeepStrictEqual } from "node:util"

/** Pieces that databases, paths, escapes and prototypes treat in some way of their own. */
const pieces = [
  "a",
  "0",
  " ",
  "#",
  "~",
  "/",
  "\\",
  "\\u0000",
  "'",
  "\"; DROP TABLE tempolite_step; --",
  "%",
  "_",
  "*",
  "?",
  "[",
  "__proto__",
  "constructor",
  "toJSON",
  "\u0000",
  "\n",
  "\u001f",
  "\u007f",
  "\u0085",
  "\ufeff",
  "\ufffd",
  "\uffff",
  "\ud800",
  "\udc00",
  "é",
  "e\u0301",
  "😀",
  "\u{10ffff}"
]

export const texts: FastCheck.Arbitrary<string> = FastCheck.oneof(
  FastCheck.string({ unit: FastCheck.constantFrom(...pieces), maxLength: 5 }),
  FastCheck.string({ unit: "binary", maxLength: 8 })
)

export const someTexts: ReadonlyArray<string> = [
  ...pieces,
  "~sleep/1",
  "a/b",
  "a\\/b",
  "#1",
  "#NaN",
  "😀".slice(0, 1)
]

/** As long as the first pages of a book. */
export const longText = `${"x".repeat(999_990)}\u0000\ud800😀`

export const someNumbers: ReadonlyArray<number> = [
  0,
  1,
  -1,
  1.5,
  0.1 + 0.2,
  1e21,
  1e-7,
  -1e300,
  Number.MAX_SAFE_INTEGER + 1,
  Number.MIN_SAFE_INTEGER - 1,
  Number.MAX_VALUE,
  Number.MIN_VALUE
]

/** What JavaScript has: what JSON has too, what it has not, and what it would change. */
export const values: FastCheck.Arbitrary<unknown> = FastCheck.oneof(
  { weight: 2, arbitrary: FastCheck.jsonValue() },
  {
    weight: 3,
    arbitrary: FastCheck.anything({
      key: texts,
      values: [
        texts,
        FastCheck.double(),
        FastCheck.constantFrom<unknown>(-0, Number.NaN, undefined, null, Symbol.iterator, () => 1, new Error("e"))
      ],
      maxDepth: 3,
      maxKeys: 4,
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true
    })
  }
)

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** The value as JSON has it: one zero, no properties that are undefined, objects of one kind. Everything else stays. */
const canonical = (value: unknown): unknown => {
  if (typeof value === "number") return value === 0 ? 0 : value
  if (Array.isArray(value)) return Array.from(value, canonical)
  if (typeof value !== "object" || value === null || !isPlain(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) => child === undefined ? [] : [[name, canonical(child)]])
  )
}

/** Whether `out` is what went in. */
export const isSame = (value: unknown, out: unknown): boolean => isDeepStrictEqual(canonical(value), canonical(out))

/** Whether JSON can hold the value: then it must not be refused. */
export const isHoldable = (value: unknown): boolean => {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value)
    case "string":
    case "boolean":
      return true
    case "object":
      if (value === null) return true
      if (Array.isArray(value)) return Array.from(value).every((item) => item !== undefined && isHoldable(item))
      return isPlain(value) && Object.getOwnPropertySymbols(value).length === 0 &&
        Object.entries(value).every(([name, child]) =>
          child === undefined || (isHoldable(child) && !(name === "toJSON" && typeof child === "function"))
        )
    default:
      return false
  }
}
