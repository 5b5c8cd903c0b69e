/**
 * Programs that the simulation has found to go wrong, at their smallest.
 */
import { assert, describe, it } from "vitest"
import { judge } from "./judge.ts"
import { label, type Program } from "./program.ts"
import type { Schedule } from "./schedule.ts"
import { simulate } from "./simulate.ts"

const act = (millis: number, failures = 0): Program => ({
  _tag: "Activity",
  key: "",
  name: "",
  policy: "once",
  millis,
  failures,
  dies: false
})
const sequence = (...parts: ReadonlyArray<Program>): Program => ({ _tag: "Sequence", parts })

/** Simulates it, and gives what is wrong. */
const objections = (
  program: Program | readonly [Program, Program],
  schedule: Partial<Schedule> = {}
): ReadonlyArray<string> => {
  const generations = label("_tag" in program ? [program] : program)
  const whole: Schedule = { replay: "needed", commands: [], faults: [], ...schedule }
  return judge(generations, whole, simulate(generations, whole)).objections
}

describe("a program that was found by simulation", () => {
  it("ends though an activity loses its race before it has begun", () => {
    assert.deepStrictEqual(
      objections({ _tag: "Race", first: false, left: { _tag: "Version", key: "" }, right: act(1) }),
      []
    )
  })

  it("does not take an undo for a step that the replay has left out", () => {
    assert.deepStrictEqual(
      objections(
        sequence({ _tag: "Compensate", part: act(1), undo: act(1) }, act(1, 1)),
        { replay: "always" }
      ),
      []
    )
  })

  it("waits for what is beside a failure in a bounded `Effect.all`, which does not wait itself", () => {
    const parts = [{ _tag: "Compensate", part: act(700), undo: act(10) } as const, act(200, 1), act(1)]
    assert.deepStrictEqual(objections({ _tag: "All", concurrency: 2, parts }), [])
  })

  it("undoes the saga of a fiber that is left behind, when the workflow continues as new too", () => {
    const charge = { _tag: "Compensate", part: act(1), undo: act(2) } as const
    const first: Program = {
      _tag: "Fork",
      joins: false,
      background: { _tag: "Saga", key: "", part: sequence(charge, act(100)) },
      meanwhile: act(5)
    }
    assert.deepStrictEqual(objections(first), [])
    assert.deepStrictEqual(objections([first, act(1)]), [])
  })

  it("is cancelled in its next generation where it has continued as new, and what it left behind goes on", () => {
    const first: Program = {
      _tag: "Fork",
      joins: false,
      background: { _tag: "Compensate", part: act(5), undo: act(1) },
      meanwhile: act(1)
    }
    assert.deepStrictEqual(objections([first, act(1)], { commands: [{ at: 3_000, what: "cancel", n: 0 }] }), [])
  })

  it("that is held while it undoes, and was cancelled before, goes on when it is cancelled again", () => {
    const program = sequence({ _tag: "Compensate", part: act(1), undo: act(5) }, act(1, 1))
    const commands = [
      { at: 4_000, what: "cancel", n: 0 },
      { at: 5_000, what: "pause", n: 0 },
      { at: 20_000, what: "cancel", n: 0 }
    ] as const
    assert.deepStrictEqual(objections(program, { commands }), [])
  })
})
