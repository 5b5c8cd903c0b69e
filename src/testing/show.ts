/**
 * Values in a form that can be compared and read: of two runs of one program, what is the same shows the same.
 */
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as CauseText from "../internal/cause.ts"
import * as Codec from "../internal/codec.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"

/** Where an error was made, and which attempt timed out, is another one where an attempt was lost. */
const isIncidental = (owner: object, name: string): boolean =>
  (name === "stack" && "message" in owner) ||
  (Predicate.isTagged(owner, "ActivityTimeout") && (name === "attempt" || name === "message"))

const plainObject = (value: object, ancestors: ReadonlySet<object>): unknown => {
  if (ancestors.has(value)) return "(itself)"
  const within = new Set(ancestors).add(value)
  const inside = (child: unknown) => plain(child, within)
  if (Array.isArray(value)) return value.map(inside)
  if (value instanceof Map) return { Map: Array.from(value, ([key, child]) => [inside(key), inside(child)]) }
  if (value instanceof Set) return { Set: Array.from(value, inside) }
  if (Predicate.hasProperty(value, "toJSON") && Predicate.isFunction(value.toJSON)) {
    const shown = Inspectable.toJSON(value)
    return shown === value ? Inspectable.toStringUnknown(value) : inside(shown)
  }
  const entries = Object.entries(value).filter(([name]) => !isIncidental(value, name))
  const { message, name } = Predicate.isError(value) ? value : { message: undefined, name: undefined }
  return {
    ...(name === undefined ? {} : { name, message }),
    ...Object.fromEntries(entries.map(([name, child]) => [name, inside(child)]))
  }
}

const plain = (value: unknown, ancestors: ReadonlySet<object>): unknown => {
  switch (typeof value) {
    case "bigint":
      return `${value}n`
    case "function":
    case "symbol":
      return String(value)
    case "number":
      return Number.isFinite(value) ? value : String(value)
    case "object":
      return value === null ? null : plainObject(value, ancestors)
    default:
      return value
  }
}

/** A value in one line; equal values have equal texts. */
const value = (value: unknown): string => JSON.stringify(Json.sorted(plain(value, new Set())) ?? null)

/** An outcome as the journal holds it. */
export const recorded = (text: string | null): string =>
  text === null ? "nothing" : Either.match(Json.parse(text), { onLeft: () => text, onRight: value })

/** A cause as the journal holds it, without what says nothing: of that, every version leaves another number of parts. */
export const cause = (text: string | null): string =>
  text === null ? recorded(text) : Either.match(CauseText.decode<unknown>(text, Either.right), {
    onLeft: () => recorded(text),
    onRight: (cause) => recorded(CauseText.encode(cause, Either.right))
  })

/** How something ended, in one line. */
export const exit = (self: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(self)) return `a success: ${self.value === undefined ? "nothing" : value(self.value)}`
  const outcome = Codec.untyped.encode(self)
  return `a failure: ${recorded(outcome._tag === "Failure" ? outcome.cause : outcome.value)}`
}

/** At most so much of a text. */
export const short = (text: string, charsMax = 300): string =>
  text.length > charsMax ? `${text.slice(0, charsMax)}… (${text.length} characters)` : text

/** An id as the journal has it, as a person writes it. */
export const id = (encoded: string): string => JSON.stringify(Key.decode(encoded))
