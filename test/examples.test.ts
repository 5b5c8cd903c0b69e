import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schema } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import * as Processes from "./process/processes.ts"
import { compile } from "./support/compile.ts"

const examples = fileURLToPath(new URL("../examples", import.meta.url))

const programs = Effect.runSync(Effect.cached(Effect.sync(() => {
  const names = Fs.readdirSync(examples).filter((name) => name.endsWith(".ts"))
  const directory = compile("esm", [...names, "orders/main.ts"].map((name) => Path.join("examples", name)))
  Fs.copyFileSync(Path.join(examples, "orders/orders.json"), Path.join(directory, "orders/orders.json"))
  return directory
})))

const run = (example: string, cwd: string, parameters: ReadonlyArray<string> = []) =>
  Effect.flatMap(
    programs,
    (directory) =>
      Processes.node([Path.join(directory, example.replace(/ts$/, "mjs")), ...parameters], {
        cwd,
        env: { ORDERS_DIR: "shop" }
      })
  )

/** Runs an example to its end, and gives what it printed. */
const output = (example: string, cwd: string) =>
  Effect.gen(function*() {
    const child = yield* run(example, cwd)
    yield* child.gone
    assert.strictEqual(child.log(), "")
    return child.lines
  })

describe("examples/quickstart.ts", () => {
  it.scopedLive("ships an order, and when it is run again only says so", () =>
    Effect.gen(function*() {
      const directory = yield* Processes.directory
      const result = ["{", "  receipt: 'receipt of order-42',", "  parcels: [ 'parcel of a', 'parcel of b' ]", "}"]
      assert.deepStrictEqual(yield* output("quickstart.ts", directory), [
        ...["charging 1999 cents", "shipping a", "shipping b"],
        ...result
      ])
      assert.deepStrictEqual(yield* output("quickstart.ts", directory), result)
    }), 120_000)
})

/** What the other examples say, each in memory. */
const sayings: Record<string, ReadonlyArray<string>> = {
  approval: [
    ...["train: the lead is asked", "train: approved by the lead"],
    ...["hotel: the lead is asked", "hotel: the manager is asked", "hotel: not approved, the manager refused"],
    ...["yacht: the lead is asked", "yacht: the manager is asked", "yacht: not approved, nobody answered"]
  ],
  subscription: [
    ...[1, 2, 3, 4].map((year) => `ann pays for year ${year}`),
    "generation 4, 2 steps on record",
    "ann left in year 4"
  ],
  trip: [
    ...["flight to", "room in", "breakfast in"].map((what) => `  booked: ${what} Paris`),
    ...["  sold out: opera in Paris", "  booked: dinner in Paris", "Paris: booked"],
    ...["flight to", "room in"].map((what) => `  booked: ${what} Rome`),
    "  sold out: breakfast in Rome",
    ...["room in", "flight to"].map((what) => `  cancelled: ${what} Rome`),
    "Rome: SoldOut",
    ...["flight to", "room in", "breakfast in"].map((what) => `  booked: ${what} Oslo`),
    ...["opera in", "dinner in"].map((what) => `  sold out: ${what} Oslo`),
    ...["stay in", "flight to"].map((what) => `  cancelled: ${what} Oslo`),
    "Oslo: SoldOut"
  ],
  fanout: ["100 letters, at most 5 at once"],
  version: [
    ...["the first deploy", "  old is packed by hand"],
    ...["the second deploy", "  new is packed by the robot"],
    ...["  old gets the label of a hand", "  new gets the label of the robot"]
  ],
  testing: ["a year and an hour have passed"]
}

describe("the examples of one feature each", () => {
  for (const [name, saying] of Object.entries(sayings)) {
    it.scopedLive(`examples/${name}.ts says what it does, in less than a hundred lines`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* output(`${name}.ts`, yield* Processes.directory), saying)
        const source = Fs.readFileSync(Path.join(examples, `${name}.ts`), "utf8")
        assert.isBelow(source.split("\n").length, 100)
      }), 60_000)
  }
})

/** What the demo did in one run, and the table that it ended with. */
const parse = (lines: ReadonlyArray<string>) => {
  const table = lines.findIndex((line) => /^order +customer/.test(line))
  return {
    steps: lines.slice(0, table < 0 ? lines.length : table).filter((line) => line.startsWith("order-")),
    table: table < 0 ? [] : lines.slice(table)
  }
}

const Order = Schema.Struct({ id: Schema.String, card: Schema.String })
const orders = Schema.decodeSync(Schema.parseJson(Schema.Array(Order)))(
  Fs.readFileSync(Path.join(examples, "orders/orders.json"), "utf8")
)

/** What the payment provider has on its books. */
const books = (directory: string) =>
  Effect.gen(function*() {
    const filename = Path.join(directory, "shop/provider.db")
    const context = yield* Layer.build(SqliteClient.layer({ filename, disableWAL: true }))
    const sql = Context.get(context, SqliteClient.SqliteClient)
    const charges = yield* sql<{ readonly id: string }>`SELECT order_id AS id FROM charge ORDER BY order_id`
    const refunds = yield* sql<{ readonly id: string }>`
      SELECT order_id AS id FROM charge WHERE refunded ORDER BY order_id`
    const calls = yield* sql<{ readonly id: string }>`SELECT order_id AS id FROM payment_call`
    const released = yield* sql<{ readonly count: number }>`SELECT count(*) AS count FROM reservation WHERE released`
    const parcels = yield* sql<{ readonly sku: string }>`SELECT sku FROM parcel WHERE recalled ORDER BY sku`
    return {
      charges: charges.map(({ id }) => id),
      refunds: refunds.map(({ id }) => id),
      calls: calls.length,
      released: released[0]?.count,
      recalled: parcels.map(({ sku }) => sku)
    }
  }).pipe(Effect.scoped)

const charged = orders.filter(({ card }) => card !== "visa-0002").map(({ id }) => id)

/** What must be on the books at the end, however often the demo was killed. */
const assertBooks = (directory: string) =>
  Effect.gen(function*() {
    const { calls, recalled, ...rest } = yield* books(directory)
    assert.deepStrictEqual(rest, { charges: charged, refunds: ["order-1010", "order-1025", "order-1031"], released: 2 })
    assert.isAtLeast(calls, orders.length)
    // Which parcels were on their way when another was refused is up to the clock.
    assert.includeMembers(["lamp", "tea"], recalled)
    return calls
  })

describe("the demo, examples/orders", () => {
  it.scopedLive(
    "says what it does, ends with a table, and when it is run again shows the same table at once",
    () =>
      Effect.gen(function*() {
        const directory = yield* Processes.directory
        const first = parse(yield* output("orders/main.ts", directory))
        assert.strictEqual(first.table.length, 2 + orders.length)
        const outcomes = first.table.slice(2).map((line) => line.split(/ {2,}/).at(-1)?.replace(/\d+ parcels?/, "n"))
        assert.deepStrictEqual(
          outcomes.filter((outcome) => outcome !== "shipped in n"),
          [
            "card declined: insufficient funds",
            "out of stock: 1 of 3 first-edition",
            "refused: $2225.00 from an account 2 days old",
            "not shipped: fireworks (dangerous goods)"
          ]
        )
        assert.deepStrictEqual(
          first.steps.filter((line) => line.includes("chandelier")).map((line) => line.replaceAll(/-\d+/g, "")),
          [
            "order  reserved 1 chandelier: reservation",
            "order  not shipped: chandelier (the van does not start)",
            "order  not shipped: chandelier (the van does not start) (attempt 2)",
            "order  shipped 1 chandelier: parcel (attempt 3)"
          ]
        )
        assert.strictEqual(yield* assertBooks(directory), orders.length)

        assert.deepStrictEqual(parse(yield* output("orders/main.ts", directory)), { steps: [], table: first.table })

        // Forgotten, it begins anew.
        const fresh = yield* run("orders/main.ts", directory, ["--fresh"])
        yield* fresh.said("Everything in shop is forgotten.")
        yield* fresh.said("order-1001  charged")
      }),
    120_000
  )

  it.scopedLive(
    "goes on where it was killed, charges no card twice, and ends with the table of a run in peace",
    () =>
      Effect.gen(function*() {
        const [peace, war] = yield* Effect.all([Processes.directory, Processes.directory])
        const undisturbed = yield* Effect.fork(output("orders/main.ts", peace))
        const seen: Array<string> = []
        for (const lines of [0, 1, 20, 50, 70]) {
          const child = yield* run("orders/main.ts", war)
          yield* Processes.eventually(
            () => `${lines} lines of steps; it said ${child.lines.join("\n")} and logged ${child.log()}`,
            Effect.sync(() =>
              child.lines.length > 0 && parse(child.lines).steps.length >= lines ? Option.some(lines) : Option.none()
            )
          )
          yield* child.kill
          assert.deepStrictEqual(parse(child.lines).table, [])
          seen.push(...parse(child.lines).steps)
        }
        const last = parse(yield* output("orders/main.ts", war))
        seen.push(...last.steps)
        assert.deepStrictEqual(last.table, parse(yield* undisturbed).table)
        yield* assertBooks(war)
        // A first attempt is made once, in whichever run; those that were killed are made again.
        const firsts = seen.filter((line) => !line.includes("(attempt ") && !line.includes(" is reviewed by "))
        assert.deepStrictEqual(firsts.toSorted(), [...new Set(firsts)].toSorted())
        assert.isAbove(firsts.length, orders.length * 2)
      }),
    120_000
  )
})
