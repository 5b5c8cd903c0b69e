/**
 * What the tests of load share: their sizes, a journal in a file, and what is told of them.
 */
import { Console, Effect, Layer } from "effect"
import type { Journal } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { file } from "../sqlite/support.ts"
import { heap } from "../support/garbage.ts"

/** `TEMPOLITE_LOAD=full` takes the sizes that are promised, and many minutes; without it, what takes some seconds. */
const isFull = process.env["TEMPOLITE_LOAD"] === "full"

export const size = (full: number, usual: number): number => isFull ? full : usual

/** For one test: only what never ends is to be ended by it. */
export const timeoutMillis = isFull ? 3_600_000 : 60_000

/** A journal in a new file. What is tried here is the engine, not how long a disk takes to sync. */
export const journal: Layer.Layer<Journal.Journal> = Layer.orDie(
  Layer.unwrapScoped(Effect.map(file, (filename) => SqliteJournal.layer({ filename, synchronous: "normal" })))
)

/** Tells how long something took and what it left on the heap, where the sizes are worth telling of. */
export const told = <A, E, R>(what: string, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  isFull
    ? Effect.gen(function*() {
      const before = process.memoryUsage().rss
      const cpu = process.cpuUsage()
      const [took, value] = yield* Effect.timed(self)
      const { system, user } = process.cpuUsage(cpu)
      const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
      yield* Console.log(
        `${what}: ${took.toString()}, ${((user + system) / 1e6).toFixed(1)} s of CPU, heap ` +
          `${megabytes(yield* heap)} MB, resident ${megabytes(before)} → ${megabytes(process.memoryUsage().rss)} MB`
      )
      return value
    })
    : self
