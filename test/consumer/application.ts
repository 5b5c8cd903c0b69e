/** Consumes what `only.ts` was compiled to, and every entry point. */
import { Effect, Layer } from "effect"
import { Journal, Tempolite } from "tempolite"
import type { WorkflowId } from "tempolite/Info"
import { SqliteJournal } from "tempolite/sqlite"
import * as Workflow from "tempolite/Workflow"
import { ActivitiesLive, PlaceOrderLive, started } from "./only.js"

export const id: WorkflowId = "order-42"
export const sleep = Workflow.sleep("cool-down", "1 hour")

const AppLive = PlaceOrderLive.pipe(Layer.provide(ActivitiesLive), Layer.provideMerge(Tempolite.layer()))

export const inMemory: Layer.Layer<Layer.Layer.Success<typeof AppLive>, unknown> = AppLive.pipe(
  Layer.provide(Journal.layerMemory)
)
export const inOneFile: Layer.Layer<Layer.Layer.Success<typeof AppLive>, unknown> = AppLive.pipe(
  Layer.provide(SqliteJournal.layer({ filename: "orders.db" }))
)
export const result: Effect.Effect<ReadonlyArray<string>, unknown> = started.pipe(
  Effect.flatMap((order) => order.result),
  Effect.provide(inMemory)
)

// @ts-expect-error what is internal is not exported
export type Internal = typeof import("tempolite/internal/key")
// @ts-expect-error neither is the engine
export type Engine = typeof import("tempolite/engine/replay")
