/**
 * What the shop knows of an order, and the ways in which one fails.
 */
import { Schema } from "effect"

const Item = Schema.Struct({
  sku: Schema.NonEmptyString,
  quantity: Schema.Int.pipe(Schema.positive()),
  /** The price of one. */
  cents: Schema.Int.pipe(Schema.positive())
})

export class Order extends Schema.Class<Order>("Order")({
  id: Schema.NonEmptyString,
  customer: Schema.String,
  /** For how long the customer has had an account. */
  accountDays: Schema.Int,
  card: Schema.String,
  /** Each article once. */
  items: Schema.NonEmptyArray(Item)
}) {
  get cents(): number {
    return this.items.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0)
  }
}

export class CardDeclined extends Schema.TaggedError<CardDeclined>()("CardDeclined", { reason: Schema.String }) {
  override get message(): string {
    return `card declined: ${this.reason}`
  }
}

export class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", {
  sku: Schema.String,
  wanted: Schema.Int,
  available: Schema.Int
}) {
  override get message(): string {
    return `out of stock: ${this.available} of ${this.wanted} ${this.sku}`
  }
}

export class OrderRefused extends Schema.TaggedError<OrderRefused>()("OrderRefused", {
  reviewer: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `refused: ${this.reason}`
  }
}

/** The carrier did not take a parcel. It may take it later, unless it is `undeliverable`. */
export class NotShipped extends Schema.TaggedError<NotShipped>()("NotShipped", {
  sku: Schema.String,
  reason: Schema.String,
  undeliverable: Schema.Boolean
}) {
  override get message(): string {
    return `not shipped: ${this.sku} (${this.reason})`
  }
}

export const dollars = (cents: number): string => `$${(cents / 100).toFixed(2)}`
