/**
 * The calls of an order to the outside world: what each takes and gives, and who answers it.
 */
import { Console, Effect, Layer, Schedule, Schema } from "effect"
import { Activity } from "../../src/index.ts"
import { CardDeclined, dollars, NotShipped, Order, OutOfStock } from "./domain.ts"
import { Carrier } from "./outside/Carrier.ts"
import { Payments } from "./outside/Payments.ts"
import { Warehouse } from "./outside/Warehouse.ts"

export class ChargeCard extends Activity.Tag<ChargeCard>()("ChargeCard", {
  payload: { orderId: Schema.String, card: Schema.String, cents: Schema.Int },
  success: Schema.String, // the receipt
  error: CardDeclined
}) {}

export class RefundCard extends Activity.Tag<RefundCard>()("RefundCard", {
  payload: { receipt: Schema.String }
}) {}

export class ReserveStock extends Activity.Tag<ReserveStock>()("ReserveStock", {
  payload: { items: Order.fields.items },
  success: Schema.String, // the reservation
  error: OutOfStock
}) {}

export class ReleaseStock extends Activity.Tag<ReleaseStock>()("ReleaseStock", {
  payload: { reservation: Schema.String }
}) {}

export class ShipItem extends Activity.Tag<ShipItem>()("ShipItem", {
  payload: { sku: Schema.String, quantity: Schema.Int },
  success: Schema.String, // the tracking number
  error: NotShipped,
  timeout: "10 seconds",
  retry: {
    schedule: Schedule.exponential("200 millis"),
    times: 4,
    while: (error) => error._tag === "ActivityTimeout" || !error.undeliverable
  }
}) {}

export class RecallParcel extends Activity.Tag<RecallParcel>()("RecallParcel", {
  payload: { tracking: Schema.String }
}) {}

/** Tells of what really happens: a step that is answered from the journal says nothing. */
const say = (text: string) =>
  Effect.flatMap(
    Activity.Execution,
    ({ attempt, workflowId }) => Console.log(`${workflowId}  ${text}${attempt === 1 ? "" : ` (attempt ${attempt})`}`)
  )

// The outside hears of each attempt, and recognises by the idempotency key those that are to have one effect.

const ChargeCardLive = ChargeCard.layer(Effect.fn(function*({ card, cents, orderId }) {
  const payments = yield* Payments
  const { idempotencyKey } = yield* Activity.Execution
  const receipt = yield* payments.charge({ idempotencyKey, orderId, card, cents }).pipe(
    Effect.tapError((error) => say(error.message))
  )
  yield* say(`charged ${dollars(cents)} to ${card}: ${receipt}`)
  return receipt
}))

const RefundCardLive = RefundCard.layer(Effect.fn(function*({ receipt }) {
  const payments = yield* Payments
  yield* payments.refund(receipt)
  yield* say(`refunded ${receipt}`)
}))

const ReserveStockLive = ReserveStock.layer(Effect.fn(function*({ items }) {
  const warehouse = yield* Warehouse
  const { idempotencyKey } = yield* Activity.Execution
  const reservation = yield* warehouse.reserve({ idempotencyKey, items }).pipe(
    Effect.tapError((error) => say(error.message))
  )
  yield* say(`reserved ${items.map(({ quantity, sku }) => `${quantity} ${sku}`).join(", ")}: ${reservation}`)
  return reservation
}))

const ReleaseStockLive = ReleaseStock.layer(Effect.fn(function*({ reservation }) {
  const warehouse = yield* Warehouse
  yield* warehouse.release(reservation)
  yield* say(`released ${reservation}`)
}))

const ShipItemLive = ShipItem.layer(Effect.fn(function*({ quantity, sku }) {
  const carrier = yield* Carrier
  const { idempotencyKey } = yield* Activity.Execution
  const tracking = yield* carrier.ship({ idempotencyKey, sku, quantity }).pipe(
    Effect.tapError((error) => say(error.message))
  )
  yield* say(`shipped ${quantity} ${sku}: ${tracking}`)
  return tracking
}))

const RecallParcelLive = RecallParcel.layer(Effect.fn(function*({ tracking }) {
  const carrier = yield* Carrier
  yield* carrier.recall(tracking)
  yield* say(`recalled ${tracking}`)
}))

export const ActivitiesLive = Layer.mergeAll(
  ChargeCardLive,
  RefundCardLive,
  ReserveStockLive,
  ReleaseStockLive,
  ShipItemLive,
  RecallParcelLive
)
