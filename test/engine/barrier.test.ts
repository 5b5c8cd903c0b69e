import { assert, describe, it } from "vitest"
import { bodies } from "../support/bodies.ts"
import { from, live } from "../support/prefixes.ts"
import { dice, generate, toChain } from "../support/programs.ts"
import type { Body } from "../support/Simulation.ts"
import { hash } from "../support/World.ts"

/** A journal that takes its time: what is delivered is far ahead of what is durable. */
const latency = (seed: number) => (commit: number) => hash(`${seed} commit ${commit}`) % 20_000

/** Wherever it crashes: what was asked of the outside is asked again in the same words, or not at all. */
const assertBarrier = async (body: Body, seed: number): Promise<number> => {
  const run = await live(body, seed, { latency: latency(seed) })
  assert.notInclude(run.exit, "suspended", body.name)
  let compared = 0
  for (let count = 1 + seed % 2; count < run.commits.length; count += 2) {
    const again = await from(run, count, { body, seed: seed + 1_000, same: false, latency: latency(seed + 1) })
    assert.notInclude(again.exit, "suspended", `${body.name}, seed ${seed}, ${count} commits`)
    // A crash may come at any time until the next commit is there.
    const asked = new Map(
      run.world.calls.filter((call) => call.commitsAtStart <= count).map((call) => [call.idempotencyKey, call.asked])
    )
    for (const call of again.world.calls) {
      const before = asked.get(call.idempotencyKey)
      if (before === undefined) continue
      compared++
      assert.strictEqual(call.asked, before, `${body.name}, seed ${seed}, ${count} commits: ${call.path}`)
    }
  }
  return compared
}

describe("write before act, on a slow journal", () => {
  const chosen = [
    "side effects",
    "random draws",
    "a reservation",
    "the time",
    "race",
    "sub-workflow",
    "a saga",
    "signals, one",
    "signals within",
    "signals to a sub-workflow",
    "generations with signals",
    "generations, with time",
    "background activity"
  ]
  for (const body of bodies.filter(({ name }) => chosen.some((part) => name.includes(part)))) {
    it(`asks nothing of the outside that a crash could take back: ${body.name}`, { timeout: 60_000 }, async () => {
      for (const seed of [1, 2, 3]) await assertBarrier(body, seed)
    })
  }

  it("asks nothing of the outside that a crash could take back: random programs", { timeout: 120_000 }, async () => {
    let compared = 0
    for (let seed = 0; seed < 60; seed++) {
      compared += await assertBarrier(toChain(`program ${seed}`, generate(dice(`program ${seed}`))), seed)
    }
    assert.isAbove(compared, 100)
  })
})
