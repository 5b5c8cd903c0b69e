/**
 * Causes as text: the whole tree is kept, typed errors through a codec of their own, defects with their stack.
 */
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as FiberId from "effect/FiberId"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as json from "./json.ts"

interface EncodedError {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  readonly cause?: EncodedDefect | undefined
}

/** A thrown `Error` keeps what a person reads of it; every other value is kept as JSON, or else as a text. */
type EncodedDefect = { readonly error: EncodedError } | { readonly value?: unknown }

type EncodedCause =
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Fail"; readonly error?: unknown }
  | { readonly _tag: "Die"; readonly defect: EncodedDefect }
  | { readonly _tag: "Interrupt" }
  | EncodedCauses

/** In their order, from two on. A tree would be as deep as a `forEach` has fibers, and JSON is not. */
interface EncodedCauses {
  readonly _tag: "Sequential" | "Parallel"
  readonly causes: Array<EncodedCause>
}

const EncodedError: Schema.Schema<EncodedError> = Schema.Struct({
  name: Schema.String,
  message: Schema.String,
  stack: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.suspend(() => EncodedDefect))
})

const EncodedDefect: Schema.Schema<EncodedDefect> = Schema.Union(
  Schema.Struct({ error: EncodedError }),
  Schema.Struct({ value: Schema.optional(Schema.Unknown) })
)

const EncodedCause: Schema.Schema<EncodedCause> = Schema.Union(
  Schema.TaggedStruct("Empty", {}),
  Schema.TaggedStruct("Fail", { error: Schema.optional(Schema.Unknown) }),
  Schema.TaggedStruct("Die", { defect: EncodedDefect }),
  Schema.TaggedStruct("Interrupt", {}),
  Schema.Struct({
    _tag: Schema.Literal("Sequential", "Parallel"),
    causes: Schema.mutable(Schema.Array(Schema.suspend(() => EncodedCause)))
  })
)

/** How many `cause`s of an error are kept; more are no help, and one may be its own. */
const causesMax = 4

const showObject = (value: object): string => {
  const text = Inspectable.toStringUnknown(value, 0)
  const name = json.nameOfClass(value)
  return name === undefined || text.includes(name) ? text : `${name} ${text}`
}

/** A value in one line, for messages. */
export const show = (value: unknown): string =>
  Either.getOrElse(
    Either.try(() => {
      if (Predicate.isError(value)) return `${value.name}: ${value.message}`
      return typeof value === "object" && value !== null ? showObject(value) : Inspectable.toStringUnknown(value, 0)
    }),
    () => "one that cannot be shown"
  )

const encodeError = (error: Error, causes: number): EncodedError => ({
  name: error.name,
  message: error.message,
  stack: error.stack,
  cause: error.cause === undefined || causes === causesMax ? undefined : encodeDefect(error.cause, causes + 1)
})

const encodeDefect = (defect: unknown, causes: number): EncodedDefect =>
  Either.getOrElse(
    // Getters of a thrown object may throw, and a name may be anything: what is not an error in earnest is shown.
    Either.try((): EncodedDefect => {
      const original = Cause.originalError(defect)
      if (!Predicate.isError(original)) return { value: Either.getOrElse(json.check(original), () => show(original)) }
      const error = encodeError(original, causes)
      return Schema.is(EncodedError)(error) ? { error } : { value: show(original) }
    }),
    () => ({ value: show(defect) })
  )

const die = (defect: unknown): EncodedCause => ({ _tag: "Die", defect: encodeDefect(defect, 0) })

/** How deep causes are told apart; what is deeper is kept in its order, but not whether it was sequential or parallel. */
const depthMax = 100

/** Joins what was made for this text only, so that it may be added to. */
const joiner = () => {
  const depths = new Map<EncodedCause, number>()
  const depth = (cause: EncodedCause) => depths.get(cause) ?? 0
  const isOpen = (cause: EncodedCause, tag: EncodedCauses["_tag"]): cause is EncodedCauses =>
    (cause._tag === "Sequential" || cause._tag === "Parallel") && (cause._tag === tag || depth(cause) >= depthMax)
  return (tag: EncodedCauses["_tag"]) => (left: EncodedCause, right: EncodedCause): EncodedCause => {
    // An interruption leaves one behind for each finalizer that it passed.
    if (left._tag === "Empty") return right
    if (right._tag === "Empty") return left
    const joined: EncodedCauses = isOpen(left, tag) ? left : { _tag: tag, causes: [left] }
    let deepest = Math.max(depth(joined), joined === left ? 0 : depth(left) + 1)
    for (const cause of isOpen(right, tag) ? right.causes : [right]) {
      // All but one of a thousand fibers that were interrupted say nothing.
      if (cause._tag === "Interrupt" && joined.causes.at(-1)?._tag === "Interrupt") continue
      joined.causes.push(cause)
      deepest = Math.max(deepest, depth(cause) + 1)
    }
    depths.set(joined, deepest)
    return joined.causes.length === 1 ? left : joined
  }
}

/** The text of a cause. A typed error that `error` refuses becomes a defect whose message says why. */
export const encode = (
  cause: Cause.Cause<unknown>,
  error: (value: unknown) => Either.Either<unknown, string>
): string =>
  Either.getOrElse(
    Either.try(() => {
      const join = joiner()
      return JSON.stringify(Cause.match<EncodedCause, unknown>(cause, {
        onEmpty: { _tag: "Empty" },
        onFail: (value) =>
          Either.match(error(value), {
            onLeft: (why) => die(new Error(why)),
            onRight: (encoded) => ({ _tag: "Fail", error: encoded })
          }),
        onDie: die,
        onInterrupt: () => ({ _tag: "Interrupt" }),
        onSequential: join("Sequential"),
        onParallel: join("Parallel")
      }))
    }),
    // A getter may answer the first time, and throw the second.
    (thrown) => JSON.stringify(die(new Error(`it failed with what cannot be written: ${json.thrown(thrown)}`)))
  )

/** A cause for a person to read; its text in the journal where an error of it cannot be shown. */
export const pretty = (cause: Cause.Cause<unknown>, text: string): string =>
  Either.getOrElse(Either.try(() => Cause.pretty(cause)), () => text)

const decodeError = (encoded: EncodedError): Error => {
  const error = encoded.cause === undefined
    ? new Error(encoded.message)
    : new Error(encoded.message, { cause: decodeDefect(encoded.cause) })
  const hidden = { configurable: true, writable: true, enumerable: false }
  return Object.defineProperties(error, {
    name: { ...hidden, value: encoded.name },
    // Where it was decoded says nothing, and is another place on each replay.
    stack: { ...hidden, value: encoded.stack ?? `${encoded.name}: ${encoded.message}` }
  })
}

const decodeDefect = (encoded: EncodedDefect): unknown =>
  "error" in encoded ? decodeError(encoded.error) : encoded.value

const toCause = <E>(
  encoded: EncodedCause,
  error: (value: unknown) => Either.Either<E, string>
): Either.Either<Cause.Cause<E>, string> => {
  switch (encoded._tag) {
    case "Empty":
      return Either.right(Cause.empty)
    case "Fail":
      return Either.map(error(encoded.error), Cause.fail)
    case "Die":
      return Either.right(Cause.die(decodeDefect(encoded.defect)))
    case "Interrupt":
      return Either.right(Cause.interrupt(FiberId.none))
    case "Sequential":
    case "Parallel": {
      const combine = encoded._tag === "Sequential" ? Cause.sequential : Cause.parallel
      return Either.map(
        Either.all(encoded.causes.map((cause) => toCause(cause, error))),
        ([first, ...others]) => others.reduce((left, right) => combine(left, right), first ?? Cause.empty)
      )
    }
  }
}

const decodeEncoded = Schema.decodeUnknownEither(EncodedCause)

/** The inverse of `encode`; a `Left` says why the text is no cause, or holds an error that `error` refuses. */
export const decode = <E>(
  text: string,
  error: (value: unknown) => Either.Either<E, string>
): Either.Either<Cause.Cause<E>, string> =>
  json.parse(text).pipe(
    Either.flatMap((value) => Either.mapLeft(decodeEncoded(value), (issue) => issue.message)),
    Either.flatMap((encoded) => toCause(encoded, error))
  )
