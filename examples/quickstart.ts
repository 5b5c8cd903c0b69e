/**
 * `tsx examples/quickstart.ts`: an order is charged, waits, and is shipped. What was done is in `quickstart.db`: kill the
 * process and run it again, and it goes on from there; once it is done, it says so at once.
 */
import { Console, Effect, Layer, Schedule, Schema } from "effect"
import { Activity, Saga, Tempolite, Workflow } from "../src/index.ts"
import { SqliteJournal } from "../src/sqlite.ts"

class CardDeclined extends Schema.TaggedError<CardDeclined>()("CardDeclined", { reason: Schema.String }) {}

class ChargeCard extends Activity.Tag<ChargeCard>()("ChargeCard", {
  payload: { orderId: Schema.String, cents: Schema.Int },
  success: Schema.String, // the receipt
  error: CardDeclined,
  retry: { schedule: Schedule.exponential("100 millis"), times: 5, while: (error) => error.reason === "network" }
}) {}
class RefundCard extends Activity.Tag<RefundCard>()("RefundCard", { payload: { receipt: Schema.String } }) {}
class ShipItem extends Activity.Tag<ShipItem>()("ShipItem", {
  payload: { sku: Schema.String },
  success: Schema.String,
  timeout: "30 seconds"
}) {}

class PlaceOrder extends Workflow.Tag<PlaceOrder>()("PlaceOrder", {
  payload: { orderId: Schema.String, cents: Schema.Int, skus: Schema.Array(Schema.String) },
  success: Schema.Struct({ receipt: Schema.String, parcels: Schema.Array(Schema.String) }),
  error: Schema.Union(CardDeclined, Activity.ActivityTimeout),
  keys: Schema.Union(Schema.Literal("charge", "refund", "cool-down"), Schema.TemplateLiteral("ship-", Schema.String))
}) {}

const PlaceOrderLive = PlaceOrder.layer(
  Effect.fn("PlaceOrder")(function*(order) {
    const receipt = yield* ChargeCard.execute("charge", { orderId: order.orderId, cents: order.cents }).pipe(
      Saga.compensate((receipt) => RefundCard.execute("refund", { receipt }))
    )
    yield* Workflow.sleep("cool-down", "1 second")
    const parcels = yield* Effect.forEach(order.skus, (sku) => ShipItem.execute(`ship-${sku}`, { sku }), {
      concurrency: 4
    })
    return { receipt, parcels }
  })
)

const ActivitiesLive = Layer.mergeAll(
  ChargeCard.layer(({ cents, orderId }) => Effect.as(Console.log(`charging ${cents} cents`), `receipt of ${orderId}`)),
  RefundCard.layer(({ receipt }) => Console.log(`refunding ${receipt}`)),
  ShipItem.layer(({ sku }) => Effect.as(Console.log(`shipping ${sku}`), `parcel of ${sku}`))
)

const AppLive = PlaceOrderLive.pipe(
  Layer.provide(ActivitiesLive),
  Layer.provideMerge(Tempolite.layer()),
  Layer.provide(SqliteJournal.layer({ filename: "quickstart.db" })) // in tests: Journal.layerMemory
)

const program = PlaceOrder.execute("order-42", { orderId: "order-42", cents: 1999, skus: ["a", "b"] })
console.log(await Effect.runPromise(Effect.provide(program, AppLive)))
