import { describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import * as Random from "../../src/engine/random.ts"

const draw = (seed: string, count: number): ReadonlyArray<number> => {
  const next = Random.words(seed)
  return Array.from({ length: count }, next)
}

describe("random numbers", () => {
  it("stay what they are: a workflow that runs draws them again after every upgrade", () => {
    assert.deepStrictEqual(draw("order-42 1", 4), [1476436696, 3373144101, 336934789, 1999888949])
    assert.deepStrictEqual(draw("", 2), [2752276810, 538695864])
  })

  it.prop("are the same for the same seed, and others for another", [fc.string(), fc.string()], ([x, y]) => {
    assert.deepStrictEqual(draw(x, 8), draw(x, 8))
    if (x !== y) assert.notDeepEqual(draw(x, 8), draw(y, 8))
  })

  it.prop(
    "are whole numbers of 32 bits",
    [fc.string()],
    ([seed]) => draw(seed, 50).every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32)
  )

  it("are spread evenly", () => {
    const buckets = new Array<number>(16).fill(0)
    for (const word of draw("spread", 16_000)) buckets[word >>> 28]!++
    for (const count of buckets) {
      assert.isAbove(count, 850)
      assert.isBelow(count, 1_150)
    }
  })

  it.effect("of the service are in their ranges", () =>
    Effect.gen(function*() {
      const random = Random.make("ranges")
      const seen = new Set<number>()
      for (let i = 0; i < 500; i++) {
        const next = yield* random.next
        assert.isTrue(next >= 0 && next < 1)
        const range = yield* random.nextRange(-3, 4)
        assert.isTrue(range >= -3 && range < 4)
        const int = yield* random.nextIntBetween(-2, 2)
        seen.add(int)
        assert.isTrue(Number.isSafeInteger(yield* random.nextInt))
      }
      assert.sameMembers([...seen], [-2, -1, 0, 1])
      const flips = yield* Effect.all(Array.from({ length: 100 }, () => random.nextBoolean))
      assert.sameMembers([...new Set(flips)], [true, false])
    }))

  it.effect.prop(
    "shuffle keeps everything, and is the same for the same seed",
    [fc.array(fc.integer()), fc.string()],
    ([all, seed]) =>
      Effect.gen(function*() {
        const [one, two] = yield* Effect.all([Random.make(seed).shuffle(all), Random.make(seed).shuffle(all)])
        assert.deepStrictEqual(Chunk.toReadonlyArray(one), Chunk.toReadonlyArray(two))
        const sort = (items: Iterable<number>) => Array.from(items).sort((x, y) => x - y)
        assert.deepStrictEqual(sort(one), sort(all))
      })
  )
})
