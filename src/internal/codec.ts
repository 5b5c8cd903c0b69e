/**
 * The edge: definitions know schemas, the engine and the journal see JSON text. A codec is compiled once for each
 * definition.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { flow, pipe } from "effect/Function"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Key } from "../Info.ts"
import * as Outcome from "../Outcome.ts"
import type { Payload, PlainSchema } from "../Step.ts"
import * as cause from "./cause.ts"
import * as json from "./json.ts"
import * as records from "./records.ts"

/** Values as text; a `Left` says why not. */
interface Codec<out A> {
  /** Of any value, as what a caller gives is only promised by types. */
  readonly encode: (value: unknown) => Either.Either<string | null, string>
  readonly decode: (text: string | null) => Either.Either<A, string>
}

/** The schema as TypeScript sees it once the generic `Context` of a plain schema is known to be `never`. */
export const plain = <S extends PlainSchema>(schema: S): Schema.Schema<S["Type"], unknown> => Schema.make(schema.ast)

/** What schemas of applications throw is an answer too. */
const guarded = <A>(decide: () => Either.Either<A, string>): Either.Either<A, string> => {
  try {
    return decide()
  } catch (error) {
    return Either.left(json.thrown(error))
  }
}

const message = (error: ParseResult.ParseError): string => error.message

interface JsonCodec<out A> {
  readonly encode: (value: unknown) => Either.Either<unknown, string>
  readonly decode: (value: unknown) => Either.Either<A, string>
}

/** To and from values that JSON holds. */
const jsonCodec = <A>(schema: Schema.Schema<A, unknown>): JsonCodec<A> => {
  const encode = flow(Schema.encodeUnknownEither(schema), Either.mapLeft(message), Either.flatMap(json.check))
  const decode = flow(Schema.decodeUnknownEither(schema), Either.mapLeft(message))
  let hasRecords: boolean | undefined = undefined
  /** What a record would lose on its way is refused before. */
  const named = (value: unknown): Either.Either<unknown, string> =>
    (hasRecords ??= records.has(schema)) ? json.checkNames(value) : Either.right(value)
  // An effect that gives a value is also one that gives nothing: the value is not for the journal.
  const isVoid = schema.ast._tag === "VoidKeyword"
  return {
    encode: (value) => isVoid ? Either.right(undefined) : guarded(() => Either.flatMap(named(value), encode)),
    decode: (value) => guarded(() => decode(isVoid ? undefined : value))
  }
}

const textCodec = <A>(codec: JsonCodec<A>): Codec<A> => ({
  encode: (value) => guarded(() => Either.map(codec.encode(value), json.stringify)),
  decode: (text) => Either.flatMap(json.parse(text), codec.decode)
})

const isSchema = (payload: Payload): payload is PlainSchema => Schema.isSchema(payload)

const toSchema = (payload: Payload): PlainSchema => isSchema(payload) ? payload : Schema.Struct(payload)

/** `schema` is made of a `P`, which TypeScript cannot follow. */
function schemaOf<P extends Payload>(schema: PlainSchema): Payload.ToSchema<P>
function schemaOf(schema: PlainSchema): PlainSchema {
  return schema
}

/** `schema`, or the default that the type parameter has when an option is left out. */
export function orElse<S extends PlainSchema>(schema: S | undefined, fallback: PlainSchema): S
export function orElse(schema: PlainSchema | undefined, fallback: PlainSchema): PlainSchema {
  return schema ?? fallback
}

interface Constructor {
  readonly make: (input: unknown, options: { readonly disableValidation: boolean }) => unknown
}

/** Of a struct or a class; other schemas have a `make` too, which only validates. */
const hasConstructor = (schema: PlainSchema): schema is PlainSchema & Constructor =>
  Predicate.hasProperty(schema, "fields") && Predicate.hasProperty(schema, "make") && Predicate.isFunction(schema.make)

/** Makes what a caller gives into what the schema encodes: applies the constructor, with its defaults, if it has one. */
const constructorOf = (schema: PlainSchema): (input: unknown) => unknown => {
  if (!hasConstructor(schema)) {
    const accepts = Schema.is(plain(schema))
    // An argument may be left out where `{}` would do, and where `undefined` is meant.
    return (input) => input === undefined && !accepts(undefined) ? {} : input
  }
  return (input) =>
    Predicate.isFunction(schema) && input instanceof schema
      ? input
      // The encoding that follows validates.
      : schema.make(input ?? {}, { disableValidation: true })
}

/** The codec of a payload, and its schema. */
export interface PayloadCodec<P extends Payload> extends Codec<Payload.Type<P>> {
  readonly schema: Payload.ToSchema<P>
}

/**
 * Of a payload that is given as fields, as a schema, or not at all. `encode` takes what a caller gives. Equal payloads
 * have equal texts, whatever the order of their properties.
 */
export const payload = <P extends Payload>(fields: P | undefined): PayloadCodec<P> => {
  const schema = toSchema(fields ?? {})
  const codec = jsonCodec<Payload.Type<P>>(Schema.make(schema.ast))
  const construct = constructorOf(schema)
  return {
    schema: schemaOf<P>(schema),
    encode: (input) =>
      Either.mapLeft(
        guarded(() => Either.map(codec.encode(construct(input)), (value) => json.stringify(json.sorted(value)))),
        (why) => `the payload does not fit its schema, or JSON cannot hold it: ${why}`
      ),
    decode: textCodec(codec).decode
  }
}

const unfitSuccess = (what: string) => (why: string): string =>
  `the success of ${what} does not fit its schema, or JSON cannot hold it: ${why}`

/** Of a success of something that `what` names: as JSON, or why that cannot be. */
export const encodeSuccess = <A>(
  what: string,
  schema: Schema.Schema<A, unknown>
): (value: unknown) => Either.Either<unknown, string> =>
  flow(jsonCodec(schema).encode, Either.mapLeft(unfitSuccess(what)))

/** A success that is text already. A body ends with it, so that one that cannot be encoded is a failure of the body. */
export class Encoded extends Data.Class<{ readonly text: string | null }> {}

/** Of a value that may throw when it is asked. */
const isEncoded = (value: unknown): value is Encoded =>
  Either.getOrElse(Either.try(() => value instanceof Encoded), () => false)

/** How a definition's exits are recorded and answered. */
export interface OutcomeCodec<out A, out E> {
  /** Ends `self` with the text of its success, or with a defect that says why there is none. */
  readonly encoded: <E2, R>(self: Effect.Effect<unknown, E2, R>) => Effect.Effect<Encoded, E2, R>
  /** What does not fit the schemas becomes a defect that says so; a success may be `Encoded` already. */
  readonly encode: (exit: Exit.Exit<unknown, unknown>) => Outcome.Outcome
  readonly decode: (outcome: Outcome.Outcome) => Either.Either<Exit.Exit<A, E>, string>
  /** The first typed error of a recorded cause, if it has one. */
  readonly errorOf: (text: string) => Option.Option<E>
}

/** The outcome of something that `what` names in messages: `the activity "ChargeCard"`. */
export const outcome = <A, E>(options: {
  readonly what: string
  readonly success: Schema.Schema<A, unknown>
  readonly error: Schema.Schema<E, unknown>
}): OutcomeCodec<A, E> => {
  const { what } = options
  const success = textCodec(jsonCodec(options.success))
  const error = jsonCodec(options.error)
  const successToText = flow(success.encode, Either.mapLeft(unfitSuccess(what)))
  const encodeError = (value: unknown) =>
    Either.mapLeft(
      error.encode(value),
      (why) =>
        `${what} failed with an error that does not fit its schema, or that JSON cannot hold: ${why}; ` +
        `the error was ${cause.show(value)}`
    )
  const failure = (failed: Cause.Cause<unknown>): Outcome.Outcome =>
    Outcome.Failure({ cause: cause.encode(failed, encodeError) })
  const decodeFailure = (text: string): Either.Either<Cause.Cause<E>, string> => cause.decode(text, error.decode)
  return {
    encoded: Effect.flatMap((value) =>
      Either.match(successToText(value), {
        onLeft: (why) => Effect.die(new Error(why)),
        onRight: (text) => Effect.succeed(new Encoded({ text }))
      })
    ),
    encode: Exit.match({
      onFailure: failure,
      onSuccess: (value) =>
        isEncoded(value) ? Outcome.Success({ value: value.text }) : Either.match(successToText(value), {
          onLeft: (why) => failure(Cause.die(new Error(why))),
          onRight: (text) => Outcome.Success({ value: text })
        })
    }),
    decode: (recorded) =>
      pipe(
        Outcome.match(recorded, {
          Success: ({ value }): Either.Either<Exit.Exit<A, E>, string> =>
            Either.map(success.decode(value), Exit.succeed),
          Failure: (failed) => Either.map(decodeFailure(failed.cause), Exit.failCause)
        }),
        Either.mapLeft((why) => `the recorded outcome of ${what} does not decode any more: ${why}`)
      ),
    errorOf: flow(decodeFailure, Either.getRight, Option.flatMap(Cause.failureOption))
  }
}

/** Why a key is not one that `schema` declares, if so. Without a schema, every key is. */
export const invalidKey = <K extends Key, I>(
  what: string,
  schema: Schema.Schema<K, I> | undefined
): (key: Key) => Option.Option<string> => {
  if (schema === undefined) return Option.none
  const declared = Schema.typeSchema(schema)
  const isDeclared = Schema.is(declared)
  return (key) =>
    isDeclared(key) ? Option.none() : Option.some(
      `${JSON.stringify(key)} is not one of the keys of ${what}, which are ${String(declared)}: ` +
        "correct the key, or add it to `keys`"
    )
}

const untypedValue = (value: unknown): unknown => Either.getOrElse(guarded(() => json.check(value)), () => null)

const untypedError = (value: unknown): Either.Either<unknown, string> =>
  guarded(() =>
    json.check(
      Predicate.isError(value) ? { ...Object.fromEntries(Object.entries(value)), message: value.message } : value
    )
  ).pipe(
    Either.orElse(() => Either.right(cause.show(value)))
  )

/**
 * For who has no schemas. It encodes what a person can read of an exit, and decodes every outcome to what its JSON says.
 */
export const untyped: OutcomeCodec<unknown, unknown> = {
  encoded: Effect.map((value) => new Encoded({ text: json.stringify(untypedValue(value)) })),
  encode: Exit.match({
    onFailure: (failed) => Outcome.Failure({ cause: cause.encode(failed, untypedError) }),
    onSuccess: (value) =>
      Outcome.Success({ value: isEncoded(value) ? value.text : json.stringify(untypedValue(value)) })
  }),
  decode: Outcome.match({
    Failure: (failed) => Either.map(cause.decode<unknown>(failed.cause, Either.right), Exit.failCause),
    Success: ({ value }): Either.Either<Exit.Exit<unknown, unknown>, string> =>
      Either.map(json.parse(value), Exit.succeed)
  }),
  errorOf: (text) => Option.flatMap(Either.getRight(cause.decode<unknown>(text, Either.right)), Cause.failureOption)
}
