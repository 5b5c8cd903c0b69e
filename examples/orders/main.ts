/**
 * `npm run demo`: places the orders of `orders.json`, and ends with a table of what became of them.
 *
 * Kill it at any moment (`kill -9`) and run it again: it goes on where it was, charges no card twice, and ends with the
 * same table. `npm run demo -- --fresh` forgets everything first. The files are in `ORDERS_DIR`, `.demo` unless set.
 */
import { Console, Effect, Layer, Schema } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Tempolite } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { ActivitiesLive } from "./activities.ts"
import { Order } from "./domain.ts"
import { directory, file } from "./files.ts"
import { Carrier } from "./outside/Carrier.ts"
import { Payments } from "./outside/Payments.ts"
import { Warehouse } from "./outside/Warehouse.ts"
import { PlaceOrder, PlaceOrderLive } from "./PlaceOrder.ts"
import { summary, table } from "./report.ts"

const OutsideLive = Layer.mergeAll(Payments.Default, Warehouse.Default, Carrier.Default)

const JournalLive = Layer.unwrapEffect(Effect.map(file("orders.db"), (filename) => SqliteJournal.layer({ filename })))

const AppLive = PlaceOrderLive.pipe(
  Layer.provide(ActivitiesLive),
  Layer.provideMerge(OutsideLive),
  Layer.provideMerge(Tempolite.layer()),
  Layer.provide(JournalLive)
)

const readOrders = Effect.try(() => Fs.readFileSync(new URL("orders.json", import.meta.url), "utf8")).pipe(
  Effect.flatMap(Schema.decode(Schema.parseJson(Schema.Array(Order))))
)

/** What becomes of an order: of those that were placed before, what became of them. */
const outcome = (order: Order) =>
  PlaceOrder.execute(order.id, order).pipe(
    Effect.map(({ parcels }) => `shipped in ${parcels.length} ${parcels.length === 1 ? "parcel" : "parcels"}`),
    Effect.catchTags({
      CardDeclined: (error) => Effect.succeed(error.message),
      OutOfStock: (error) => Effect.succeed(error.message),
      OrderRefused: (error) => Effect.succeed(error.message),
      NotShipped: (error) => Effect.succeed(error.message),
      ActivityTimeout: (error) => Effect.succeed(error.message),
      WorkflowCancelled: () => Effect.succeed("cancelled")
    })
  )

const placeOrders = Effect.gen(function*() {
  const orders = yield* readOrders
  const outcomes = yield* Effect.forEach(orders, outcome, { concurrency: 6 })
  const payments = yield* Payments
  const accounts = new Map((yield* payments.accounts).map((account) => [account.orderId, account]))
  const lines = orders.map((order, index) => ({
    order,
    outcome: outcomes[index] ?? "",
    ...(accounts.get(order.id) ?? { calls: 0, charges: 0, refunds: 0 })
  }))
  yield* Console.log(`\n${summary(lines)}\n\n${table(lines)}`)
})

const start = Effect.gen(function*() {
  const path = yield* directory
  if (process.argv.includes("--fresh")) {
    const files = ["orders.db", "provider.db"].flatMap((name) => [name, `${name}-wal`, `${name}-shm`])
    yield* Effect.sync(() => files.forEach((name) => Fs.rmSync(Path.join(path, name), { force: true })))
    yield* Console.log(`Everything in ${path} is forgotten.`)
  }
  yield* Effect.sync(() => Fs.mkdirSync(path, { recursive: true }))
  yield* Console.log(
    `Placing orders. Try \`kill -9 ${process.pid}\`, and run this again: it goes on from ${path}. ` +
      "With `--fresh` it begins anew."
  )
})

await Effect.runPromise(Effect.zipRight(start, Effect.provide(placeOrders, AppLive)))
