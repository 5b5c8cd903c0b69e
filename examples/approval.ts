/**
 * `tsx examples/approval.ts`: an expense waits for its approval. Whoever is asked has three days; then the manager is
 * asked, who has a week. Run in memory under a test clock, so that ten days pass at once.
 */
import { Console, Effect, Layer, Option, Schema, TestClock, TestContext } from "effect"
import { Activity, Journal, Signal, Tempolite, Workflow } from "../src/index.ts"

class NotApproved extends Schema.TaggedError<NotApproved>()("NotApproved", { why: Schema.String }) {}

const Decided = Signal.make("Decided", { payload: { by: Schema.String, approved: Schema.Boolean } })

class Ask extends Activity.Tag<Ask>()("Ask", { payload: { person: Schema.String, expense: Schema.String } }) {}

class Approve extends Workflow.Tag<Approve>()("Approve", {
  payload: { expense: Schema.String },
  success: Schema.String, // who approved it
  error: NotApproved,
  keys: Schema.Literal("ask the lead", "lead", "ask the manager", "manager")
}) {}

const ApproveLive = Approve.layer(
  Effect.fn("Approve")(function*({ expense }) {
    yield* Ask.execute("ask the lead", { person: "the lead", expense })
    const first = yield* Decided.awaitWithin("lead", "3 days")
    const decision = Option.isSome(first) ?
      first :
      yield* Ask.execute("ask the manager", { person: "the manager", expense }).pipe(
        Effect.zipRight(Decided.awaitWithin("manager", "7 days"))
      )
    if (Option.isNone(decision)) return yield* new NotApproved({ why: "nobody answered" })
    const { approved, by } = decision.value
    return approved ? by : yield* new NotApproved({ why: `${by} refused` })
  })
).pipe(Layer.provide(Ask.layer(({ expense, person }) => Console.log(`${expense}: ${person} is asked`))))

const AppLive = ApproveLive.pipe(Layer.provideMerge(Tempolite.layer()), Layer.provide(Journal.layerMemory))

/** Starts an approval; `days` later somebody decides. */
const scene = (expense: string, days: number, decision: { readonly by: string; readonly approved: boolean }) =>
  Effect.gen(function*() {
    const approval = yield* Approve.start(expense, { expense })
    yield* TestClock.adjust(`${days} days`)
    // It may be too late: then there is nobody to tell.
    yield* Effect.catchTag(Decided.send(expense, decision), "WorkflowEnded", () => Effect.void)
    const outcome = yield* Effect.match(approval.result, {
      onFailure: (error) => error._tag === "NotApproved" ? `not approved, ${error.why}` : String(error),
      onSuccess: (by) => `approved by ${by}`
    })
    yield* Console.log(`${expense}: ${outcome}`)
  })

const program = Effect.all([
  scene("train", 1, { by: "the lead", approved: true }),
  scene("hotel", 5, { by: "the manager", approved: false }),
  scene("yacht", 11, { by: "the manager", approved: true })
])
const testing = Effect.provide(program, AppLive)
await Effect.runPromise(Effect.provide(testing, TestContext.TestContext))
