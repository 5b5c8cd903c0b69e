/**
 * Bad input: what the types promise, and somebody gives nevertheless.
 */
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Option, Schema } from "effect"
import { InvalidPayload, Workflow } from "../../src/index.ts"
import { type Promised } from "./bench.ts"
import { Act, Main, main, show } from "./domain.ts"

/** What the compiler would refuse: a step where nothing provides it. */
const unrequired = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E> =>
  Effect.mapInputContext(self, (context: Context.Context<never>) => Context.unsafeMake<R>(context.unsafeMap))

class Typed extends Workflow.Tag<Typed>()("Typed", { payload: { cents: Schema.Int } }) {}

const circular: { self?: unknown } = {}
circular.self = [circular]

/** Values that JSON cannot hold, and what is said of each. */
const unholdable: ReadonlyArray<readonly [string, unknown, RegExp]> = [
  ["a bigint", 1n, /at arg: JSON has no bigint/],
  ["NaN", { a: [Number.NaN] }, /at arg\.a\[0\]: JSON has no NaN/],
  ["an infinity", [-Infinity], /at arg\[0\]: JSON has no -Infinity/],
  ["a function", { f: () => 1 }, /at arg\.f: JSON has no functions/],
  ["a symbol", Symbol("s"), /at arg: JSON has no symbols/],
  ["undefined in an array", [undefined], /at arg\[0\]: JSON has no undefined in an array/],
  ["a date", new Date(5), /at arg: an instance of Date is not JSON/],
  ["a map", { "a b": new Map([[1, 2]]) }, /at arg\["a b"\]: an instance of Map is not JSON/],
  ["a value that contains itself", circular, /the value contains itself/]
]

export const input = (promise: Promised) => {
  const refused = (error: unknown, name: string, message: RegExp) => {
    assert.instanceOf(error, InvalidPayload)
    assert.strictEqual(error.name, name)
    assert.match(error.message, message)
  }

  promise(
    "a payload that does not fit the schema is `InvalidPayload`, and nothing is recorded",
    (bench) =>
      Effect.gen(function*() {
        const live = Typed.layer(() => Effect.void)
        const engine = yield* bench.start(live)
        for (const cents of [1.5, "12", undefined, null, Number.NaN]) {
          // What the compiler would refuse.
          const payload = { cents: cents as number }
          refused(yield* Effect.flip(engine.run(Typed.start("w", payload))), "Typed", /cents/)
          refused(yield* Effect.flip(engine.run(Typed.execute("w", payload))), "Typed", /does not fit its schema/)
        }
        assert.deepStrictEqual(yield* bench.journal.workflow("w"), Option.none())
        assert.deepStrictEqual(bench.commits, [])
      })
  )

  promise("an id that is empty, or no number, is refused", (bench) =>
    Effect.gen(function*() {
      const live = Typed.layer(() => Effect.void)
      const engine = yield* bench.start(live)
      for (const id of ["", Number.NaN, Infinity]) {
        refused(
          yield* Effect.flip(engine.run(Typed.start(id, { cents: 1 }))),
          "Typed",
          /the id cannot be used: .* is not a key/
        )
      }
      assert.deepStrictEqual(bench.commits, [])
    }))

  for (const [what, value, message] of unholdable) {
    promise(
      `${what} is no payload, of a workflow or of a step: JSON cannot hold it`,
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          const live = main(
            () => Act.execute("a", { arg: value }),
            () => Effect.sync(() => calls.push("a"))
          )
          const engine = yield* bench.start(live)
          refused(yield* Effect.flip(engine.run(Main.start("w", { arg: value }))), "Main", message)
          const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("v", {}))))
          assert.match(show(exit), message)
          assert.match(show(exit), /the payload does not fit its schema, or JSON cannot hold it/)
          assert.deepStrictEqual(calls, [])
          const { status, steps } = yield* bench.describe("v")
          assert.deepStrictEqual([status, steps], ["Failed", []])
        })
    )
  }

  describe("a call where there is no workflow", () => {
    promise("is a defect that says where it belongs", (bench) =>
      Effect.gen(function*() {
        const live = main(() => Effect.void)
        const engine = yield* bench.start(live)
        const outside = unrequired(Workflow.sleep("a", "1 second"))
        const exit = yield* Effect.exit(engine.run(outside))
        assert.match(show(exit), /`Workflow.sleep` was called outside of a workflow: call it in the body of a workflow/)
      }))

    promise("from a handler is a defect, too: it is outside", (bench) =>
      Effect.gen(function*() {
        const live = main(() => Act.execute("a", {}), () => unrequired(Workflow.sleep("b", "1 second")))
        const engine = yield* bench.start(live)
        const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
        assert.match(show(exit), /`Workflow.sleep` was called outside of a workflow/)
        assert.lengthOf((yield* bench.describe("w")).steps, 1)
      }))
  })
}
