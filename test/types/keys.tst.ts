// @effect-diagnostics *:skip-file
import type { Layer } from "effect"
import { Effect, pipe, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import type { Tempolite } from "../../src/index.ts"
import { Saga, Workflow } from "../../src/index.ts"
import { Any, Ping, Trip, W } from "./domain.ts"

enum Stage {
  First = "a",
  Second = "b"
}
enum Level {
  Seven = 7
}

class W7 extends Workflow.Tag<W7>()("W7", { keys: Schema.Literal(7) }) {}
class WT extends Workflow.Tag<WT>()("WT", { keys: Schema.TemplateLiteral("ship-", Schema.Number) }) {}
class WE extends Workflow.Tag<WE>()("WE", { keys: Schema.Enums(Stage) }) {}
const OrderKey = Schema.String.pipe(Schema.brand("OrderKey"))
class WB extends Workflow.Tag<WB>()("WB", { keys: OrderKey }) {}
class WP extends Workflow.Tag<WP>()("WP", { keys: Schema.Literal("p-1", "p-2") }) {}
class WN extends Workflow.Tag<WN>()("WN", { keys: Schema.NumberFromString }) {}

declare const text: string
declare const number: number
declare const condition: boolean

describe("a key that is not declared", () => {
  test("is refused at `layer`, by name, with what to do", () => {
    // @ts-expect-error 'this' of type 'UndeclaredKey<"c", "W", "a" | "b">'...correct the key, or add it to `keys`
    W.layer(() => Ping.execute("c"))
    // @ts-expect-error 'this' of type 'UndeclaredKey<"c", "W", "a" | "b">'
    W.layer(Effect.fn(function*() {
      yield* Ping.execute("a")
      yield* Ping.execute("c")
    }))
  })

  test("is refused as a number", () => {
    // @ts-expect-error UndeclaredKey<8, "W7", 7>
    W7.layer(() => Ping.execute(8))
    // @ts-expect-error UndeclaredKey<"7", "W7", 7>
    W7.layer(() => Ping.execute("7"))
  })

  test("is refused if its type says too little", () => {
    // @ts-expect-error UndeclaredKey<string, "W", "a" | "b">
    W.layer(() => Ping.execute(text))
    let key = "a"
    key += "!"
    // @ts-expect-error UndeclaredKey<string, "W", "a" | "b">
    W.layer(() => Ping.execute(key))
    // @ts-expect-error UndeclaredKey<string, "W", "a" | "b">
    W.layer(() => Effect.forEach(["a", "b"], (key) => Ping.execute(key)))
    // @ts-expect-error UndeclaredKey<"x", "W", "a" | "b">
    W.layer(() => Effect.forEach(["a", "x"] as const, (key) => Ping.execute(key)))
    // @ts-expect-error UndeclaredKey<"q", "W", "a" | "b">
    W.layer(() => Ping.execute(condition ? "a" : "q"))
    // @ts-expect-error Argument of type 'boolean' is not assignable to parameter of type 'Key'
    Ping.execute(condition)
  })

  test("is refused as a template", () => {
    // @ts-expect-error UndeclaredKey<`ship-${string}`, "WT", `ship-${number}`>
    WT.layer(() => Ping.execute(`ship-${text}`))
    // @ts-expect-error UndeclaredKey<`shop-${number}`, "WT", `ship-${number}`>
    WT.layer(() => Ping.execute(`shop-${number}`))
    const key = `ship-${number}`
    // @ts-expect-error UndeclaredKey<string, "WT", `ship-${number}`>
    WT.layer(() => Ping.execute(key))
    // @ts-expect-error UndeclaredKey<`p-${number}`, "WP", "p-1" | "p-2">
    WP.layer(() => Ping.execute(`p-${number}`))
  })

  test("is refused as a literal where an enum or a brand is declared", () => {
    // @ts-expect-error UndeclaredKey<"a", "WE", Stage>
    WE.layer(() => Ping.execute("a"))
    // @ts-expect-error UndeclaredKey<"x", "WB", string & Brand<"OrderKey">>
    WB.layer(() => Ping.execute("x"))
  })

  test("is refused where a helper takes the step", () => {
    const prefixed = <const N extends number, P extends string>(prefix: P, n: N) => Ping.execute(`${prefix}-${n}`)
    const both = <P extends string>(prefix: P) => Effect.zip(prefixed(prefix, 1), prefixed(prefix, 2))
    // @ts-expect-error UndeclaredKey<"q-1" | "q-2", "WP", "p-1" | "p-2">
    WP.layer(() => Effect.asVoid(both("q")))
    const twice = <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.zipLeft(step, Effect.void)
    // @ts-expect-error UndeclaredKey<"zz", "W", "a" | "b">
    W.layer(() => twice(Ping.execute("zz")))
  })

  test("is refused as that of every kind of step", () => {
    // @ts-expect-error UndeclaredKey<"nap", "W", "a" | "b">
    W.layer(() => Workflow.sleep("nap", "1 hour"))
    // @ts-expect-error UndeclaredKey<"trip", "W", "a" | "b">
    W.layer(() => Effect.orDie(Trip.execute("trip", { to: "x" })))
    // @ts-expect-error UndeclaredKey<"trip", "W", "a" | "b">
    W.layer(() => Saga.scoped("trip", Ping.execute("a")))
    // @ts-expect-error UndeclaredKey<"undo-a", "W", "a" | "b">
    W.layer(() => Ping.execute("a").pipe(Saga.compensate(() => Ping.execute("undo-a"))))
  })

  test("is refused in a saga that declares its own", () => {
    // @ts-expect-error UndeclaredKey<"a", "Trip", "flight" | "hotel">
    Trip.layer(() => Effect.as(Ping.execute("a"), ""))
    class Outer extends Workflow.Tag<Outer>()("Outer", { keys: Schema.Literal("o") }) {}
    // @ts-expect-error UndeclaredKey<"i", "Outer", "o">
    Outer.layer(() => Effect.zipRight(Saga.scoped("o", Ping.execute("i")), Ping.execute("i")))
  })

  test("is refused with a `layer` that was taken out of its class", () => {
    const { layer } = W
    // @ts-expect-error The 'this' context of type 'void'...UndeclaredKey<"zz", "W", "a" | "b">
    layer(() => Ping.execute("zz"))
  })

  test("stays in the layer's requirements, where it is not refused before", () => {
    const layer = pipe(() => Ping.execute("zz"), W.layer)
    expect(layer).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite | Ping | Workflow.Step<"zz">>>()
    // @ts-expect-error Type 'Step<"chrge">' is not assignable to type 'never'
    Effect.runPromise(Effect.provide(Effect.void, pipe(() => Workflow.sleep("chrge", 1), W.layer, withTempolite)))
  })

  test("is said of the keys that are not strings or numbers", () => {
    // @ts-expect-error Type 'typeof Boolean$' is not assignable to type 'Schema<Key, boolean, never>'
    Workflow.Tag<W>()("W", { keys: Schema.Boolean })
  })
})

declare const withTempolite: <A, E, R>(
  layer: Layer.Layer<A, E, R>
) => Layer.Layer<A, E, Exclude<R, Tempolite.Tempolite>>

describe("a key that is declared", () => {
  const ok = <R>(_: Layer.Layer<R, never, Tempolite.Tempolite | Ping>) => {}

  test("is taken as a literal", () => {
    ok(W.layer(() => Effect.all([Ping.execute("a"), Ping.execute("b")])))
    ok(W7.layer(() => Ping.execute(7)))
    const key = "a"
    ok(W.layer(() => Ping.execute(key)))
    ok(W.layer(() => Ping.execute(condition ? "a" : "b")))
    ok(W7.layer(() => Ping.execute(Level.Seven)))
  })

  test("is any, where none are declared", () => {
    ok(Any.layer(() => Effect.all([Ping.execute(text), Ping.execute(number), Ping.execute("x"), Ping.execute(1)])))
    ok(Any.layer(() => Ping.execute(OrderKey.make("x"))))
    ok(Any.layer(() => Ping.execute(Stage.First)))
  })

  test("is taken as a template", () => {
    ok(WT.layer(() => Ping.execute(`ship-${number}`)))
    const key = `ship-${number}` as const
    ok(WT.layer(() => Ping.execute(key)))
    class WS extends Workflow.Tag<WS>()("WS", { keys: Schema.TemplateLiteral("ship-", Schema.String) }) {}
    ok(WS.layer(() => Effect.asVoid(Effect.forEach([text], (sku) => Ping.execute(`ship-${sku}`), { concurrency: 2 }))))
  })

  test("is taken as an enum's, a brand's, and with another encoding", () => {
    ok(WE.layer(() => Effect.zipRight(Ping.execute(Stage.First), Ping.execute(Stage.Second))))
    ok(WB.layer(() => Ping.execute(OrderKey.make("x"))))
    ok(WN.layer(() => Ping.execute(1)))
  })

  test("is taken from an array or the keys of an object", () => {
    ok(W.layer(() => Effect.forEach(["a", "b"] as const, (key) => Ping.execute(key))))
    const table = { a: 1, b: 2 } as const
    const keys: ReadonlyArray<keyof typeof table> = ["a", "b"]
    ok(W.layer(() => Effect.forEach(keys, (key) => Ping.execute(key))))
    ok(W.layer(() => Effect.all({ x: Ping.execute("a"), y: Ping.execute("b") })))
  })

  test("stays required through every combinator", () => {
    const step = Ping.execute("a")
    expect(step).type.toBe<Effect.Effect<void, never, Ping | Workflow.Step<"a">>>()
    expect(Effect.race(step, Ping.execute("b"))).type
      .toBe<Effect.Effect<void, never, Ping | Workflow.Step<"a"> | Workflow.Step<"b">>>()
    expect(Effect.fork(step).pipe(Effect.asVoid)).type.toBe<Effect.Effect<void, never, Ping | Workflow.Step<"a">>>()
    expect(step.pipe(Effect.retry({ times: 1 }))).type.toBe<Effect.Effect<void, never, Ping | Workflow.Step<"a">>>()
    ok(W.layer(() => Effect.timeoutOption(step, "1 second")))
  })

  test("is inferred through helpers", () => {
    const ping = <const K extends Workflow.Key>(key: K) => Ping.execute(key)
    ok(W.layer(() => ping("a")))
    const prefixed = <const N extends 1 | 2>(n: N) => Ping.execute(`p-${n}`)
    ok(WP.layer(() => Effect.zipRight(prefixed(1), prefixed(2))))
    const logged = <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.tap(step, Effect.log("done"))
    ok(W.layer(() => logged(Ping.execute("a"))))
    const named = (): Effect.Effect<void, never, Ping | Workflow.Step<"a" | "b">> => Ping.execute("a")
    ok(W.layer(named))
  })

  test("makes a requirement that is covariant", () => {
    expect<Workflow.Step<"a">>().type.toBeAssignableTo<Workflow.Step<"a" | "b">>()
    expect<Workflow.Step<"a" | "b">>().type.not.toBeAssignableTo<Workflow.Step<"a">>()
    expect<Workflow.StepKeys<Ping | Workflow.Step<"a"> | Workflow.Step<7>>>().type.toBe<"a" | 7>()
  })

  test("is given by a layer that was taken out of its class", () => {
    const { layer } = W
    ok(layer(() => Ping.execute("a")))
    ok(pipe(() => Ping.execute("a"), W.layer))
  })
})
