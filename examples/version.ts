/**
 * `tsx examples/version.ts`: the code of a workflow changes while workflows run it. Orders used to be packed by hand; now
 * a robot does it. An order that was packed by hand before the deploy goes on as it began, and a new one gets the robot.
 *
 * Two deploys on one journal, in one process. Run in memory under a test clock, as parcels wait a day for the van.
 */
import { Console, Context, Effect, Layer, Schema, TestClock, TestContext } from "effect"
import { Activity, Journal, Tempolite, Workflow } from "../src/index.ts"

class Pack extends Activity.Tag<Pack>()("Pack", { payload: { order: Schema.String } }) {}
class Robot extends Activity.Tag<Robot>()("Robot", { payload: { order: Schema.String } }) {}
class Label extends Activity.Tag<Label>()("Label", { payload: { order: Schema.String, by: Schema.String } }) {}

class Order extends Workflow.Tag<Order>()("Order", { payload: { order: Schema.String } }) {}

const ActivitiesLive = Layer.mergeAll(
  Pack.layer(({ order }) => Console.log(`  ${order} is packed by hand`)),
  Robot.layer(({ order }) => Console.log(`  ${order} is packed by the robot`)),
  Label.layer(({ by, order }) => Console.log(`  ${order} gets the label of ${by}`))
)

const before = Order.layer(({ order }) =>
  Effect.gen(function*() {
    yield* Pack.execute("pack", { order })
    yield* Workflow.sleep("van", "1 day")
    yield* Label.execute("label", { order, by: "a hand" })
  })
)

const after = Order.layer(({ order }) =>
  Effect.gen(function*() {
    // 1 for an order that had got further with the old code, 2 for one that gets here for the first time.
    const version = yield* Workflow.version("robot", { min: 1, max: 2 })
    if (version === 1) yield* Pack.execute("pack", { order })
    else yield* Robot.execute("robot", { order })
    yield* Workflow.sleep("van", "1 day")
    yield* Label.execute("label", { order, by: version === 1 ? "a hand" : "the robot" })
  })
)

/** One life of the process: its workflows run with this code until `use` has ended. */
const deploy = (code: typeof before | typeof after, use: Effect.Effect<void, unknown, Order | Tempolite.Tempolite>) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.provide(
      use,
      code.pipe(
        Layer.provide(ActivitiesLive),
        Layer.provideMerge(Tempolite.layer()),
        Layer.provide(Layer.succeedContext(Context.make(Journal.Journal, journal)))
      )
    ))

const program = Effect.gen(function*() {
  yield* Console.log("the first deploy")
  yield* deploy(before, Effect.zipRight(Order.start("old", { order: "old" }), TestClock.adjust("1 hour")))
  yield* Console.log("the second deploy")
  yield* deploy(
    after,
    Effect.gen(function*() {
      yield* Order.start("new", { order: "new" })
      yield* TestClock.adjust("2 days")
      for (const order of ["old", "new"]) yield* Order.execute(order, { order })
    })
  )
})
const testing = Effect.provide(program, Journal.layerMemory)
await Effect.runPromise(Effect.provide(testing, TestContext.TestContext))
