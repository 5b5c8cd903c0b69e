/**
 * Doubles of activities: they answer what they are told, and keep what they were asked.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Execution } from "../Activity.ts"
import type { Key, WorkflowId } from "../Info.ts"

/**
 * One call of an activity: an attempt.
 *
 * @since 0.2.0
 * @category models
 */
export interface Call<out P> {
  readonly payload: P
  readonly workflowId: WorkflowId
  readonly key: Key
  readonly attempt: number
  readonly idempotencyKey: string
}

/**
 * What a double is made of: the class of an activity.
 *
 * @since 0.2.0
 * @category models
 */
export interface Doubleable<Self, P, A, E> {
  readonly key: string
  readonly payloadSchema: { readonly Type: P }
  readonly successSchema: { readonly Type: A }
  readonly errorSchema: { readonly Type: E }
  readonly layer: (handler: (payload: P) => Effect.Effect<A, E, Execution>) => Layer.Layer<Self>
}

declare const DoubleTypeId: unique symbol

/**
 * The requirement of the call log of a double of `Self`.
 *
 * @since 0.2.0
 * @category models
 */
export interface Double<in out Self> {
  readonly [DoubleTypeId]: (_: Self) => Self
}

/** The call log of a double, under the name of its activity. */
const logOf = <Self, P, A, E>(activity: Doubleable<Self, P, A, E>) =>
  Context.GenericTag<Double<Self>, Array<Call<P>>>(`tempolite/testing/Double/${activity.key}`)

/** Answers in their order; the last one stays. */
const sequence = <P, A, E>(
  name: string,
  outcomes: ReadonlyArray<Effect.Effect<A, E>>
): (call: Call<P>) => Effect.Effect<A, E> => {
  const succeeded = new Map<string, Exit.Exit<A, E>>()
  let next = 0
  return ({ idempotencyKey }) => {
    const before = succeeded.get(idempotencyKey)
    if (before !== undefined) return before
    const outcome = outcomes[Math.min(next++, outcomes.length - 1)]
    if (outcome === undefined) {
      return Effect.dieMessage(
        `the double of the activity ${JSON.stringify(name)} has no outcomes: it must not be called`
      )
    }
    return Effect.tap(outcome, (value) =>
      Effect.sync(() => {
        succeeded.set(idempotencyKey, Exit.succeed(value))
      }))
  }
}

/**
 * An activity that answers what it is told: `outcomes`, one after the other (an `Exit` is one, too), of which the last
 * one stays; or what a function says of each call. As an outside that is idempotent, it answers an idempotency key under
 * which it has succeeded with the same success, which takes no further outcome. Without any outcome a call is a defect.
 *
 * Each time that the layer is built, the double is a new one. Where processes come and go, as in `crashEverywhere`, it
 * belongs to the `world`.
 *
 * @example
 * ```ts
 * import { Effect, Exit, Layer, Schema } from "effect"
 * import { Activity } from "tempolite"
 * import { Testing } from "tempolite/testing"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
 * class Charge extends Activity.Tag<Charge>()("Charge", {
 *   payload: { cents: Schema.Int },
 *   success: Schema.String,
 *   error: Declined
 * }) {}
 *
 * // Declines the first call, and takes all others.
 * const ChargeTest = Testing.double(Charge, [Exit.fail(new Declined()), Exit.succeed("receipt")])
 *
 * // One receipt for each key.
 * const ChargeEach = Testing.double(Charge, ({ key }) => Effect.succeed(`receipt of ${key}`))
 * ```
 *
 * @since 0.2.0
 * @category doubles
 */
export const double = <Self, P, A, E>(
  activity: Doubleable<Self, P, A, E>,
  outcomes:
    | ReadonlyArray<Effect.Effect<NoInfer<A>, NoInfer<E>>>
    | ((call: Call<NoInfer<P>>) => Effect.Effect<NoInfer<A>, NoInfer<E>>)
): Layer.Layer<Self | Double<Self>> =>
  Layer.scopedContext(Effect.suspend(() => {
    const log: Array<Call<P>> = []
    const answer = typeof outcomes === "function" ? outcomes : sequence<P, A, E>(activity.key, outcomes)
    const handler = (payload: P) =>
      Effect.flatMap(Execution, ({ attempt, idempotencyKey, key, workflowId }) => {
        const call = { payload, workflowId, key, attempt, idempotencyKey }
        log.push(call)
        return answer(call)
      })
    return Effect.map(Layer.build(activity.layer(handler)), Context.add(logOf(activity), log))
  }))

/**
 * The calls of a double so far, each attempt one, in their order.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Activity } from "tempolite"
 * import { Testing } from "tempolite/testing"
 *
 * class Charge extends Activity.Tag<Charge>()("Charge", { payload: { cents: Schema.Int } }) {}
 *
 * const program = Effect.gen(function*() {
 *   const calls = yield* Testing.calls(Charge)
 *   return calls.map(({ attempt, payload }) => [attempt, payload.cents])
 * }).pipe(Effect.provide(Testing.double(Charge, [Effect.void])))
 * ```
 *
 * @since 0.2.0
 * @category doubles
 */
export const calls = <Self, P, A, E>(
  activity: Doubleable<Self, P, A, E>
): Effect.Effect<ReadonlyArray<Call<P>>, never, Double<Self>> => Effect.map(logOf(activity), (log) => Array.from(log))
