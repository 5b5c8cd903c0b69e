/**
 * What the tests of the engine run: one activity that does what the test says, and one workflow whose body the test gives.
 */
import { Cause, Effect, Either, Exit, Layer, Schema, type Scope } from "effect"
import { Activity, type Saga, type Tempolite, Workflow } from "../../src/index.ts"

export class Declined extends Schema.TaggedError<Declined>()("Declined", { reason: Schema.String }) {}

/** An activity that is never retried. */
export class Act extends Activity.Tag<Act>()("Act", {
  payload: { arg: Schema.optional(Schema.Unknown) },
  success: Schema.Unknown,
  error: Declined
}) {}

/** Retried at once, three times at most, unless it was declined for good. */
export class Retried extends Activity.Tag<Retried>()("Retried", {
  payload: { arg: Schema.optional(Schema.Unknown) },
  success: Schema.Unknown,
  error: Declined,
  retry: { times: 3, while: (error) => error.reason !== "for good" }
}) {}

export class Main extends Workflow.Tag<Main>()("Main", {
  payload: { arg: Schema.optional(Schema.Unknown) },
  success: Schema.Unknown,
  error: Schema.Union(Declined, Activity.ActivityTimeout)
}) {}

export type Failure = Declined | Activity.ActivityTimeout

export type InBody = Workflow.Step<Workflow.Key> | Workflow.Execution | Saga.Compensations | Scope.Scope

/** What an activity is to do at one of its attempts. */
export type Handler = (
  execution: Activity.ActivityExecution,
  arg: unknown
) => Effect.Effect<unknown, Declined, Scope.Scope>

/** Both activities, handled by `handler`. */
export const activities = (handler: Handler): Layer.Layer<Act | Retried> => {
  const handle = ({ arg }: { readonly arg?: unknown }) =>
    Effect.flatMap(Activity.Execution, (execution) => handler(execution, arg))
  return Layer.mergeAll(Act.layer(handle), Retried.layer(handle))
}

/** The workflow `Main`, run by `body`. */
export const main = (
  body: (arg: unknown) => Effect.Effect<unknown, Failure, InBody | Act | Retried>,
  handler: Handler = ({ key }) => Effect.succeed(`<${key}>`)
): Layer.Layer<Main, never, Tempolite.Tempolite> =>
  Main.layer(({ arg }) => body(arg)).pipe(Layer.provide(activities(handler)))

/** A handler that succeeds with its key, and keeps what it was called with. */
export const counting = (calls: Array<string>, millis = 0): Handler => ({ attempt, key }) =>
  Effect.sync(() => {
    calls.push(`${key}#${attempt}`)
    return `<${key}>`
  }).pipe(Effect.zipLeft(millis === 0 ? Effect.void : Effect.sleep(millis)))

/** An exit as a person reads it. */
export const show = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.match(exit, {
    onSuccess: (value) => `success ${JSON.stringify(value)}`,
    onFailure: (cause) => Cause.pretty(cause)
  })

/** The error of a step that must fail. */
export const errorOf = <E, R>(self: Effect.Effect<unknown, E, R>): Effect.Effect<E, never, R> =>
  Effect.flatMap(
    Effect.either(self),
    Either.match({
      onLeft: Effect.succeed,
      onRight: (value) => Effect.dieMessage(`it succeeded with ${JSON.stringify(value)}`)
    })
  )
