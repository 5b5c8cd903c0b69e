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

/** What is named stays as it is where `self` runs. */
const keep = (services: Map<string, unknown>, inner: Context.Context<never>, { key }: { readonly key: string }) => {
  services.delete(key)
  if (inner.unsafeMap.has(key)) services.set(key, inner.unsafeMap.get(key))
}

/** `self`, whose services the fiber has, which TypeScript cannot follow. */
function provided<A, E>(self: Effect.Effect<A, E, unknown>): Effect.Effect<A, E>
function provided(self: Effect.Effect<unknown, unknown, unknown>): Effect.Effect<unknown, unknown, unknown> {
  return self
}

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
    for (const tag of [Tracer.ParentSpan, ...kept]) keep(services, inner, tag)
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

/** What surrounds what a layer was given: its services and fiber refs, and what is given for this once. */
export interface Surroundings {
  readonly services: Context.Context<never>
  readonly refs: Refs
  readonly given: Context.Context<never>
}

/**
 * Runs what `self` gives in its surroundings on a fiber that is for nothing else. They are the fiber's until it ends: to
 * give back what it had before, for each service and each fiber ref, would cost more than most of what is called so.
 */
export const alone = <A, E, R>(
  self: () => Effect.Effect<A, E, R>,
  { given, refs, services }: Surroundings
): Effect.Effect<A, E> => {
  const surround = Effect.updateFiberRefs((fiberId, before) => {
    const all = new Map(services.unsafeMap)
    for (const [key, service] of given.unsafeMap) all.set(key, service)
    keep(all, FiberRefs.getOrDefault(before, FiberRef.currentContext), Tracer.ParentSpan)
    // All at once, and without the look that setting a fiber ref takes at whether the value is another one.
    const locals = new Map(before.locals)
    for (const [ref, value] of refs) locals.set(ref, [[fiberId, value]])
    locals.set(FiberRef.currentContext, [[fiberId, Context.unsafeMake<never>(all)]])
    return FiberRefs.unsafeMake(locals)
  })
  return Effect.flatMap(surround, () => provided(self()))
}
