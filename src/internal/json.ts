/**
 * Values that survive JSON as they are, and nothing else: what JSON would drop or change silently is refused by name.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"

interface Fault {
  readonly path: string
  readonly what: string
}

const here = (what: string): Fault => ({ path: "", what })

/**
 * How deep values may be nested: as deep as the JSON functions of SQLite go. What is deeper would be held or not by how
 * much of the stack is free, and so on one run and not on the next.
 */
const depthMax = 1_000

/** Of a path, in a message. */
const pathMax = 200

const within = (segment: string, fault: Fault): Fault => ({ path: segment + fault.path, what: fault.what })

const property = (name: string): string => /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  // One step further for the objects of another realm, whose `Object.prototype` is not ours.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The name of the class of an object, if it is of one that has a name. */
export const nameOfClass = (value: object): string | undefined =>
  Array.isArray(value) || isPlain(value) || typeof value.constructor !== "function" || value.constructor.name === ""
    ? undefined
    : value.constructor.name

const faultOfArray = (values: ReadonlyArray<unknown>, ancestors: Set<object>): Fault | undefined => {
  for (let index = 0; index < values.length; index++) {
    const fault = faultOf(values[index], ancestors)
    if (fault !== undefined) return within(`[${index}]`, fault)
  }
  return undefined
}

const faultOfProperties = (value: object, ancestors: Set<object>): Fault | undefined => {
  for (const [name, child] of Object.entries(value)) {
    if (child === undefined) continue
    const fault = faultOf(child, ancestors)
    if (fault !== undefined) return within(property(name), fault)
  }
  return undefined
}

const faultOfObject = (value: object, ancestors: Set<object>): Fault | undefined => {
  const isArray = Array.isArray(value)
  if (!isArray && !isPlain(value)) {
    return here(`an instance of ${nameOfClass(value) ?? "a class"} is not JSON: give it a schema that encodes it`)
  }
  if (Object.getOwnPropertySymbols(value).length > 0) return here("JSON has no symbols as names of properties")
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return here("it has a `toJSON`, which would put something else in its place: call that first")
  }
  if (ancestors.has(value)) return here("the value contains itself")
  if (ancestors.size >= depthMax) return here(`it is nested more than ${depthMax} deep`)
  ancestors.add(value)
  const fault = isArray ? faultOfArray(value, ancestors) : faultOfProperties(value, ancestors)
  ancestors.delete(value)
  return fault
}

const faultOf = (value: unknown, ancestors: Set<object>): Fault | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined
    case "number":
      return Number.isFinite(value) ? undefined : here(`JSON has no ${value}`)
    case "object":
      return value === null ? undefined : faultOfObject(value, ancestors)
    case "undefined":
      return here("JSON has no undefined in an array")
    case "bigint":
      return here("JSON has no bigint: use Schema.BigInt, which encodes it as a string")
    case "function":
      return here("JSON has no functions")
    case "symbol":
      return here("JSON has no symbols")
  }
}

/** What was thrown, in one line. What it is may throw, too. */
export const thrown = (error: unknown): string =>
  Either.getOrElse(
    Either.try(() => Predicate.isError(error) ? error.message : String(error)),
    () => "something was thrown that cannot be shown"
  )

const at = ({ path, what }: Fault): string => {
  const place = path.replace(/^\./, "")
  return `at ${place.length > pathMax ? `${place.slice(0, pathMax)}…` : place}: ${what}`
}

/**
 * `value` itself, or why JSON cannot hold it. `undefined` passes at the top, and as a property, which JSON leaves out.
 */
export const check = (value: unknown): Either.Either<unknown, string> => {
  if (value === undefined || value === null || typeof value === "string") return Either.right(value)
  const fault = faultOf(value, new Set())
  return fault === undefined ? Either.right(value) : Either.left(fault.path === "" ? fault.what : at(fault))
}

const prototypeIn = (value: unknown, ancestors: Set<object>): Fault | undefined => {
  if (typeof value !== "object" || value === null || ancestors.has(value) || ancestors.size >= depthMax) {
    return undefined
  }
  if (Object.hasOwn(value, "__proto__")) return within(property("__proto__"), here("no record can have this name"))
  ancestors.add(value)
  for (const [name, child] of Object.entries(value)) {
    const fault = prototypeIn(child, ancestors)
    if (fault !== undefined) return within(Array.isArray(value) ? `[${name}]` : property(name), fault)
  }
  ancestors.delete(value)
  return undefined
}

/** Why what is to be a record would lose a property: an assignment to `__proto__` makes none. */
export const checkNames = (value: unknown): Either.Either<unknown, string> => {
  const fault = prototypeIn(value, new Set())
  return fault === undefined ? Either.right(value) : Either.left(at(fault))
}

/** The text of a value that was checked; `null` for `undefined`. */
export const stringify = (value: unknown): string | null => value === undefined ? null : JSON.stringify(value)

/** `value` with the properties of its objects in the order of their names, so that equal values have equal texts. */
export const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
  return Object.fromEntries(entries.map(([name, child]) => [name, sorted(child)]))
}

/** The inverse of `stringify`. */
export const parse = (text: string | null): Either.Either<unknown, string> =>
  text === null
    ? Either.right(undefined)
    : Either.try({ try: (): unknown => JSON.parse(text), catch: (error) => `it is not JSON: ${thrown(error)}` })
