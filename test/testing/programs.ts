/**
 * What programs that die at every commit are made of, and the outside that they act on.
 */
import { Context, Effect, Either, Layer, Random, Ref, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow, WorkflowCancelled } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"

export class Broken extends Schema.TaggedError<Broken>()("Broken", { key: Schema.String }) {}
/** Its payload is how long it takes. */
export class Act extends Activity.Tag<Act>()("Act", {
  payload: { seconds: Schema.optionalWith(Schema.Number, { default: () => 0 }) },
  success: Schema.String,
  error: Broken
}) {}
export class Draw extends SideEffect.Tag<Draw>()("Draw", { success: Schema.Number }) {}
const options = { success: Schema.Unknown, error: Schema.Union(Broken, WorkflowCancelled, Activity.ActivityTimeout) }
export class Main
  extends Workflow.Tag<Main>()("Main", { ...options, payload: { left: Schema.optional(Schema.Number) } })
{}
export class Child extends Workflow.Tag<Child>()("Child", options) {}
export class Again extends Workflow.Tag<Again>()("Again", {
  ...options,
  retry: { schedule: Schedule.spaced("30 seconds"), times: 2 }
}) {}
export class Queued extends Workflow.Tag<Queued>()("Queued", { ...options, queue: "one" }) {}
export const Told = Signal.make("Told", { payload: { n: Schema.Number } })

/** The outside, where everything that was done is kept: by idempotency key, once. */
export class World extends Context.Tag("test/World")<World, {
  readonly done: Ref.Ref<ReadonlyArray<string>>
  readonly failing: ReadonlySet<string>
}>() {}

export const world = (...failing: ReadonlyArray<string>) =>
  Layer.effect(
    World,
    Effect.map(Ref.make<ReadonlyArray<string>>([]), (done) => ({ done, failing: new Set(failing) }))
  )

const activities = Layer.mergeAll(
  Act.layer(({ seconds }) =>
    Effect.gen(function*() {
      const { done, failing } = yield* World
      const { attempt, idempotencyKey, key } = yield* Activity.Execution
      yield* Effect.sleep(`${seconds} seconds`)
      if (failing.has(String(key)) || failing.has(`${key} ${attempt}`)) return yield* new Broken({ key: String(key) })
      yield* Ref.update(done, (keys) => keys.includes(idempotencyKey) ? keys : [...keys, idempotencyKey])
      return `<${key}>`
    })
  ),
  Draw.layer(Effect.map(Random.nextIntBetween(0, 1_000_000), (drawn) => drawn))
)

type Requirements =
  | Act
  | Draw
  | Child
  | Again
  | Queued
  | World
  | Workflow.Step<string>
  | Workflow.Execution
  | Saga.Compensations
type Failures = Broken | WorkflowCancelled | Activity.ActivityTimeout
export type Body<R = never> = Effect.Effect<unknown, Failures, Requirements | R>

export const none = Effect.void
export const engine = { queues: { one: { concurrency: 1 } } }

export const app = (bodies: {
  readonly main: (payload: { readonly left?: number | undefined }) => Body<Workflow.Running<Main>>
  readonly child?: Body
  readonly again?: Body
  readonly queued?: Body
}) => {
  const below = Layer.mergeAll(activities, Child.client, Again.client, Queued.client)
  return Main.layer(bodies.main).pipe(
    Layer.provideMerge(Child.layer(() => bodies.child ?? none)),
    Layer.provideMerge(Again.layer(() => bodies.again ?? none)),
    Layer.provideMerge(Queued.layer(() => bodies.queued ?? none)),
    Layer.provide(below)
  )
}

/** What takes no time is never under way when a process dies. */
export const act = (key: string, seconds = 1) => Act.execute(key, { seconds })
export const done = (key: string) => Saga.compensate(act(key), () => act(`u-${key}`))

export const program = Main.execute("m", {})

/** What was done outside, in its order, without what names the workflow's birth. */
export const outside = Effect.map(
  Effect.flatMap(World, ({ done }) => Ref.get(done)),
  (keys) => keys.map((key) => key.replace(/^m\\?\/|@[^@]*$/g, ""))
)

export const storyOf = <A, E>(test: Effect.Effect<A, E>) =>
  Effect.map(
    Effect.either(test),
    Either.match({
      onLeft: (error) => error instanceof Testing.CrashFailure ? error.message : String(error),
      onRight: () => "it survives"
    })
  )
