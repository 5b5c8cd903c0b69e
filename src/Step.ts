/**
 * The vocabulary that the modules of definitions share: what a step requires, what a payload is, and what the compiler
 * says when a step stands where it cannot.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { ExecutionContext, Tempolite } from "./Engine.ts"
import type { Key } from "./Info.ts"

export type { Key } from "./Info.ts"

declare const StepTypeId: unique symbol

/**
 * The requirement of one step named `K`. No value of it exists: only a workflow or a saga that declares the key takes
 * it out of `R`.
 *
 * @since 0.1.0
 * @category requirements
 */
export interface Step<out K extends Key> {
  readonly [StepTypeId]: K
}

/**
 * The keys of the steps that `R` holds.
 *
 * @since 0.1.0
 * @category type-level
 */
export type StepKeys<R> = R extends Step<infer K extends Key> ? K : never

declare const CompensationsTypeId: unique symbol

/**
 * The requirement of an enclosing saga, where compensations are registered. No value of it exists.
 *
 * @since 0.1.0
 * @category requirements
 */
export interface Compensations {
  readonly [CompensationsTypeId]: "Compensations"
}

declare const SelfTypeId: unique symbol

/**
 * The requirement that the workflow which runs is `W`, for `continueAsNew`. No value of it exists, and only the layer of
 * `W` itself takes it out of `R`.
 *
 * @since 0.2.0
 * @category requirements
 */
export interface Running<in out W> {
  readonly [SelfTypeId]: (_: W) => W
}

/**
 * The workflow execution that a body runs in, as the body may see it.
 *
 * @since 0.1.0
 * @category tags
 */
export class Execution extends Context.Tag("tempolite/Workflow/Execution")<Execution, ExecutionContext>() {}

/**
 * A schema that needs no service: the engine decodes after a restart, when no caller is there to give one.
 *
 * @since 0.1.0
 * @category schemas
 */
export type PlainSchema = Schema.Schema.AnyNoContext | Schema.Schema<never, never, never>

/**
 * The fields of a struct, none of which needs a service.
 *
 * @since 0.1.0
 * @category schemas
 */
export type PlainFields = {
  readonly [x: PropertyKey]:
    | PlainSchema
    | Schema.PropertySignature<
      Schema.PropertySignature.Token,
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- it is invariant: nothing else takes them all
      any,
      PropertyKey,
      Schema.PropertySignature.Token,
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
      any,
      boolean,
      never
    >
}

/**
 * What a definition takes as its payload: the fields of a struct, or any schema.
 *
 * @since 0.1.0
 * @category schemas
 */
export type Payload = PlainFields | PlainSchema

/**
 * The forms of a payload.
 *
 * @since 0.1.0
 * @category schemas
 */
export declare namespace Payload {
  /**
   * The schema of a payload that is given as fields or as a schema.
   *
   * @since 0.1.0
   * @category type-level
   */
  type ToSchema<P extends Payload> = P extends PlainSchema ? P
    : P extends Schema.Struct.Fields ? Schema.Struct<P>
    : never
  /**
   * What a handler or a body receives.
   *
   * @since 0.1.0
   * @category type-level
   */
  type Type<P extends Payload> = ToSchema<P>["Type"]
  /**
   * What a caller gives: fields that have a default may be left out.
   *
   * @since 0.1.0
   * @category type-level
   */
  type Input<P extends Payload> = P extends PlainSchema
    ? P extends { readonly fields: infer F extends Schema.Struct.Fields } ? FieldsInput<F> : P["Type"]
    : P extends Schema.Struct.Fields ? FieldsInput<P>
    : never
  /**
   * Of no fields, only `{}` (the type `{}` would take any object).
   *
   * @since 0.1.0
   * @category type-level
   */
  type FieldsInput<F extends Schema.Struct.Fields> = [keyof F] extends [never] ? { readonly [x: string]: never }
    : Schema.Simplify<Schema.Struct.Constructor<F>>
  /**
   * The trailing arguments of a call: none are needed when nothing in the payload is.
   *
   * @since 0.1.0
   * @category type-level
   */
  type Args<P extends Payload> = {} extends Input<P> ? [payload?: Input<P>] : [payload: Input<P>]
}

/**
 * The trailing arguments of `skip`: the success of the step, which may be left out where it may be `undefined`.
 *
 * @since 0.2.0
 * @category type-level
 */
export type SuccessArgs<S extends PlainSchema> = undefined extends S["Type"] ? [value?: S["Type"]] : [value: S["Type"]]

/**
 * A retry policy. It is pure, so that the engine can fold it over the recorded attempts after a restart.
 *
 * @since 0.1.0
 * @category models
 */
export type Retry<E> = Schedule.Schedule<unknown, E> | RetryOptions<E>

/**
 * A retry policy with the meaning of the options of `Effect.retry`; `times` counts the retries, not the attempts.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryOptions<E> {
  readonly schedule?: Schedule.Schedule<unknown, E>
  readonly times?: number
  readonly while?: (error: E) => boolean
  readonly until?: (error: E) => boolean
}

/**
 * How long one attempt may take, or may go without a heartbeat. One without an end is none.
 *
 * @since 0.1.0
 * @category models
 */
export type Timeout = Duration.DurationInput | undefined

/**
 * Said of a body that takes a step under a key which the `keys` of `Name` do not have.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export interface UndeclaredKey<K extends Key, Name extends string, Keys extends Key> {
  readonly "correct the key, or add it to `keys`": readonly [K, Name, Keys]
}

/**
 * Said of a handler or a side effect that takes a step, registers a compensation or continues as new: there is no
 * workflow around it.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export interface StepOutsideWorkflow<R> {
  readonly "steps are taken in a workflow or a saga, not in an activity or a side effect": R
}

/**
 * Said of a body that calls the client: what a client answers is not recorded, and another one on replay.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export interface ClientInsideWorkflow<R> {
  readonly "in a workflow use `child`, `startChild` or `detach`; call the client from an activity": R
}

/**
 * Said of a body whose requirement is `any`, which would switch off every check.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export interface RequirementIsAny {
  readonly "the R of this body is `any`": never
}

/**
 * What is wrong with a body of `Name` that requires `R`; `unknown` when there is nothing to say.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export type CheckBody<R, Name extends string, K extends Key> = 0 extends 1 & R ? RequirementIsAny
  : [Exclude<StepKeys<R>, K>] extends [never]
    ? [Extract<R, Tempolite>] extends [never] ? unknown : ClientInsideWorkflow<Extract<R, Tempolite>>
  : UndeclaredKey<Exclude<StepKeys<R>, K>, Name, K>

/**
 * What of `R` is left without `P`. It is `Exclude`, hidden from inference: where a layer that requires `Tempolite` is
 * expected, TypeScript would take that for what the body requires, and `CheckBody` would refuse it.
 *
 * @since 0.2.0
 * @category type-level
 */
export type Without<R, P> = [R] extends [infer X] ? Exclude<X, P> : never

/**
 * What of `R` only a body may require.
 *
 * @since 0.1.0
 * @category type-level
 */
export type OfBody<R> = R extends Compensations | Running<infer _W> ? R
  : R extends Step<infer _K extends Key> ? R
  : never

/**
 * What is wrong with a handler that requires `R`; `unknown` when there is nothing to say.
 *
 * @since 0.1.0
 * @category diagnostics
 */
export type NoStep<R> = 0 extends 1 & R ? RequirementIsAny
  : [OfBody<R>] extends [never] ? unknown
  : StepOutsideWorkflow<OfBody<R>>
