import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Processes from "./processes.ts"
import { held, setup } from "./shop.ts"
import * as World from "./world.ts"

describe("an engine that stood still for longer than its lease", () => {
  it.scopedLive("is replaced, and writes and calls nothing when it wakes up", () =>
    Effect.gen(function*() {
      const shop = yield* setup
      const first = yield* shop.start({ steps: [{ key: "charge", call: held }, { key: "ship" }] })
      yield* shop.happened("start", "charge")
      yield* first.signal("SIGSTOP")

      // Refused until the lease is over, since the holder may live.
      let refusals = 0
      const second = yield* Processes.eventually(
        () => "the lease to be over",
        Effect.gen(function*() {
          const rival = yield* shop.spawn()
          const answer = yield* Effect.raceFirst(rival.said("ready"), rival.said("over: "))
          if (answer === "ready") return Option.some(rival)
          assert.include(answer, `process ${first.pid} `)
          refusals++
          yield* Effect.sleep("500 millis")
          return Option.none()
        })
      )
      assert.isAbove(refusals, 0)
      yield* shop.happened("start", "charge", 2)

      yield* first.signal("SIGCONT")
      yield* Processes.eventually(
        () => `the first engine to stop; it logged ${first.log()}`,
        Effect.sync(() =>
          first.log().includes("another engine has taken the journal over") ? Option.some(true) : Option.none()
        )
      )
      yield* World.open(shop.directory, "gate")
      assert.strictEqual(yield* shop.ended, "Completed")
      assert.deepStrictEqual(yield* shop.calls, ["charge 1", "charge 2", "ship 1"])
      assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Lost", "charge 2 Completed", "ship 1 Completed"])
      assert.strictEqual(second.log(), "")
    }).pipe(Effect.provide(Processes.layer)), 60_000)
})
