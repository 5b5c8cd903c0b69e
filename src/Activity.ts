/**
 * Activities: calls to the outside world. An activity runs at least once, is retried by its own policy, and its outcome
 * is recorded once.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Tempolite } from "./Engine.ts"
import { ActivityTimeout, InvalidPayload } from "./Errors.ts"
import type { Attempt, Work } from "./Execution.ts"
import { withFiberRefsOf } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import { attempt } from "./internal/handler.ts"
import * as retry from "./internal/retry.ts"
import { nameIsTaken, perform } from "./internal/run.ts"
import type { Key, NoStep, Payload, PlainSchema, Retry, Step, Timeout } from "./Step.ts"

export { ActivityTimeout } from "./Errors.ts"

/**
 * What a handler is told about the attempt that it is. Hand `idempotencyKey` to the outside: it is the same for every
 * attempt that must have one effect.
 *
 * @since 0.1.0
 * @category models
 */
export type ActivityExecution = Attempt

/**
 * The attempt that a handler runs in.
 *
 * @since 0.1.0
 * @category tags
 */
export class Execution extends Context.Tag("tempolite/Activity/Execution")<Execution, ActivityExecution>() {}

const HandlerTypeId: unique symbol = Symbol("tempolite/Activity/Handler")

/**
 * The service of an activity: opaque, so that a body cannot call the handler behind the journal's back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Handler<Name extends string> {
  readonly [HandlerTypeId]: {
    readonly name: Name
    readonly run: (payload: string | null) => Work["run"]
  }
}

/**
 * What a handler is given for free: its execution, and a scope that closes with the attempt.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Provided = Execution | Scope.Scope

/**
 * `ActivityTimeout` if there is a timeout.
 *
 * @since 0.1.0
 * @category type-level
 */
export type TimeoutError<T extends Timeout> = [T] extends [undefined] ? never : ActivityTimeout

/**
 * The class of an activity: the tag of its handler, and the step that calls it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ActivityClass<
  Self,
  Name extends string,
  P extends Payload,
  S extends PlainSchema,
  E extends PlainSchema,
  T extends Timeout
> extends Context.TagClass<Self, Name, Handler<Name>> {
  readonly payloadSchema: Payload.ToSchema<P>
  readonly successSchema: S
  readonly errorSchema: E
  /** The handler runs at least once for each step, under the services and fiber refs that this layer is built with. */
  readonly layer: <R>(
    this: NoStep<R>,
    handler: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
  ) => Layer.Layer<Self, never, Exclude<R, Provided>>
  /** Takes the step `key`: answered from the journal where it was recorded, else run, retried, and recorded once. */
  readonly execute: <const K extends Key>(
    key: K,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<S["Type"], E["Type"] | TimeoutError<T>, Self | Step<K>>
}

/**
 * Any activity, for code that is generic in it.
 *
 * @since 0.1.0
 * @category models
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tags are invariant: nothing else takes them all
export interface Any extends Context.Tag<any, any> {
  readonly key: string
  readonly payloadSchema: PlainSchema
  readonly successSchema: PlainSchema
  readonly errorSchema: PlainSchema
}

interface Options<S extends PlainSchema, E extends PlainSchema, T extends Timeout> {
  readonly success?: S
  readonly error?: E
  readonly timeout?: T
  readonly retry?: Retry<E["Type"] | TimeoutError<T>>
}

/**
 * Declares an activity. `timeout` is for each attempt, and adds `ActivityTimeout` to the errors that `retry` sees.
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
  const T extends Timeout = undefined
>(name: Name, options: {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly timeout?: T
  readonly retry?: Retry<E["Type"] | TimeoutError<T>>
} = {}): ActivityClass<Self, Name, P, S, E, T> => {
  const tag = Context.Tag(name)<Self, Handler<Name>>()
  const payloads = codec.payload(options.payload)
  const activity = define<S, E, T>(name, options)
  return Object.assign(tag, {
    payloadSchema: payloads.schema,
    successSchema: codec.orElse(options.success, Schema.Void),
    errorSchema: codec.orElse(options.error, Schema.Never),
    layer: <R>(
      handler: (payload: Payload.Type<P>) => Effect.Effect<S["Type"], E["Type"], R>
    ): Layer.Layer<Self, never, Exclude<R, Provided>> =>
      Layer.effect(
        tag,
        Effect.map(Effect.runtime<Exclude<R, Provided>>(), (runtime): Handler<Name> => {
          const run = (text: string | null) =>
            Either.match(payloads.decode(text), {
              onLeft: (why) => Effect.dieMessage(`the payload of ${activity.what} does not decode: ${why}`),
              onRight: (payload) => Effect.suspend(() => handler(payload))
            })
          return {
            [HandlerTypeId]: {
              name,
              run: (text) => (execution) =>
                withFiberRefsOf(activity.attempt(run(text), execution, runtime.context), runtime)
            }
          }
        })
      ),
    execute: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      Effect.flatMap(tag, (handler) =>
        Predicate.hasProperty(handler, HandlerTypeId)
          ? Either.match(payloads.encode(payload[0]), {
            onLeft: (message) => Effect.die(new InvalidPayload({ name, message })),
            onRight: (text) => activity.perform(key, text, handler[HandlerTypeId].run(text))
          })
          : nameIsTaken(activity.what))
  })
}

/**
 * An activity without a tag, named by its key: `execute` runs at least once, with the services that the body has, but
 * outside of the workflow (its clock is the ordinary one).
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <
  const K extends Key,
  R,
  S extends PlainSchema = typeof Schema.Void,
  E extends PlainSchema = typeof Schema.Never,
  const T extends Timeout = undefined
>(key: K, options: {
  readonly success?: S
  readonly error?: E
  readonly timeout?: T
  readonly retry?: Retry<E["Type"] | TimeoutError<T>>
  readonly execute: Effect.Effect<S["Type"], E["Type"], R> & NoStep<R>
}): Effect.Effect<S["Type"], E["Type"] | TimeoutError<T>, Exclude<R, Provided | Tempolite> | Step<K>> =>
  Effect.contextWithEffect((outer: Context.Context<Exclude<R, Provided | Tempolite>>) => {
    const activity = define<S, E, T>(String(key), options)
    return activity.perform(key, null, (execution) => activity.attempt(options.execute, execution, outer))
  })

/** What the two forms of an activity share. */
const define = <S extends PlainSchema, E extends PlainSchema, T extends Timeout>(
  name: string,
  options: Options<S, E, T>
) => {
  const what = `the activity ${JSON.stringify(name)}`
  const success = codec.plain<S>(codec.orElse(options.success, Schema.Void))
  const error = withTimeout<E, T>(codec.orElse(options.error, Schema.Never), options.timeout)
  const outcomes = codec.outcome({ what, success, error })
  const policy = retry.policy(options.retry, error, outcomes.errorOf)
  const timeout = Option.map(
    Option.filter(Option.map(Option.fromNullable(options.timeout), Duration.decode), Duration.isFinite),
    (duration) => ({
      duration,
      onTimeout: (attempt: number) => outcomes.encode(Exit.fail(new ActivityTimeout({ activity: name, attempt })))
    })
  )
  return {
    what,
    attempt: <R>(
      handler: Effect.Effect<S["Type"], E["Type"], R>,
      execution: ActivityExecution,
      outer: Context.Context<never>
    ) => attempt(what, outcomes, Effect.provideService(handler, Execution, execution), outer),
    perform: (key: Key, payload: string | null, run: Work["run"]) =>
      perform(what, outcomes, { kind: "Activity", key, name, payload, run, retry: policy, timeout })
  }
}

/** The schema of the errors, with that of a timeout: first, as an error schema may take everything. */
const withTimeout = <E extends PlainSchema, T extends Timeout>(
  error: E,
  timeout: T | undefined
): Schema.Schema<E["Type"] | TimeoutError<T>, unknown> =>
  Schema.make(timeout === undefined ? error.ast : Schema.Union(ActivityTimeout, codec.plain(error)).ast)
