/**
 * A journal that fails as it is told, and workflows that do not notice.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Either, Fiber, Layer, Logger, Option, Schema, TestClock } from "effect"
import { Activity, Journal, JournalError, Saga, Tempolite, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import { empty, workflowRow } from "../support/journalRows.ts"

class Charge extends Activity.Tag<Charge>()("Charge", { success: Schema.String }) {}
class Refund extends Activity.Tag<Refund>()("Refund") {}
class Order extends Workflow.Tag<Order>()("Order", { success: Schema.Array(Schema.String), error: Schema.String }) {}

const OrderLive = Order.layer(() =>
  Effect.forEach(["a", "b", "c"], (key) => Saga.compensate(Charge.execute(key), () => Refund.execute(`undo ${key}`)))
)

/** The journal below, the faulty one on it, and the faults as they come. */
const open = (faults: ReadonlyArray<Testing.JournalFault>) =>
  Effect.gen(function*() {
    const injected: Array<Testing.Injected> = []
    const inner = Context.get(yield* Layer.build(Layer.fresh(Journal.layerMemory)), Journal.Journal)
    const layer = Testing.faultyJournal(faults, { onFault: (fault) => Effect.sync(() => void injected.push(fault)) })
    const faulty = yield* Effect.provideService(Layer.build(layer), Journal.Journal, inner)
    return { injected, inner, journal: Context.get(faulty, Journal.Journal) }
  })

const has = (journal: Journal.Service, id: string) => Effect.map(journal.workflow(id), Option.isSome)

describe("faultyJournal", () => {
  it.scoped("fails the commit that is named, and writes nothing, or all of it", () =>
    Effect.gen(function*() {
      const { inner, injected, journal } = yield* open([
        { at: 2, fault: "fail" },
        { at: 3, fault: "fail after commit" }
      ])
      const lease = yield* journal.acquire(1_000)
      const commit = (id: string) => Effect.either(journal.commit(lease, { ...empty, created: [workflowRow(id)] }))
      assert.isTrue(Either.isRight(yield* commit("1")))
      const [failed, unheard] = [yield* commit("2"), yield* commit("3")]
      assert.isTrue(Either.isRight(yield* commit("4")))
      assert.deepStrictEqual(
        failed,
        Either.left(
          new JournalError({ message: "injected: commit 2 failed, and nothing was written" })
        )
      )
      assert.deepStrictEqual(
        unheard,
        Either.left(
          new JournalError({ message: "injected: commit 3 was written, and failed" })
        )
      )
      assert.deepStrictEqual(yield* Effect.forEach(["1", "2", "3", "4"], (id) => has(inner, id)), [
        true,
        false,
        true,
        true
      ])
      assert.deepStrictEqual(injected, [
        { on: "commit", call: 2, fault: "fail" },
        { on: "commit", call: 3, fault: "fail after commit" }
      ])
    }))

  it.scoped("delays a commit", () =>
    Effect.gen(function*() {
      const { inner, journal } = yield* open([{ at: 1, fault: { delay: "1 minute" } }])
      const lease = yield* journal.acquire(Duration.toMillis("1 hour"))
      const fiber = yield* Effect.fork(journal.commit(lease, { ...empty, created: [workflowRow("1")] }))
      yield* TestClock.adjust("59 seconds")
      assert.isFalse(yield* has(inner, "1"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.isTrue(yield* has(inner, "1"))
    }))

  it.scoped("counts requests and signals of clients by themselves", () =>
    Effect.gen(function*() {
      const { inner, injected, journal } = yield* open([
        { on: "submit", at: 2, fault: "fail" },
        { on: "send", at: 1, fault: "fail after commit" }
      ])
      const start = (id: string) =>
        Effect.isSuccess(journal.submit(
          { workflowId: id, kind: "Start", payload: null, at: 0 },
          Option.some({ workflow: workflowRow(id), steps: [] })
        ))
      assert.deepStrictEqual([yield* start("1"), yield* start("2"), yield* start("3")], [true, false, true])
      const send = Effect.isSuccess(journal.send({ workflowId: "1", name: "Told", payload: null, at: 0 }))
      assert.deepStrictEqual([yield* send, yield* send], [false, true])
      assert.strictEqual((yield* inner.signals("1", 0)).length, 2)
      assert.deepStrictEqual(injected.map(({ call, on }) => `${on} ${call}`), ["submit 2", "send 1"])
    }))

  it.scoped("draws the same faults for the same seed, others for another, and as many as is probable", () =>
    Effect.gen(function*() {
      const drawn = (seed: number) =>
        Effect.gen(function*() {
          const { injected, journal } = yield* open([{ at: { probability: 0.25, seed }, fault: "fail" }])
          const lease = yield* journal.acquire(1_000)
          for (let call = 0; call < 400; call++) yield* Effect.ignore(journal.commit(lease, empty))
          return injected.map(({ call }) => call)
        })
      const [one, same, other] = [yield* drawn(1), yield* drawn(1), yield* drawn(2)]
      assert.deepStrictEqual(same, one)
      assert.notDeepEqual(other, one)
      assert.isTrue(one.length > 60 && one.length < 140, `${one.length} of 400`)
    }))

  /** What fails is repeated after a while. */
  const passingTime = Effect.fork(Effect.forever(Effect.zipRight(TestClock.adjust("1 second"), Effect.yieldNow())))
  const app = (journal: Layer.Layer<Journal.Journal, never, Journal.Journal>) =>
    OrderLive.pipe(
      Layer.provideMerge(Testing.double(Charge, ({ key }) => Effect.succeed(`<${key}>`))),
      Layer.provide(Testing.double(Refund, [])),
      Layer.provideMerge(Tempolite.layer()),
      Layer.provide(journal),
      Layer.provide(Layer.fresh(Journal.layerMemory)),
      Layer.merge(Logger.remove(Logger.defaultLogger))
    )

  it.scoped("is seen by a client, as a JournalError, and the next call is answered", () =>
    Effect.gen(function*() {
      yield* passingTime
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(
          yield* Effect.flip(Order.start("o")),
          new JournalError({ message: "injected: commit 1 failed, and nothing was written" })
        )
        const order = yield* Order.start("o")
        assert.deepStrictEqual(yield* order.result, ["<a>", "<b>", "<c>"])
      }).pipe(Effect.provide(app(Testing.faultyJournal([{ at: 1, fault: "fail" }]))))
    }))

  for (const fault of ["fail", "fail after commit", { delay: "3 seconds" }] as const) {
    it.effect(`lets a workflow end as ever, though half of its commits ${JSON.stringify(fault)}`, () =>
      Effect.gen(function*() {
        let faults = 0
        const journal = Testing.faultyJournal([{ at: { probability: 0.5, seed: 2 }, fault }], {
          onFault: () =>
            Effect.sync(() => {
              faults++
            })
        })
        yield* passingTime
        const [result, calls] = yield* Effect.gen(function*() {
          // A client sees the fault, and asks again.
          const order = yield* Effect.retry(Order.start("o"), { times: 20 })
          return [yield* order.result, yield* Testing.calls(Charge)] as const
        }).pipe(Effect.provide(app(journal)))
        assert.deepStrictEqual(result, ["<a>", "<b>", "<c>"])
        assert.deepStrictEqual(calls.map(({ attempt, key }) => `${key} ${attempt}`), ["a 1", "b 1", "c 1"])
        assert.isAtLeast(faults, 2)
      }).pipe(Effect.scoped))
  }
})
