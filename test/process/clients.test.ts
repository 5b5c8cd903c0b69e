import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import * as Path from "node:path"
import { Tempolite } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import * as Journal from "./journal.ts"
import * as Orders from "./orders.ts"
import * as Processes from "./processes.ts"
import * as Scripts from "./scripts.ts"
import { held } from "./shop.ts"
import * as World from "./world.ts"

const count = 60

const quick = { millis: 0, failures: 0 }

/** What a client has said of its workflows: their ids, and how each ended. */
const told = (lines: ReadonlyArray<string>, verb: string) =>
  lines.flatMap((line) => {
    const [first, id = "", ...rest] = line.split(" ")
    return first === verb ? [[id, rest.join(" ")] as const] : []
  })

/** A client in this process. */
const layer = (filename: string) =>
  Scripts.Script.client.pipe(
    Layer.provideMerge(Tempolite.layerClient),
    Layer.provide(SqliteJournal.layer({ filename }))
  )

const expected = (prefix: string) =>
  Object.fromEntries(
    Array.from(
      { length: count },
      (_, index) => [`${prefix}-${index}`, index % 3 === 0 ? "Cancelled" : "Completed a b c"]
    )
  )

describe("clients in processes of their own, beside a running engine", () => {
  it.scopedLive(
    "start, watch and cancel workflows as fast as they can, and none fails of it",
    () =>
      Effect.gen(function*() {
        const directory = yield* Processes.directory
        const shop = yield* Processes.spawn("shop", directory)
        yield* shop.said("ready")
        const hammer = (prefix: string) => Processes.spawn("hammer", directory, [prefix, String(count)])
        const clients = yield* Effect.all({ left: hammer("left"), right: hammer("right"), killed: hammer("killed") })

        // One is killed in the middle: what was acknowledged to it goes on.
        yield* clients.killed.said("ended killed-3 ")
        yield* clients.killed.kill
        const acknowledged = told(clients.killed.lines, "started").map(([id]) => id)

        for (const [prefix, client] of [["left", clients.left], ["right", clients.right]] as const) {
          yield* client.said("done")
          yield* client.gone
          assert.strictEqual(client.log(), "")
          assert.deepStrictEqual(Object.fromEntries(told(client.lines, "ended")), expected(prefix))
        }
        // Those that the killed client had not cancelled yet wait: this process is the next client.
        const filename = Path.join(directory, "orders.db")
        const left = (yield* Journal.read(filename)).workflows.flatMap(({ id }) => id.startsWith("killed-") ? [id] : [])
        assert.includeMembers(left, acknowledged)
        const ends = yield* Effect.forEach(left, (id) =>
          Effect.gen(function*() {
            const { cancel, result } = yield* Scripts.Script.info(id)
            if (expected("killed")[id] === "Cancelled") yield* cancel
            return [id, Orders.told(yield* Effect.exit(result))] as const
          }), { concurrency: "unbounded" }).pipe(Effect.provide(layer(filename)))
        assert.deepInclude(expected("killed"), Object.fromEntries(ends))
        assert.strictEqual(shop.log(), "")

        const journal = yield* Journal.read(filename)
        assert.deepStrictEqual(journal.workflows.filter(({ status }) => status === "Failed"), [])
        assert.deepStrictEqual(journal.workflows.filter(({ finishedAt }) => finishedAt === null), [])
        assert.deepStrictEqual(journal.cancels, [])
        assert.strictEqual(journal.workflows.length, 2 * count + left.length)
      }).pipe(Effect.provide(Processes.layer)),
    60_000
  )
})

describe("a client without an engine", () => {
  it.scopedLive("starts a workflow and waits for it, while engines come and go", () =>
    Effect.gen(function*() {
      const directory = yield* Processes.directory
      const program = Effect.gen(function*() {
        const order = yield* Scripts.Script.start("order", {
          steps: [{ key: "charge", call: held, stubborn: false }, { key: "ship", call: quick, stubborn: false }],
          ending: "success"
        })
        assert.strictEqual(yield* order.status, "Pending")
        const result = yield* Effect.fork(order.result)
        const statuses = yield* Effect.fork(Stream.runCollect(order.changes))

        const first = yield* Processes.spawn("shop", directory)
        yield* Processes.eventually(
          () => `the first call; the engine logged ${first.log()}`,
          Effect.sync(() => World.count(directory) === 1 ? Option.some(true) : Option.none())
        )
        yield* first.kill
        const second = yield* Processes.spawn("shop", directory)
        yield* second.said("ready")
        yield* World.open(directory, "gate")
        assert.deepStrictEqual(yield* result, ["charge", "ship"])
        assert.deepStrictEqual(Array.from(yield* statuses), ["Pending", "Running", "Completed"])
        assert.strictEqual(second.log(), "")
      })
      yield* Effect.provide(program, layer(Path.join(directory, "orders.db")))
    }).pipe(Effect.provide(Processes.layer)), 60_000)
})
