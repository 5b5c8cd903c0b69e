import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Changes from "../../src/sqlite/changes.ts"
import type { Database } from "../../src/sqlite/database.ts"
import * as Open from "../../src/sqlite/open.ts"
import { file } from "./support.ts"

/** A watch that tells each of its looks. */
const make = Effect.gen(function*() {
  const database = yield* Effect.flatMap(file, (filename) => Open.file(filename, "normal"))
  const looks = yield* Queue.unbounded<void>()
  const told: Database = {
    ...database,
    query: (what, body) => Effect.zipLeft(database.query(what, body), Queue.offer(looks, undefined))
  }
  const changes = yield* Changes.make(told, "1 millis")
  return { looks, listen: Effect.fork(Stream.runDrain(changes.committed)) }
})

const some = 5

describe("the watch for writes of others", () => {
  it.scoped("goes by the real time, and does not look more often when the clock of a test is moved on by a year", () =>
    Effect.gen(function*() {
      const { listen, looks } = yield* make
      yield* listen
      yield* Queue.takeN(looks, some)
      yield* TestClock.adjust("365 days")
      // A year has more than thirty thousand million of its intervals.
      assert.isBelow(yield* Queue.size(looks), 1000)
      yield* Queue.takeN(looks, some)
      assert.deepStrictEqual([...yield* TestClock.sleeps()], [])
    }))

  it.scoped("ends when nobody listens any more, and begins again with the next", () =>
    Effect.gen(function*() {
      const [one, other] = [yield* make, yield* make]
      const listening = yield* one.listen
      yield* Queue.takeN(one.looks, some)
      yield* Fiber.interrupt(listening)
      yield* Queue.takeAll(one.looks)
      yield* other.listen
      yield* Queue.takeN(other.looks, some)
      assert.strictEqual(yield* Queue.size(one.looks), 0)
      yield* one.listen
      yield* Queue.takeN(one.looks, some)
    }))
})
