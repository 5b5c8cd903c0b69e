import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option } from "effect"
import { Tempolite, WorkflowCancelled } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import * as Processes from "./processes.ts"
import * as Scripts from "./scripts.ts"
import { held, setup } from "./shop.ts"
import * as World from "./world.ts"

/** A client in this process, on the file of an engine in another one. */
const clientOf = (filename: string) =>
  Effect.map(
    Layer.build(Layer.provide(Tempolite.layerClient, SqliteJournal.layer({ filename }))),
    (context) => {
      const service = Context.get(context, Tempolite.Tempolite)
      return {
        ...service,
        approve: (by: string) => Effect.provide(Scripts.Approved.send("order", { by }), context),
        result: Effect.flatMap(service.info("order"), ({ result }) => Effect.exit(result)),
        /** Waits until the workflow has this status. */
        hasStatus: (status: string) =>
          Processes.eventually(
            () => `the order to be ${status}`,
            Effect.map(
              Effect.flatMap(service.info("order"), (info) => info.status),
              (now) => now === status ? Option.some(now) : Option.none()
            )
          )
      }
    }
  )

const steps = [{ key: "charge", undo: { millis: 0 } }, { key: "ship", call: held }, { key: "bill" }]

describe("what a client asks of a workflow whose engine is killed", () => {
  it.scopedLive(
    "is done by the next engine: a workflow that was paused goes on, with what was recorded and sent meanwhile",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const first = yield* shop.start({ steps, ending: "signal" })
        const client = yield* clientOf(shop.filename)
        yield* shop.happened("start", "ship")
        yield* client.pause("order")
        yield* client.hasStatus("Paused")
        yield* World.open(shop.directory, "gate")
        yield* shop.recorded("ship", "Completed", 1)
        yield* client.approve("ann")
        yield* first.kill
        yield* client.approve("bob")

        const second = yield* shop.open()
        yield* Effect.sleep("100 millis")
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1"])
        yield* client.hasStatus("Paused")
        yield* second.kill

        yield* client.resume("order")
        const third = yield* shop.open()
        assert.deepStrictEqual(yield* client.result, Exit.succeed(["charge", "ship", "bill", "ann"]))
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1", "bill 1"])
        assert.strictEqual(third.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    30_000
  )

  it.scopedLive(
    "is not lost, however soon it is killed after the answer",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        let engine = yield* shop.start({ steps, ending: "signal" })
        const client = yield* clientOf(shop.filename)
        yield* shop.happened("start", "ship")
        for (
          const { ask, status } of [
            { ask: client.pause("order"), status: "Paused" },
            { ask: client.resume("order"), status: "Running" },
            { ask: client.pause("order"), status: "Paused" },
            { ask: client.cancel("order"), status: "Cancelled" },
            { ask: client.retry("order"), status: "Running" }
          ]
        ) {
          yield* ask
          yield* engine.kill
          engine = yield* shop.open()
          yield* client.hasStatus(status)
        }
        yield* World.open(shop.directory, "gate")
        yield* client.approve("ann")
        assert.deepStrictEqual(yield* client.result, Exit.succeed(["charge", "ship", "bill", "ann"]))
        const { executions } = yield* client.describe("order")
        assert.deepStrictEqual(executions.map(({ status }) => status), ["Cancelled", "Completed"])
        assert.strictEqual(engine.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    30_000
  )

  it.scopedLive(
    "undoes what a workflow had done that was paused, and only that",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const first = yield* shop.start({ steps, ending: "signal" })
        const client = yield* clientOf(shop.filename)
        yield* shop.happened("start", "ship")
        yield* client.pause("order")
        yield* client.hasStatus("Paused")
        yield* first.kill
        yield* client.cancel("order")
        const second = yield* shop.open()
        assert.deepStrictEqual(yield* client.result, Exit.fail(new WorkflowCancelled({ workflowId: "order" })))
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1", "undo-charge 1"])
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Completed", "ship 1 Lost", "undo-charge 1 Completed"])
        assert.strictEqual(second.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    30_000
  )
})
