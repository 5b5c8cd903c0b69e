/**
 * The memory of the whole process.
 */
import { Effect } from "effect"

/** Collects what is garbage now. `node --expose-gc` has it. */
const collect = Effect.suspend(() => {
  if (globalThis.gc === undefined) return Effect.dieMessage("there is no `gc`")
  globalThis.gc()
  return Effect.void
})

/** What waits leaves memory after ten seconds, and V8 gives back within the minute what that has taken. */
const rest = "1 minute"

/** How many times in a row, and within what share, it must be the same. */
const [times, share] = [8, 0.005]

/**
 * Bytes that are resident (RSS) once garbage is collected, and once that number comes to rest: what an engine gives up
 * after some time, it has given up then. After a minute it is what it is.
 */
export const resident: Effect.Effect<number> = Effect.gen(function*() {
  yield* Effect.sleep(rest)
  const seen: Array<number> = []
  for (let round = 0; round < 120; round++) {
    yield* Effect.sleep("500 millis")
    yield* collect
    seen.push(process.memoryUsage().rss)
    const last = seen.slice(-times)
    if (last.length === times && Math.max(...last) - Math.min(...last) < share * Math.max(...last)) break
  }
  return seen.at(-1) ?? Number.NaN
})
