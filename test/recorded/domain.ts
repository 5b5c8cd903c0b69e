/**
 * What recorded programs are made of. A journal that is kept depends on these names and schemas: add to them, and change
 * none.
 */
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, type Tempolite, Workflow, WorkflowCancelled } from "../../src/index.ts"

export class Broken extends Schema.TaggedError<Broken>()("Broken", { key: Schema.String }) {}

/** An attempt that was made. */
export interface Call {
  /** The step, from its workflow down. */
  readonly step: string
  readonly attempt: number
  readonly idempotencyKey: string
  readonly payload: unknown
  readonly lastHeartbeat: unknown
}

/** What activities touch: it keeps what it is asked. */
export class Outside extends Context.Tag("test/recorded/Outside")<Outside, {
  readonly called: (call: Call) => void
}>() {}

/** `fail`: how many of its attempts fail. `seconds`: how long each takes, one unless given. */
const payload = {
  fail: Schema.optional(Schema.Number),
  seconds: Schema.optional(Schema.Number),
  arg: Schema.optional(Schema.Unknown)
}

const handle = (asked: Schema.Struct.Type<typeof payload>) =>
  Effect.gen(function*() {
    const { activityId, attempt, heartbeat, idempotencyKey, key, lastHeartbeat } = yield* Activity.Execution
    const outside = yield* Outside
    outside.called({ step: activityId, attempt, idempotencyKey, payload: asked, lastHeartbeat: yield* lastHeartbeat })
    yield* heartbeat({ attempt })
    yield* Effect.sleep(1_000 * (asked.seconds ?? 1))
    if (attempt <= (asked.fail ?? 0)) return yield* new Broken({ key: String(key) })
    return asked.arg ?? `done ${key}`
  })

export class Act extends Activity.Tag<Act>()("Act", { payload, success: Schema.Unknown, error: Broken }) {}

export class Retried extends Activity.Tag<Retried>()("Retried", {
  payload,
  success: Schema.Unknown,
  error: Broken,
  retry: { schedule: Schedule.exponential("1 minute"), times: 3 }
}) {}

export class Hasty extends Activity.Tag<Hasty>()("Hasty", {
  payload,
  success: Schema.Unknown,
  error: Broken,
  timeout: "10 seconds",
  retry: { schedule: Schedule.spaced("1 minute"), times: 2 }
}) {}

export class Reading extends SideEffect.Tag<Reading>()("Reading", { success: Schema.Number }) {}

export const Told = Signal.make("Told", { payload: { n: Schema.Number } })

const anything = {
  payload: Schema.Unknown,
  success: Schema.Unknown,
  error: Schema.Union(Broken, WorkflowCancelled, Activity.ActivityTimeout)
}

export class Main extends Workflow.Tag<Main>()("Main", anything) {}
/** It gets three executions. */
export class Again extends Workflow.Tag<Again>()("Again", {
  ...anything,
  retry: { schedule: Schedule.spaced("5 minutes"), times: 2 }
}) {}
/** It is held for repair when it fails. */
export class Held extends Workflow.Tag<Held>()("Held", { ...anything, suspendOn: "failure" }) {}
export class Child extends Workflow.Tag<Child>()("Child", anything) {}
export class Trip extends Saga.Tag<Trip>()("Trip", {
  payload: { to: Schema.String },
  success: Schema.Unknown,
  error: Broken
}) {}

type Failure = typeof anything.error.Type

type Body<R = never> = (payload: unknown) => Effect.Effect<
  unknown,
  Failure,
  | Act
  | Retried
  | Hasty
  | Reading
  | Child
  | Trip
  | R
  | Workflow.Step<string | number>
  | Workflow.Execution
  | Saga.Compensations
>

/** A version of a program: what its workflows do. */
export interface Code {
  readonly main?: Body<Workflow.Running<Main>>
  readonly again?: Body
  readonly held?: Body
  readonly child?: Body
}

const missing: Body = () => Effect.dieMessage("the program has no such workflow")

export const layer = (
  { again = missing, child = missing, held = missing, main = missing }: Code
): Layer.Layer<Main | Again | Held | Child, never, Tempolite.Tempolite | Outside> =>
  Layer.mergeAll(Main.layer(main), Again.layer(again), Held.layer(held)).pipe(
    Layer.provideMerge(Child.layer(child)),
    Layer.provide(Trip.layer(({ to }) =>
      Effect.gen(function*() {
        const flight = yield* Act.execute("flight", { arg: to }).pipe(
          Saga.compensate(() => Act.execute("u-flight", {}))
        )
        yield* Act.execute("hotel", {}).pipe(Saga.compensate(() => Act.execute("u-hotel", {})))
        return flight
      })
    )),
    Layer.provide([
      Act.layer(handle),
      Retried.layer(handle),
      Hasty.layer(handle),
      // It reads the time: a replay that read again would be seen.
      Reading.layer(Effect.clockWith((clock) => clock.currentTimeMillis))
    ])
  )
