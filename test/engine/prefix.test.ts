import { assert, describe, it } from "vitest"
import { bodies } from "../support/bodies.ts"
import { assertNothingAgain, assertPrefixes, from, live } from "../support/prefixes.ts"

const only = process.env["BODY"]
const chosen = only === undefined ? bodies : bodies.filter((body) => body.name.includes(only))

describe("every prefix of the journal", () => {
  for (const body of chosen) {
    it(`replays to the same end: ${body.name}`, { timeout: 60_000 }, async () => {
      for (const seed of [1, 2]) {
        const run = await live(body, seed)
        assert.notInclude(run.exit, "suspended", `seed ${seed}`)
        const tried = await assertPrefixes(body, seed, run)
        assert.isAbove(tried, 0)
      }
    })
  }
})

describe("every prefix of the journal, with another future", () => {
  for (const body of chosen) {
    it(`goes on to a run that replays: ${body.name}`, { timeout: 60_000 }, async () => {
      const first = await live(body, 3)
      for (let count = 1; count < first.commits.length; count += 2) {
        const seed = 100 + count
        const other = await from(first, count, { body, seed, same: false })
        assert.notInclude(other.exit, "suspended", `after ${count}`)
        assertNothingAgain(body, first, count, other)
        await assertPrefixes(body, seed, other, { from: count + 1, stride: 3 })
      }
    })
  }
})
