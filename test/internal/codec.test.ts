import { assert, describe, it } from "@effect/vitest"
import {
  Arbitrary,
  BigDecimal,
  Cause,
  Chunk,
  Data,
  DateTime,
  Duration,
  Effect,
  Either,
  Equal,
  Exit,
  FastCheck,
  FiberId,
  Option,
  Schema
} from "effect"
import * as codec from "../../src/internal/codec.ts"
import * as json from "../../src/internal/json.ts"
import * as Outcome from "../../src/Outcome.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { reason: Schema.String, at: Schema.Date }) {}
class Line extends Schema.Class<Line>("Line")({
  sku: Schema.String,
  quantity: Schema.Int.pipe(Schema.propertySignature, Schema.withConstructorDefault(() => 1))
}) {}

const outcomes = <A, I, E, EI>(success: Schema.Schema<A, I>, error: Schema.Schema<E, EI>) =>
  codec.outcome({ what: "the activity \"Charge\"", success: codec.plain(success), error: codec.plain(error) })

const right = <A>(either: Either.Either<A, string>): A =>
  Either.getOrElse(either, (why) => assert.fail(`it was refused: ${why}`))
const left = <A>(either: Either.Either<A, string>): string =>
  Either.match(either, { onLeft: (why) => why, onRight: () => assert.fail("it was not refused") })

const dies = (outcome: Outcome.Outcome): string => {
  const exit = right(outcomes(Schema.Unknown, Schema.Unknown).decode(outcome))
  assert.isTrue(Exit.isFailure(exit))
  const defect = Exit.match(exit, { onSuccess: () => Option.none(), onFailure: Cause.dieOption })
  return Option.match(defect, {
    onNone: () => assert.fail("it did not die"),
    onSome: (error) => error instanceof Error ? error.message : String(error)
  })
}

/** A JSON value, and a place in it. */
const place = FastCheck.letrec<{ readonly at: { readonly path: string; readonly make: (leaf: unknown) => unknown } }>((
  tie
) => ({
  at: FastCheck.oneof(
    { maxDepth: 4 },
    FastCheck.constant({ path: "", make: (leaf: unknown) => leaf }),
    FastCheck.tuple(FastCheck.array(FastCheck.jsonValue(), { maxLength: 3 }), tie("at")).map(([before, inner]) => ({
      path: `[${before.length}]${inner.path}`,
      make: (leaf: unknown) => [...before, inner.make(leaf), "after"]
    })),
    FastCheck.tuple(FastCheck.stringMatching(/^[a-z_$][a-z0-9_$]{0,6}$/), FastCheck.jsonValue(), tie("at")).map((
      [name, other, inner]
    ) => ({
      path: `.${name}${inner.path}`,
      make: (leaf: unknown) => ({ "0other": other, [name]: inner.make(leaf), zzzzzzzzzz: other })
    }))
  )
})).at

class Money {
  constructor(readonly cents: number) {}
}

const cyclic: Array<unknown> = []
cyclic.push(cyclic)

const notJson: ReadonlyArray<unknown> = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1n,
  () => 1,
  Symbol("s"),
  new Date(0),
  new Map(),
  new Set([1]),
  new Uint8Array(1),
  new Money(1),
  Option.some(1),
  new Error("e"),
  /x/,
  new String("boxed"),
  { [Symbol("k")]: 1 },
  { toJSON: () => 1 },
  [undefined],
  new Array(1),
  cyclic
]

describe("values", () => {
  it.prop("comes back as it was, if JSON can hold it", [FastCheck.jsonValue()], ([value]) => {
    const text = json.stringify(right(json.check(value)))
    assert.deepStrictEqual(right(json.parse(text)), JSON.parse(JSON.stringify(value)))
  })

  it.prop(
    "refuses what JSON cannot hold, and names its place",
    [place, FastCheck.constantFrom(...notJson)],
    ([{ make, path }, leaf]) => {
      const why = left(json.check(make(leaf)))
      const inner = left(json.check(leaf)).match(/^at (\S*): /)?.[1] ?? ""
      const expected = `${path}${inner === "" || inner.startsWith("[") ? inner : `.${inner}`}`.replace(/^\./, "")
      if (expected === "") assert.notMatch(why, /^at /)
      else assert.isTrue(why.startsWith(`at ${expected}: `), why)
    }
  )

  it.prop("gives equal values equal texts once sorted", [FastCheck.jsonValue()], ([value]) => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === "object" && value !== null
        ? Object.fromEntries(Object.entries(value).reverse().map(([name, child]) => [name, reversed(child)]))
        : value
    assert.strictEqual(json.stringify(json.sorted(reversed(value))), json.stringify(json.sorted(value)))
    assert.deepStrictEqual(json.sorted(value), value)
  })

  it("leaves out properties that are undefined, and nothing else", () => {
    assert.strictEqual(json.stringify(right(json.check({ a: undefined, b: null, c: 0 }))), "{\"b\":null,\"c\":0}")
    assert.isNull(json.stringify(right(json.check(undefined))))
    assert.strictEqual(json.stringify(right(json.check(null))), "null")
  })

  it("takes the same object twice, but not inside of itself", () => {
    const shared = { n: 1 }
    assert.isTrue(Either.isRight(json.check({ a: shared, b: [shared, shared] })))
    assert.strictEqual(left(json.check({ a: { b: cyclic } })), "at a.b[0]: the value contains itself")
  })

  it("takes objects without a prototype", () => {
    assert.isTrue(Either.isRight(json.check(Object.assign(Object.create(null), { a: 1 }))))
  })

  it("says in words what is wrong, and where", () => {
    assert.strictEqual(left(json.check({ lines: [0, { total: Number.NaN }] })), "at lines[1].total: JSON has no NaN")
    assert.strictEqual(
      left(json.check({ "a b": new Money(1) })),
      "at [\"a b\"]: an instance of Money is not JSON: give it a schema that encodes it"
    )
    assert.strictEqual(left(json.check([1, undefined])), "at [1]: JSON has no undefined in an array")
  })
})

describe("payloads", () => {
  const order = codec.payload({
    id: Schema.String,
    lines: Schema.Array(Line),
    note: Schema.optionalWith(Schema.String, { default: () => "none" }),
    tip: Schema.Int.pipe(Schema.propertySignature, Schema.withConstructorDefault(() => 0)),
    at: Schema.optionalWith(Schema.Date, { as: "Option" })
  })

  it.prop(
    "gives the handler what the caller gave",
    [Arbitrary.make(order.schema)],
    ([value]) => assert.deepStrictEqual(right(order.decode(right(order.encode(value)))), value)
  )

  it("applies the defaults of the constructor", () => {
    const text = right(order.encode({ id: "a", lines: [new Line({ sku: "s" })], at: Option.none() }))
    assert.strictEqual(text, "{\"id\":\"a\",\"lines\":[{\"quantity\":1,\"sku\":\"s\"}],\"note\":\"none\",\"tip\":0}")
    assert.deepStrictEqual(right(order.decode(text)), {
      id: "a",
      lines: [new Line({ sku: "s", quantity: 1 })],
      note: "none",
      tip: 0,
      at: Option.none()
    })
  })

  it("takes the fields of a class, or an instance of it", () => {
    const line = codec.payload(Line)
    assert.strictEqual(right(line.encode({ sku: "s" })), "{\"quantity\":1,\"sku\":\"s\"}")
    assert.strictEqual(right(line.encode(new Line({ sku: "s", quantity: 2 }))), "{\"quantity\":2,\"sku\":\"s\"}")
    assert.instanceOf(right(line.decode("{\"quantity\":2,\"sku\":\"s\"}")), Line)
    assert.include(left(line.encode({ sku: "s", quantity: 1.5 })), "quantity")
  })

  it("gives the same text whatever the order of the properties", () => {
    const any = codec.payload(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
    assert.strictEqual(right(any.encode({ b: 1, a: { d: 1, c: 2 } })), right(any.encode({ a: { c: 2, d: 1 }, b: 1 })))
  })

  it("needs no argument where nothing is required", () => {
    assert.strictEqual(right(codec.payload(undefined).encode(undefined)), "{}")
    assert.strictEqual(right(codec.payload({ a: Schema.optional(Schema.String) }).encode(undefined)), "{}")
    assert.isNull(right(codec.payload(Schema.Void).encode(undefined)))
    assert.isNull(right(codec.payload(Schema.UndefinedOr(Schema.String)).encode(undefined)))
    const record = codec.payload(Schema.Record({ key: Schema.String, value: Schema.Number }))
    assert.strictEqual(right(record.encode(undefined)), "{}")
  })

  it("refuses what does not fit, and names the field", () => {
    assert.include(left(order.encode({ id: 1, lines: [], at: Option.none() })), "[\"id\"]")
    assert.include(left(order.encode({})), "is missing")
    assert.include(left(codec.payload({ total: Schema.Number }).encode({ total: Number.NaN })), "at total: ")
    assert.include(left(order.decode("{\"id\":\"a\"}")), "[\"lines\"]")
    assert.include(left(order.decode("{")), "it is not JSON")
  })

  it("answers what a schema throws", () => {
    const throwing = Schema.transform(Schema.String, Schema.String, {
      decode: () => {
        throw new Error("decode threw")
      },
      encode: () => {
        throw new Error("encode threw")
      }
    })
    assert.include(left(codec.payload(throwing).encode("a")), "encode threw")
    assert.include(left(codec.payload(throwing).decode("\"a\"")), "decode threw")
  })

  it("refuses a schema that cannot be decoded at once", () => {
    const slow = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (value) => Effect.as(Effect.sleep("1 second"), value),
      encode: (value) => Effect.as(Effect.sleep("1 second"), value)
    })
    assert.isTrue(Either.isLeft(codec.payload(slow).encode("a")))
  })
})

describe("outcomes", () => {
  const rich = Schema.Struct({
    date: Schema.Date,
    time: Schema.DateTimeUtc,
    big: Schema.BigInt,
    decimal: Schema.BigDecimal,
    duration: Schema.Duration,
    option: Schema.Option(Schema.Int),
    either: Schema.Either({ left: Schema.String, right: Schema.Int }),
    chunk: Schema.Chunk(Schema.String),
    map: Schema.Map({ key: Schema.String, value: Schema.Int }),
    set: Schema.HashSet(Schema.Int),
    bytes: Schema.Uint8Array,
    union: Schema.Union(Line, Schema.TaggedStruct("B", { b: Schema.Boolean }), Schema.Null),
    nested: Schema.Array(Schema.Tuple(Schema.String, Schema.NullOr(Schema.JsonNumber)))
  })

  it.prop("gives back a success as it was", [Arbitrary.make(rich)], ([value]) => {
    const { decode, encode } = outcomes(rich, Schema.Never)
    const equivalent = Schema.equivalence(rich)
    const text = encode(Exit.succeed(value))
    // Schema.Date and Schema.Duration have values that JSON cannot hold: those are refused, by name.
    if (Outcome.is("Failure")(text)) assert.match(dies(text), /\["(date|duration)"\]|at (date|duration)/)
    else {assert.isTrue(Exit.match(right(decode(text)), {
        onFailure: () => false,
        onSuccess: (a) => equivalent(a, value)
      }))}
  })

  it("holds values of every kind that Effect has a schema for", () => {
    const { decode, encode } = outcomes(rich, Schema.Never)
    const value: typeof rich.Type = {
      date: new Date(1),
      time: DateTime.unsafeMake(2),
      big: 3n,
      decimal: BigDecimal.unsafeFromString("4.5"),
      duration: Duration.nanos(6n),
      option: Option.some(7),
      either: Either.left("8"),
      chunk: Chunk.of("9"),
      map: new Map([["ten", 10]]),
      set: Schema.decodeSync(Schema.HashSet(Schema.Int))([11]),
      bytes: new Uint8Array([12]),
      union: new Line({ sku: "13" }),
      nested: [["14", null]]
    }
    assert.isTrue(Exit.isSuccess(right(decode(encode(Exit.succeed(value))))))
  })

  it("records nothing of a success that is void", () => {
    const { decode, encode } = outcomes(Schema.Void, Schema.Never)
    const nothing = Outcome.Success({ value: null })
    assert.deepStrictEqual(encode(Exit.void), nothing)
    assert.deepStrictEqual(encode(Exit.succeed(new Map())), nothing)
    assert.deepStrictEqual(right(decode(nothing)), Exit.void)
    assert.deepStrictEqual(right(decode(Outcome.Success({ value: "\"as it was before\"" }))), Exit.void)
  })

  it("tells a success of null from none", () => {
    const { decode, encode } = outcomes(Schema.NullishOr(Schema.String), Schema.Never)
    assert.deepStrictEqual(encode(Exit.succeed(null)), Outcome.Success({ value: "null" }))
    assert.deepStrictEqual(right(decode(encode(Exit.succeed(null)))), Exit.succeed(null))
    assert.deepStrictEqual(right(decode(encode(Exit.succeed(undefined)))), Exit.succeed(undefined))
  })

  it("makes a success that cannot be recorded a defect that names it and the field", () => {
    const { encode } = outcomes(Schema.Struct({ lines: Schema.Array(Schema.Number) }), Schema.Never)
    assert.strictEqual(
      dies(encode(Exit.succeed({ lines: [1, Number.NaN] }))),
      "the success of the activity \"Charge\" does not fit its schema, or JSON cannot hold it: at lines[1]: JSON has no NaN"
    )
    assert.include(dies(encode(Exit.succeed({ lines: ["1"] }))), "[\"lines\"]")
  })

  it.effect("ends a body with a defect if its success cannot be recorded", () =>
    Effect.gen(function*() {
      const { encode, encoded } = outcomes(Schema.Number, Schema.Never)
      const failed = yield* Effect.exit(encoded(Effect.succeed(Number.NaN)))
      assert.isTrue(Exit.isFailure(failed))
      assert.include(dies(encode(failed)), "JSON has no NaN")
      const ended = yield* Effect.exit(encoded(Effect.succeed(1)))
      assert.deepStrictEqual(encode(ended), Outcome.Success({ value: "1" }))
    }))

  it("says which outcome does not decode any more, and why", () => {
    const { decode } = outcomes(Schema.Number, Declined)
    assert.match(
      left(decode(Outcome.Success({ value: "\"1\"" }))),
      /^the recorded outcome of the activity "Charge" does not decode any more: Expected number, actual "1"/
    )
    assert.include(left(decode(Outcome.Failure({ cause: "{\"_tag\":\"Fail\",\"error\":{}}" }))), "Declined")
    assert.include(left(decode(Outcome.Failure({ cause: "{\"_tag\":\"Other\"}" }))), "_tag")
    assert.include(left(decode(Outcome.Failure({ cause: "" }))), "it is not JSON")
  })
})

describe("failures", () => {
  const { decode, encode, errorOf } = outcomes(Schema.Void, Declined)
  const roundTrip = (cause: Cause.Cause<unknown>) =>
    Exit.match(right(decode(encode(Exit.failCause(cause)))), {
      onFailure: (cause) => cause,
      onSuccess: () => assert.fail("it succeeded")
    })
  const declined = new Declined({ reason: "funds", at: new Date(1) })

  const causes = FastCheck.letrec<{ readonly cause: Cause.Cause<Declined> }>((tie) => ({
    cause: FastCheck.oneof(
      { maxDepth: 5 },
      FastCheck.constant(Cause.empty),
      FastCheck.constant(Cause.interrupt(FiberId.none)),
      Arbitrary.make(Declined).filter(({ at }) => !Number.isNaN(at.getTime())).map(Cause.fail),
      FastCheck.jsonValue({ maxDepth: 2 }).map((value) => Cause.die(JSON.parse(JSON.stringify(value)))),
      FastCheck.tuple(tie("cause"), tie("cause")).map(([left, right]) => Cause.sequential(left, right)),
      FastCheck.tuple(tie("cause"), tie("cause")).map(([left, right]) => Cause.parallel(left, right))
    )
  })).cause

  it.prop("keeps a cause as it was: its errors, its defects, and their order", [causes], ([cause]) => {
    const back = roundTrip(cause)
    assert.deepStrictEqual(Cause.failures(back), Cause.failures(cause))
    assert.deepStrictEqual(Cause.defects(back), Cause.defects(cause))
    assert.strictEqual(Cause.isInterrupted(back), Cause.isInterrupted(cause))
    assert.strictEqual(Cause.isInterruptedOnly(back), Cause.isInterruptedOnly(cause))
    assert.deepStrictEqual(encode(Exit.failCause(back)), encode(Exit.failCause(cause)))
  })

  it.prop("keeps what of a cause was sequential, and what parallel", [
    FastCheck.uniqueArray(FastCheck.integer(), { minLength: 4, maxLength: 4 })
  ], ([[a, b, c, d]]) => {
    const cause = Cause.sequential(
      Cause.parallel(Cause.die(a), Cause.sequential(Cause.die(b), Cause.die(c))),
      Cause.die(d)
    )
    assert.isTrue(Equal.equals(roundTrip(cause), cause))
    const flipped = Cause.parallel(
      Cause.sequential(Cause.die(a), Cause.parallel(Cause.die(b), Cause.die(c))),
      Cause.die(d)
    )
    assert.isTrue(Equal.equals(roundTrip(flipped), flipped))
    assert.isFalse(Equal.equals(roundTrip(flipped), cause))
  })

  it("holds the cause of very many fibers", () => {
    const many = (leaf: (index: number) => Cause.Cause<Declined>) =>
      Array.from({ length: 50_000 }, (_, index) => leaf(index)).reduce((left, right) => Cause.parallel(left, right))
    assert.lengthOf(Cause.defects(roundTrip(many(Cause.die))), 50_000)
    const interrupted = encode(
      Exit.failCause(Cause.parallel(Cause.fail(declined), many(() => Cause.interrupt(FiberId.none))))
    )
    assert.isTrue(Outcome.is("Failure")(interrupted) && interrupted.cause.length < 200)
  })

  it.prop("finds the first typed error of a cause", [causes], ([cause]) => {
    const outcome = encode(Exit.failCause(cause))
    assert.isTrue(Outcome.is("Failure")(outcome))
    if (Outcome.is("Failure")(outcome)) {
      assert.deepStrictEqual(errorOf(outcome.cause), Cause.failureOption(cause))
    }
  })

  it("gives back a typed error as an instance of its class", () => {
    const error = Option.getOrThrow(Cause.failureOption(roundTrip(Cause.fail(declined))))
    assert.instanceOf(error, Declined)
    assert.deepStrictEqual(error.at, new Date(1))
  })

  it("keeps the name, the message, the stack and the cause of a thrown error", () => {
    const thrown = new TypeError("outer", { cause: new RangeError("inner") })
    const error = Option.getOrThrow(Cause.dieOption(roundTrip(Cause.die(thrown))))
    assert.instanceOf(error, Error)
    if (error instanceof Error && error.cause instanceof Error) {
      assert.deepStrictEqual([error.name, error.message, error.stack], ["TypeError", "outer", thrown.stack])
      assert.deepStrictEqual([error.cause.name, error.cause.message], ["RangeError", "inner"])
    } else assert.fail("the cause is gone")
  })

  it("is the same text again when a decoded cause is encoded", () => {
    const once = encode(Exit.failCause(Cause.die(new TypeError("outer", { cause: "inner" }))))
    assert.deepStrictEqual(encode(Exit.map(right(decode(once)), () => undefined)), once)
  })

  it("does not take an object that looks like an error for one", () => {
    const value = { name: "Error", message: "m", stack: "s" }
    assert.deepStrictEqual(Option.getOrThrow(Cause.dieOption(roundTrip(Cause.die(value)))), value)
  })

  it("shows a defect that JSON cannot hold", () => {
    assert.strictEqual(dies(encode(Exit.die(1n))), "1")
    assert.include(dies(encode(Exit.die(new Map([["a", 1]])))), "Map")
    assert.isString(dies(encode(Exit.die(cyclic))))
    assert.isString(dies(encode(Exit.die(() => 1))))
  })

  it("outlives errors that are their own cause, and errors that throw", () => {
    const own = new Error("own")
    own.cause = own
    assert.strictEqual(dies(encode(Exit.die(own))), "own")
    const throwing = Object.defineProperty(new Error("m"), "message", {
      get: () => {
        throw new Error("no message")
      }
    })
    assert.isString(dies(encode(Exit.die(throwing))))
    assert.isString(dies(encode(Exit.die(Object.assign(new Error("m"), { name: 1 })))))
  })

  it("makes an error that does not fit its schema a defect that says so", () => {
    class Other extends Data.TaggedError("Other")<{ readonly code: number }> {}
    const why = dies(encode(Exit.fail(new Other({ code: 7 }))))
    assert.include(why, "the activity \"Charge\" failed with an error that does not fit its schema")
    assert.include(why, "Other")
    assert.include(dies(outcomes(Schema.Void, Schema.Never).encode(Exit.fail("oops"))), "oops")
    const number = outcomes(Schema.Void, Schema.Struct({ code: Schema.Number }))
    assert.include(dies(number.encode(Exit.fail({ code: Number.NaN }))), "at code: JSON has no NaN")
  })

  it("unwraps an error that a span was attached to", () => {
    const spanned = Effect.runSync(Effect.exit(Effect.withSpan(Effect.fail(declined), "span")))
    const exit = right(decode(encode(spanned)))
    assert.deepStrictEqual(exit, Exit.fail(declined))
  })
})

describe("what has no schema", () => {
  it("is recorded for a person to read", () => {
    const read = (exit: Exit.Exit<unknown, unknown>) => right(codec.untyped.decode(codec.untyped.encode(exit)))
    assert.deepStrictEqual(read(Exit.succeed({ a: [1] })), Exit.succeed({ a: [1] }))
    assert.deepStrictEqual(read(Exit.succeed(new Map())), Exit.succeed(null))
    assert.deepStrictEqual(read(Exit.void), Exit.void)
    assert.deepStrictEqual(read(Exit.fail("e")), Exit.fail("e"))
    class Other extends Data.TaggedError("Other")<{ readonly code: number }> {}
    assert.deepStrictEqual(read(Exit.fail(new Other({ code: 7 }))), Exit.fail({ _tag: "Other", code: 7, message: "" }))
    assert.deepStrictEqual(read(Exit.fail(1n)), Exit.fail("1"))
  })

  it("is read from what a definition recorded", () => {
    const { encode } = outcomes(Schema.Date, Declined)
    assert.deepStrictEqual(
      right(codec.untyped.decode(encode(Exit.succeed(new Date(0))))),
      Exit.succeed("1970-01-01T00:00:00.000Z")
    )
    assert.deepStrictEqual(
      right(codec.untyped.decode(encode(Exit.fail(new Declined({ reason: "r", at: new Date(0) }))))),
      Exit.fail({ _tag: "Declined", reason: "r", at: "1970-01-01T00:00:00.000Z" })
    )
  })
})

describe("declared keys", () => {
  it("takes the keys of the schema only, and says which they are", () => {
    const invalid = codec.invalidKey("the workflow \"W\"", Schema.Literal("a", 7))
    assert.deepStrictEqual([invalid("a"), invalid(7)], [Option.none(), Option.none()])
    assert.strictEqual(
      Option.getOrThrow(invalid("7")),
      "\"7\" is not one of the keys of the workflow \"W\", which are \"a\" | 7: correct the key, or add it to `keys`"
    )
  })

  it("checks the type that keys have, not their encoding", () => {
    const invalid = codec.invalidKey("W", Schema.NumberFromString)
    assert.isTrue(Option.isNone(invalid(7)))
    assert.isTrue(Option.isSome(invalid("7")))
  })

  it("takes every key where none are declared", () => {
    assert.isTrue(Option.isNone(codec.invalidKey("W", undefined)("x")))
  })
})
