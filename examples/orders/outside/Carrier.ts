/**
 * A carrier whose van for fragile goods starts at the third call only, and which does not take everything.
 */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect } from "effect"
import { NotShipped } from "../domain.ts"
import { DatabaseLive } from "./database.ts"
import { latency } from "./latency.ts"

export class Carrier extends Effect.Service<Carrier>()("orders/Carrier", {
  dependencies: [DatabaseLive],
  effect: Effect.gen(function*() {
    const sql = yield* SqliteClient.SqliteClient
    yield* sql`CREATE TABLE IF NOT EXISTS parcel (
      id INTEGER PRIMARY KEY,
      idempotency_key TEXT NOT NULL UNIQUE,
      sku TEXT NOT NULL,
      quantity INTEGER NOT NULL,
      calls INTEGER NOT NULL DEFAULT 1,
      recalled INTEGER NOT NULL DEFAULT 0
    )`

    const ship = (asked: { readonly idempotencyKey: string; readonly sku: string; readonly quantity: number }) =>
      Effect.gen(function*() {
        const { quantity, sku } = asked
        if (sku === "fireworks") {
          return yield* new NotShipped({ sku, reason: "dangerous goods", undeliverable: true })
        }
        const [parcel] = yield* sql<{ readonly id: number; readonly calls: number }>`
          INSERT INTO parcel (idempotency_key, sku, quantity) VALUES (${asked.idempotencyKey}, ${sku}, ${quantity})
          ON CONFLICT DO UPDATE SET calls = calls + 1 RETURNING id, calls`
        if (parcel === undefined || (sku === "chandelier" && parcel.calls < 3)) {
          return yield* new NotShipped({ sku, reason: "the van does not start", undeliverable: false })
        }
        return `parcel-${parcel.id}`
      }).pipe(Effect.catchTag("SqlError", Effect.die), latency)

    const recall = (tracking: string) =>
      sql`UPDATE parcel SET recalled = 1 WHERE id = ${tracking.replace("parcel-", "")}`.pipe(Effect.orDie, latency)

    return { ship, recall }
  })
}) {}
