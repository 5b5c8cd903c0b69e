/**
 * Doubles of activities.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Schedule, Schema } from "effect"
import { Activity, Journal, Tempolite, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { why: Schema.String }) {}
class Charge extends Activity.Tag<Charge>()("Charge", {
  payload: { cents: Schema.Int, at: Schema.Date },
  success: Schema.String,
  error: Declined,
  retry: { schedule: Schedule.recurs(2) }
}) {}
class Ping extends Activity.Tag<Ping>()("Ping") {}
class Main extends Workflow.Tag<Main>()("Main", { success: Schema.Unknown, error: Declined }) {}

const at = new Date(0)
const charge = (key: string, cents: number) => Charge.execute(key, { cents, at })

type Outcomes = Parameters<typeof Testing.double<Charge, Call["payload"], string, Declined>>[1]
type Call = Testing.Call<{ readonly cents: number; readonly at: Date }>

/** Runs a body, and gives its exit and the calls. */
const run = (
  outcomes: Outcomes,
  body: Effect.Effect<unknown, Declined, Charge | Workflow.Step<string>>
): Effect.Effect<readonly [Exit.Exit<unknown, unknown>, ReadonlyArray<Call>]> =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Main.execute("m"))
    return [exit, yield* Testing.calls(Charge)] as const
  }).pipe(
    Effect.provide(
      Main.layer(() => body).pipe(
        Layer.provideMerge(Testing.double(Charge, outcomes)),
        Layer.provideMerge(Tempolite.layer()),
        Layer.provide(Layer.fresh(Journal.layerMemory)),
        Layer.orDie
      )
    )
  )

describe("double", () => {
  it.effect("answers in order, the last outcome from then on, and keeps what it was asked", () =>
    Effect.gen(function*() {
      const [exit, calls] = yield* run(
        [Exit.succeed("one"), Effect.succeed("two")],
        Effect.forEach(["a", "b", "c"], (key, index) => charge(key, index))
      )
      assert.deepStrictEqual(exit, Exit.succeed(["one", "two", "two"]))
      assert.deepStrictEqual(
        calls.map(({ attempt, key, payload, workflowId }) => [workflowId, key, attempt, payload]),
        ["a", "b", "c"].map((key, cents) => ["m", key, 1, { cents, at }])
      )
      assert.strictEqual(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size, 3)
    }))

  it.effect("gives each attempt an outcome of its own, under one idempotency key", () =>
    Effect.gen(function*() {
      const declined = new Declined({ why: "network" })
      const [exit, calls] = yield* run([declined, declined, Effect.succeed("third")], charge("a", 1))
      assert.deepStrictEqual(exit, Exit.succeed("third"))
      assert.deepStrictEqual(calls.map(({ attempt }) => attempt), [1, 2, 3])
      assert.strictEqual(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size, 1)
    }))

  it.effect("answers with what a function says of the call", () =>
    Effect.gen(function*() {
      const [exit] = yield* run(
        ({ attempt, key, payload }) =>
          attempt === 1 && payload.cents > 1
            ? new Declined({ why: "once" })
            : Effect.succeed(`${key} ${payload.at.getTime()}`),
        Effect.all([charge("a", 1), charge("b", 2)])
      )
      assert.deepStrictEqual(exit, Exit.succeed(["a 0", "b 0"]))
    }))

  it.effect("is a defect when it is called without any outcome", () =>
    Effect.gen(function*() {
      const [exit, calls] = yield* run([], charge("a", 1))
      assert.include(
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "",
        "the double of the activity \"Charge\" has no outcomes: it must not be called"
      )
      assert.strictEqual(calls.length, 1)
    }))

  it.effect("answers a key under which it has succeeded again, as an outside does that is idempotent", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      // In some of the runs the process dies when it has been charged, and does not know yet.
      const report = yield* Testing.crashEverywhere({
        workflows: Main.layer(() => Effect.all([charge("a", 1), charge("b", 2)])),
        program: Main.execute("m"),
        world: Testing.double(Charge, [Exit.succeed("one"), Exit.succeed("two"), Exit.succeed("three")]),
        verify: Effect.map(Testing.calls(Charge), (calls) => {
          seen.push(calls.map(({ key }) => key).join(" "))
        })
      })
      assert.deepStrictEqual(report.exit, Exit.succeed(["one", "two"]))
      assert.includeMembers(seen, ["a b", "a a b", "a b b"])
    }))

  it.effect("is a new one for each layer that is built, and two do not share a log", () =>
    Effect.gen(function*() {
      const layer = Layer.mergeAll(Testing.double(Charge, [Effect.succeed("one")]), Testing.double(Ping, [Effect.void]))
      const app = Main.layer(() => Effect.zipRight(Ping.execute("ping"), charge("a", 1))).pipe(
        Layer.provideMerge(layer),
        Layer.provideMerge(Tempolite.layer()),
        Layer.provide(Layer.fresh(Journal.layerMemory))
      )
      const lives = Effect.gen(function*() {
        yield* Main.execute("m")
        return [(yield* Testing.calls(Charge)).length, (yield* Testing.calls(Ping)).map(({ key }) => key)] as const
      }).pipe(Effect.provide(app))
      assert.deepStrictEqual(yield* lives, [1, ["ping"]])
      assert.deepStrictEqual(yield* lives, [1, ["ping"]])
    }))
})
