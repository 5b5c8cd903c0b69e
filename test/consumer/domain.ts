/** What a library made with tempolite declares. Compiled against the packed package only, see scripts/consumer.mjs. */
import { Effect, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow } from "tempolite"

export class CardDeclined extends Schema.TaggedError<CardDeclined>()("CardDeclined", { reason: Schema.String }) {}

export class ChargeCard extends Activity.Tag<ChargeCard>()("ChargeCard", {
  payload: { orderId: Schema.String, cents: Schema.Int },
  success: Schema.String,
  error: CardDeclined,
  retry: { schedule: Schedule.exponential("100 millis"), times: 5, while: (error) => error.reason === "network" }
}) {}
export class RefundCard extends Activity.Tag<RefundCard>()("RefundCard", { payload: { receipt: Schema.String } }) {}
export class ShipItem extends Activity.Tag<ShipItem>()("ShipItem", {
  payload: { sku: Schema.String },
  success: Schema.String,
  timeout: "30 seconds",
  heartbeatTimeout: "5 seconds",
  queue: "parcels"
}) {}
export class TrackingId extends SideEffect.Tag<TrackingId>()("TrackingId", { success: Schema.String }) {}
export const Approved = Signal.make("Approved", { payload: { by: Schema.String } })

export class PlaceOrder extends Workflow.Tag<PlaceOrder>()("PlaceOrder", {
  payload: { orderId: Schema.String, cents: Schema.Int, skus: Schema.Array(Schema.String) },
  success: Schema.Array(Schema.String),
  error: Schema.Union(CardDeclined, Activity.ActivityTimeout),
  keys: Schema.Union(
    Schema.Literal("charge", "refund", "approval", "cool-down", "tracking"),
    Schema.TemplateLiteral("ship-", Schema.String)
  )
}) {}

export const charge = ChargeCard.execute("charge", { orderId: "order-42", cents: 1999 }).pipe(
  Saga.compensate((receipt) => RefundCard.execute("refund", { receipt }))
)
export const body = Effect.fn("PlaceOrder")(function*(order: typeof PlaceOrder.payloadSchema.Type) {
  yield* charge
  yield* TrackingId.record("tracking")
  yield* Approved.await("approval")
  if ((yield* Workflow.version("no-cool-down", { min: 1, max: 2 })) === 1) yield* Workflow.sleep("cool-down", "1 hour")
  return yield* Effect.forEach(order.skus, (sku) => ShipItem.execute(`ship-${sku}`, { sku }), { concurrency: 4 })
})
