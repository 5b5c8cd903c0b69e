import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Bell from "../../src/internal/bell.ts"

describe("a bell", () => {
  it.scoped("is heard at once by who begins to listen, and then once for all rings meanwhile", () =>
    Effect.gen(function*() {
      const bell = Bell.make()
      const next = yield* bell.listen
      yield* next
      bell.ring()
      bell.ring()
      yield* next
      const waiting = yield* Effect.fork(next)
      yield* Effect.yieldNow()
      assert.isNull(waiting.unsafePoll())
      bell.ring()
      yield* Fiber.join(waiting)
    }))

  it.scoped("is heard by all who listen, and by nobody who does not any more", () =>
    Effect.gen(function*() {
      const bell = Bell.make()
      const [one, other] = [yield* bell.listen, yield* bell.listen]
      yield* one
      yield* other
      bell.ring()
      yield* one
      yield* other
      const gone = yield* Effect.scoped(Effect.tap(bell.listen, (next) => next))
      bell.ring()
      assert.isTrue(yield* Effect.isFailure(Effect.timeoutFail(gone, { duration: 0, onTimeout: () => "silence" })))
    }))

  it.scoped("that rings where a listener was interrupted is heard by the next", () =>
    Effect.gen(function*() {
      const bell = Bell.make()
      const next = yield* bell.listen
      yield* next
      const waiting = yield* Effect.fork(next)
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(waiting)
      bell.ring()
      yield* next
    }))

  it.scoped("tells of an error, which no ring drowns", () =>
    Effect.gen(function*() {
      const bell = Bell.make<string>()
      const next = yield* bell.listen
      bell.fail("broken")
      bell.ring()
      assert.strictEqual(yield* Effect.flip(next), "broken")
    }))
})
