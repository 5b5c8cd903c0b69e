// @effect-diagnostics *:skip-file
import { Effect, Option, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import { Activity, Workflow } from "../../src/index.ts"
import type { Db } from "./domain.ts"
import { Ping, ShipItem } from "./domain.ts"

const UserId = Schema.String.pipe(Schema.brand("UserId"))

class Line extends Schema.Class<Line>("Line")({
  sku: Schema.String,
  quantity: Schema.Int.pipe(Schema.propertySignature, Schema.withConstructorDefault(() => 1))
}) {
  get label(): string {
    return this.sku
  }
}

class Rich extends Activity.Tag<Rich>()("Rich", {
  payload: {
    id: UserId,
    at: Schema.DateFromString,
    opt: Schema.Option(Schema.Number),
    nul: Schema.OptionFromNullOr(Schema.String),
    def: Schema.optionalWith(Schema.Number, { default: () => 1 }),
    ctor: Schema.Number.pipe(Schema.propertySignature, Schema.withConstructorDefault(() => 1)),
    exact: Schema.optionalWith(Schema.String, { exact: true })
  }
}) {}

const rich = { id: UserId.make("u"), at: new Date(0), opt: Option.some(1), nul: Option.none() }

describe("the payload of a call", () => {
  test("is what the constructor takes", () => {
    expect(Rich.execute("k", rich)).type.toBe<Effect.Effect<void, never, Rich | Workflow.Step<"k">>>()
    expect(Rich.execute).type.toBeCallableWith("k", { ...rich, def: 2, ctor: 3, exact: "" })
  })

  test("is required where something in it is", () => {
    // @ts-expect-error Expected 2 arguments, but got 1.
    ShipItem.execute("k")
  })

  test("has the fields that are declared, and no others", () => {
    // @ts-expect-error 'skuu' does not exist in type '{ readonly sku: string; }'. Did you mean to write 'sku'?
    ShipItem.execute("k", { skuu: "a" })
    // @ts-expect-error Type 'number' is not assignable to type 'string'.
    ShipItem.execute("k", { sku: 1 })
  })

  test("is the type, not the encoding", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'Date'.
    Rich.execute("k", { ...rich, at: "2020-01-01" })
    // @ts-expect-error Type 'string' is not assignable to type 'string & Brand<"UserId">'.
    Rich.execute("k", { ...rich, id: "u" })
  })

  test("has no undefined where an optional field is exact", () => {
    // @ts-expect-error Type 'undefined' is not assignable to type 'string'.
    Rich.execute("k", { ...rich, exact: undefined })
  })

  test("may be left out where nothing in it is required", () => {
    class Optional extends Activity.Tag<Optional>()("Optional", {
      payload: { a: Schema.optional(Schema.String), b: Schema.optionalWith(Schema.Number, { default: () => 1 }) }
    }) {}
    class Nothing extends Activity.Tag<Nothing>()("Nothing", { payload: Schema.Void }) {}
    expect(Optional.execute).type.toBeCallableWith("k")
    expect(Optional.execute).type.toBeCallableWith("k", { a: "" })
    expect(Nothing.execute).type.toBeCallableWith("k")
    expect(Ping.execute).type.toBeCallableWith("k")
    expect(Ping.execute).type.toBeCallableWith("k", {})
  })

  test("is refused by what has none", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'never'.
    Ping.execute("k", { x: 1 })
  })

  test("may be of any schema", () => {
    class Text extends Activity.Tag<Text>()("Text", { payload: Schema.String }) {}
    class Union extends Activity.Tag<Union>()("Union", {
      payload: Schema.Union(Schema.TaggedStruct("A", { a: Schema.String }), Schema.TaggedStruct("B", { b: Schema.Int }))
    }) {}
    class Filtered extends Activity.Tag<Filtered>()("Filtered", {
      payload: Schema.Struct({ a: Schema.Int, b: Schema.Int }).pipe(Schema.filter(({ a, b }) => a < b))
    }) {}
    expect(Text.execute).type.toBeCallableWith("k", "text")
    expect(Text.execute).type.not.toBeCallableWith("k", 1)
    expect(Union.execute).type.toBeCallableWith("k", { _tag: "A", a: "" })
    expect(Union.execute).type.not.toBeCallableWith("k", { _tag: "A", b: 1 })
    expect(Filtered.execute).type.toBeCallableWith("k", { a: 1, b: 2 })
    expect(Filtered.execute).type.not.toBeCallableWith("k")
  })

  test("may be the fields of a class, or an instance", () => {
    class Add extends Activity.Tag<Add>()("Add", { payload: Line }) {}
    expect(Add.execute).type.toBeCallableWith("k", { sku: "s" })
    expect(Add.execute).type.toBeCallableWith("k", { sku: "s", quantity: 2 })
    expect(Add.execute).type.toBeCallableWith("k", new Line({ sku: "s" }))
    expect(Add.execute).type.not.toBeCallableWith("k", { quantity: 2 })
  })

  test("is the same for every call of a workflow", () => {
    class Order extends Workflow.Tag<Order>()("Order", { payload: { n: Schema.Int } }) {}
    for (const call of [Order.start, Order.execute, Order.child<"k">, Order.startChild<"k">] as const) {
      expect(call).type.toBeCallableWith("k", { n: 1 })
      expect(call).type.not.toBeCallableWith("k")
      expect(call).type.not.toBeCallableWith("k", { n: "1" })
    }
  })
})

describe("the payload of a handler", () => {
  test("is the type of the schema", () => {
    Rich.layer((payload) => {
      expect(payload).type.toBe<{
        readonly id: typeof UserId.Type
        readonly at: Date
        readonly opt: Option.Option<number>
        readonly nul: Option.Option<string>
        readonly def: number
        readonly ctor: number
        readonly exact?: string
      }>()
      return Effect.void
    })
  })

  test("is an instance where the schema is of a class", () => {
    class Add extends Activity.Tag<Add>()("Add", { payload: Line, success: Schema.String }) {}
    Add.layer((line) => {
      expect(line).type.toBe<Line>()
      return Effect.succeed(line.label)
    })
  })

  test("is empty where there is none", () => {
    Ping.layer((payload) => {
      expect(payload).type.toBe<{}>()
      return Effect.void
    })
  })
})

declare const needsDb: Schema.Schema<string, string, Db>

describe("a schema that needs a service", () => {
  test("is refused as a payload, a success or an error", () => {
    // @ts-expect-error Type 'Db' is not assignable to type 'never'.
    Activity.Tag<Ping>()("X", { success: needsDb }).key
    // @ts-expect-error Type 'Db' is not assignable to type 'never'.
    Activity.Tag<Ping>()("X", { error: needsDb }).key
    // @ts-expect-error Type 'Struct<{ a: Schema<string, string, Db>; }>' is not assignable to type 'Payload | undefined'.
    Activity.Tag<Ping>()("X", { payload: Schema.Struct({ a: needsDb }) }).key
    // @ts-expect-error Type 'Schema<string, string, Db>' is not assignable to type
    Activity.Tag<Ping>()("X", { payload: { a: needsDb } }).key
    // @ts-expect-error Type 'Schema<string, string, Db>' is not assignable to type
    Workflow.Tag<Ping>()("X", { payload: { a: needsDb } }).key
  })
})
