/**
 * All benchmarks, in their order.
 */
import { e } from "./asleep.ts"
import type { Benchmark } from "./benchmark.ts"
import { k } from "./bytes.ts"
import { j } from "./fanOut.ts"
import { g } from "./finished.ts"
import { c } from "./latency.ts"
import { f } from "./length.ts"
import { d } from "./recovery.ts"
import { i } from "./replay.ts"
import { a, inMemory } from "./sequential.ts"
import { b } from "./sideBySide.ts"
import { h } from "./signals.ts"

export const benchmarks: ReadonlyArray<Benchmark> = [a, inMemory, b, c, d, e, f, g, h, i, j, k]
