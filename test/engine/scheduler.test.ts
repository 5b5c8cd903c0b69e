import { describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import { assert } from "vitest"
import { WorkflowScheduler } from "../../src/engine/scheduler.ts"

const ignore = () => {}

const make = (onForeign: () => void = ignore) => new WorkflowScheduler(onForeign)

/** Starts a fiber on the scheduler, without running it. */
const fork = <A, E>(scheduler: WorkflowScheduler, effect: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> =>
  scheduler.enter(() => Effect.runFork(effect, { scheduler, immediate: false }))

/** Drains until everybody waits; gives in how many slices. */
const drain = (scheduler: WorkflowScheduler): number => {
  let slices = 1
  while (!scheduler.drain()) slices++
  return slices
}

const compute = (operations: number) =>
  Effect.iterate(0, { while: (n) => n < operations, body: (n) => Effect.sync(() => n + 1) })

describe("the scheduler of a run", () => {
  it("runs nothing before it is drained, and then everything, in the order of arrival", () => {
    const scheduler = make()
    const order: Array<string> = []
    const spin = (name: string) =>
      Effect.forEach(
        [1, 2, 3],
        (round) => Effect.zipRight(Effect.sync(() => order.push(`${name}${String(round)}`)), Effect.yieldNow())
      )
    fork(scheduler, Effect.all([spin("a"), spin("b")], { concurrency: "unbounded" }))
    assert.deepStrictEqual(order, [])
    drain(scheduler)
    assert.deepStrictEqual(order, ["a1", "b1", "a2", "b2", "a3", "b3"])
    assert.strictEqual(scheduler.fibers.size, 0)
  })

  it("lets a forced yield give way to nobody: how much a fiber computes is not seen by its siblings", () => {
    const orders = [100, 5_000, 50_000].map((operations) => {
      const scheduler = make()
      const order: Array<string> = []
      const note = (name: string) => Effect.sync(() => order.push(name))
      fork(
        scheduler,
        Effect.all([
          Effect.zipRight(compute(operations), note("long")),
          note("short"),
          Effect.zipRight(Effect.yieldNow(), note("polite"))
        ], { concurrency: "unbounded" })
      )
      drain(scheduler)
      return order
    })
    for (const order of orders) assert.deepStrictEqual(order, ["long", "short", "polite"])
  })

  it("gives way to the host in a long computation, and in a long row of tasks", () => {
    const computing = make()
    fork(computing, compute(500_000))
    assert.isAbove(drain(computing), 3)
    const yielding = make()
    fork(yielding, Effect.repeatN(Effect.yieldNow(), 20_000))
    assert.isAbove(drain(yielding), 5)
    const brief = make()
    fork(brief, Effect.repeatN(Effect.yieldNow(), 100))
    assert.strictEqual(drain(brief), 1)
  })

  it("finds a body that polls, unless something is delivered to it meanwhile", () => {
    const poll = (scheduler: WorkflowScheduler) => {
      let polls = 0
      const again = () => {
        polls++
        scheduler.scheduleTask(again, 0)
      }
      scheduler.enter(again)
      return () => polls
    }
    const polling = make()
    poll(polling)
    drain(polling)
    assert.deepStrictEqual(polling.fault, { _tag: "NeverRests" })
    const fed = make()
    const polls = poll(fed)
    while (polls() < 6_000_000 && !fed.drain()) fed.delivered()
    assert.strictEqual(fed.fault, undefined)
  })

  it("finds a foreign wake-up, says which fiber it woke, and tells at once", () => {
    let told = 0
    const scheduler = make(() => told++)
    const gate = Deferred.unsafeMake<void>(FiberId.none)
    let woken = false
    const fiber = fork(
      scheduler,
      Effect.zipRight(
        Deferred.await(gate),
        Effect.sync(() => {
          woken = true
        })
      )
    )
    drain(scheduler)
    assert.strictEqual(scheduler.fault, undefined)
    Deferred.unsafeDone(gate, Effect.void)
    assert.deepStrictEqual(scheduler.fault, { _tag: "ForeignWakeUp", fiber })
    assert.strictEqual(told, 1)
    assert.isTrue(scheduler.drain())
    assert.isFalse(woken)
  })

  it("keeps the first fault", () => {
    const scheduler = make()
    const gates = [1, 2].map(() => Deferred.unsafeMake<void>(FiberId.none))
    const fibers = gates.map((gate) => fork(scheduler, Deferred.await(gate)))
    drain(scheduler)
    for (const gate of gates) Deferred.unsafeDone(gate, Effect.void)
    assert.deepStrictEqual(scheduler.fault, { _tag: "ForeignWakeUp", fiber: fibers[0] })
  })

  it("does not take for foreign what is woken while it is entered", () => {
    const scheduler = make()
    const gate = Deferred.unsafeMake<number>(FiberId.none)
    const fiber = fork(scheduler, Deferred.await(gate))
    drain(scheduler)
    scheduler.enter(() => {
      Deferred.unsafeDone(gate, Effect.succeed(1))
    })
    drain(scheduler)
    assert.strictEqual(scheduler.fault, undefined)
    assert.strictEqual(fiber.unsafePoll()?._tag, "Success")
  })

  it("survives a task that throws: the others are not lost, and the run is at fault", () => {
    const scheduler = make()
    const error = new Error("not here")
    const order: Array<string> = []
    scheduler.enter(() => {
      scheduler.scheduleTask(() => {
        throw error
      }, 0)
      scheduler.scheduleTask(() => order.push("next"), 0)
    })
    drain(scheduler)
    assert.deepStrictEqual(scheduler.fault, { _tag: "TaskThrew", error })
    scheduler.close(ignore)
    assert.deepStrictEqual(order, ["next"])
  })

  it("stops where it is when it is halted", () => {
    const scheduler = make()
    const order: Array<string> = []
    scheduler.enter(() => {
      scheduler.scheduleTask(() => {
        order.push("first")
        scheduler.halt()
      }, 0)
      scheduler.scheduleTask(() => order.push("second"), 0)
    })
    assert.isTrue(scheduler.drain())
    assert.deepStrictEqual(order, ["first"])
    assert.isTrue(scheduler.drain())
    assert.deepStrictEqual(order, ["first"])
  })

  it("knows every fiber that lives: daemons and the workers of a forEach, too", () => {
    const scheduler = make()
    fork(
      scheduler,
      Effect.zipRight(
        Effect.forkDaemon(Effect.never),
        Effect.forEach([1, 2, 3], () => Effect.never, { concurrency: "unbounded" })
      )
    )
    drain(scheduler)
    assert.isAtLeast(scheduler.fibers.size, 5)
    const left = scheduler.close(() => {
      for (const fiber of [...scheduler.fibers]) fiber.unsafeInterruptAsFork(FiberId.none)
    })
    assert.deepStrictEqual(left, [])
    assert.strictEqual(scheduler.fibers.size, 0)
  })

  it("says which fibers are left when it is closed, and ends one that something foreign had woken", () => {
    const scheduler = make()
    const gate = Deferred.unsafeMake<void>(FiberId.none)
    fork(scheduler, Deferred.await(gate))
    const stuck = fork(scheduler, Effect.uninterruptible(Effect.never))
    drain(scheduler)
    Deferred.unsafeDone(gate, Effect.void)
    const left = scheduler.close(() => {
      for (const fiber of [...scheduler.fibers]) fiber.unsafeInterruptAsFork(FiberId.none)
    })
    assert.deepStrictEqual(left, [stuck])
    // Nothing runs on it from then on.
    let ran = false
    scheduler.enter(() =>
      scheduler.scheduleTask(() => {
        ran = true
      }, 0)
    )
    drain(scheduler)
    assert.isFalse(ran)
  })

  it("frees what has run while it drains", () => {
    const scheduler = make()
    let most = 0
    const count = () => {
      most = Math.max(
        most,
        Object.values(scheduler).filter(Array.isArray).reduce((sum, all: ReadonlyArray<unknown>) => sum + all.length, 0)
      )
    }
    fork(scheduler, Effect.repeatN(Effect.zipRight(Effect.sync(count), Effect.yieldNow()), 20_000))
    drain(scheduler)
    assert.isBelow(most, 3_000)
  })
})
