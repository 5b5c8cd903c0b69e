/**
 * Queues: bounds for what runs at once, and for what starts in a time. First come, first served, and nobody waits for
 * itself.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, Context, DateTime, Duration, Effect, Exit, Layer, Option, Schedule, Schema, Scope } from "effect"
import {
  Activity,
  InvalidQueue,
  Journal,
  JournalLocked,
  Saga,
  Signal,
  Tempolite,
  Workflow,
  WorkflowCancelled
} from "../../src/index.ts"
import { begin, type Bench, type Promised, startsOf, statusesOf, theStep } from "./bench.ts"
import { Act, activities, Declined, type InBody } from "./domain.ts"
import * as Supervisor from "./modes/supervisor.ts"

/** A call that takes a minute, through the queue `line`. */
class Call extends Activity.Tag<Call>()("Call", { error: Declined, queue: "line" }) {}

const CallLive = Call.layer(() => Effect.sleep("1 minute"))

const errors = Schema.Union(Declined, Activity.ActivityTimeout)

/** A workflow on the queue `line`. */
class Job extends Workflow.Tag<Job>()("Job", { queue: "line", error: errors }) {}

/** One that is on no queue. */
class Free extends Workflow.Tag<Free>()("Free", { error: errors }) {}

const Go = Signal.make("Go")
const Fail = Signal.make("Fail")
const Stick = Signal.make("Stick")

/** Ends when it is told to. */
const waits = Job.layer(() => Go.await("go"))

const go = (...ids: ReadonlyArray<string>) => Effect.forEach(ids, (id) => Go.send(id), { discard: true })

const starts = (...ids: ReadonlyArray<string>) => Effect.forEach(ids, (id) => Job.start(id), { discard: true })

const oneAtATime = { queues: { line: { concurrency: 1 } } }

const killed = new JournalLocked({ holder: "the process was killed" })

/** An engine with queues, on the journal of the bench, until it is closed, or dies, or the test ends. */
const open = <R, E>(
  bench: Bench,
  live: Layer.Layer<R, E, Tempolite.Tempolite>,
  options: Tempolite.Options = oneAtATime
) =>
  Effect.gen(function*() {
    let isDead = false
    const inner = Context.get(yield* Layer.build(bench.faulty), Journal.Journal)
    const journal: Journal.Service = {
      ...inner,
      commit: (lease, batch) => Effect.suspend(() => isDead ? killed : inner.commit(lease, batch))
    }
    const scope = yield* Scope.make()
    const close = Effect.suspend(() => bench.wait(Scope.close(scope, Exit.void)))
    yield* Effect.addFinalizer(() => close)
    const supervised = yield* Supervisor.make({ closeGrace: 0, ...options })
    const context = yield* live.pipe(
      Layer.provideMerge(supervised.layer),
      Layer.provide(Layer.succeed(Journal.Journal, journal)),
      Layer.buildWithScope(scope)
    )
    yield* Scope.addFinalizer(scope, supervised.retire)
    return {
      run: <A, E2>(effect: Effect.Effect<A, E2, R | Tempolite.Tempolite>): Effect.Effect<A, E2> =>
        Effect.zipLeft(Effect.provide(effect, context), bench.settle),
      close,
      crash: Effect.suspend(() => {
        isDead = true
        return close
      })
    }
  })

const control = (operation: "cancel" | "pause" | "resume" | "retry", id: string) =>
  Effect.flatMap(Tempolite.Tempolite, (client) => client[operation](id))

/** What the workflows are, as one word each. */
const statuses = (bench: Bench, ...ids: ReadonlyArray<string>) =>
  Effect.map(Effect.forEach(ids, (id) => bench.describe(id)), (all) => all.map(({ status }) => status).join(" "))

/** How many of these spans of time there were at once, at most. */
const most = (spans: ReadonlyArray<readonly [from: number, to: number]>) =>
  Math.max(...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length))

/** Bodies that are in the middle of themselves. */
class Inside {
  private readonly now = new Set<string>()
  most = 0

  readonly during = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.flatMap(Activity.Execution, ({ activityId }) => {
      this.now.add(activityId)
      this.most = Math.max(this.most, this.now.size)
      return Effect.ensuring(self, Effect.sync(() => this.now.delete(activityId)))
    })
}

const ofWorkflows = (promise: Promised) => {
  promise(
    "as many run as there are places; the others are Pending, and start in the order in which they came",
    (bench) =>
      Effect.gen(function*() {
        const engine = yield* open(bench, waits, { queues: { line: { concurrency: 2 } } })
        const ids = ["a", "b", "c", "d", "e"]
        yield* engine.run(starts(...ids))
        assert.strictEqual(yield* statuses(bench, ...ids), "Running Running Pending Pending Pending")
        yield* engine.run(go("b"))
        assert.strictEqual(yield* statuses(bench, ...ids), "Running Completed Running Pending Pending")
        yield* engine.run(go("a", "c"))
        assert.strictEqual(yield* statuses(bench, ...ids), "Completed Completed Completed Running Running")
        // One that comes to a free place does not wait.
        yield* engine.run(go("d"))
        yield* engine.run(starts("f"))
        assert.strictEqual(yield* statuses(bench, "e", "f"), "Running Running")
      })
  )

  describe("the next one comes when the one before", () => {
    const ways: ReadonlyArray<readonly [string, Effect.Effect<void, unknown, Job | Tempolite.Tempolite>, string]> = [
      ["has ended", go("a"), "Completed"],
      ["has failed", Fail.send("a"), "Failed"],
      ["was cancelled", control("cancel", "a"), "Cancelled"],
      ["is paused", control("pause", "a"), "Paused"],
      ["is suspended", Stick.send("a"), "Suspended"]
    ]
    for (const [way, what, status] of ways) {
      promise(way, (bench) =>
        Effect.gen(function*() {
          const live = Job.layer(() =>
            Effect.raceFirst(
              Effect.raceFirst(
                Go.await("go"),
                Effect.zipRight(Fail.await("fail"), new Declined({ reason: "no" }))
              ),
              // The same key again.
              Effect.zipRight(Stick.await("stick"), Stick.await("go"))
            )
          )
          const engine = yield* open(bench, live)
          yield* engine.run(starts("a", "b", "c"))
          assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Running Pending Pending")
          yield* engine.run(what)
          assert.strictEqual(yield* statuses(bench, "a", "b", "c"), `${status} Running Pending`)
        }))
    }
  })

  promise(
    "one that is new stands behind those that were there when the engine started, however slowly it finds them",
    (bench) =>
      Effect.gen(function*() {
        const first = yield* open(bench, waits)
        yield* first.run(starts("a"))
        yield* first.crash
        bench.failingReads = 1
        const second = yield* open(bench, waits)
        yield* second.run(starts("b"))
        yield* bench.pass("1 second")
        assert.strictEqual(bench.failingReads, 0)
        assert.strictEqual(yield* statuses(bench, "a", "b"), "Running Pending")
        yield* second.run(go("a"))
        assert.strictEqual(yield* statuses(bench, "a", "b"), "Completed Running")
      })
  )

  promise("one that is resumed waits for a place again, and does nothing meanwhile", (bench) =>
    Effect.gen(function*() {
      const engine = yield* open(bench, waits)
      yield* engine.run(starts("a", "b"))
      yield* engine.run(control("pause", "a"))
      yield* engine.run(go("a"))
      yield* engine.run(control("resume", "a"))
      assert.strictEqual(yield* statuses(bench, "a", "b"), "Running Running")
      yield* engine.run(go("b"))
      assert.strictEqual(yield* statuses(bench, "a", "b"), "Completed Completed")
    }), { except: { crash: "who is resumed before the others are taken on again is before them in the queue" } })

  promise(
    "one that waits is reached by a cancel at once, and runs nothing; who is behind it keeps its turn",
    (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = Job.layer(() =>
          Effect.flatMap(
            Workflow.Execution,
            ({ workflowId }) => Effect.zipRight(Act.execute("a", { arg: workflowId }), Go.await("go"))
          )
        ).pipe(Layer.provide(activities((_, arg) => Effect.sync(() => calls.push(String(arg))))))
        const engine = yield* open(bench, live)
        yield* engine.run(starts("a", "b", "c"))
        yield* engine.run(control("cancel", "b"))
        assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Running Cancelled Pending")
        yield* engine.run(go("a"))
        assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Completed Cancelled Running")
        assert.deepStrictEqual(calls, ["a", "c"])
      })
  )

  promise(
    "one that waits can be paused; when it is resumed it stands behind those who came meanwhile",
    (bench) =>
      Effect.gen(function*() {
        const engine = yield* open(bench, waits)
        yield* engine.run(starts("a", "b", "c"))
        yield* engine.run(control("pause", "b"))
        assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Running Paused Pending")
        yield* engine.run(control("resume", "b"))
        assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Running Pending Pending")
        yield* engine.run(go("a"))
        assert.strictEqual(yield* statuses(bench, "a", "b", "c"), "Completed Pending Running")
      }),
    { except: { crash: "who is resumed before the others are taken on again is before them in the queue" } }
  )

  promise(
    "one keeps its place while it sleeps, waits for its next execution, and continues as new",
    (bench) =>
      Effect.gen(function*() {
        class Long extends Workflow.Tag<Long>()("Long", {
          queue: "line",
          error: Declined,
          retry: { schedule: Schedule.spaced("1 hour"), times: 1 }
        }) {}
        const live = Layer.merge(
          waits,
          Long.layer(() =>
            Effect.gen(function*() {
              const { attempt, generation } = yield* Workflow.Execution
              yield* Workflow.sleep("nap", "1 hour")
              if (attempt === 1 && generation === 1) return yield* new Declined({ reason: "again" })
              if (generation === 1) return yield* Long.continueAsNew()
            })
          )
        )
        const engine = yield* open(bench, live)
        yield* engine.run(Long.start("long"))
        yield* engine.run(starts("b"))
        for (let minutes = 30; minutes < 240; minutes += 60) {
          assert.strictEqual(yield* statuses(bench, "long", "b"), "Running Pending", `after ${minutes} minutes`)
          yield* bench.pass(minutes === 30 ? "30 minutes" : "1 hour")
        }
        yield* bench.pass("30 minutes")
        assert.strictEqual(yield* statuses(bench, "long", "b"), "Completed Running")
      })
  )

  promise(
    "one has its place again though the process died while it waited for its next execution",
    (bench) =>
      Effect.gen(function*() {
        class Twice extends Workflow.Tag<Twice>()("Twice", {
          queue: "line",
          error: Declined,
          retry: { schedule: Schedule.spaced("1 hour"), times: 1 }
        }) {}
        const live = Layer.merge(
          waits,
          Twice.layer(() =>
            Effect.flatMap(
              Workflow.Execution,
              ({ attempt }) => attempt === 1 ? new Declined({ reason: "again" }) : Effect.void
            )
          )
        )
        const first = yield* open(bench, live)
        yield* first.run(Twice.start("twice"))
        yield* first.run(starts("b"))
        assert.strictEqual(yield* statuses(bench, "twice", "b"), "Running Pending")
        yield* first.crash
        yield* open(bench, live)
        yield* bench.pass("59 minutes")
        assert.strictEqual(yield* statuses(bench, "twice", "b"), "Running Pending")
        yield* bench.pass("1 minute")
        assert.strictEqual(yield* statuses(bench, "twice", "b"), "Completed Running")
      })
  )

  promise(
    "those that had places when the process died have them again, before those that waited",
    (bench) =>
      Effect.gen(function*() {
        const ids = ["a", "b", "c", "d"]
        const first = yield* open(bench, waits, { queues: { line: { concurrency: 2 } } })
        yield* first.run(starts(...ids))
        yield* first.run(go("a"))
        assert.strictEqual(yield* statuses(bench, ...ids), "Completed Running Running Pending")
        yield* first.crash
        const second = yield* open(bench, waits, { queues: { line: { concurrency: 2 } } })
        yield* bench.settle
        assert.strictEqual(yield* statuses(bench, ...ids), "Completed Running Running Pending")
        yield* second.run(go("d", "c"))
        assert.strictEqual(yield* statuses(bench, ...ids), "Completed Running Completed Completed")
      })
  )

  promise(
    "more than the engine reads at once wait their turn, and none is forgotten",
    (bench) =>
      Effect.gen(function*() {
        const ids = Array.from({ length: 80 }, (_, index) => `job-${index}`)
        const live = Job.layer(() => Call.execute("call")).pipe(Layer.provide(CallLive))
        const options = { queues: { line: { concurrency: 8 } } }
        const first = yield* open(bench, live, options)
        yield* first.run(starts(...ids))
        yield* bench.pass("90 seconds")
        yield* first.crash
        const second = yield* open(bench, live, options)
        yield* bench.wait(second.run(Effect.forEach(ids, (id) => Job.execute(id), { concurrency: "unbounded" })))
        const all = yield* Effect.forEach(ids, (id) => bench.describe(id))
        const lasted = all.map(({ executions }) => executions[0]!).map(({ finishedAt, startedAt }) =>
          [DateTime.toEpochMillis(startedAt), DateTime.toEpochMillis(Option.getOrThrow(finishedAt))] as const
        )
        assert.strictEqual(most(lasted), 8)
        assert.deepStrictEqual(lasted.map(([from]) => from), lasted.map(([from]) => from).toSorted((x, y) => x - y))
      })
  )
}

const levels = { payload: { depth: Schema.Number }, success: Schema.Number }

/** Two sub-workflows of `Odd` on each level, and the other way around. */
class Even extends Workflow.Tag<Even>()("Even", { ...levels, error: WorkflowCancelled, queue: "line" }) {}
class Odd extends Workflow.Tag<Odd>()("Odd", { ...levels, error: WorkflowCancelled, queue: "other" }) {}
class Leaf extends Activity.Tag<Leaf>()("Leaf", { queue: "line" }) {}

/** A body that counts the workflows below it, and itself. */
const count = <R>(
  depth: number,
  child: (key: string, depth: number) => Effect.Effect<number, WorkflowCancelled, R>
) =>
  Effect.gen(function*() {
    yield* Leaf.execute("leaf")
    const counts = depth === 0 ? [] : yield* Effect.forEach(["left", "right"], (key) => child(key, depth - 1), {
      concurrency: 2
    })
    return counts.reduce((sum, count) => sum + count, 1)
  })

const ofSubWorkflows = (promise: Promised) => {
  const even = (key: string, depth: number) => Even.child(key, { depth })
  const odd = (key: string, depth: number) => Odd.child(key, { depth })
  const trees = [
    ["on one queue", Even.layer(({ depth }) => count(depth, even))],
    ["on two queues in turn", Even.layer(({ depth }) => count(depth, odd))]
  ] as const
  for (const [what, tree] of trees) {
    promise(
      `a tree ${what} comes to its end, though there is one place: one of its leafs at a time`,
      (bench) =>
        Effect.gen(function*() {
          const inside = new Inside()
          const live = Layer.merge(tree, Odd.layer(({ depth }) => count(depth, even))).pipe(
            Layer.provide([Leaf.layer(() => inside.during(Effect.sleep("1 minute"))), Even.client, Odd.client])
          )
          const options = { queues: { line: { concurrency: 1 }, other: { concurrency: 1 } } }
          const first = yield* open(bench, live, options)
          yield* first.run(Even.start("tree", { depth: 4 }))
          yield* bench.pass("150 seconds")
          yield* first.crash
          const second = yield* open(bench, live, options)
          assert.strictEqual(yield* bench.wait(second.run(Even.execute("tree", { depth: 4 }))), 31)
          assert.strictEqual(inside.most, 1)
        })
    )
  }

  promise(
    "a parent and what it waits for count as one, so that another one has the second place",
    (bench) =>
      Effect.gen(function*() {
        const live = Layer.merge(
          Job.layer(() => Go.await("go")),
          Free.layer(() => Effect.void)
        )
        class Parent extends Workflow.Tag<Parent>()("Parent", { queue: "line" }) {}
        const parent = Parent.layer(() => Effect.ignore(Job.child("child"))).pipe(Layer.provide(Job.client))
        const engine = yield* open(bench, Layer.merge(live, parent), { queues: { line: { concurrency: 2 } } })
        yield* engine.run(Parent.start("parent"))
        yield* engine.run(starts("a", "b"))
        assert.strictEqual(
          yield* statuses(bench, "parent", "parent/child", "a", "b"),
          "Running Running Running Pending"
        )
        yield* engine.run(go("parent/child"))
        assert.strictEqual(
          yield* statuses(bench, "parent", "parent/child", "a", "b"),
          "Completed Completed Running Running"
        )
      })
  )

  promise(
    "one that was detached has a place of its own, and waits for the end of who detached it",
    (bench) =>
      Effect.gen(function*() {
        class Parent extends Workflow.Tag<Parent>()("Parent", { queue: "line" }) {}
        const parent = Parent.layer(() => Effect.zipRight(Job.detach("other"), Go.await("go"))).pipe(
          Layer.provide(Job.client)
        )
        const engine = yield* open(bench, Layer.merge(waits, parent))
        yield* engine.run(Parent.start("parent"))
        assert.strictEqual(yield* statuses(bench, "parent", "parent/other"), "Running Pending")
        yield* engine.run(go("parent"))
        assert.strictEqual(yield* statuses(bench, "parent", "parent/other"), "Completed Running")
      })
  )

  class Top extends Workflow.Tag<Top>()("Top", { queue: "line" }) {}
  class Middle extends Workflow.Tag<Middle>()("Middle", {}) {}
  const top = Top.layer(() => Effect.ignore(Middle.child("m"))).pipe(Layer.provide(Middle.client))

  promise(
    "what is below a workflow that is suspended still uses the place above it",
    (bench) =>
      Effect.gen(function*() {
        const middle = Middle.layer(() =>
          Effect.gen(function*() {
            yield* Job.startChild("j")
            yield* Workflow.sleep("nap", "1 minute")
            // The same key again.
            yield* Workflow.sleep("nap", "1 minute")
          })
        ).pipe(Layer.provide(Job.client))
        const engine = yield* open(bench, Layer.mergeAll(waits, top, middle))
        yield* engine.run(Top.start("top"))
        yield* bench.pass("1 minute")
        assert.strictEqual(yield* statuses(bench, "top", "top/m", "top/m/j"), "Running Suspended Running")
        yield* engine.run(control("pause", "top/m/j"))
        yield* engine.run(control("resume", "top/m/j"))
        yield* engine.run(go("top/m/j"))
        assert.strictEqual(yield* statuses(bench, "top", "top/m", "top/m/j"), "Running Suspended Completed")
      })
  )

  promise(
    "what is below a workflow that is resumed uses the place above it, after a restart, too",
    (bench) =>
      Effect.gen(function*() {
        const middle = Middle.layer(() => Effect.ignore(Job.child("j"))).pipe(Layer.provide(Job.client))
        const live = Layer.mergeAll(waits, top, middle)
        const first = yield* open(bench, live)
        yield* first.run(Top.start("top"))
        assert.strictEqual(yield* statuses(bench, "top", "top/m", "top/m/j"), "Running Running Running")
        yield* first.run(control("pause", "top/m"))
        yield* first.close
        const second = yield* open(bench, live)
        yield* bench.settle
        yield* second.run(control("resume", "top/m"))
        yield* second.run(go("top/m/j"))
        assert.strictEqual(yield* statuses(bench, "top", "top/m", "top/m/j"), "Completed Completed Completed")
      })
  )
}

const ofActivities = (promise: Promised) => {
  const calls = (...keys: ReadonlyArray<string>): Effect.Effect<void, Declined, InBody | Call> =>
    Effect.forEach(keys, (key) => Call.execute(key), { concurrency: "unbounded", discard: true })

  const stepsOf = (bench: Bench, id: string) =>
    Effect.map(bench.describe(id), ({ steps }) => steps.map(({ key, status }) => `${key} ${status}`).join(", "))

  promise(
    "as many attempts run as there are places; a step that waits is Pending, and has none on record",
    (bench) =>
      Effect.gen(function*() {
        const live = Free.layer(() => calls("a", "b", "c")).pipe(Layer.provide(CallLive))
        const engine = yield* open(bench, live, { queues: { line: { concurrency: 2 } } })
        yield* engine.run(Free.start("w"))
        assert.strictEqual(yield* stepsOf(bench, "w"), "a Running, b Running, c Pending")
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.map(statusesOf), [["Running"], ["Running"], []])
        yield* bench.pass("1 minute")
        assert.strictEqual(yield* stepsOf(bench, "w"), "a Completed, b Completed, c Running")
      })
  )

  promise("the attempts of all workflows stand in one line", (bench) =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const live = Free.layer(() => calls("x", "y")).pipe(
        Layer.provide(Call.layer(() =>
          Effect.flatMap(Activity.Execution, ({ activityId }) =>
            Effect.zipRight(
              Effect.sync(() => order.push(activityId)),
              Effect.sleep("1 minute")
            ))
        ))
      )
      const engine = yield* open(bench, live)
      yield* engine.run(Effect.forEach(["a", "b"], (id) => Free.start(id)))
      yield* bench.pass("10 minutes")
      assert.deepStrictEqual(order, ["a/x", "a/y", "b/x", "b/y"])
    }), { except: { crash: "who is new may come before the others are taken on again" } })

  promise(
    "one that is to be retried holds no place until then, and stands in the line again",
    (bench) =>
      Effect.gen(function*() {
        class Flaky extends Activity.Tag<Flaky>()("Flaky", {
          error: Declined,
          queue: "line",
          retry: { schedule: Schedule.spaced("90 seconds"), times: 1 }
        }) {}
        const live = Free.layer(() =>
          Effect.all([Flaky.execute("flaky"), calls("a"), calls("b")], { concurrency: "unbounded", discard: true })
        ).pipe(Layer.provide([
          CallLive,
          Flaky.layer(() =>
            Effect.flatMap(
              Activity.Execution,
              ({ attempt }) => attempt === 1 ? new Declined({ reason: "again" }) : Effect.sleep("1 minute")
            )
          )
        ]))
        const engine = yield* open(bench, live)
        yield* engine.run(Free.start("w"))
        assert.strictEqual(yield* stepsOf(bench, "w"), "flaky Retrying, a Running, b Pending")
        yield* bench.pass("90 seconds")
        assert.strictEqual(yield* stepsOf(bench, "w"), "flaky Retrying, a Completed, b Running")
        yield* bench.pass("30 seconds")
        assert.strictEqual(yield* stepsOf(bench, "w"), "flaky Running, a Completed, b Completed")
        const flaky = yield* theStep(bench, "w")
        assert.deepStrictEqual(startsOf(flaky), [0, 120_000])
      })
  )

  promise(
    "one that waits is reached by a cancel, and by the loss of its race, at once",
    (bench) =>
      Effect.gen(function*() {
        const live = Layer.merge(
          Job.layer(() => Effect.zipRight(calls("holder"), Effect.never)),
          Free.layer(() =>
            Effect.zipRight(
              Effect.race(calls("lost"), Workflow.sleep("nap", "1 second")),
              calls("waits")
            )
          )
        ).pipe(Layer.provide(CallLive))
        const engine = yield* open(bench, live, { queues: { line: { concurrency: 1 } } })
        yield* engine.run(starts("holder"))
        yield* engine.run(Free.start("w"))
        yield* bench.pass("1 second")
        assert.strictEqual(yield* stepsOf(bench, "w"), "nap Completed, lost Cancelled, waits Pending")
        yield* engine.run(control("cancel", "w"))
        assert.strictEqual(yield* statuses(bench, "w", "holder"), "Cancelled Running")
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.map(({ key, status }) => `${key} ${status}`), [
          "nap Completed",
          "lost Cancelled",
          "waits Cancelled"
        ])
        assert.deepStrictEqual(steps.map((step) => step.executions.length), [0, 0, 0])
      }),
    { except: { crash: "what ran in the process that died takes no place in the next" } }
  )

  promise("one whose workflow is paused lets the others pass", (bench) =>
    Effect.gen(function*() {
      const live = Free.layer(() => calls("x", "y")).pipe(Layer.provide(CallLive))
      const engine = yield* open(bench, live)
      yield* engine.run(Effect.forEach(["a", "b"], (id) => Free.start(id)))
      yield* engine.run(control("pause", "a"))
      yield* bench.pass("1 minute")
      assert.strictEqual(yield* stepsOf(bench, "a"), "x Completed, y Pending")
      assert.strictEqual(yield* stepsOf(bench, "b"), "x Running, y Pending")
      yield* bench.pass("1 hour")
      assert.strictEqual(yield* statuses(bench, "a", "b"), "Paused Completed")
      yield* engine.run(control("resume", "a"))
      yield* bench.pass("1 minute")
      assert.strictEqual(yield* statuses(bench, "a"), "Completed")
    }), { except: { crash: "what ran in the process that died takes no place in the next" } })

  promise("the timeout of an attempt begins when it has its place", (bench) =>
    Effect.gen(function*() {
      class Hasty extends Activity.Tag<Hasty>()("Hasty", { queue: "line", timeout: "90 seconds" }) {}
      const live = Free.layer(() =>
        Effect.forEach(["a", "b", "c"], (key) => Hasty.execute(key), { concurrency: "unbounded", discard: true })
      ).pipe(Layer.provide(Hasty.layer(() => Effect.sleep("1 minute"))))
      const engine = yield* open(bench, live)
      yield* bench.wait(engine.run(Free.execute("w")))
      const { steps } = yield* bench.describe("w")
      assert.deepStrictEqual(steps.map(startsOf), [[0], [60_000], [120_000]])
    }), { except: { crash: "it measures when attempts ran, and one is repeated" } })

  promise(
    "those that wait when the engine closes are no attempts, and wait again in the next one",
    (bench) =>
      Effect.gen(function*() {
        const live = Free.layer(() => calls("a", "b")).pipe(Layer.provide(CallLive))
        const first = yield* open(bench, live)
        yield* first.run(Free.start("w"))
        yield* bench.settle
        yield* first.close
        const second = yield* open(bench, live)
        yield* bench.wait(second.run(Free.execute("w")))
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.map(statusesOf), [["Lost", "Completed"], ["Completed"]])
      })
  )

  promise(
    "on the queue of their workflow run one at a time, in its place, and in those that are free",
    (bench) =>
      Effect.gen(function*() {
        const live = Job.layer(() => calls("a", "b", "c")).pipe(Layer.provide(CallLive))
        const small = yield* open(bench, live)
        yield* bench.wait(small.run(Job.execute("small")))
        assert.deepStrictEqual((yield* bench.describe("small")).steps.map(startsOf), [[0], [60_000], [120_000]])
        yield* small.close
        const from = bench.clock.now - begin
        const larger = yield* open(bench, live, { queues: { line: { concurrency: 2 } } })
        yield* bench.wait(larger.run(Job.execute("larger")))
        assert.deepStrictEqual((yield* bench.describe("larger")).steps.map(startsOf), [[from], [from], [from + 60_000]])
      }),
    { except: { crash: "it measures when attempts ran, and one is repeated" } }
  )

  promise(
    "`concurrency` bounds those of all queues, and of none; side effects run when they are due",
    (bench) =>
      Effect.gen(function*() {
        const inside = new Inside()
        class Other extends Activity.Tag<Other>()("Other", { queue: "other" }) {}
        const live = Free.layer(() =>
          Effect.all([
            ...["a", "b", "c"].map((key) => Call.execute(key)),
            ...["d", "e", "f"].map((key) => Other.execute(key)),
            ...["g", "h"].map((key) => Act.execute(key, {}))
          ], { concurrency: "unbounded", discard: true })
        ).pipe(Layer.provide([
          Call.layer(() => inside.during(Effect.sleep("1 minute"))),
          Other.layer(() => inside.during(Effect.sleep("1 minute"))),
          activities(() => Effect.sleep("1 minute"))
        ]))
        const options = { concurrency: 3, queues: { line: { concurrency: 2 }, other: { concurrency: 2 } } }
        const engine = yield* open(bench, live, options)
        yield* bench.wait(engine.run(Free.execute("w")))
        const { steps } = yield* bench.describe("w")
        const spans = steps.flatMap(startsOf).map((from) => [from, from + 60_000] as const)
        assert.strictEqual(most(spans), 3)
        assert.isAtMost(Math.max(...spans.map(([from]) => from)), 4 * 60_000)
        assert.isAtMost(inside.most, 3)
      }),
    { except: { crash: "what ran in the process that died takes no place in the next" } }
  )
}

const ofRates = (promise: Promised) => {
  const per = Duration.minutes(1)

  /** In no span of that length are there more than so many. */
  const assertRate = (starts: ReadonlyArray<number>, limit: number) => {
    const sorted = starts.toSorted((x, y) => x - y)
    for (let index = limit; index < sorted.length; index++) {
      assert.isAtLeast(sorted[index]! - sorted[index - limit]!, Duration.toMillis(per))
    }
  }

  promise(
    "no more attempts start in any span than it allows, retries among them, and no fewer",
    (bench) =>
      Effect.gen(function*() {
        class Flaky extends Activity.Tag<Flaky>()("Flaky", { error: Declined, queue: "line", retry: { times: 1 } }) {}
        const live = Free.layer(() =>
          Effect.forEach([1, 2, 3, 4], (key) => Effect.zipRight(Effect.sleep(key * 100), Flaky.execute(key)), {
            concurrency: "unbounded",
            discard: true
          })
        ).pipe(Layer.provide(Flaky.layer(() =>
          Effect.flatMap(
            Activity.Execution,
            ({ attempt }) => attempt === 1 ? new Declined({ reason: "again" }) : Effect.void
          )
        )))
        const engine = yield* open(bench, live, { queues: { line: { rate: { limit: 3, per } } } })
        yield* bench.wait(engine.run(Free.execute("w")))
        const { steps } = yield* bench.describe("w")
        const starts = steps.flatMap(startsOf)
        assert.lengthOf(starts, 8)
        assertRate(starts, 3)
        assert.deepStrictEqual(starts.toSorted((x, y) => x - y), [
          ...[100, 100, 200],
          ...[60_100, 60_100, 60_200],
          ...[120_100, 120_100]
        ])
      }),
    { except: { crash: "a rate is counted in the process" } }
  )

  promise("no more workflows start in any span than it allows", (bench) =>
    Effect.gen(function*() {
      const live = Job.layer(() => Effect.void)
      const engine = yield* open(bench, live, { queues: { line: { concurrency: 5, rate: { limit: 2, per } } } })
      const ids = ["a", "b", "c", "d", "e"]
      yield* bench.wait(engine.run(Effect.forEach(ids, (id) => Job.execute(id), { concurrency: "unbounded" })))
      const all = yield* Effect.forEach(ids, (id) => bench.describe(id))
      assert.deepStrictEqual(
        all.map(({ executions }) => DateTime.toEpochMillis(executions[0]!.startedAt) - begin),
        [0, 0, 60_000, 60_000, 120_000]
      )
    }), { except: { crash: "a rate is counted in the process" } })
}

const ofDeclarations = (promise: Promised) => {
  const fault = (exit: Exit.Exit<unknown, unknown>) =>
    Exit.match(exit, {
      onSuccess: () => undefined,
      onFailure: (cause) => [...Cause.defects(cause)].find((defect) => defect instanceof InvalidQueue)
    })

  const AnyCallLive = Call.layer(() => Effect.void)
  class Errand extends Saga.Tag<Errand>()("Errand", { error: Declined }) {}
  const errand = Errand.layer(() => Call.execute("call"))
  const undeclared: ReadonlyArray<readonly [string, Layer.Layer<never, never, Tempolite.Tempolite>]> = [
    ["the workflow", Layer.discard(waits)],
    ["an activity that it calls", Layer.discard(Free.layer(() => Call.execute("a"))).pipe(Layer.provide(AnyCallLive))],
    [
      "an activity of a saga that it runs",
      Layer.discard(Free.layer(() => Errand.execute("a"))).pipe(Layer.provide(errand), Layer.provide(AnyCallLive))
    ],
    [
      "an activity that it is only provided with",
      Layer.discard(Free.layer(() => Effect.void)).pipe(
        Layer.provide(AnyCallLive)
      )
    ]
  ]
  for (const [what, live] of undeclared) {
    promise(
      `one that nobody declared is a defect of the layer of a workflow: that of ${what}`,
      (bench) =>
        Effect.gen(function*() {
          const exit = yield* Effect.exit(open(bench, live, { queues: { mail: {}, calls: {} } }))
          const found = fault(exit)
          assert.strictEqual(found?.queue, "line")
          assert.include(found?.message ?? "", "there are \"mail\", \"calls\"")
        })
    )
  }

  const invalid: ReadonlyArray<readonly [string, Tempolite.Options]> = [
    ...[0, Number.NaN, 1.5, -1].flatMap((size): ReadonlyArray<readonly [string, Tempolite.Options]> => [
      [`a queue of ${size}`, { queues: { line: { concurrency: size } } }],
      [`a concurrency of ${size}`, { concurrency: size }]
    ]),
    ["a rate of 0", { queues: { line: { rate: { limit: 0, per: "1 second" } } } }],
    ["a rate per no time", { queues: { line: { rate: { limit: 1, per: 0 } } } }],
    ["a rate per negative time", { queues: { line: { rate: { limit: 1, per: -1 } } } }],
    ["a rate per infinite time", { queues: { line: { rate: { limit: 1, per: Duration.infinity } } } }]
  ]
  promise(
    "those that cannot work are a defect of the layer of the engine, which holds no journal then",
    (bench) =>
      Effect.gen(function*() {
        for (const [what, options] of invalid) {
          assert.instanceOf(fault(yield* Effect.exit(open(bench, waits, options))), InvalidQueue, what)
        }
        yield* open(bench, waits)
      })
  )
}

export const queues = (promise: Promised) => {
  describe("workflows on a queue", () => ofWorkflows(promise))
  describe("sub-workflows on a queue", () => ofSubWorkflows(promise))
  describe("activities on a queue", () => ofActivities(promise))
  describe("the rate of a queue", () => ofRates(promise))
  describe("queues", () => ofDeclarations(promise))
}
