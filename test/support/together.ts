/**
 * Layers one beside the other, for tests that build them thousands of times.
 */
import { Context, Effect, Layer } from "effect"

type Any = Layer.Layer<never, unknown, unknown>

type Together<L extends ReadonlyArray<Any>> = Layer.Layer<
  { [K in keyof L]: Layer.Layer.Success<L[K]> }[number],
  { [K in keyof L]: Layer.Layer.Error<L[K]> }[number],
  { [K in keyof L]: Layer.Layer.Context<L[K]> }[number]
>

/** As `Layer.mergeAll`, but one after the other: without two fibers, and a layer of its own, for each. */
export function together<const L extends ReadonlyArray<Any>>(...layers: L): Together<L>
export function together(...layers: ReadonlyArray<Any>): Any {
  return Layer.scopedContext(
    Effect.map(Effect.forEach(layers, (layer) => Layer.build(layer)), (contexts) => Context.mergeAll(...contexts))
  )
}
