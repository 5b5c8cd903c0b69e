import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import { Heap } from "../../src/engine/heap.ts"

const numbers = () => new Heap<number>((x, y) => x - y)

const drain = <A>(heap: Heap<A>): Array<A> => {
  const all: Array<A> = []
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) all.push(item)
  return all
}

describe("a heap", () => {
  it("that is empty has nothing", () => {
    const heap = numbers()
    assert.strictEqual(heap.size, 0)
    assert.strictEqual(heap.peek(), undefined)
    assert.strictEqual(heap.pop(), undefined)
  })

  it.prop("gives everything back, smallest first", [fc.array(fc.integer())], ([all]) => {
    const heap = numbers()
    for (const item of all) heap.push(item)
    assert.strictEqual(heap.size, all.length)
    assert.deepStrictEqual(drain(heap), all.toSorted((x, y) => x - y))
  })

  it.prop(
    "has its smallest in front after any pushes, pops and sweeps",
    [fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constantFrom("pop", "keep")))],
    ([operations]) => {
      const heap = numbers()
      let model: Array<number> = []
      for (const operation of operations) {
        if (operation === "pop") assert.strictEqual(heap.pop(), model.shift())
        else if (operation === "keep") {
          heap.keep((item) => item % 3 !== 0)
          model = model.filter((item) => item % 3 !== 0)
        } else if (typeof operation === "number") {
          heap.push(operation)
          model = [...model, operation].sort((x, y) => x - y)
        }
        assert.strictEqual(heap.peek(), model[0])
        assert.strictEqual(heap.size, model.length)
      }
      assert.deepStrictEqual(drain(heap), model)
    }
  )
})
