/**
 * Random programs on the engine, in processes that die and on a journal that fails, against a model that knows of
 * neither. In an ordinary run 2,000, and the same each time, so that whoever changes something else has peace;
 * `TEMPOLITE_SIMULATIONS` says how many others, drawn anew each time but for `TEMPOLITE_SEED`.
 */
import * as fc from "effect/FastCheck"
import { setImmediate } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { scenario } from "./arbitrary.ts"
import { Coverage } from "./coverage.ts"
import { judge } from "./judge.ts"
import { type Generations, show } from "./program.ts"
import * as Schedule from "./schedule.ts"
import { simulate } from "./simulate.ts"

const { TEMPOLITE_SEED, TEMPOLITE_SIMULATIONS } = process.env
const simulations = Number(TEMPOLITE_SIMULATIONS ?? 2_000)
const seed = Number(TEMPOLITE_SEED ?? (TEMPOLITE_SIMULATIONS === undefined ? 1_764_000_000 : Date.now() % 2 ** 31))

const story = ([generations, schedule]: readonly [Generations, Schedule.Schedule]): string => {
  const { objections } = judge(generations, schedule, simulate(generations, schedule))
  return `${generations.map(show).join("\nand in the next generation\n")}\n\n${
    Schedule.show(schedule)
  }\n\nWhat is wrong:\n${objections.join("\n")}`
}

describe("a simulation", () => {
  const coverage = new Coverage()

  it(`of ${simulations} random programs ends as the model says (TEMPOLITE_SEED=${seed})`, {
    // Each simulation is bounded.
    timeout: 0
  }, async () => {
    const result = await fc.check(
      fc.asyncProperty(scenario, async ([generations, schedule]) => {
        // Whoever waits for news of this test must hear of it.
        await setImmediate()
        const run = simulate(generations, schedule)
        const verdict = judge(generations, schedule, run)
        coverage.see(generations, schedule, run, verdict)
        return verdict.objections.length === 0
      }),
      { seed, numRuns: simulations }
    )
    if (!result.failed) return
    const [counterexample] = result.counterexample ?? []
    assert.fail(
      `of simulation ${result.numRuns} with TEMPOLITE_SEED=${seed}, after ${result.numShrinks} shrinks:\n${
        counterexample === undefined ? String(result.errorInstance) : story(counterexample)
      }`
    )
  })

  it("has had every construct and every fault, at every moment that matters", () => {
    assert.isAtLeast(coverage.simulations, simulations)
    assert.deepStrictEqual(coverage.missing, [])
  })

  it("comes out the same each time", () => {
    for (const [generations, schedule] of fc.sample(scenario, { seed, numRuns: 20 })) {
      const [one, other] = [simulate(generations, schedule), simulate(generations, schedule)]
      assert.deepStrictEqual(one.events, other.events)
      assert.deepStrictEqual(one.batches, other.batches)
    }
  })
})
