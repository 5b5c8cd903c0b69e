/**
 * Virtual time, and processes in it that stand still when they are killed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Random } from "effect"
import { inRealTime, type Patience, Process, VirtualTime } from "../../src/testing/virtualTime.ts"

const soon: Patience = { patience: Duration.millis(30), io: Duration.zero, movesMax: 100, tasksMax: 20_000 }

const test = (name: string, body: (time: VirtualTime) => Effect.Effect<void, unknown>) => {
  it.effect(name, () => inRealTime(Effect.suspend(() => body(new VirtualTime(1_000)))))
}

const now = Clock.currentTimeMillis

describe("virtual time", () => {
  test("wakes one after the other: by time, then in the order in which they lay down", (time) =>
    Effect.gen(function*() {
      const woken: Array<string> = []
      const sleeper = (name: string, millis: number) =>
        Effect.sleep(millis).pipe(
          Effect.zipRight(now),
          Effect.map((now) => woken.push(`${name} ${now}`)),
          Effect.zipRight(Effect.yieldNow())
        )
      const fiber = yield* time.fork(
        time.outside,
        Effect.all([
          sleeper("a", 50),
          sleeper("b", 20),
          sleeper("c", 50),
          sleeper("d", 0),
          sleeper("e", 31_536_000_000)
        ], {
          concurrency: "unbounded"
        })
      )
      assert.strictEqual(yield* time.drive(() => fiber.unsafePoll() !== null, soon), "Over")
      assert.deepStrictEqual(woken, ["d 1000", "b 1020", "a 1050", "c 1050", "e 31536001000"])
    }))

  test("does not move while anything happens, however long that takes", (time) =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const busy = Effect.gen(function*() {
        for (let round = 0; round < 5_000; round++) yield* Effect.yieldNow()
        for (let round = 0; round < 20; round++) {
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
        seen.push(yield* now)
      })
      const fiber = yield* time.fork(time.outside, Effect.all([busy, Effect.sleep(1)], { concurrency: 2 }))
      yield* time.drive(() => fiber.unsafePoll() !== null, soon)
      assert.deepStrictEqual(seen, [1_000])
    }))

  test("forgets who does not sleep any more", (time) =>
    Effect.gen(function*() {
      const fiber = yield* time.fork(
        time.outside,
        Effect.zipRight(Effect.race(Effect.sleep(10), Effect.sleep(1_000)), now)
      )
      yield* time.drive(() => fiber.unsafePoll() !== null, soon)
      assert.deepStrictEqual(fiber.unsafePoll(), Exit.succeed(1_010))
      assert.isFalse(time.clock.advance())
    }))

  test("says that nothing happens any more, and that it does not end", (time) =>
    Effect.gen(function*() {
      const idle = yield* time.fork(time.outside, Effect.async<never>(() => {}))
      assert.strictEqual(yield* time.drive(() => idle.unsafePoll() !== null, soon), "Idle")
      const endless = yield* time.fork(time.outside, Effect.forever(Effect.sleep(1)))
      assert.strictEqual(yield* time.drive(() => endless.unsafePoll() !== null, soon), "Endless")
      assert.strictEqual(time.clock.now, 1_000 + soon.movesMax)
      const busy = yield* time.fork(time.outside, Effect.forever(Effect.yieldNow()))
      assert.strictEqual(yield* time.drive(() => busy.unsafePoll() !== null, soon), "Endless")
    }))

  test("waits for what the host does, while nobody sleeps", (time) =>
    Effect.gen(function*() {
      const slow = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))
      const fiber = yield* time.fork(time.outside, slow)
      const patience = Duration.minutes(1)
      assert.strictEqual(yield* time.drive(() => fiber.unsafePoll() !== null, { ...soon, patience }), "Over")
    }))

  test("draws the same random numbers each time", (time) =>
    Effect.gen(function*() {
      const draw = (time: VirtualTime) =>
        Effect.gen(function*() {
          const fiber = yield* time.fork(time.outside, Effect.all([Random.next, Random.nextInt]))
          yield* time.settle(100)
          return yield* fiber.unsafePoll() ?? assert.fail("nothing was drawn")
        })
      assert.deepStrictEqual(yield* draw(time), yield* draw(new VirtualTime(5)))
      assert.notDeepEqual(yield* draw(time), yield* draw(new VirtualTime(5)))
    }))
})

describe("a process that is killed", () => {
  test("stands still at once, wherever it was, and so do its children, and nobody else", (time) =>
    Effect.gen(function*() {
      const process = new Process()
      const log: Array<string> = []
      const say = (text: string) => Effect.sync(() => log.push(text))
      const counting = (name: string) =>
        Effect.forever(Effect.zipRight(Effect.yieldNow(), say(name))).pipe(Effect.ensuring(say(`${name} is over`)))
      const sleeping = Effect.ensuring(Effect.zipRight(Effect.sleep(10), say("awake")), say("sleep is over"))
      const fiber = yield* time.fork(
        process,
        Effect.all([
          counting("child"),
          Effect.forkDaemon(counting("daemon")),
          sleeping,
          Effect.repeat(
            Effect.yieldNow(),
            { until: () => log.length > 50 }
          ).pipe(Effect.zipRight(Effect.sync(() => {
            process.kill()
            log.length = 0
          })))
        ], { concurrency: "unbounded" })
      )
      const other = yield* time.fork(time.outside, Effect.zipRight(Effect.sleep(20), say("other")))
      yield* time.drive(() => other.unsafePoll() !== null, soon)
      // What was to run in the same turn does not, nor does who would have slept until then.
      assert.deepStrictEqual(log, ["other"])

      // Interrupted, it does not even notice, until it is cleared away.
      const interrupted = yield* time.fork(time.outside, Fiber.interrupt(fiber))
      yield* time.settle(100)
      assert.deepStrictEqual(log, ["other"])
      time.clear(process)
      assert.isTrue(yield* time.settle(1_000))
      assert.isTrue(interrupted.unsafePoll() !== null && other.unsafePoll() !== null)
      assert.includeMembers(log, ["child is over", "daemon is over", "sleep is over"])
      assert.notInclude(log, "awake")
    }))

  test("is cleared away even where it holds on, or goes on", (time) =>
    Effect.gen(function*() {
      const process = new Process()
      const log: Array<string> = []
      const waits = Effect.uninterruptible(Effect.sleep(10))
      const polls = Effect.uninterruptible(Effect.forever(Effect.yieldNow()))
      const ends = Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push("ended")))
      yield* time.fork(process, Effect.all([waits, polls, ends], { concurrency: "unbounded" }))
      assert.isFalse(yield* time.settle(10_000))
      process.kill()
      assert.isTrue(yield* time.settle(10_000))
      time.clear(process)
      assert.isFalse(yield* time.settle(10_000))
      assert.deepStrictEqual(log, ["ended"])
      process.kill()
      assert.isTrue(yield* time.settle(10_000))
    }))
})
