/**
 * `tsx examples/subscription.ts`: a subscription is charged once a year until it is cancelled. Each year is a generation
 * of its own (`continueAsNew`), so that a subscription of fifty years needs no more room than one of one year. Run in
 * memory under a test clock, so that the years pass at once.
 */
import { Console, Effect, Layer, Option, Schema, TestClock, TestContext } from "effect"
import { Activity, Journal, Signal, Tempolite, Workflow } from "../src/index.ts"

const Unsubscribed = Signal.make("Unsubscribed")

class Charge extends Activity.Tag<Charge>()("Charge", {
  payload: { customer: Schema.String, year: Schema.Int },
  success: Schema.String // the receipt
}) {}

class Subscription extends Workflow.Tag<Subscription>()("Subscription", {
  payload: { customer: Schema.String, year: Schema.optionalWith(Schema.Int, { default: () => 1 }) },
  success: Schema.String,
  keys: Schema.Literal("charge", "a year")
}) {}

const SubscriptionLive = Subscription.layer(
  Effect.fn("Subscription")(function*({ customer, year }) {
    yield* Charge.execute("charge", { customer, year })
    const unsubscribed = yield* Unsubscribed.awaitWithin("a year", "365 days")
    if (Option.isSome(unsubscribed)) return `${customer} left in year ${year}`
    return yield* Subscription.continueAsNew({ customer, year: year + 1 })
  })
).pipe(
  Layer.provide(
    Charge.layer(({ customer, year }) =>
      Effect.as(Console.log(`${customer} pays for year ${year}`), `${customer}-${year}`)
    )
  )
)

const AppLive = SubscriptionLive.pipe(Layer.provideMerge(Tempolite.layer()), Layer.provide(Journal.layerMemory))

const program = Effect.gen(function*() {
  const subscription = yield* Subscription.start("ann", { customer: "ann" })
  // Three years and a half.
  for (let months = 0; months < 42; months += 6) yield* TestClock.adjust("183 days")
  const { generation, steps } = yield* subscription.describe
  yield* Console.log(`generation ${generation}, ${steps.length} steps on record`)
  yield* Unsubscribed.send("ann")
  yield* Console.log(yield* subscription.result)
})
const testing = Effect.provide(program, AppLive)
await Effect.runPromise(Effect.provide(testing, TestContext.TestContext))
