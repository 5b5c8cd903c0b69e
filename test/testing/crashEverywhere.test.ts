/**
 * Every crash that a program may suffer: those that survive them do, and those that do not are told why.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
class Charge extends Activity.Tag<Charge>()("Charge", {
  payload: { cents: Schema.Int },
  success: Schema.String,
  error: Declined,
  retry: { schedule: Schedule.spaced("1 minute"), times: 2 }
}) {}
class Refund extends Activity.Tag<Refund>()("Refund", { payload: { receipt: Schema.String } }) {}
class Ship extends Activity.Tag<Ship>()("Ship", { success: Schema.String, error: Declined }) {}
class Order extends Workflow.Tag<Order>()("Order", { success: Schema.Unknown, error: Declined }) {}
class Parcel extends Workflow.Tag<Parcel>()("Parcel", { success: Schema.String, error: Declined }) {}
const Approved = Signal.make("Approved")

const charge = Charge.execute("charge", { cents: 3 }).pipe(
  Saga.compensate((receipt) => Refund.execute("refund", { receipt }))
)

/** What takes no time is never under way when a process dies. */
const receipt = Effect.delay(Effect.succeed("receipt"), "1 second")

const world = (
  ship: Effect.Effect<string, Declined>,
  charges: ReadonlyArray<Effect.Effect<string, Declined>> = [new Declined(), receipt]
) =>
  Layer.mergeAll(
    Testing.double(Charge, charges),
    Testing.double(Refund, [Effect.void]),
    Testing.double(Ship, [ship])
  )

const chargedOnce = Testing.calls(Charge).pipe(
  Effect.map((calls) => new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size),
  Effect.filterOrDieMessage((charges) => charges === 1, "it does not charge once")
)

/** The story of a program that must not survive. */
const storyOf = <A, E>(test: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(test), (error) => error instanceof Testing.CrashFailure ? error.message : String(error))

describe("a program that survives", () => {
  const sold = Order.layer(() =>
    Effect.gen(function*() {
      const receipt = yield* charge
      yield* Workflow.sleep("a year", "365 days")
      return [receipt, yield* Ship.execute("ship")]
    })
  )

  it.effect("ends each time as without a crash, a year and some retries later", () =>
    Effect.gen(function*() {
      const report = yield* Testing.crashEverywhere({
        workflows: sold,
        program: Order.execute("o"),
        world: world(Effect.succeed("parcel")),
        verify: chargedOnce
      })
      assert.deepStrictEqual(report.exit, Exit.succeed(["receipt", "parcel"]))
      // One just before and one just after each commit.
      assert.strictEqual(report.runs, 2 * report.commits)
      assert.isAtLeast(report.commits, 5)
    }))

  it.effect("undoes what it did, once, whatever dies, twice in a row", () =>
    Effect.gen(function*() {
      const report = yield* Testing.crashEverywhere({
        workflows: Order.layer(() => Effect.zipRight(charge, Ship.execute("ship"))),
        program: Order.execute("o"),
        world: world(Effect.fail(new Declined()), [receipt]),
        verify: Effect.zip(
          chargedOnce,
          Effect.filterOrDieMessage(Testing.calls(Refund), (calls) => calls.length > 0, "nothing was refunded")
        ),
        crashes: 2
      })
      assert.deepStrictEqual(report.exit, Exit.fail(new Declined()))
      assert.isAbove(report.runs, 4 * report.commits)
    }), 60_000)

  it.effect("waits for signals and sub-workflows, and takes each once", () =>
    Effect.gen(function*() {
      const order = Order.layer(() =>
        Effect.gen(function*() {
          const approved = yield* Approved.awaitWithin("approval", "3 days")
          const parcel = yield* Effect.either(Parcel.child("parcel"))
          return [Option.isSome(approved), parcel._tag]
        })
      )
      const parcel = Parcel.layer(() => Ship.execute("ship"))
      const report = yield* Testing.crashEverywhere({
        workflows: Layer.provide(order, parcel),
        program: Effect.gen(function*() {
          const info = yield* Order.start("o")
          yield* Effect.catchTag(Approved.send("o"), "WorkflowEnded", () => Effect.void)
          return yield* info.result
        }),
        world: world(Effect.succeed("parcel"))
      })
      assert.deepStrictEqual(report.exit, Exit.succeed([true, "Right"]))
    }))
})

describe("a program that does not survive", () => {
  it.effect("since a payload is another one in each process", () =>
    Effect.gen(function*() {
      let lives = 0
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: Order.layer(() =>
          Effect.flatMap(Effect.sync(() => ++lives), (cents) =>
            Effect.zipRight(Charge.execute("charge", { cents }), Workflow.sleep("a day", "1 day")))
        ),
        program: Order.execute("o"),
        world: world(Effect.succeed("parcel"), [receipt])
      }))
      assert.match(story, /^the program does not survive a crash \(without one it makes \d+ commits\)/)
      assert.include(story, "A process died just after it had committed, as its commit")
      assert.include(story, "Under way were\n  - attempt 1 of the step \"charge\" of the workflow \"o\"")
      assert.include(story, "charge")
      assert.include(story, "does not agree with the journal")
    }))

  it.effect("since what must be recorded once is drawn again", () =>
    Effect.gen(function*() {
      let draws = 0
      const draw = Effect.sync(() => ++draws)
      const test = (id: Effect.Effect<number, never, Workflow.Step<"id">>) =>
        Testing.crashEverywhere({
          workflows: Order.layer(() => Effect.zipLeft(id, Workflow.sleep("a day", "1 day"))),
          program: Order.execute("o"),
          same: "statuses"
        })
      yield* test(SideEffect.record("id", Schema.Number, draw))
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: Order.layer(() => Effect.zipLeft(draw, Workflow.sleep("a day", "1 day"))),
        program: Order.execute("o")
      }))
      assert.include(story, "What differed:")
    }))

  it.effect("without any crash, since it waits for a promise", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: Order.layer(() => Effect.promise(() => Promise.resolve(1))),
        program: Order.execute("o")
      }))
      assert.match(story, /^the program does not end well, without any crash/)
      assert.include(story, "a promise")
    }))

  it.effect("by what is verified of the world", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: Order.layer(() => charge),
        program: Order.execute("o"),
        world: world(Effect.succeed("parcel")),
        // It is called at least once, not once: that is what idempotency keys are for.
        verify: Effect.filterOrDieMessage(
          Testing.calls(Charge),
          (calls) => calls.length === 2,
          "the provider was called too often"
        )
      }))
      assert.include(story, "the provider was called too often")
    }))
})
