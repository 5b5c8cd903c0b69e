/**
 * What no schema and no type keeps out, at the edge itself.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Either, Exit, FastCheck, Option, Schema } from "effect"
import * as cause from "../../src/internal/cause.ts"
import * as codec from "../../src/internal/codec.ts"
import * as json from "../../src/internal/json.ts"
import * as key from "../../src/internal/key.ts"
import { isHoldable, isSame, texts, values } from "./values.ts"

const left = <A>(either: Either.Either<A, string>): string => Either.getOrThrow(Either.flip(either))

const outcomes = (success: Schema.Schema.AnyNoContext, error: Schema.Schema.AnyNoContext = Schema.Unknown) =>
  codec.outcome({ what: "the activity \"A\"", success: codec.plain(success), error: codec.plain(error) })

/** The message of the defect that stands for an outcome that cannot be recorded. */
const refused = (exit: Exit.Exit<unknown, unknown>, schema: Schema.Schema.AnyNoContext = Schema.Unknown): string => {
  const { decode, encode } = outcomes(schema)
  const decoded = Either.getOrThrow(decode(encode(exit)))
  const defect = Exit.match(decoded, { onSuccess: () => Option.none(), onFailure: Cause.dieOption })
  return Option.match(defect, { onNone: () => assert.fail("it is not refused"), onSome: cause.show })
}

const nested = (depth: number): unknown => {
  let value: unknown = 0
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

/** Answers the first time that it is asked, and throws from then on. */
const answeringOnce = () => {
  let asked = 0
  return {
    get field() {
      if (asked++ > 0) throw new Error("asked again")
      return 1
    }
  }
}

const throwing = new Proxy({}, {
  get: () => assert.fail("get"),
  getPrototypeOf: () => assert.fail("getPrototypeOf"),
  ownKeys: () => assert.fail("ownKeys")
})

describe("a value", () => {
  it.prop("is held exactly if JSON has it, and then comes back", [values], ([value]) => {
    const checked = json.check(value)
    assert.strictEqual(Either.isRight(checked), isHoldable(value) || value === undefined)
    if (Either.isRight(checked)) {
      assert.isTrue(isSame(value, Either.getOrThrow(json.parse(json.stringify(checked.right)))))
    }
  })

  it("has one zero: which it was is not kept", () => {
    assert.strictEqual(json.stringify(-0), "0")
  })

  it("is nested as deep as a database goes, and no deeper, however much of the stack is free", () => {
    const { decode, encode } = outcomes(Schema.Unknown)
    const deepest = nested(1_000)
    assert.isTrue(isSame(deepest, Exit.getOrElse(Either.getOrThrow(decode(encode(Exit.succeed(deepest)))), () => 0)))
    for (const depth of [1_002, 3_000]) {
      assert.match(
        refused(Exit.succeed(nested(depth))),
        /the success of the activity "A" .* cannot hold it: at a\[0\].{0,300}: it is nested more than 1000 deep/
      )
    }
    // Beyond what the stack holds, too.
    assert.match(refused(Exit.succeed(nested(1_000_000))), /the success of the activity "A"/)
    assert.match(left(codec.payload({ tree: Schema.Unknown }).encode({ tree: nested(1_000) })), /at tree.*1000 deep/)
  })

  it("that would put something else in its place is refused", () => {
    const hidden = Object.defineProperty({}, "toJSON", { value: () => 1 })
    const bare: object = Object.assign<object, object>(Object.create(null) as object, { toJSON: () => 1 })
    const inherited: unknown = Object.create(bare)
    for (const value of [hidden, inherited, Object.assign([1], { toJSON: () => 2 }), { toJSON: () => 3 }]) {
      assert.match(left(json.check({ a: [value] })), /^at a\[0\]: it has a `toJSON`/)
    }
    assert.isTrue(Either.isRight(json.check({ toJSON: "a text" })))
  })

  it("of a record that has `__proto__` for a name is refused, as a record would lose it", () => {
    interface Tree {
      readonly name: string
      readonly below: { readonly [name: string]: Tree }
    }
    const Tree: Schema.Schema<Tree> = Schema.Struct({
      name: Schema.String,
      below: Schema.Record({ key: Schema.String, value: Schema.suspend(() => Tree) })
    })
    const evil: unknown = JSON.parse("{\"name\":\"a\",\"below\":{\"b\":{\"name\":\"b\",\"below\":{\"__proto__\":1}}}}")
    assert.match(
      refused(Exit.succeed(evil), Tree),
      /the success of the activity "A" .*: at below\.b\.below\.__proto__: /
    )
    const numbers = Schema.Record({ key: Schema.String, value: Schema.Number })
    const schemas = [
      numbers,
      Schema.Array(numbers),
      Schema.Option(numbers),
      Schema.Struct({ a: numbers }).pipe(Schema.filter(() => true))
    ]
    for (const schema of schemas) {
      const value: unknown = JSON.parse("{\"__proto__\":1}")
      const given = [value, [value], Option.some(value), { a: value }][schemas.indexOf(schema)]
      assert.match(refused(Exit.succeed(given), schema), /__proto__: no record can have this name/)
    }
    // What no schema looks into stays as it is.
    const untouched: unknown = JSON.parse("{\"a\":{\"__proto__\":{\"b\":1}}}")
    const { decode, encode } = outcomes(Schema.Struct({ a: Schema.Unknown }))
    assert.isTrue(
      isSame(untouched, Exit.getOrElse(Either.getOrThrow(decode(encode(Exit.succeed(untouched)))), () => 0))
    )
  })

  it("that throws when it is looked at is refused", () => {
    assert.match(refused(Exit.succeed(throwing)), /the success of the activity "A"/)
    assert.match(refused(Exit.succeed(answeringOnce())), /the success of the activity "A" .*: asked again/)
    assert.match(
      left(codec.payload({ a: Schema.Unknown }).encode({ a: answeringOnce() })),
      /the payload .*: asked again/
    )
  })

  it("may be refused by a schema with whatever it throws", () => {
    for (const thrown of [Object.create(null), throwing, Symbol("s"), undefined]) {
      const hostile = Schema.transform(Schema.String, Schema.String, {
        strict: true,
        decode: (text) => text,
        encode: () => {
          throw thrown
        }
      })
      assert.match(refused(Exit.succeed("a"), hostile), /the success of the activity "A" does not fit its schema/)
    }
  })
})

describe("a cause", () => {
  const { decode, encode } = outcomes(Schema.Void)

  it.prop(
    "is written, whatever was thrown or failed with, and is the same when it is read and written again",
    [values],
    ([
      value
    ]) => {
      for (
        const failed of [
          Cause.die(value),
          Cause.fail(value),
          Cause.die(Object.assign(new Error("e"), { cause: value }))
        ]
      ) {
        const once = encode(Exit.failCause(failed))
        const read = Either.getOrThrow(decode(once))
        assert.isTrue(Exit.isFailure(read))
        assert.deepStrictEqual(encode(Exit.map(read, () => undefined)), once)
      }
    }
  )

  it("is written also if a getter throws the second time", () => {
    for (const failed of [Exit.die(answeringOnce()), Exit.fail(answeringOnce())]) {
      const read = Either.getOrThrow(decode(encode(failed)))
      assert.match(
        Exit.match(read, { onSuccess: String, onFailure: Cause.pretty }),
        /it failed with what cannot be written: asked again/
      )
    }
  })

  it("keeps every error in its order, however deep it is nested", () => {
    for (const depth of [50, 150, 20_000]) {
      let deep: Cause.Cause<unknown> = Cause.fail(0)
      for (let level = 1; level <= depth; level++) {
        const next = Cause.fail(level)
        deep = level % 2 === 0 ? Cause.sequential(deep, next) : Cause.parallel(deep, next)
      }
      const read = Either.getOrThrow(decode(encode(Exit.failCause(deep))))
      const failures = Exit.match(read, {
        onSuccess: (): ReadonlyArray<unknown> => [],
        onFailure: (cause): ReadonlyArray<unknown> => Array.from<unknown>(Cause.failures(cause))
      })
      assert.deepStrictEqual(failures, Array.from({ length: depth + 1 }, (_, level) => level))
      if (depth === 50) assert.isTrue(Exit.isFailure(read) && Cause.contains(read.cause, Cause.fail(50)))
    }
  })

  it("is shown to a person even if its errors are their own causes, or throw", () => {
    const own = new Error("own")
    own.cause = own
    assert.strictEqual(cause.pretty(Cause.die(own), "as it is on record"), "as it is on record")
    assert.strictEqual(cause.pretty(Cause.die(throwing), "as it is on record"), "as it is on record")
    assert.include(cause.pretty(Cause.die(new Error("plain")), ""), "plain")
  })
})

describe("keys and names", () => {
  it("are texts or numbers: everything else is no key", () => {
    for (const value of [1n, true, null, undefined, Symbol("s"), {}, [], () => 1]) {
      assert.match(Option.getOrThrow(key.invalid(value)), /is not a key: use a string or a number/)
    }
  })

  it.prop("of a definition are refused exactly where a database would change them", [texts], ([name]) => {
    // SQLite ends a text at NUL in most of its functions, and replaces half a surrogate pair.
    const isKept = name !== "" && name.isWellFormed() && !/[\u0000-\u001f]/.test(name)
    assert.strictEqual(Option.isNone(key.invalidName(name)), isKept)
  })

  it.prop("can be printed, and are then kept", [FastCheck.oneof(texts)], ([name]) => {
    const printed = key.printable(name)
    assert.isTrue(printed.isWellFormed())
    assert.notMatch(printed, /[\u0000-\u001f]/)
    if (Option.isNone(key.invalidName(name))) assert.strictEqual(printed, name)
  })
})
