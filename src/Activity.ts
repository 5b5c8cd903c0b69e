/**
 * Activities: calls to the outside world. An activity runs at least once, is retried by its own policy, and its outcome
 * is recorded once.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Tempolite } from "./Engine.ts"
import type { InvalidPayload, InvalidStatus, JournalError, StepNotFound, WorkflowNotFound } from "./Errors.ts"
import { ActivityTimeout } from "./Errors.ts"
import type { Attempt, Limit, Work } from "./Execution.ts"
import type { WorkflowId } from "./Info.ts"
import { refsOf, type Surroundings } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import { limit } from "./internal/duration.ts"
import * as given from "./internal/given.ts"
import { attempt } from "./internal/handler.ts"
import { printable } from "./internal/key.ts"
import * as queue from "./internal/queue.ts"
import * as retry from "./internal/retry.ts"
import { nameIsTaken, perform, start } from "./internal/run.ts"
import { skip } from "./internal/skip.ts"
import type { Key, NoStep, Payload, PlainSchema, Retry, Step, SuccessArgs, Timeout } from "./Step.ts"

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
export interface Handler<Name extends string> extends queue.Queued {
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
 * `ActivityTimeout` if there is a timeout, of either kind.
 *
 * @since 0.1.0
 * @category type-level
 */
export type TimeoutError<T extends Timeout> = [T] extends [undefined] ? never : ActivityTimeout

/**
 * An activity that runs in the background of its workflow.
 *
 * @since 0.2.0
 * @category models
 */
export interface ActivityExecutionInfo<out A, out E> {
  /** That of its first attempt. */
  readonly executionId: string
  readonly key: Key
  /** Waits for the outcome, whatever number of attempts it takes. */
  readonly result: Effect.Effect<A, E>
}

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
  /** Takes the step `key` in the background of the workflow, whose end interrupts it if nobody has waited for it. */
  readonly start: <const K extends Key>(
    key: K,
    ...payload: Payload.Args<P>
  ) => Effect.Effect<ActivityExecutionInfo<S["Type"], E["Type"] | TimeoutError<T>>, never, Self | Step<K>>
  /** From outside: records by an operator's hand what a step that is stuck succeeds with. `key` may be a path. */
  readonly skip: (
    id: WorkflowId,
    key: Key | ReadonlyArray<Key>,
    ...value: SuccessArgs<S>
  ) => Effect.Effect<
    void,
    WorkflowNotFound | StepNotFound | InvalidStatus | InvalidPayload | JournalError,
    Tempolite
  >
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
  readonly heartbeatTimeout?: T
  readonly retry?: Retry<E["Type"] | TimeoutError<T>>
  readonly queue?: string
}

/**
 * Declares an activity. `timeout` and `heartbeatTimeout` are for each attempt, and add `ActivityTimeout` to the errors
 * that `retry` sees. One that is negative is a defect of each step.
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
  const T extends Timeout = undefined,
  const H extends Timeout = undefined
>(name: Name, options: {
  readonly payload?: P
  readonly success?: S
  readonly error?: E
  readonly timeout?: T
  /** How long an attempt may go without a heartbeat. */
  readonly heartbeatTimeout?: H
  readonly retry?: Retry<E["Type"] | TimeoutError<T | H>>
  /** Which of the queues of the engine bounds how many attempts run at once. */
  readonly queue?: string
} = {}): ActivityClass<Self, Name, P, S, E, T | H> => {
  const tag = Context.Tag(name)<Self, Handler<Name>>()
  const payloads = codec.payload(options.payload)
  const activity = define<S, E, T | H>(name, options)
  const withRun = <A, E2>(
    payload: unknown,
    take: (fiber: AnyFiber, payload: string | null, run: Work["run"]) => Effect.Effect<A, E2>
  ): Effect.Effect<A, E2, Self> =>
    Effect.withFiberRuntime((fiber) => {
      const handler = Context.unsafeGet(fiber.currentContext, tag)
      return Predicate.hasProperty(handler, HandlerTypeId)
        ? given.toStep(name, payloads.encode(payload), (text) => take(fiber, text, handler[HandlerTypeId].run(text)))
        : nameIsTaken(activity.what)
    })
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
          const call = (text: string | null) =>
            Either.match(payloads.decode(text), {
              onLeft: (why) => Effect.dieMessage(`the payload of ${activity.what} does not decode: ${why}`),
              onRight: handler
            })
          const layer = { services: runtime.context, refs: refsOf(runtime) }
          return {
            [HandlerTypeId]: {
              name,
              run: (text) => (execution) => activity.attempt(() => call(text), execution, layer)
            },
            [queue.QueuesTypeId]: queue.named(options.queue)
          }
        })
      ),
    execute: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withRun(payload[0], (fiber, text, run) => activity.perform(fiber, key, text, run)),
    start: <const K extends Key>(key: K, ...payload: Payload.Args<P>) =>
      withRun(payload[0], (fiber, text, run) => activity.start(fiber, key, text, run)),
    skip: (id: WorkflowId, key: Key | ReadonlyArray<Key>, ...value: SuccessArgs<S>) => activity.skip(id, key, value[0])
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
  const T extends Timeout = undefined,
  const H extends Timeout = undefined
>(key: K, options: {
  readonly success?: S
  readonly error?: E
  readonly timeout?: T
  readonly heartbeatTimeout?: H
  readonly retry?: Retry<E["Type"] | TimeoutError<T | H>>
  readonly execute: Effect.Effect<S["Type"], E["Type"], R> & NoStep<R>
}): Effect.Effect<S["Type"], E["Type"] | TimeoutError<T | H>, Exclude<R, Provided | Tempolite> | Step<K>> =>
  Effect.withFiberRuntime((fiber) => {
    const activity = define<S, E, T | H>(printable(String(key)), options)
    const here = { services: fiber.currentContext, refs: [] }
    return activity.perform(fiber, key, null, (execution) => activity.attempt(() => options.execute, execution, here))
  })

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** What the two forms of an activity share. */
const define = <S extends PlainSchema, E extends PlainSchema, T extends Timeout>(
  name: string,
  options: Options<S, E, T>
) => {
  const what = `the activity ${JSON.stringify(name)}`
  const success = codec.plain<S>(codec.orElse(options.success, Schema.Void))
  const error = withTimeout<E, T>(codec.orElse(options.error, Schema.Never), options)
  const outcomes = codec.outcome({ what, success, error })
  const policy = retry.policy(options.retry, error, outcomes.errorOf)
  const limitOf = (option: "timeout" | "heartbeatTimeout", timeout: ActivityTimeout["timeout"]) =>
    Either.map(
      limit(`the \`${option}\` of ${what}`, options[option]),
      Option.map((duration): Limit => ({
        duration,
        onTimeout: (attempt) => outcomes.encode(Exit.fail(new ActivityTimeout({ activity: name, attempt, timeout })))
      }))
    )
  const limits = Either.all({
    timeout: limitOf("timeout", "attempt"),
    heartbeatTimeout: limitOf("heartbeatTimeout", "heartbeat")
  })
  const queueName = Option.fromNullable(options.queue)
  /** A definition that cannot be is only told when it is used: a module that does not load says less. */
  const withWork = <A, E2>(
    key: Key,
    payload: string | null,
    run: Work["run"],
    take: (work: Work) => Effect.Effect<A, E2>
  ): Effect.Effect<A, E2> =>
    Either.match(limits, {
      onLeft: Effect.die,
      onRight: ({ heartbeatTimeout, timeout }) =>
        take({ kind: "Activity", key, name, payload, run, retry: policy, timeout, heartbeatTimeout, queue: queueName })
    })
  return {
    what,
    attempt: <R>(
      handler: () => Effect.Effect<S["Type"], E["Type"], R>,
      execution: ActivityExecution,
      { refs, services }: Omit<Surroundings, "given">
    ) => attempt(what, outcomes, handler, { services, refs, given: Context.make(Execution, execution) }),
    perform: (fiber: AnyFiber, key: Key, payload: string | null, run: Work["run"]) =>
      withWork(key, payload, run, (work) => perform(fiber, what, outcomes, work)),
    start: (fiber: AnyFiber, key: Key, payload: string | null, run: Work["run"]) =>
      withWork(key, payload, run, (work) => start(fiber, what, outcomes, work)),
    skip: skip("Activity", { name, what, success })
  }
}

/** The schema of the errors, with that of a timeout: first, as an error schema may take everything. */
const withTimeout = <E extends PlainSchema, T extends Timeout>(
  error: E,
  { heartbeatTimeout, timeout }: { readonly timeout?: T; readonly heartbeatTimeout?: T }
): Schema.Schema<E["Type"] | TimeoutError<T>, unknown> =>
  Schema.make(
    timeout === undefined && heartbeatTimeout === undefined
      ? error.ast
      : Schema.Union(ActivityTimeout, codec.plain(error)).ast
  )
