/**
 * Errors that are their own cause, or throw when they are looked at, where the engine itself shows them.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { Tempolite, Workflow } from "../../src/index.ts"
import { onEach } from "./bed.ts"

class Held extends Workflow.Tag<Held>()("Held", { payload: { n: Schema.Int }, suspendOn: "failure" }) {}

const own = Object.assign(new Error("it is its own cause"), { name: "Own" })
own.cause = own

const throwing = new Proxy({}, {
  get: () => {
    throw new Error("it is not to be asked")
  },
  getPrototypeOf: () => {
    throw new Error("it is not to be asked")
  }
})

const silent = Object.defineProperty(new Error(), "message", {
  get: () => {
    throw new Error("it has no message")
  }
})

const defects: ReadonlyArray<unknown> = [own, throwing, silent, Symbol("s"), 1n, () => 1, undefined]

onEach(
  "a workflow that dies of the worst that there is, is held for repair as any other",
  () =>
    Effect.gen(function*() {
      const tempolite = yield* Tempolite.Tempolite
      for (const n of defects.keys()) {
        const { changes, id } = yield* Held.start(n, { n })
        yield* Stream.runDrain(Stream.takeUntil(changes, (status) => status === "Suspended"))
        const { reason } = yield* tempolite.describe(id)
        assert.match(String(Option.getOrThrow(reason)), /it failed, and is held for repair/)
      }
    }).pipe(
      Effect.provide(
        Held.layer(({ n }) => Effect.die(defects[n])).pipe(Layer.provideMerge(Tempolite.layer({ closeGrace: 0 })))
      )
    )
)
