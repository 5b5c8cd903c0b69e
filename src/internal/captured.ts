/**
 * Giving an effect what its layer captured. Requirements leave `R` here, and here only.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Option from "effect/Option"
import type * as Runtime from "effect/Runtime"
import * as Tracer from "effect/Tracer"
import * as Execution from "../Execution.ts"

/**
 * Runs `self` with the services of `outer`, and those named in `kept`, and the parent span, of where it runs: the span
 * of where `outer` was captured has ended long ago.
 *
 * TypeScript cannot see that `Exclude<R, Provided> | Provided` covers a generic `R`, so the context is put together
 * untyped. Who calls this sees to it that `outer` was captured as `Exclude<R, Provided>`, and that `Provided` is kept.
 */
export const within = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  outer: Context.Context<never>,
  kept: ReadonlyArray<{ readonly key: string }> = []
): Effect.Effect<A, E> =>
  Effect.mapInputContext(self, (inner: Context.Context<never>) => {
    const services = new Map(outer.unsafeMap)
    for (const { key } of [Tracer.ParentSpan, ...kept]) {
      services.delete(key)
      if (inner.unsafeMap.has(key)) services.set(key, inner.unsafeMap.get(key))
    }
    return Context.unsafeMake<R>(services)
  })

/** Takes out of `R` what is a requirement only, or what the context is known to have. */
export const known = <A, E, R, R2>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R2> =>
  Effect.mapInputContext(self, (context: Context.Context<R2>) => Context.unsafeMake<R>(context.unsafeMap))

/** Fiber refs, and what they are set to. */
export type Refs = ReadonlyArray<readonly [FiberRef.FiberRef<unknown>, unknown]>

/**
 * The fiber refs that a layer captured (loggers, config, …), for what it takes outside of any workflow. Not the flags: a
 * layer that is built in an uninterruptible region must not make its handlers uninterruptible.
 */
export const refsOf = ({ fiberRefs }: Runtime.Runtime<never>): Refs =>
  // A layer that is built in a body captures what only its fibers may have: their scheduler, and their clock.
  Option.isSome(FiberRefs.getOrDefault(fiberRefs, Execution.current))
    ? []
    : Array.from(fiberRefs.locals, ([ref, [[, value]]]) => [ref, value] as const)
      .filter(([ref]) => ref !== FiberRef.currentContext)

/** Runs `self` with fiber refs set. Most are as they should be already. */
export const withRefs = <A, E>(self: Effect.Effect<A, E>, refs: Refs): Effect.Effect<A, E> =>
  Effect.withFiberRuntime((fiber) =>
    refs.reduce(
      (within, [ref, value]) => fiber.getFiberRef(ref) === value ? within : Effect.locally(within, ref, value),
      self
    )
  )
