/**
 * Side effects: values that are drawn once.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Layer, Schema } from "effect"
import { SideEffect } from "../../src/index.ts"
import { begin, type Promised } from "./bench.ts"
import { Act, counting, Main, main } from "./domain.ts"

class Reading extends SideEffect.Tag<Reading>()("Reading", { success: Schema.Date }) {}

export const sideEffects = (promise: Promised) => {
  describe("a side effect", () => {
    promise("is recorded once, with and without a tag, and not run on replay", (bench) =>
      Effect.gen(function*() {
        let runs = 0
        const read = Effect.sync(() => ++runs)
        const live = Main.layer(() =>
          Effect.gen(function*() {
            const at = yield* Reading.record("at")
            const drawn = yield* SideEffect.record("drawn", Schema.NumberFromString, read)
            const a = yield* Act.execute("a", { arg: [drawn, at.getTime() - begin] })
            return [at.getTime() - begin, drawn, a]
          })
        ).pipe(
          Layer.provide(
            Reading.layer(Effect.zipRight(read, Effect.map(Clock.currentTimeMillis, (now) => new Date(now))))
          ),
          Layer.provide(Act.layer(({ arg }) => Effect.as(Effect.sleep("1 hour"), arg)))
        )
        const first = yield* bench.start(live)
        yield* first.run(Main.start("w", {}))
        yield* bench.settle
        yield* bench.pass("10 minutes")
        yield* first.crash
        const second = yield* bench.start(live)
        assert.deepStrictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), [0, 2, [2, 0]])
        assert.strictEqual(runs, 2)
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(
          steps.map((
            { executions, key, kind, name, payload, status }
          ) => [key, kind, name, payload, status, executions.length]),
          [
            ["at", "SideEffect", "Reading", undefined, "Completed", 1],
            ["drawn", "SideEffect", "drawn", undefined, "Completed", 1],
            ["a", "Activity", "Act", { arg: [2, 0] }, "Completed", 2]
          ]
        )
      }))

    promise(
      "that dies is a defect, recorded with its message, and the same on replay",
      (bench) =>
        Effect.gen(function*() {
          let runs = 0
          const defects: Array<unknown> = []
          const live = main(
            () =>
              Effect.gen(function*() {
                const broken = SideEffect.record(
                  "broken",
                  Schema.Number,
                  Effect.suspend(() => Effect.die(new Error(`sensor ${++runs}`)))
                )
                const exit = yield* Effect.exit(broken)
                if (Exit.isFailure(exit)) defects.push(...Cause.defects(exit.cause))
                yield* Act.execute("a", {})
              }),
            counting([], 1_000)
          )
          const first = yield* bench.start(live)
          yield* first.run(Main.start("w", {}))
          yield* bench.settle
          yield* first.crash
          const second = yield* bench.start(live)
          yield* bench.wait(second.run(Main.execute("w", {})))
          assert.isAtLeast(defects.length, 2)
          assert.isTrue(defects.every((defect) => defect instanceof Error && defect.message === "sensor 1"))
          assert.strictEqual(runs, 1)
          assert.strictEqual((yield* bench.describe("w")).steps[0]!.status, "Failed")
        })
    )

    promise("has a scope of its own, closed before its value is seen", (bench) =>
      Effect.gen(function*() {
        const trace: Array<string> = []
        const note = (text: string) => Effect.sync(() => void trace.push(text))
        const engine = yield* bench.start(main(() =>
          SideEffect.record("a", Schema.Void, Effect.acquireRelease(note("open"), () => note("close"))).pipe(
            Effect.zipRight(note("body"))
          )
        ))
        yield* bench.wait(engine.run(Main.execute("w", {})))
        // The end of the body may be reached more than once.
        assert.deepStrictEqual([...new Set(trace)], ["open", "close", "body"])
        assert.strictEqual(trace.lastIndexOf("close"), 1)
      }))
  })
}
