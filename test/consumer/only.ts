/** Exports inferred types of tempolite without importing it: their names must be reachable all the same. */
import { Effect, Layer } from "effect"
import { Approved, body, charge, ChargeCard, PlaceOrder, RefundCard, ShipItem, TrackingId } from "./domain.js"

const order = { orderId: "order-42", cents: 1999, skus: ["a", "b"] }

export const PlaceOrderLive = PlaceOrder.layer(body)
export const ActivitiesLive = Layer.mergeAll(
  ChargeCard.layer(({ orderId }) => Effect.succeed(`receipt of ${orderId}`)),
  RefundCard.layer(() => Effect.void),
  ShipItem.layer(({ sku }) => Effect.succeed(sku)),
  TrackingId.layer(Effect.succeed("tracking"))
)
export const step = ChargeCard.execute("charge", { orderId: "order-42", cents: 1999 })
export const compensated = charge
export const program = body
export const shipped = ShipItem.execute("ship-a", { sku: "a" })
export const recorded = TrackingId.record("tracking")
export const child = PlaceOrder.child("order", order)
export const detached = PlaceOrder.detach("order", order)
export const again = PlaceOrder.continueAsNew(order)
export const background = ShipItem.start("ship-a", { sku: "a" })
export const skipped = ShipItem.skip("order-42", "ship-a", "parcel")
export const awaited = Approved.await("approval")
export const awaitedWithin = Approved.awaitWithin("approval", "1 hour")
export const sent = Approved.send("order-42", { by: "ann" })
export const told = Approved.sendAs("approval", "order-42", { by: "ann" })
export const signal = Approved
export const paused = PlaceOrder.info("order-42").pipe(Effect.flatMap((info) => info.pause))
export const started = PlaceOrder.start("order-42", order)
export const info = PlaceOrder.info("order-42")
export const description = PlaceOrder.info("order-42").pipe(Effect.flatMap((info) => info.describe))
export const { execute, layer } = PlaceOrder
