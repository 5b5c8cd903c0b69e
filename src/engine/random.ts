/**
 * The random numbers of a body: a generator of our own, so that neither a replay nor a new version of effect draws
 * others. xoshiro128** (Blackman and Vigna), seeded from text through splitmix32-mixed FNV-1a words.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const hash = (text: string, basis: number): number => {
  let h = basis
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  }
  h ^= h >>> 16
  h = Math.imul(h, 0x21f0aaad)
  h ^= h >>> 15
  h = Math.imul(h, 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** Draws of 32 bits, the same sequence for the same `seed`. */
export const words = (seed: string): () => number => {
  let a = hash(seed, 0x811c9dc5)
  let b = hash(seed, 0x9e3779b9)
  let c = hash(seed, 0x85ebca6b)
  let d = hash(seed, 0xc2b2ae35) | 1
  return () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotl(d, 11)
    return result
  }
}

/** A `Random` service whose draws depend on `seed` and on nothing else. */
export const make = (seed: string): Random.Random => {
  const word = words(seed)
  // 53 bits, in [0, 1).
  const number = () => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000
  const between = (min: number, max: number) => Math.floor(number() * (max - min)) + min
  return {
    [Random.RandomTypeId]: Random.RandomTypeId,
    next: Effect.sync(number),
    nextBoolean: Effect.sync(() => number() >= 0.5),
    nextInt: Effect.sync(() => between(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    nextRange: (min, max) => Effect.sync(() => number() * (max - min) + min),
    nextIntBetween: (min, max) => Effect.sync(() => between(min, max)),
    shuffle: (elements) =>
      Effect.sync(() => {
        const rest = Array.from(elements)
        const shuffled: typeof rest = []
        while (rest.length > 0) shuffled.push(...rest.splice(between(0, rest.length), 1))
        return Chunk.unsafeFromArray(shuffled)
      })
  }
}
