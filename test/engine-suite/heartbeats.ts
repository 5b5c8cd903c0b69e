/**
 * Heartbeats: signs of life of an attempt, and what it leaves to the next one.
 */
import { assert, describe } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Schedule, Schema } from "effect"
import { Activity, Saga, Tempolite } from "../../src/index.ts"
import { type Bench, type Promised, startsOf, statusesOf, theStep } from "./bench.ts"
import { Declined, Main, show } from "./domain.ts"

/** An import that is tried three times, as long as it shows life every ten seconds. */
class Import extends Activity.Tag<Import>()("Import", {
  success: Schema.Unknown,
  error: Declined,
  heartbeatTimeout: "10 seconds",
  retry: { schedule: Schedule.spaced("1 second"), times: 2 }
}) {}

/** One that nobody looks after. */
class Quiet extends Activity.Tag<Quiet>()("Quiet", {
  success: Schema.Unknown,
  error: Declined,
  retry: { times: 3 }
}) {}

type Handler = (execution: Activity.ActivityExecution) => Effect.Effect<unknown, Declined>

const importing = (handler: Handler) =>
  Main.layer(() => Import.execute("a")).pipe(
    Layer.provide(Import.layer(() => Effect.flatMap(Activity.Execution, handler)))
  )

const quiet = (handler: Handler) =>
  Main.layer(() => Quiet.execute("a")).pipe(
    Layer.provide(Quiet.layer(() => Effect.flatMap(Activity.Execution, handler)))
  )

const declined = new Declined({ reason: "no" })

/** Beats so many times, so long one after the other, with the number of the beat. */
const beat = ({ heartbeat }: Activity.ActivityExecution, times: number, every: Duration.DurationInput) =>
  Effect.forEach(
    Array.from({ length: times }, (_, index) => index + 1),
    (number) => Effect.zipRight(heartbeat({ number }), Effect.sleep(every)),
    { discard: true }
  )

/** How many commits there are while `self` runs. */
const commitsOf = <A, E>(bench: Bench, self: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const before = bench.commits.length
    return Effect.map(self, () => bench.commits.length - before)
  })

const ofLimits = (promise: Promised) => {
  promise(
    "that is silent for too long is interrupted, recorded as timed out, and tried again",
    (bench) =>
      Effect.gen(function*() {
        const ended: Array<string> = []
        const engine = yield* bench.start(importing((execution) =>
          execution.attempt === 1
            ? Effect.onExit(
              beat(execution, 2, "1 hour"),
              (exit) => Effect.sync(() => ended.push(Exit.isInterrupted(exit) ? "cut" : "done"))
            )
            : Effect.succeed("imported")
        ))
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "imported")
        assert.deepStrictEqual(ended, ["cut"])
        const step = yield* theStep(bench, "w")
        assert.deepStrictEqual(statusesOf(step), ["TimedOut", "Completed"])
        assert.deepStrictEqual(startsOf(step), [0, 11_000])
      }),
    { except: { crash: "it counts attempts, and one is lost" } }
  )

  promise("may take for ever if it shows life in time", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(importing((execution) => Effect.as(beat(execution, 100, "9 seconds"), "done")))
      assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "done")
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Completed"])
    }))

  promise("is timed from its last heartbeat, whenever that was", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(importing(({ heartbeat }) =>
        Effect.sleep("7 seconds").pipe(Effect.zipRight(heartbeat()), Effect.zipRight(Effect.never))
      ))
      yield* engine.run(Main.start("w", {}))
      yield* bench.pass("16999 millis")
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Running"])
      yield* bench.pass("1 milli")
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["TimedOut"])
      // The next one has the whole time again.
      yield* bench.pass("17 seconds")
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["TimedOut", "Running"])
    }), { except: { crash: "it counts attempts, and one is lost" } })

  promise("fails with an `ActivityTimeout` that says which timeout it was", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(importing(() => Effect.never))
      const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
      assert.instanceOf(error, Activity.ActivityTimeout)
      assert.deepInclude(error, { activity: "Import", attempt: 3, timeout: "heartbeat" })
      assert.include(error.message, "attempt 3 of the activity \"Import\" sent no heartbeat within")
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["TimedOut", "TimedOut", "TimedOut"])
    }), { except: { crash: "it counts attempts, and one is lost" } })

  promise("is limited as a whole, too, if it has both timeouts", (bench) =>
    Effect.gen(function*() {
      class Both extends Activity.Tag<Both>()("Both", {
        timeout: "1 minute",
        heartbeatTimeout: "10 seconds",
        retry: { times: 1 }
      }) {}
      const live = Main.layer(() => Both.execute("a")).pipe(
        Layer.provide(Both.layer(() =>
          Effect.flatMap(Activity.Execution, (execution) =>
            execution.attempt === 1 ? Effect.never : beat(execution, 100, "5 seconds"))
        ))
      )
      const engine = yield* bench.start(live)
      const error = yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
      assert.deepInclude(error, { activity: "Both", attempt: 2, timeout: "attempt" })
      const step = yield* theStep(bench, "w")
      assert.deepStrictEqual(startsOf(step), [0, 10_000])
      assert.strictEqual(bench.clock.now, 1_700_000_070_000)
    }), { except: { crash: "it counts attempts, and one is lost" } })

  promise(
    "has a limit that cannot be: then each step of it is a defect that says so",
    (bench) =>
      Effect.gen(function*() {
        class Never extends Activity.Tag<Never>()("Never", { heartbeatTimeout: -1 }) {}
        class Always extends Activity.Tag<Always>()("Always", { heartbeatTimeout: Duration.infinity }) {}
        const live = Main.layer(() => Effect.zipRight(Always.execute("a"), Never.execute("b"))).pipe(
          Layer.provide([Never.layer(() => Effect.void), Always.layer(() => Effect.sleep("1 hour"))])
        )
        const engine = yield* bench.start(live)
        const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
        assert.include(show(exit), "the duration of the `heartbeatTimeout` of the activity \"Never\" is -1")
        assert.deepStrictEqual((yield* bench.describe("w")).steps.map(({ status }) => status), ["Completed"])
      })
  )
}

const ofDetails = (promise: Promised) => {
  /** Keeps what each attempt finds. */
  const finding = (found: Array<unknown>, handler: Handler): Handler => (execution) =>
    Effect.zipRight(
      Effect.map(execution.lastHeartbeat, (details) => found.push(details)),
      handler(execution)
    )

  promise("are found by the next attempt: those of the last heartbeat that had any", (bench) =>
    Effect.gen(function*() {
      const found: Array<unknown> = []
      const engine = yield* bench.start(quiet(finding(found, ({ attempt, heartbeat }) => {
        switch (attempt) {
          case 1:
            return heartbeat({ row: 1 }).pipe(
              Effect.zipRight(heartbeat({ row: 2, done: ["a", null] })),
              Effect.zipRight(heartbeat()),
              Effect.zipRight(declined)
            )
          case 2:
            return declined
          case 3:
            return Effect.zipRight(heartbeat("text"), declined)
          default:
            return Effect.void
        }
      })))
      yield* bench.wait(engine.run(Main.execute("w", {})))
      const last = { row: 2, done: ["a", null] }
      assert.deepStrictEqual(found, [undefined, last, last, "text"])
    }), { except: { crash: "the heartbeats of an attempt that is repeated begin anew" } })

  promise("are found after a timeout", (bench) =>
    Effect.gen(function*() {
      const found: Array<unknown> = []
      const engine = yield* bench.start(importing(finding(found, (execution) =>
        execution.attempt === 1 ? Effect.zipRight(beat(execution, 3, "1 second"), Effect.never) : Effect.void)))
      yield* bench.wait(engine.run(Main.execute("w", {})))
      assert.deepStrictEqual(found, [undefined, { number: 3 }])
    }), { except: { crash: "the heartbeats of an attempt that is repeated begin anew" } })

  promise("are found after a close, to the last", (bench) =>
    Effect.gen(function*() {
      const found: Array<unknown> = []
      const live = importing(
        finding(found, (execution) => execution.attempt === 1 ? beat(execution, 100, "1 second") : Effect.void)
      )
      const first = yield* bench.start(live)
      yield* first.run(Main.start("w", {}))
      yield* bench.pass("12500 millis")
      yield* first.close
      const second = yield* bench.start(live)
      yield* bench.wait(second.run(Main.execute("w", {})))
      assert.deepStrictEqual(found, [undefined, { number: 13 }])
      assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Lost", "Completed"])
    }))

  promise("are found after a crash, though they may be some seconds old", (bench) =>
    Effect.gen(function*() {
      const found: Array<unknown> = []
      const live = importing(
        finding(found, (execution) => execution.attempt === 1 ? beat(execution, 100, "1 second") : Effect.void)
      )
      const first = yield* bench.start(live)
      yield* first.run(Main.start("w", {}))
      yield* bench.pass("12500 millis")
      yield* first.crash
      const second = yield* bench.start(live)
      yield* bench.wait(second.run(Main.execute("w", {})))
      // The 13th was the last; they were written at 0, 5 and 10 seconds.
      assert.deepStrictEqual(found, [undefined, { number: 11 }])
    }), { except: { crash: "the heartbeats of an attempt that is repeated begin anew" } })

  promise("stay through an attempt that was lost before it showed life", (bench) =>
    Effect.gen(function*() {
      const found: Array<unknown> = []
      const live = quiet(finding(found, ({ attempt, heartbeat }) =>
        attempt === 1 ? Effect.zipRight(heartbeat(1), declined) : Effect.delay(Effect.void, "1 hour")))
      const first = yield* bench.start(live)
      yield* first.run(Main.start("w", {}))
      yield* bench.settle
      yield* first.crash
      const second = yield* bench.start(live)
      yield* bench.wait(second.run(Main.execute("w", {})))
      assert.deepStrictEqual(found, [undefined, 1, 1])
    }), { except: { crash: "the heartbeats of an attempt that is repeated begin anew" } })

  promise(
    "are forgotten once the activity has completed, also where it is undone and runs again",
    (bench) =>
      Effect.gen(function*() {
        const found: Array<unknown> = []
        const isBroken = { now: true }
        const live = Main.layer(() =>
          Effect.gen(function*() {
            yield* Saga.compensate(Quiet.execute("a"), () => Effect.void)
            if (isBroken.now) return yield* declined
          })
        ).pipe(Layer.provide(
          Quiet.layer(() =>
            Effect.flatMap(Activity.Execution, finding(found, ({ heartbeat }) => heartbeat("imported all")))
          )
        ))
        const engine = yield* bench.start(live)
        yield* Effect.flip(bench.wait(engine.run(Main.execute("w", {}))))
        isBroken.now = false
        yield* engine.run(Effect.flatMap(Tempolite.Tempolite, (client) => client.retry("w")))
        yield* bench.wait(engine.run(Effect.flatMap(Main.info("w"), (info) => info.result)))
        assert.deepStrictEqual(found, [undefined, undefined])
      })
  )

  promise(
    "that JSON cannot hold are a defect of the attempt, which is not tried again",
    (bench) =>
      Effect.gen(function*() {
        const found: Array<unknown> = []
        const engine = yield* bench.start(quiet(finding(found, ({ heartbeat }) => heartbeat({ rows: [1n] }))))
        const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
        assert.include(show(exit), "heartbeat: at rows[0]: JSON has no bigint")
        assert.deepStrictEqual(found, [undefined])
        assert.deepStrictEqual(statusesOf(yield* theStep(bench, "w")), ["Failed"])
      })
  )
}

const ofCosts = (promise: Promised) => {
  for (
    const [what, every, most] of [
      ["in one instant", 0, 1],
      ["in ten seconds", 10, 2],
      ["in a thousand seconds", 1_000, 200]
    ] as const
  ) {
    promise(`a thousand of them ${what} are written at most every five seconds`, (bench) =>
      Effect.gen(function*() {
        const commits: Array<number> = []
        for (const times of [0, 1_000]) {
          const engine = yield* bench.start(quiet((execution) => beat(execution, times, every)))
          commits.push(yield* commitsOf(bench, bench.wait(engine.run(Main.execute(times, {})))))
          yield* engine.close
        }
        assert.isAtMost(commits[1]! - commits[0]!, most)
      }), { except: { crash: "it counts commits", lost: "it counts commits" } })
  }

  promise("one that comes when its attempt is over means nothing", (bench) =>
    Effect.gen(function*() {
      const kept: Array<Activity.ActivityExecution> = []
      const found: Array<unknown> = []
      const engine = yield* bench.start(quiet((execution) => {
        kept.push(execution)
        const late = kept.length === 1
          ? declined
          : Effect.zipRight(kept[0]!.heartbeat("late"), execution.attempt < 3 ? declined : Effect.void)
        return Effect.zipRight(Effect.map(execution.lastHeartbeat, (details) => found.push(details)), late)
      }))
      yield* bench.wait(engine.run(Main.execute("w", {})))
      const commits = yield* commitsOf(bench, Effect.zipRight(kept[0]!.heartbeat("too late"), bench.settle))
      assert.strictEqual(commits, 0)
      assert.deepStrictEqual(found, [undefined, undefined, undefined])
    }))

  promise("one of an activity without a tag is as the others", (bench) =>
    Effect.gen(function*() {
      const live = Main.layer(() =>
        Activity.make("inline", {
          success: Schema.Unknown,
          heartbeatTimeout: "10 seconds",
          retry: { times: 1 },
          execute: Effect.flatMap(
            Activity.Execution,
            ({ attempt, heartbeat, lastHeartbeat }) =>
              attempt === 1 ? Effect.zipRight(heartbeat([1]), Effect.never) : lastHeartbeat
          )
        })
      )
      const engine = yield* bench.start(live)
      assert.deepStrictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), [1])
    }), { except: { crash: "the heartbeats of an attempt that is repeated begin anew" } })
}

export const heartbeats = (promise: Promised) => {
  describe("an attempt", () => ofLimits(promise))
  describe("the details of heartbeats", () => ofDetails(promise))
  describe("heartbeats", () => ofCosts(promise))
}
