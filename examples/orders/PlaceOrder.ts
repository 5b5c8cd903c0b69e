/**
 * The workflow: charge, reserve, review, ship. Whatever was done is undone, the last first, if a later step fails.
 */
import { Console, Effect, Random, Schema } from "effect"
import { Activity, Saga, SideEffect, Workflow } from "../../src/index.ts"
import { ChargeCard, RecallParcel, RefundCard, ReleaseStock, ReserveStock, ShipItem } from "./activities.ts"
import { CardDeclined, dollars, NotShipped, Order, OrderRefused, OutOfStock } from "./domain.ts"

export class PlaceOrder extends Workflow.Tag<PlaceOrder>()("PlaceOrder", {
  payload: Order,
  success: Schema.Struct({ receipt: Schema.String, parcels: Schema.Array(Schema.String) }),
  error: Schema.Union(CardDeclined, OutOfStock, OrderRefused, NotShipped, Activity.ActivityTimeout),
  keys: Schema.Union(
    Schema.Literal("charge", "refund", "reserve", "release", "reviewer"),
    Schema.TemplateLiteral("ship-", Schema.String),
    Schema.TemplateLiteral("recall-", Schema.String)
  )
}) {}

const parcelsAtOnce = 3

export const PlaceOrderLive = PlaceOrder.layer(
  Effect.fn("PlaceOrder")(function*(order) {
    const receipt = yield* ChargeCard.execute("charge", { orderId: order.id, card: order.card, cents: order.cents })
      .pipe(
        Saga.compensate((receipt) => RefundCard.execute("refund", { receipt }))
      )
    yield* ReserveStock.execute("reserve", { items: order.items }).pipe(
      Saga.compensate((reservation) => ReleaseStock.execute("release", { reservation }))
    )
    yield* review(order)
    const parcels = yield* Effect.forEach(
      order.items,
      ({ quantity, sku }) =>
        ShipItem.execute(`ship-${sku}`, { sku, quantity }).pipe(
          Saga.compensate((tracking) => RecallParcel.execute(`recall-${sku}`, { tracking }))
        ),
      { concurrency: parcelsAtOnce }
    )
    return { receipt, parcels }
  })
)

/** Who reviews an order is drawn by lot, once: a replay takes the name from the journal. */
const review = (order: Order) =>
  Effect.gen(function*() {
    const reviewer = yield* SideEffect.record(
      "reviewer",
      Schema.String,
      Random.choice(["Ann", "Ben", "Chloe"]).pipe(
        Effect.orDie,
        Effect.tap((name) => Console.log(`${order.id}  is reviewed by ${name}`))
      )
    )
    if (order.cents > 200_000 && order.accountDays < 7) {
      const reason = `${dollars(order.cents)} from an account ${order.accountDays} days old`
      return yield* new OrderRefused({ reviewer, reason })
    }
  })
