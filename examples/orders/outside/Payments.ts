/**
 * A payment provider, as others run them: it charges once for each idempotency key, and keeps account of its calls.
 */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect } from "effect"
import { CardDeclined } from "../domain.ts"
import { DatabaseLive } from "./database.ts"
import { latency } from "./latency.ts"

export class Payments extends Effect.Service<Payments>()("orders/Payments", {
  dependencies: [DatabaseLive],
  effect: Effect.gen(function*() {
    const sql = yield* SqliteClient.SqliteClient
    yield* sql`CREATE TABLE IF NOT EXISTS payment_call (order_id TEXT NOT NULL, attempted_at INTEGER NOT NULL)`
    yield* sql`CREATE TABLE IF NOT EXISTS charge (
      id INTEGER PRIMARY KEY,
      idempotency_key TEXT NOT NULL UNIQUE,
      order_id TEXT NOT NULL,
      cents INTEGER NOT NULL,
      refunded INTEGER NOT NULL DEFAULT 0
    )`

    const charge = (asked: {
      readonly idempotencyKey: string
      readonly orderId: string
      readonly card: string
      readonly cents: number
    }) =>
      Effect.gen(function*() {
        yield* sql`INSERT INTO payment_call VALUES (${asked.orderId}, unixepoch())`
        if (asked.card.endsWith("0002")) return yield* new CardDeclined({ reason: "insufficient funds" })
        const [charge] = yield* sql<{ readonly id: number }>`
          INSERT INTO charge (idempotency_key, order_id, cents)
          VALUES (${asked.idempotencyKey}, ${asked.orderId}, ${asked.cents})
          ON CONFLICT DO UPDATE SET order_id = excluded.order_id RETURNING id`
        return `receipt-${charge?.id}`
      }).pipe(Effect.catchTag("SqlError", Effect.die), latency)

    const refund = (receipt: string) =>
      sql`UPDATE charge SET refunded = 1 WHERE id = ${receipt.replace("receipt-", "")}`.pipe(Effect.orDie, latency)

    /** How often it was called, charged and gave back, by order. */
    const accounts = sql<{
      readonly orderId: string
      readonly calls: number
      readonly charges: number
      readonly refunds: number
    }>`SELECT order_id AS "orderId", count(*) AS calls,
        (SELECT count(*) FROM charge WHERE charge.order_id = payment_call.order_id) AS charges,
        (SELECT count(*) FROM charge WHERE charge.order_id = payment_call.order_id AND refunded) AS refunds
      FROM payment_call GROUP BY order_id`.pipe(Effect.orDie)

    return { charge, refund, accounts }
  })
}) {}
