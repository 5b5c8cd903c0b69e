/**
 * A workflow that waits, and for nothing that runs, leaves memory after a while, and is replayed when it is due.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Layer, Schema, TestClock } from "effect"
import { Journal, Signal, Tempolite, Workflow } from "../src/index.ts"
import { act, Again, called, done, id, open, settle, statusOf, Stubborn, testOn, until } from "./engine-suite/lab.ts"
import { layer as sqlite } from "./sqlite/support.ts"

/** Of another layer than the others. */
class Late extends Workflow.Tag<Late>()("Late") {}

const Go = Signal.make("Go", { payload: { n: Schema.Int } })

/** Counts how often its body begins, and how often it is left. */
class Visits {
  begun = 0
  left = 0

  of<A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.begun++
      return Effect.ensuring(
        body,
        Effect.sync(() => {
          this.left++
        })
      )
    })
  }

  /** Returns once it has left memory for the `times`-th time. */
  gone(times: number): Effect.Effect<void> {
    return Effect.zipRight(
      until(() => `it left memory ${times} times; it did ${this.left} times`, Effect.sync(() => this.left >= times)),
      settle
    )
  }
}

const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`a workflow that waits (${name})`, () => {
    const why = "it counts how often its body begins"
    const test = testOn(layer, { except: { replay: why, crash: why, lost: why } })

    test("for a timer is not in memory meanwhile, and goes on when it is due", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = visits.of(Effect.gen(function*() {
          const a = yield* act("a")
          yield* Workflow.sleep("nap", "1 hour")
          return [a, yield* act("b")]
        }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        yield* called(outside, "a")
        yield* settle
        yield* TestClock.adjust("9 seconds")
        yield* settle
        assert.deepStrictEqual([visits.begun, visits.left], [1, 0])
        yield* TestClock.adjust("1 second")
        yield* visits.gone(1)
        assert.strictEqual(visits.begun, 1)
        yield* TestClock.adjust("59 minutes")
        yield* settle
        assert.strictEqual(visits.begun, 1)
        yield* TestClock.adjust("50 seconds")
        assert.deepStrictEqual(yield* info.result, ["<a>", "<b>"])
        assert.deepStrictEqual([visits.begun, visits.left], [2, 2])
        assert.deepStrictEqual(outside.log, ["a", "b"])
      }))

    test("is woken by what it waits for, however often it has left", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = visits.of(Effect.gen(function*() {
          const first = yield* Go.await("first")
          const second = yield* Effect.raceFirst(Go.await("second"), Effect.never)
          return [first.n, second.n]
        }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        for (const n of [1, 2]) {
          yield* settle
          yield* TestClock.adjust("1 minute")
          yield* visits.gone(n)
          assert.strictEqual(visits.begun, n)
          yield* Effect.orDie(process.run(Go.send(id, { n })))
        }
        assert.deepStrictEqual(yield* info.result, [1, 2])
      }))

    test("for a sub-workflow is woken by its end, and by the end of an execution of it", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.fail("kid/x")
        const main = visits.of(Effect.gen(function*() {
          const kid = yield* Again.startChild("kid")
          const first = yield* kid.exit
          return [Exit.isFailure(first), yield* kid.result]
        }))
        const again = Effect.zipLeft(Workflow.sleep("nap", "1 hour"), act("x"))
        const process = yield* open(outside, { main, again })
        const info = yield* process.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* TestClock.adjust("1 hour")
        yield* until("the first execution is over", Effect.sync(() => visits.begun === 2))
        outside.mend("kid/x")
        yield* settle
        yield* TestClock.adjust("20 seconds")
        yield* visits.gone(2)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* info.result, [true, null])
        assert.strictEqual(visits.begun, 3)
      }))

    test("stays while an activity runs, and leaves while that waits for its next attempt, whose time stays", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.hold("a").fail("b")
        const main = visits.of(Effect.all([act("a"), Stubborn.execute("b")], { concurrency: 2 }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        yield* called(outside, "a", "b")
        yield* settle
        yield* TestClock.adjust("50 seconds")
        yield* settle
        assert.strictEqual(visits.left, 0)
        outside.release("a")
        outside.mend("b")
        yield* settle
        yield* TestClock.adjust("9 seconds")
        yield* settle
        assert.strictEqual(outside.count("b"), 1)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* info.result, ["<a>", "<b>"])
      }))

    test("leaves while an activity waits for its next attempt, whose time stays", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.fail("b")
        const process = yield* open(outside, { main: visits.of(Stubborn.execute("b")) })
        const info = yield* process.start
        yield* called(outside, "b")
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        outside.mend("b")
        yield* TestClock.adjust("49 seconds")
        yield* settle
        assert.strictEqual(outside.count("b"), 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* info.result, "<b>")
        assert.deepStrictEqual([visits.begun, outside.count("b")], [2, 2])
      }))

    for (const command of ["cancel", "pause", "skip"] as const) {
      test(`is told of a ${command} where it has left`, (outside) =>
        Effect.gen(function*() {
          const visits = new Visits()
          const main = visits.of(Effect.gen(function*() {
            yield* done("a")
            yield* Workflow.sleep("nap", "1 hour")
            return yield* act("b")
          }))
          const process = yield* open(outside, { main })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* settle
          yield* TestClock.adjust("10 seconds")
          yield* visits.gone(1)
          const service = yield* process.run(Tempolite.Tempolite)
          switch (command) {
            case "cancel":
              yield* Effect.orDie(service.cancel(id))
              assert.isTrue(Exit.isFailure(yield* Effect.exit(info.result)))
              assert.strictEqual(yield* statusOf(), "Cancelled")
              assert.deepStrictEqual(outside.log, ["a", "u-a"])
              break
            case "pause":
              yield* Effect.orDie(service.pause(id))
              yield* TestClock.adjust("2 hours")
              yield* settle
              // To hold it, it is brought back to where it was: its timers are recorded as they come due.
              assert.deepStrictEqual([yield* statusOf(), visits.begun], ["Paused", 2])
              yield* Effect.orDie(service.resume(id))
              assert.strictEqual(yield* info.result, "<b>")
              break
            case "skip":
              yield* Effect.orDie(service.skip(id, "nap", undefined))
              assert.strictEqual(yield* info.result, "<b>")
              break
          }
        }))
    }

    test("is not taken on again by a layer that is built later", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const process = yield* open(outside, { main: visits.of(Workflow.sleep("nap", "1 hour")) })
        yield* process.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* process.run(Effect.scoped(Layer.build(Late.layer(() => Effect.void))))
        yield* settle
        assert.strictEqual(visits.begun, 1)
      }))
  })

suite("memory", Journal.layerMemory)
suite("sqlite", sqlite)
