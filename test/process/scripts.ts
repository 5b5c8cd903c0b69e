/**
 * A workflow that takes the steps of its payload, one after the other.
 */
import { Effect, Layer, Schedule, Schema } from "effect"
import { Activity, Saga, Signal, Workflow } from "../../src/index.ts"
import { Refused } from "./orders.ts"
import * as World from "./world.ts"

/** It is not retried. */
export class Once extends Activity.Tag<Once>()("Once", {
  payload: World.Call,
  success: Schema.String,
  error: World.Broken
}) {}

/** In milliseconds: after the first attempt, and after the second. */
export const backoffs = [100, 3_000] as const

export class Stubborn extends Activity.Tag<Stubborn>()("Stubborn", {
  payload: World.Call,
  success: Schema.String,
  error: World.Broken,
  retry: { schedule: Schedule.exponential(backoffs[0], backoffs[1] / backoffs[0]), times: 5 }
}) {}

/** What is to happen. */
export const Plan = Schema.Struct({
  steps: Schema.Array(Schema.Struct({
    key: Schema.String,
    call: Schema.optionalWith(World.Call, { default: () => ({ millis: 0, failures: 0 }) }),
    stubborn: Schema.optionalWith(Schema.Boolean, { default: () => false }),
    /** The call that undoes it. */
    undo: Schema.optional(World.Call)
  })),
  ending: Schema.optionalWith(Schema.Literal("success", "failure", "wait", "signal"), { default: () => "success" })
})

/** What the ending `signal` waits for. */
export const Approved = Signal.make("Approved", { payload: { by: Schema.String } })

export class Script extends Workflow.Tag<Script>()("Script", {
  payload: Plan,
  success: Schema.Array(Schema.String),
  error: Schema.Union(World.Broken, Refused)
}) {}

const ScriptLive = Script.layer(Effect.fnUntraced(function*({ ending, steps }) {
  const done: Array<string> = []
  for (const { call, key, stubborn, undo } of steps) {
    const step = Effect.if(stubborn, {
      onTrue: () => Stubborn.execute(key, call),
      onFalse: () => Once.execute(key, call)
    })
    const undoable = Saga.compensate(
      step,
      () => undo === undefined ? Effect.void : Effect.asVoid(Once.execute(`undo-${key}`, undo))
    )
    done.push(yield* undo === undefined ? step : undoable)
  }
  if (ending === "failure") return yield* new Refused()
  if (ending === "wait") yield* Workflow.sleep("for-ever", "1000 days")
  if (ending === "signal") done.push((yield* Approved.await("approval")).by)
  return done
}))

export const layer = (directory: string) =>
  ScriptLive.pipe(
    Layer.provide(Layer.mergeAll(
      Once.layer((asked) => World.call(directory, asked)),
      Stubborn.layer((asked) => World.call(directory, asked))
    ))
  )
