/**
 * A workflow with something of every kind: steps, a saga that is undone and forgiven, a sub-workflow, a timer, a signal,
 * and compensations in the end.
 */
import { Effect, Layer, Schema } from "effect"
import { Activity, Saga, Signal, Workflow, WorkflowCancelled } from "../../src/index.ts"
import { Refused } from "./orders.ts"
import * as World from "./world.ts"

class Act extends Activity.Tag<Act>()("EveryAct", {
  payload: World.Call,
  success: Schema.String,
  error: World.Broken
}) {}

const undoable = <K extends string>(key: K) =>
  Act.execute(key, {}).pipe(Saga.compensate(() => Act.execute(`undo-${key}`, {})))

class Below extends Workflow.Tag<Below>()("Below", { success: Schema.String, error: World.Broken }) {}

export const Approved = Signal.make("EveryApproved", { payload: { by: Schema.String } })

export class Every extends Workflow.Tag<Every>()("Every", {
  error: Schema.Union(World.Broken, Refused, WorkflowCancelled)
}) {}

/** The keys of its calls, if nothing is in the way. */
export const calls = ["charge", "pack", "undo-pack", "wrap", "ship", "undo-ship", "undo-charge"]

export const layer = (directory: string) =>
  Every.layer(Effect.fnUntraced(function*() {
    yield* undoable("charge")
    yield* Effect.ignore(Saga.scoped("sample", Effect.zipRight(undoable("pack"), new Refused())))
    yield* Below.child("below")
    yield* Workflow.sleep("nap", 5)
    yield* Approved.await("approval")
    yield* undoable("ship")
    return yield* new Refused()
  })).pipe(
    Layer.provide(Below.layer(() => undoable("wrap"))),
    Layer.provide(Act.layer((asked) => World.call(directory, asked)))
  )
