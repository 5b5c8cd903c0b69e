/** What the type tests call. */
import { Context, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow } from "../../src/index.ts"

export class Db extends Context.Tag("Db")<Db, { readonly name: string }>() {}

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
  timeout: "30 seconds"
}) {}
export class TrackingId extends SideEffect.Tag<TrackingId>()("TrackingId", { success: Schema.String }) {}
export const Approved = Signal.make("Approved", { payload: { by: Schema.String } })

export class PlaceOrder extends Workflow.Tag<PlaceOrder>()("PlaceOrder", {
  payload: { orderId: Schema.String, cents: Schema.Int, skus: Schema.Array(Schema.String) },
  success: Schema.Struct({ receipt: Schema.String, parcels: Schema.Array(Schema.String) }),
  error: Schema.Union(CardDeclined, Activity.ActivityTimeout),
  keys: Schema.Union(
    Schema.Literal("charge", "refund", "approval", "cool-down"),
    Schema.TemplateLiteral("ship-", Schema.String)
  )
}) {}

/** The smallest activity. */
export class Ping extends Activity.Tag<Ping>()("Ping") {}

/** A workflow of two keys, which may succeed with anything. */
export class W extends Workflow.Tag<W>()("W", { success: Schema.Unknown, keys: Schema.Literal("a", "b") }) {}
/** A workflow of any keys. */
export class Any extends Workflow.Tag<Any>()("Any", { success: Schema.Unknown }) {}
/** A sub-workflow. */
export class Leg extends Workflow.Tag<Leg>()("Leg", {
  payload: { n: Schema.Int },
  success: Schema.String,
  error: CardDeclined
}) {}

export class Trip extends Saga.Tag<Trip>()("Trip", {
  payload: { to: Schema.String },
  success: Schema.String,
  error: CardDeclined,
  keys: Schema.Literal("flight", "hotel")
}) {}
