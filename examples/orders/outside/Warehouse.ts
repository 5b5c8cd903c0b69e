/**
 * A warehouse: it sets aside all articles of an order, or none.
 */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect } from "effect"
import type { Order } from "../domain.ts"
import { OutOfStock } from "../domain.ts"
import { DatabaseLive } from "./database.ts"
import { latency } from "./latency.ts"

/** Of all other articles there is plenty. */
const scarce: Record<string, number> = { "first-edition": 1 }

export class Warehouse extends Effect.Service<Warehouse>()("orders/Warehouse", {
  dependencies: [DatabaseLive],
  effect: Effect.gen(function*() {
    const sql = yield* SqliteClient.SqliteClient
    yield* sql`CREATE TABLE IF NOT EXISTS reservation (
      id INTEGER PRIMARY KEY,
      idempotency_key TEXT NOT NULL UNIQUE,
      items TEXT NOT NULL,
      released INTEGER NOT NULL DEFAULT 0
    )`

    const reserve = (asked: { readonly idempotencyKey: string; readonly items: Order["items"] }) =>
      Effect.gen(function*() {
        for (const { quantity, sku } of asked.items) {
          const available = scarce[sku] ?? Number.POSITIVE_INFINITY
          if (quantity > available) return yield* new OutOfStock({ sku, wanted: quantity, available })
        }
        const [reservation] = yield* sql<{ readonly id: number }>`
          INSERT INTO reservation (idempotency_key, items)
          VALUES (${asked.idempotencyKey}, ${JSON.stringify(asked.items)})
          ON CONFLICT DO UPDATE SET items = excluded.items RETURNING id`
        return `reservation-${reservation?.id}`
      }).pipe(Effect.catchTag("SqlError", Effect.die), latency)

    const release = (reservation: string) =>
      sql`UPDATE reservation SET released = 1 WHERE id = ${reservation.replace("reservation-", "")}`.pipe(
        Effect.orDie,
        latency
      )

    return { reserve, release }
  })
}) {}
