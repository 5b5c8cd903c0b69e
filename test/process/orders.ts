/**
 * The workflows of the batch. Each is told by its payload what is to happen to it, so that its outcome is known before.
 */
import { Cause, Effect, Exit, Layer, Schedule, Schema } from "effect"
import { Activity, Saga, Workflow, WorkflowCancelled } from "../../src/index.ts"
import * as World from "./world.ts"

export class Act extends Activity.Tag<Act>()("Act", {
  payload: World.Call,
  success: Schema.String,
  error: World.Broken,
  retry: { schedule: Schedule.spaced("10 millis"), times: 3 }
}) {}

/** How often `Act` is tried. */
export const attempts = 4

export class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

/** A step whose undo is the step `undo-<key>`. */
const undoable = <K extends string>(key: K, asked: World.Call) =>
  Act.execute(key, asked).pipe(Saga.compensate(() => Act.execute(`undo-${key}`, { millis: asked.millis })))

/** Has a journal of its own below an order. */
export class Gift extends Workflow.Tag<Gift>()("Gift", {
  payload: { wrap: World.Call, card: World.Call },
  success: Schema.String,
  error: World.Broken
}) {}

const GiftLive = Gift.layer(Effect.fnUntraced(function*({ card, wrap }) {
  yield* undoable("wrap", wrap)
  return yield* Act.execute("card", card)
}))

export const Plan = Schema.Struct({
  charge: World.Call,
  reserve: World.Call,
  /** Each is shipped; several at a time. */
  parcels: Schema.Array(World.Call),
  /** In milliseconds. */
  nap: Schema.Number,
  gift: Schema.NullOr(Schema.Struct({ wrap: World.Call, card: World.Call })),
  /** A saga inside, which fails, is undone and forgiven. */
  sample: Schema.NullOr(World.Call),
  ending: Schema.Literal("success", "failure", "defect", "cancel")
})
export type Plan = typeof Plan.Type

export class Order extends Workflow.Tag<Order>()("Order", {
  payload: Plan,
  success: Schema.Array(Schema.String),
  error: Schema.Union(World.Broken, Refused)
}) {}

const OrderLive = Order.layer(Effect.fnUntraced(function*(plan) {
  yield* undoable("charge", plan.charge)
  yield* Workflow.sleep("nap", plan.nap)
  yield* undoable("reserve", plan.reserve)
  if (plan.sample !== null) {
    const sample = Effect.zipRight(undoable("pack", plan.sample), Act.execute("send", { failures: 99 }))
    yield* Saga.scoped("sample", sample).pipe(Effect.catchAll(() => Effect.void))
  }
  // Whether the advice comes in time is up to the clock; the replay must come out as the first run did.
  yield* Act.execute("advice", { millis: plan.nap }).pipe(Effect.timeoutOption(plan.nap), Effect.ignore)
  if (plan.gift !== null) {
    yield* Gift.child("gift", plan.gift).pipe(
      Effect.catchTag("WorkflowCancelled", Effect.die),
      Saga.compensate(() => Act.execute("undo-gift", {}))
    )
  }
  const parcels = yield* Effect.forEach(
    plan.parcels,
    (parcel, index) => undoable(`ship-${index}`, parcel),
    { concurrency: 3 }
  )
  yield* Effect.sleep(plan.nap)
  switch (plan.ending) {
    case "success":
      return parcels
    case "failure":
      return yield* new Refused()
    case "defect":
      return yield* Effect.dieMessage("the body is broken")
    case "cancel":
      yield* Workflow.sleep("for-ever", "1000 days")
      return parcels
  }
}))

/** An order that is tried as a whole: its last step fails in every execution before the one given by `execution`. */
export class Patient extends Workflow.Tag<Patient>()("Patient", {
  payload: { charge: World.Call, execution: Schema.Number },
  success: Schema.Number,
  error: World.Broken,
  retry: { schedule: Schedule.spaced("10 millis"), times: 2 }
}) {}

/** How often `Patient` is tried. */
export const executions = 3

const PatientLive = Patient.layer(Effect.fnUntraced(function*({ charge, execution }) {
  const { attempt } = yield* Workflow.Execution
  yield* undoable("charge", charge)
  yield* Act.execute("courier", { failures: attempt < execution ? 99 : 0 })
  return attempt
}))

export const layer = (directory: string) =>
  Layer.mergeAll(OrderLive, PatientLive).pipe(
    Layer.provideMerge(GiftLive),
    Layer.provide(Act.layer((asked) => World.call(directory, asked)))
  )

/** How an order is to end. */
export const expected = (plan: Plan): string => {
  const fails = ({ failures }: World.Call) => failures >= attempts
  if (fails(plan.charge)) return "Broken charge"
  if (fails(plan.reserve)) return "Broken reserve"
  if (plan.gift !== null && fails(plan.gift.wrap)) return "Broken wrap"
  if (plan.gift !== null && fails(plan.gift.card)) return "Broken card"
  const lost = plan.parcels.findIndex(fails)
  if (lost >= 0) return `Broken ship-${lost}`
  switch (plan.ending) {
    case "success":
      return `Completed ${plan.parcels.map((_, index) => `ship-${index}`).join(" ")}`
    case "failure":
      return "Refused"
    case "defect":
      return "Defect the body is broken"
    case "cancel":
      return "Cancelled"
  }
}

/** How a workflow has ended, in the same words. */
export const told = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.match(exit, {
    onSuccess: (value) => `Completed ${Array.isArray(value) ? value.join(" ") : String(value)}`,
    onFailure: (cause) => {
      const [failure] = Cause.failures(cause)
      const [defect] = Cause.defects(cause)
      if (failure instanceof World.Broken) return `Broken ${failure.key}`
      if (failure instanceof Refused) return "Refused"
      if (failure instanceof WorkflowCancelled) return "Cancelled"
      return `Defect ${defect instanceof Error ? defect.message : String(defect ?? failure)}`
    }
  })
