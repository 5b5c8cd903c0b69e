import { assert, describe, it } from "vitest"
import { bodies } from "../support/bodies.ts"
import { assertPrefixes, assertSame, from, live } from "../support/prefixes.ts"
import { id } from "../support/Simulation.ts"

const only = process.env["BODY"]
const chosen = only === undefined ? bodies : bodies.filter((body) => body.name.includes(only))

describe("a cancel at every position", () => {
  for (const body of chosen) {
    it(`replays to the same end: ${body.name}`, { timeout: 60_000 }, async () => {
      const seed = 5
      const undisturbed = await live(body, seed)
      for (let at = 0; at < undisturbed.advances; at++) {
        const run = await live(body, seed, {
          before: (advances, control) => {
            if (advances === at) control.cancel()
          }
        })
        assert.include(["Cancelled", "Completed", "Failed"], run.status, `cancelled at ${at}: ${run.exit}`)
        const requested = run.commits.findIndex(({ batch }) =>
          batch.workflows.some((row) => row.id === id && row.cancelSeq !== null)
        )
        // The rest of the prefixes know nothing of a cancel: they are those of the undisturbed run.
        if (requested !== -1) await assertPrefixes(body, seed, run, { from: requested + 1, stride: 3 })
      }
    })
  }
})

describe("a close at every position", () => {
  for (const body of chosen) {
    it(`goes on as if nothing had been: ${body.name}`, { timeout: 60_000 }, async () => {
      const seed = 6
      const undisturbed = await live(body, seed)
      for (let at = 0; at < undisturbed.advances; at++) {
        const closed = await live(body, seed, {
          before: (advances, control) => {
            if (advances === at) control.close()
          }
        })
        assert.deepStrictEqual(closed.logs, [], `closed at ${at}`)
        const after = await from(closed, closed.commits.length, {
          body,
          seed,
          same: true,
          at: closed.endedAt,
          future: undisturbed.world.plans
        })
        if (body.restarts !== true) assertSame(`${body.name}, closed at ${at}`, after, undisturbed)
      }
    })
  }
})
