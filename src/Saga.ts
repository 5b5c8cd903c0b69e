/**
 * Sagas: regions whose completed steps are undone, in reverse order, if the region fails or is cancelled.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { dual, identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Tempolite } from "./Engine.ts"
import { known, within } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import type { Encoded } from "./internal/codec.ts"
import * as given from "./internal/given.ts"
import * as queue from "./internal/queue.ts"
import { nameIsTaken, withExecution } from "./internal/run.ts"
import type { CheckBody, Compensations, Key, Payload, PlainSchema, Step } from "./Step.ts"
import { Execution } from "./Step.ts"

export type { Compensations } from "./Step.ts"

/**
 * Pairs a step with its undo: once `self` has succeeded, `undo` runs if the enclosing saga ends in failure or is
 * cancelled. `self` is uninterruptible, so that what happened is always undone.
 *
 * @since 0.1.0
 * @category combinators
 */
export const compensate: {
  <A, X, E2, R2>(
    undo: (value: A, cause: Cause.Cause<unknown>) => Effect.Effect<X, E2, R2>
  ): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | R2 | Compensations>
  <A, E, R, X, E2, R2>(
    self: Effect.Effect<A, E, R>,
    undo: (value: A, cause: Cause.Cause<unknown>) => Effect.Effect<X, E2, R2>
  ): Effect.Effect<A, E, R | R2 | Compensations>
} = dual(2, <A, E, R, X, E2, R2>(
  self: Effect.Effect<A, E, R>,
  undo: (value: A, cause: Cause.Cause<unknown>) => Effect.Effect<X, E2, R2>
): Effect.Effect<A, E, R | R2> => withExecution("`Saga.compensate`", (execution) => execution.compensate(self, undo)))

/**
 * Makes `self` a saga of its own, under one key. The keys inside are its own, and not checked.
 *
 * @since 0.1.0
 * @category combinators
 */
export function scoped<const K extends Key>(key: K): <A, E, R>(
  self: Effect.Effect<A, E, R>
) => Effect.Effect<A, E, Exclude<R, Step<Key> | Compensations | Scope.Scope> | Step<K>>
export function scoped<const K extends Key, A, E, R>(
  key: K,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Step<Key> | Compensations | Scope.Scope> | Step<K>>
export function scoped<A, E, R>(key: Key, self?: Effect.Effect<A, E, R>) {
  const region = <A, E, R>(
    self: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, Exclude<R, Step<Key> | Compensations | Scope.Scope> | Step<Key>> =>
    withExecution("`Saga.scoped`", (execution) =>
      execution.saga(
        { key, name: "scoped", payload: null, encode: codec.untyped.encode, invalidKey: Option.none },
        known(Effect.scoped(self))
      ))
  return self === undefined ? region : region(self)
}

const BodyTypeId: unique symbol = Symbol("tempolite/Saga/Body")

/**
 * The service of a saga: opaque, so that its body runs as a step only.
 *
 * @since 0.1.0
 * @category models
 */
export interface Body<Name extends string> extends queue.Queued {
  readonly [BodyTypeId]: {
    readonly name: Name
    readonly run: (payload: string | null) => Effect.Effect<Encoded, unknown>
  }
}

/**
 * What the body of a saga is given for free.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Provided<Self, K extends Key> = Self | Step<K> | Execution | Compensations | Scope.Scope

/**
 * The class of a saga: the tag of its body, and the step that runs it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SagaClass<
  Self,
  Name extends string,
  P extends Payload,
  S extends PlainSchema,
  E extends PlainSchema,
  K extends Key
> extends Context.TagClass<Self, Name, Body<Name>> {
  readonly payloadSchema: Payload.ToSchema<P>
  readonly successSchema: S
  readonly errorSchema: E
  /** The body runs again on each replay, in the workflow that calls it: it must be deterministic. */
  readonly layer: <R>(
    this: CheckBody<R, Name, K>,
    body: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
  ) => Layer.Layer<Self, never, Exclude<R, Provided<Self, K>>>
  /** Runs the body as the step `key`. If it fails, what it completed is undone before the failure is seen here. */
  readonly execute: <const K2 extends Key>(
    key: K2,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<S["Type"], E["Type"], Self | Step<K2>>
}

/**
 * Declares a saga. Its keys are a namespace of their own below the key that it is executed under.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Tag = <Self>() =>
<
  const Name extends string,
  P extends Payload = {},
  S extends PlainSchema = typeof Schema.Void,
  E extends PlainSchema = typeof Schema.Never,
  K extends Key = Key,
  KI = unknown
>(name: Name, options: {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly keys?: Schema.Schema<K, KI>
} = {}): SagaClass<Self, Name, P, S, E, K> => {
  const tag = Context.Tag(name)<Self, Body<Name>>()
  const what = `the saga ${JSON.stringify(name)}`
  const successSchema = codec.orElse(options.success, Schema.Void)
  const errorSchema = codec.orElse(options.error, Schema.Never)
  const payloads = codec.payload(options.payload)
  const outcomes = codec.outcome({ what, success: codec.plain<S>(successSchema), error: codec.plain<E>(errorSchema) })
  const invalidKey = codec.invalidKey(what, options.keys)
  return Object.assign(tag, {
    payloadSchema: payloads.schema,
    successSchema,
    errorSchema,
    layer: <R>(
      body: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
    ): Layer.Layer<Self, never, Exclude<R, Provided<Self, K>>> =>
      Layer.effect(
        tag,
        Effect.map(Effect.context<Exclude<R, Provided<Self, K>>>(), (outer): Body<Name> => {
          const run = (text: string | null) =>
            Either.match(payloads.decode(text), {
              onLeft: (why) => Effect.dieMessage(`the payload of ${what} does not decode: ${why}`),
              onRight: (payload) => Effect.suspend(() => body(payload))
            })
          return {
            [BodyTypeId]: {
              name,
              run: (text) => within(Effect.scoped(outcomes.encoded(run(text))), outer, [Execution, Tempolite])
            },
            [queue.QueuesTypeId]: queue.around(outer)
          }
        })
      ),
    execute: <const K2 extends Key>(key: K2, ...payload: Payload.Args<P>) =>
      Effect.flatMap(tag, (body) =>
        Predicate.hasProperty(body, BodyTypeId)
          ? given.toStep(name, payloads.encode(payload[0]), (text) =>
            withExecution(what, (execution) =>
              execution.saga(
                { key, name, payload: text, encode: outcomes.encode, invalidKey },
                body[BodyTypeId].run(text)
              )).pipe(
                Effect.exit,
                Effect.flatMap((exit) =>
                  Either.match(outcomes.decode(outcomes.encode(exit)), {
                    onLeft: Effect.dieMessage,
                    onRight: identity
                  })
                )
              ))
          : nameIsTaken(what))
  })
}
