/**
 * What is left in memory once garbage is gone.
 */
import { Effect } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const isVoidFunction = (value: unknown): value is () => void => typeof value === "function"
const gc: unknown = runInNewContext("gc")

/** Collects garbage. */
export const collect: Effect.Effect<void> = Effect.gen(function*() {
  if (!isVoidFunction(gc)) return yield* Effect.dieMessage("there is no `gc`")
  for (let round = 0; round < 3; round++) {
    // What is only held by this turn of the host is garbage in the next.
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
    gc()
  }
})

/** Bytes in use. */
export const heap: Effect.Effect<number> = Effect.map(collect, () => process.memoryUsage().heapUsed)
