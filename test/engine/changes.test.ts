import { assert, describe, it } from "vitest"
import { assertNothingAgain, assertPrefixes, from, live } from "../support/prefixes.ts"
import { dice, generate, mutate, toBody, toChain } from "../support/programs.ts"

const programs = Number(process.env["PROGRAMS"] ?? 120)
const chunk = 10

describe("random programs", () => {
  for (let first = 0; first < programs; first += chunk) {
    it(`replay from every prefix: ${first} to ${first + chunk - 1}`, { timeout: 120_000 }, async () => {
      for (let seed = first; seed < first + chunk; seed++) {
        const body = toChain(`program ${seed}`, generate(dice(`program ${seed}`)))
        const run = await live(body, seed)
        assert.notInclude(run.exit, "suspended", body.name)
        await assertPrefixes(body, seed, run, { from: 1 + seed % 2, stride: 2 })
      }
    })
  }
})

describe("code that is changed under a running workflow", () => {
  let suspended = 0
  let finished = 0
  for (let first = 0; first < programs; first += chunk) {
    it(`goes on to a run that replays: ${first} to ${first + chunk - 1}`, { timeout: 120_000 }, async () => {
      for (let seed = first; seed < first + chunk; seed++) {
        const roll = dice(`change ${seed}`)
        const before = generate(dice(`program ${seed}`))
        const after = mutate(before, roll)
        const old = toBody(`program ${seed}`, before)
        const changed = toBody(`program ${seed}, changed`, after)
        const run = await live(old, seed)
        for (let count = 1 + seed % 3; count < run.commits.length; count += 4) {
          const other = await from(run, count, { body: changed, seed: seed + 1, same: false })
          assertNothingAgain(changed, run, count, other, true)
          if (other.exit.includes("suspended")) {
            // An implicit timer may have moved to another place; nothing else may disagree.
            assert.match(other.exit, /~sleep/, `${changed.name} after ${count}`)
            suspended++
          } else {
            finished++
            await assertPrefixes(changed, seed + 1, other, { from: count + 1, stride: 3, changed: true })
          }
        }
      }
    })
  }

  it("mostly goes on", () => {
    assert.isAbove(finished, suspended * 5)
  })
})
