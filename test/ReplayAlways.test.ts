/**
 * `replay: "always"`: a body begins at its first line whenever it has waited.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { Activity, Journal, SideEffect, Tempolite, Workflow } from "../src/index.ts"

class Act extends Activity.Tag<Act>()("Act", { success: Schema.String }) {}
class Main extends Workflow.Tag<Main>()("Main", { success: Schema.Unknown }) {}

type Body = Effect.Effect<unknown, never, Act | Workflow.Step<string>>

const run = (body: Body, calls: Array<string>, replay?: "always" | "needed") =>
  Main.layer(() => body).pipe(
    Layer.provide(Act.layer(() =>
      Effect.map(Activity.Execution, ({ key }) => {
        calls.push(String(key))
        return `<${key}>`
      })
    )),
    Layer.provideMerge(Tempolite.layer(replay === undefined ? {} : { replay })),
    Layer.provide(Journal.layerMemory)
  )

describe("an engine that replays always", () => {
  for (const [replay, passes] of [["always", 5], ["needed", 1], [undefined, 1]] as const) {
    it.live(`with ${replay}, a body that waits four times is begun ${passes} times, and each step runs once`, () => {
      const calls: Array<string> = []
      let begun = 0
      const body = Effect.gen(function*() {
        begun++
        const a = yield* Act.execute("a")
        const [b, c] = yield* Effect.all([
          Act.execute("b"),
          SideEffect.record("c", Schema.Number, Effect.succeed(7))
        ])
        yield* Workflow.sleep("nap", "5 millis")
        return [a, b, c]
      })
      return Effect.gen(function*() {
        assert.deepStrictEqual(yield* Main.execute("w"), ["<a>", "<b>", 7])
        assert.deepStrictEqual(calls, ["a", "b"])
        assert.strictEqual(begun, passes)
      }).pipe(Effect.provide(run(body, calls, replay)))
    })
  }

  it.live("suspends a body that asks for other steps when it is replayed, where no crash has shown it", () => {
    const calls: Array<string> = []
    let count = 0
    const body = Effect.gen(function*() {
      yield* Act.execute("a")
      yield* Act.execute(`b${++count}`)
      yield* Act.execute("c")
    })
    return Effect.gen(function*() {
      const info = yield* Main.start("w")
      const last = yield* info.changes.pipe(Stream.takeUntil((status) => status === "Suspended"), Stream.runLast)
      assert.deepStrictEqual(last, Option.some("Suspended"))
      const { reason } = yield* info.describe
      assert.deepInclude(Option.getOrThrow(reason), { _tag: "NonDeterminism", key: "b1" })
      assert.deepStrictEqual(calls, ["a", "b1"])
    }).pipe(Effect.provide(run(body, calls, "always")))
  })
})
