// @effect-diagnostics *:skip-file
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import type { JournalError, JournalLocked } from "../../src/index.ts"
import { Journal, Saga, Tempolite, Workflow } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { Any, Approved, ChargeCard, Leg, Ping, PlaceOrder, RefundCard, ShipItem } from "./domain.ts"

const PlaceOrderLive = PlaceOrder.layer(
  Effect.fn("PlaceOrder")(function*(order) {
    const receipt = yield* ChargeCard.execute("charge", { orderId: order.orderId, cents: order.cents }).pipe(
      Saga.compensate((receipt) => RefundCard.execute("refund", { receipt }))
    )
    yield* Approved.await("approval")
    yield* Workflow.sleep("cool-down", "1 hour")
    const parcels = yield* Effect.forEach(order.skus, (sku) => ShipItem.execute(`ship-${sku}`, { sku }), {
      concurrency: 4
    })
    return { receipt, parcels }
  })
)

const ActivitiesLive = Layer.mergeAll(
  ChargeCard.layer(({ cents, orderId }) => Effect.succeed(`${orderId} ${cents}`)),
  RefundCard.layer(() => Effect.void),
  ShipItem.layer(({ sku }) => Effect.succeed(sku))
)

const EngineLive = PlaceOrderLive.pipe(Layer.provide(ActivitiesLive), Layer.provideMerge(Tempolite.layer()))
const AppLive = EngineLive.pipe(Layer.provide(SqliteJournal.layer({ filename: "orders.db" })))
const order = { orderId: "", cents: 1, skus: [] }

describe("the example of the design", () => {
  test("has exactly these requirements", () => {
    expect(PlaceOrderLive).type
      .toBe<Layer.Layer<PlaceOrder, never, Tempolite.Tempolite | ChargeCard | RefundCard | ShipItem>>()
    expect(EngineLive).type.toBe<
      Layer.Layer<PlaceOrder | Tempolite.Tempolite, JournalError | JournalLocked, Journal.Journal>
    >()
    expect(AppLive).type.toBe<Layer.Layer<PlaceOrder | Tempolite.Tempolite, JournalError | JournalLocked>>()
  })

  test("runs in one file, in memory, or in a runtime", () => {
    const program = Effect.gen(function*() {
      const placed = yield* PlaceOrder.start("order-42", order)
      yield* Approved.send("order-42", { by: "ann" })
      return yield* placed.result
    })
    expect(Effect.runPromise).type.toBeCallableWith(Effect.provide(program, AppLive))
    expect(Effect.runPromise).type.toBeCallableWith(
      program.pipe(Effect.provide(EngineLive), Effect.provide(Journal.layerMemory))
    )
    expect(ManagedRuntime.make(AppLive).runPromise).type.toBeCallableWith(program)
  })

  test("does not compile with a key that is misspelt", () => {
    // @ts-expect-error UndeclaredKey<"chrge", "PlaceOrder", "charge" | "refund" | "approval" | "cool-down" | `ship-${string}`>
    PlaceOrder.layer(Effect.fn(function*({ cents, orderId }) {
      return { receipt: yield* ChargeCard.execute("chrge", { orderId, cents }), parcels: [] }
    }))
  })

  test("does not compile with an activity that is missing", () => {
    const layer = PlaceOrderLive.pipe(
      Layer.provide(RefundCard.layer(() => Effect.void)),
      Layer.provide(ShipItem.layer(({ sku }) => Effect.succeed(sku))),
      Layer.provideMerge(Tempolite.layer()),
      Layer.provide(Journal.layerMemory)
    )
    // @ts-expect-error Type 'ChargeCard' is not assignable to type 'never'.
    Effect.runPromise(Effect.provide(PlaceOrder.execute("id", order), layer))
  })

  test("does not compile without a journal or an engine", () => {
    // @ts-expect-error Type 'Journal' is not assignable to type 'never'.
    Effect.runPromise(Effect.provide(PlaceOrder.info("id"), EngineLive))
    // @ts-expect-error Type 'Tempolite' is not assignable to type 'never'.
    Effect.runPromise(Effect.provide(PlaceOrder.execute("id", order), Layer.provide(PlaceOrderLive, ActivitiesLive)))
  })
})

declare const runnable: <A, E>(layer: Layer.Layer<A, E>) => void

describe("layers", () => {
  const Live = Layer.provideMerge(Layer.provide(Tempolite.layer(), Journal.layerMemory))

  test("close whichever of the activities and the engine comes first", () => {
    runnable(PlaceOrderLive.pipe(
      Layer.provideMerge(Tempolite.layer()),
      Layer.provide(ActivitiesLive),
      Layer.provide(Journal.layerMemory)
    ))
  })

  test("show an activity that uses the client and is given too late", () => {
    const starts = Ping.layer(() => Effect.asVoid(Effect.orDie(Leg.start("id", { n: 1 })))).pipe(
      Layer.provide(Leg.client)
    )
    const body = Any.layer(() => Ping.execute("k"))
    runnable(body.pipe(Layer.provide(starts), Live))
    // @ts-expect-error Type 'Tempolite' is not assignable to type 'never'.
    runnable(body.pipe(Live, Layer.provide(starts)))
  })

  test("show a sub-workflow that is missing", () => {
    const parent = Any.layer(() => Effect.orDie(Leg.child("leg", { n: 1 })))
    // @ts-expect-error Type 'Leg' is not assignable to type 'never'.
    runnable(parent.pipe(Live))
    runnable(parent.pipe(Layer.provide(Leg.layer(() => Effect.succeed(""))), Live))
    runnable(parent.pipe(Layer.provide(Leg.client), Live))
  })

  test("of workflows that call each other close through `client`", () => {
    class Even extends Workflow.Tag<Even>()("Even", { payload: { n: Schema.Int }, success: Schema.Boolean }) {}
    class Odd extends Workflow.Tag<Odd>()("Odd", { payload: { n: Schema.Int }, success: Schema.Boolean }) {}
    const EvenLive = Even.layer(({ n }) =>
      n === 0 ? Effect.succeed(true) : Effect.orDie(Odd.child("odd", { n: n - 1 }))
    )
    const OddLive = Odd.layer(({ n }) =>
      n === 0 ? Effect.succeed(false) : Effect.orDie(Even.child("even", { n: n - 1 }))
    )
    runnable(
      Layer.mergeAll(EvenLive.pipe(Layer.provide(Odd.client)), OddLive.pipe(Layer.provide(Even.client))).pipe(Live)
    )
    runnable(
      Layer.mergeAll(
        Even.layer(() => Effect.as(Odd.detach("odd", { n: 1 }), true)).pipe(Layer.provide(Odd.client)),
        Odd.layer(() => Effect.as(Even.startChild("even", { n: 1 }), true)).pipe(Layer.provide(Even.client))
      ).pipe(Live)
    )
    // @ts-expect-error Type 'Even' is not assignable to type 'never'.
    runnable(EvenLive.pipe(Layer.provide(OddLive), Live))
  })

  test("of a process that only starts and watches need no code of the workflow", () => {
    const client = PlaceOrder.client.pipe(
      Layer.provideMerge(Tempolite.layerClient),
      Layer.provide(Journal.layerMemory)
    )
    expect(Effect.runPromise).type.toBeCallableWith(Effect.provide(PlaceOrder.start("id", order), client))
  })
})

describe("a step outside of a workflow", () => {
  test("does not run", () => {
    const ping = Ping.layer(() => Effect.void)
    // @ts-expect-error Type 'Step<"a">' is not assignable to type 'never'.
    Effect.runPromise(Effect.provide(Ping.execute("a"), ping))
    // @ts-expect-error Type 'Compensations' is not assignable to type 'never'.
    Effect.runPromise(Effect.void.pipe(Saga.compensate(() => Effect.void)))
    // @ts-expect-error Type 'Step<"a">' is not assignable to type 'never'.
    Effect.runPromise(Workflow.sleep("a", "1 second"))
  })
})
