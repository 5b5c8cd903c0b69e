import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { assert, vi } from "vitest"
import { Heap } from "../../src/engine/heap.ts"
import * as Timers from "../../src/engine/timers.ts"
import { collect } from "../support/garbage.ts"

/** Timers by a clock that stands, and until when they would sleep. */
const sleepless = Effect.gen(function*() {
  const stand = { now: 0 }
  const sleeps: Array<number> = []
  const timers = yield* Effect.withClock(Timers.make, {
    ...Clock.make(),
    unsafeCurrentTimeMillis: () => stand.now,
    sleep: (duration) =>
      Effect.suspend(() => {
        sleeps.push(stand.now + Duration.toMillis(duration))
        return Effect.never
      })
  })
  return { sleeps, stand, timers }
})

describe("timers", () => {
  it.scoped("fire when their time has come, and not before, in the order of their times", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const fired: Array<string> = []
      for (const [at, name] of [[300, "c"], [100, "a"], [200, "b"], [100, "a2"]] as const) {
        timers.schedule(at, () => fired.push(name))
      }
      yield* TestClock.adjust(99)
      assert.deepStrictEqual(fired, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(fired, ["a", "a2"])
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(fired, ["a", "a2", "b", "c"])
    }))

  it.scoped("are never fired by the call that schedules them, and soon if their time has passed", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(1_000)
      const timers = yield* Timers.make
      let fired = false
      timers.schedule(10, () => {
        fired = true
      })
      assert.isFalse(fired)
      yield* TestClock.adjust(0)
      assert.isTrue(fired)
    }))

  it.scoped("that come before the one that is waited for are not late", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const fired: Array<string> = []
      timers.schedule(10_000, () => fired.push("late"))
      yield* TestClock.adjust(100)
      timers.schedule(200, () => fired.push("early"))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, ["early"])
    }))

  it.scoped("are not late by what the process was busy with when they were scheduled", () =>
    Effect.gen(function*() {
      const { sleeps, stand, timers } = yield* sleepless
      timers.schedule(100, () => {})
      // It computes, and nobody else comes to anything.
      stand.now = 40
      yield* Effect.yieldNow()
      assert.deepStrictEqual(sleeps, [100])
    }))

  it.scoped("are not late because the one that was waited for has fired, or was given up, before anybody slept", () =>
    Effect.gen(function*() {
      for (const isGivenUp of [true, false]) {
        const { sleeps, stand, timers } = yield* sleepless
        const cancel = timers.schedule(100, () => {})
        timers.schedule(500, () => {})
        if (isGivenUp) cancel()
        else stand.now = 100
        timers.fireDue()
        yield* Effect.yieldNow()
        yield* Effect.yieldNow()
        timers.schedule(300, () => {})
        yield* Effect.yieldNow()
        assert.isAtMost(sleeps.at(-1) ?? Infinity, 300)
      }
    }))

  it.scoped("that are given up do not fire, each time it is said", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const fired: Array<string> = []
      const cancel = timers.schedule(100, () => fired.push("a"))
      timers.schedule(100, () => fired.push("b"))
      cancel()
      cancel()
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, ["b"])
    }))

  it.scoped("fire at once, in their order, when that is asked for, and once", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const fired: Array<number> = []
      for (const at of [300, 100, 200, 5_000]) timers.schedule(at, () => fired.push(at))
      const clock = yield* TestClock.testClock()
      // The process stood still: time has passed, and nobody has run yet.
      const jump = yield* Effect.fork(clock.setTime(1_000))
      yield* Effect.yieldNow()
      timers.fireDue()
      yield* jump
      timers.fireDue()
      assert.deepStrictEqual(fired, [100, 200, 300])
    }))

  it.scoped("may schedule, and give up, others while they fire", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const fired: Array<string> = []
      let cancelC: () => void = () => {}
      timers.schedule(100, () => {
        fired.push("a")
        cancelC()
        timers.schedule(100, () => fired.push("d"))
        timers.schedule(200, () => fired.push("e"))
      })
      cancelC = timers.schedule(150, () => fired.push("c"))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, ["a", "d"])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(fired, ["a", "d", "e"])
    }))

  it.scoped("may be further away than a timer of the platform can be", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      let fired = false
      const day = 86_400_000
      timers.schedule(60 * day, () => {
        fired = true
      })
      yield* TestClock.adjust(25 * day)
      const clock = yield* TestClock.testClock()
      for (const at of yield* clock.sleeps) assert.isAtMost(at, 25 * day + 2 ** 31)
      yield* TestClock.adjust(34 * day)
      assert.isFalse(fired)
      yield* TestClock.adjust(day)
      assert.isTrue(fired)
    }))

  it.scoped("that are given up do not pile up until they would have fired", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      const sizes: Array<number> = []
      const push = vi.spyOn(Heap.prototype, "push")
      timers.schedule(1e12, () => {})
      for (let i = 0; i < 20_000; i++) {
        timers.schedule(1e12 + i, () => {})()
        const heap = push.mock.contexts[0]
        if (heap instanceof Heap) sizes.push(heap.size)
      }
      push.mockRestore()
      assert.strictEqual(sizes.length, 20_000)
      assert.isBelow(Math.max(...sizes), 2_500)
    }))

  it.scoped("that are given up, or have fired, keep nothing in memory until they leave the heap", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      // What a timer would do to a workflow, and the workflow.
      const schedule = (at: number) => {
        const workflow = {}
        return [new WeakRef(workflow), timers.schedule(at, () => Object.freeze(workflow))] as const
      }
      // It stands before them, so that they do not leave.
      timers.schedule(5_000, () => {})
      const [givenUp, giveUp] = schedule(10_000)
      const [waiting] = schedule(20_000)
      const [fired, giveUpLater] = schedule(1_000)
      yield* TestClock.adjust(1_000)
      giveUp()
      giveUpLater()
      yield* collect
      assert.isUndefined(givenUp.deref())
      assert.isUndefined(fired.deref())
      assert.isDefined(waiting.deref())
    }))

  it.scoped("take one sleeping fiber, not one each", () =>
    Effect.gen(function*() {
      const timers = yield* Timers.make
      for (let at = 100; at < 1_100; at++) timers.schedule(at, () => {})
      yield* TestClock.adjust(50)
      const clock = yield* TestClock.testClock()
      const sleeping = new Set(yield* clock.sleeps)
      assert.isAtMost(sleeping.size, 1)
    }))
})
