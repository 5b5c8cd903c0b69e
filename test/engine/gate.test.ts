import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import { Gate } from "../../src/engine/gate.ts"

describe("a gate", () => {
  it("that is open lets everything pass at once", () => {
    const gate = new Gate()
    let passed = 0
    gate.pass(() => passed++)
    assert.strictEqual(passed, 1)
    assert.isFalse(gate.isClosed)
  })

  it("that was closed lets what has come pass when it opens, once, in order of arrival", () => {
    const gate = new Gate()
    const passed: Array<string> = []
    gate.close()
    for (const name of ["a", "b", "c"]) gate.pass(() => passed.push(name))
    assert.deepStrictEqual(passed, [])
    gate.open()
    gate.open()
    assert.deepStrictEqual(passed, ["a", "b", "c"])
  })

  it("closed twice opens once; what waited before the second time passes too", () => {
    const gate = new Gate()
    const passed: Array<string> = []
    gate.close()
    gate.pass(() => passed.push("a"))
    gate.close()
    gate.pass(() => passed.push("b"))
    gate.open()
    assert.deepStrictEqual(passed, ["a", "b"])
  })

  it("that is closed by what passes holds back what comes after that, not what came before", () => {
    const gate = new Gate()
    const passed: Array<string> = []
    gate.close()
    gate.pass(() => {
      gate.close()
      gate.pass(() => passed.push("late"))
    })
    gate.pass(() => passed.push("early"))
    gate.open()
    assert.deepStrictEqual(passed, ["early"])
    gate.open()
    assert.deepStrictEqual(passed, ["early", "late"])
  })

  /** What is done to a gate: it opens, it closes, somebody comes, or somebody who came goes away again. */
  const anyDone = fc.array(
    fc.oneof(fc.constantFrom("open" as const, "close" as const, "come" as const), fc.nat(10)),
    { maxLength: 30 }
  )

  it.prop("lets each pass once who has not gone, in the order in which they came", [anyDone], ([done]) => {
    const gate = new Gate()
    const passed: Array<number> = []
    const leave: Array<() => void> = []
    const gone = new Set<number>()
    let closed = false
    for (const what of done) {
      if (typeof what === "number") {
        leave[what]?.()
        if (what < leave.length && !passed.includes(what)) gone.add(what)
      } else if (what === "come") {
        const me = leave.length
        leave.push(gate.pass(() => passed.push(me)))
        if (!closed && passed.at(-1) !== me) return false
      } else {
        gate[what]()
        closed = what === "close"
      }
      if (gate.isClosed !== closed) return false
    }
    gate.open()
    assert.deepStrictEqual(passed, [...leave.keys()].filter((index) => !gone.has(index)))
    return true
  })
})
