import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assert } from "vitest"
import * as Journal from "../src/Journal.ts"
import * as Determinism from "./engine-suite/determinism.ts"
import { act, type Body, hasStatus, open, reason, rows, testOn } from "./engine-suite/lab.ts"
import { layer } from "./sqlite/support.ts"

Determinism.suite("memory", Journal.layerMemory)
Determinism.suite("sqlite", layer)

describe("a body that never rests", () => {
  const test = testOn(Journal.layerMemory)
  const spins: ReadonlyArray<readonly [string, Body]> = [
    ["Effect.forever", Effect.forever(Effect.void)],
    [
      "a loop of yieldNow until a flag is set",
      Effect.gen(function*() {
        let flag = false
        yield* Effect.fork(Effect.tap(act("a"), () => {
          flag = true
        }))
        while (!flag) yield* Effect.yieldNow()
      })
    ]
  ]
  for (const [what, main] of spins) {
    test(`is suspended, and nothing of it is started: ${what}`, (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, { main })
        yield* process.start
        let ticks = 0
        while ((yield* rows()).workflow.status !== "Suspended") {
          ticks++
          yield* Effect.async<void>((resume) => {
            setImmediate(() => {
              resume(Effect.void)
            })
          })
        }
        // The host had its turns meanwhile.
        assert.isAbove(ticks, 100)
        yield* hasStatus("Suspended")
        assert.include(yield* reason(), "never rests")
        assert.include(yield* reason(), "\"workflowId\":\"w\"")
        assert.deepStrictEqual(outside.log, [])
      }))
  }

  test("is told from one that computes for long: that gives way to the host, and ends", (outside) =>
    Effect.gen(function*() {
      let seen: readonly [yields: number, operations: number] = [0, 0]
      let ticks = 0
      let goesOn = true
      const tick = () => {
        ticks++
        if (goesOn) setImmediate(tick)
      }
      setImmediate(tick)
      const process = yield* open(outside, {
        main: Effect.gen(function*() {
          const before = ticks
          yield* Effect.repeatN(Effect.yieldNow(), 100_000)
          const between = ticks
          yield* Effect.iterate(0, { while: (n) => n < 400_000, body: (n) => Effect.sync(() => n + 1) })
          seen = [between - before, ticks - between]
        })
      })
      const exit = yield* process.result
      goesOn = false
      assert.strictEqual(exit._tag, "Success")
      const [yields, operations] = seen
      assert.isAbove(yields, 20)
      assert.isAbove(operations, 2)
    }))
})
