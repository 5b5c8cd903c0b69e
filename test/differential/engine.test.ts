/**
 * The engine on the journals in memory and in SQLite, and its first run against its replays.
 */
import { Effect, Exit, Scope } from "effect"
import { assert, describe, it } from "vitest"
import type { Journal } from "../../src/index.ts"
import { open } from "../sqlite/support.ts"
import { bodies } from "../support/bodies.ts"
import { from, live } from "../support/prefixes.ts"
import * as Recording from "../support/RecordingJournal.ts"
import type { Simulated } from "../support/Simulation.ts"
import * as Mirror from "./mirror.ts"

const only = process.env["BODY"]
const chosen = only === undefined ? bodies : bodies.filter((body) => body.name.includes(only))
/** Of what comes in great numbers, every so many are tried; with 1, all. */
const stride = Number(process.env["STRIDE"] ?? 8)

/** A journal in SQLite that holds `past`, and what closes it. */
const sqlite = (past: ReadonlyArray<Recording.Commit>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const journal = yield* Scope.extend(open(":memory:", { synchronous: "normal" }), scope)
    yield* Effect.scoped(Effect.gen(function*() {
      const lease = yield* journal.acquire(1)
      for (const { batch } of past) yield* journal.commit(lease, batch)
    }))
    return { journal, close: Scope.close(scope, Exit.void) }
  })

/** Runs with a journal in SQLite beside the one in memory, which hold the same. */
const mirrored = async (
  past: ReadonlyArray<Recording.Commit>,
  run: (through: (memory: Journal.Service) => Journal.Service) => Promise<Simulated>
): Promise<Simulated> => {
  const { close, journal } = await Effect.runPromise(sqlite(past))
  const mirrors: Array<Mirror.Mirror> = []
  const simulated = await run((memory) => {
    const mirror = Mirror.make(memory, journal)
    mirrors.push(mirror)
    return mirror.service
  })
  await Effect.runPromise(close)
  assert.deepStrictEqual(mirrors.map(({ differences }) => differences), [[]])
  assert.isTrue(mirrors.every(({ counts }) => counts.commits > 0 && counts.answers > counts.commits))
  return simulated
}

describe("the engine on the journals in memory and in SQLite", () => {
  for (const [index, body] of chosen.entries()) {
    // Those before these differ in what they do between activities and timers.
    if (index % (index < 52 ? stride : Math.min(stride, 2)) !== 0 && only === undefined) continue
    it(`is answered alike, and leaves the same rows after each commit: ${body.name}`, async () => {
      const seed = 11
      if (index % 4 === 0) {
        await mirrored([], (through) => live(body, seed, { through }))
        return
      }
      const first = await live(body, seed)
      const count = 1 + index % (first.commits.length - 1)
      await mirrored(first.commits.slice(0, count), (through) =>
        from(first, count, {
          body,
          seed,
          same: true,
          through,
          before: (advances, control) => {
            if (advances === index % 3) control.cancel()
          }
        }))
    })
  }
})

describe("a journal beside another", () => {
  for (const part of ["steps", "stepExecutions", "signals", "handled"] as const) {
    it(`is told to differ when it leaves out ${part}`, async () => {
      const body = bodies.find(({ name }) => name === "signals to a sub-workflow and back")
      assert.isDefined(body)
      const { close, journal } = await Effect.runPromise(sqlite([]))
      const forgetful: Journal.Service = {
        ...journal,
        commit: (lease, batch) => journal.commit(lease, { ...batch, [part]: [] })
      }
      const mirrors: Array<Mirror.Mirror> = []
      await live(body, 11, {
        through: (memory) => {
          // The answers of the second count: the run comes to its end.
          const mirror = Mirror.make(forgetful, memory)
          mirrors.push(mirror)
          return mirror.service
        },
        before: (advances, control) => {
          if (advances === 1) control.cancel()
        }
      })
      await Effect.runPromise(close)
      assert.isNotEmpty(mirrors.flatMap(({ differences }) => differences))
    })
  }
})

/** What the journal holds once all is done that is done in the instant of the commit number `count`. */
const rowsAfter = (run: Simulated, count: number): Promise<unknown> => {
  const at = run.commits[count - 1]?.at
  const next = run.commits.findIndex((commit, index) => index >= count && commit.at !== at)
  const until = run.commits.slice(0, next === -1 ? run.commits.length : next)
  const ids = new Set(until.flatMap(({ batch }) => [...batch.created, ...batch.workflows].map(({ id }) => id)))
  return Effect.runPromise(
    Effect.flatMap(Recording.make(until), ({ service }) => Recording.snapshot(service, [...ids].sort()))
  )
}

describe("a replay in the instant of a commit", () => {
  for (const [index, body] of chosen.entries()) {
    // What was lost in such a one is done in another way.
    if (body.restarts === true || (index % Math.min(stride, 3) !== 0 && only === undefined)) continue
    it(`comes to the rows of the first run, and to no others: ${body.name}`, async () => {
      const seed = 12
      const run = await live(body, seed)
      let tried = 0
      for (
        let count = 1 + index % Math.min(stride, run.commits.length - 1);
        count < run.commits.length;
        count += stride
      ) {
        const replayed = await from(run, count, { body, seed, same: true, before: (_, control) => control.close() })
        assert.deepStrictEqual(replayed.journal, await rowsAfter(run, count), `after ${count} commits`)
        tried++
      }
      assert.isAbove(tried, 0)
    })
  }
})
