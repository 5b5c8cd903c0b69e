/**
 * Side effects: values that must be the same on replay, such as an id or a reading. Each is recorded once.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Tempolite } from "./Engine.ts"
import type { InvalidPayload, InvalidStatus, JournalError, StepNotFound, WorkflowNotFound } from "./Errors.ts"
import type { Work } from "./Execution.ts"
import type { WorkflowId } from "./Info.ts"
import { refsOf, type Surroundings } from "./internal/captured.ts"
import * as codec from "./internal/codec.ts"
import * as given from "./internal/given.ts"
import { attempt } from "./internal/handler.ts"
import { printable } from "./internal/key.ts"
import { nameIsTaken, perform } from "./internal/run.ts"
import { skip } from "./internal/skip.ts"
import type { Key, NoStep, PlainSchema, Step, SuccessArgs } from "./Step.ts"

const RecorderTypeId: unique symbol = Symbol("tempolite/SideEffect/Recorder")

/**
 * The service of a side effect: opaque, so that a body cannot run the effect behind the journal's back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Recorder<Name extends string> {
  readonly [RecorderTypeId]: {
    readonly name: Name
    readonly run: Work["run"]
  }
}

/**
 * The class of a side effect: the tag of the effect, and the step that records its value.
 *
 * @since 0.1.0
 * @category models
 */
export interface SideEffectClass<Self, Name extends string, S extends PlainSchema>
  extends Context.TagClass<Self, Name, Recorder<Name>>
{
  readonly successSchema: S
  /** The effect runs under the services and fiber refs that this layer is built with, and a scope of its own. */
  readonly layer: <R>(
    this: NoStep<R>,
    effect: Effect.Effect<S["Type"], never, R>
  ) => Layer.Layer<Self, never, Exclude<R, Scope.Scope>>
  /** Takes the step `key`: answered from the journal where it was recorded, else run, and recorded once. */
  readonly record: <const K extends Key>(key: K) => Effect.Effect<S["Type"], never, Self | Step<K>>
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
 * Declares a side effect. It cannot fail: what may fail is an activity.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Tag = <Self>() =>
<const Name extends string, S extends PlainSchema>(
  name: Name,
  options: { readonly success: S }
): SideEffectClass<Self, Name, S> => {
  const tag = Context.Tag(name)<Self, Recorder<Name>>()
  const success = codec.plain(options.success)
  const sideEffect = define(name, success)
  const skipped = skip("SideEffect", { name, what: sideEffect.what, success })
  return Object.assign(tag, {
    successSchema: options.success,
    layer: <R>(effect: Effect.Effect<S["Type"], never, R>): Layer.Layer<Self, never, Exclude<R, Scope.Scope>> =>
      Layer.effect(
        tag,
        Effect.map(Effect.runtime<Exclude<R, Scope.Scope>>(), (runtime): Recorder<Name> => {
          const surroundings = { services: runtime.context, refs: refsOf(runtime), given: Context.empty() }
          return { [RecorderTypeId]: { name, run: () => sideEffect.attempt(effect, surroundings) } }
        })
      ),
    record: <const K extends Key>(key: K) =>
      Effect.withFiberRuntime<S["Type"], never, Self>((fiber) => {
        const recorder = Context.unsafeGet(fiber.currentContext, tag)
        return Predicate.hasProperty(recorder, RecorderTypeId)
          ? given.named(name, () => sideEffect.perform(fiber, key, recorder[RecorderTypeId].run))
          : nameIsTaken(sideEffect.what)
      }),
    skip: (id: WorkflowId, key: Key | ReadonlyArray<Key>, ...value: SuccessArgs<S>) => skipped(id, key, value[0])
  })
}

/**
 * A side effect without a tag, named by its key: `effect` runs with the services that the body has, but outside of the
 * workflow (its clock and its random numbers are the ordinary ones).
 *
 * @since 0.1.0
 * @category constructors
 */
export const record = <const K extends Key, A, I, R>(
  key: K,
  schema: Schema.Schema<A, I>,
  effect: Effect.Effect<A, never, R> & NoStep<R>
): Effect.Effect<A, never, Exclude<R, Scope.Scope> | Step<K>> =>
  Effect.withFiberRuntime((fiber) => {
    const sideEffect = define(printable(String(key)), Schema.make<A, unknown>(schema.ast))
    const surroundings = { services: fiber.currentContext, refs: [], given: Context.empty() }
    return sideEffect.perform(fiber, key, () => sideEffect.attempt(effect, surroundings))
  })

/** What the two forms of a side effect share. */
const define = <A>(name: string, success: Schema.Schema<A, unknown>) => {
  const what = `the side effect ${JSON.stringify(name)}`
  const outcomes = codec.outcome({ what, success, error: codec.plain(Schema.Never) })
  return {
    what,
    attempt: <R>(effect: Effect.Effect<A, never, R>, surroundings: Surroundings) =>
      attempt(what, outcomes, () => effect, surroundings),
    perform: (fiber: Fiber.RuntimeFiber<unknown, unknown>, key: Key, run: Work["run"]) =>
      perform(fiber, what, outcomes, {
        kind: "SideEffect",
        key,
        name,
        payload: null,
        run,
        retry: Option.none(),
        timeout: Option.none(),
        heartbeatTimeout: Option.none(),
        queue: Option.none()
      })
  }
}
