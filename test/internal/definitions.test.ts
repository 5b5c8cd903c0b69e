/** What definitions ask of an engine, and what they make of its answers: on an engine that only writes down. */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  Config,
  ConfigProvider,
  Context,
  DateTime,
  Deferred,
  Duration,
  Effect,
  Either,
  Exit,
  Fiber,
  FiberRef,
  Layer,
  Option,
  Ref,
  Schedule,
  Schema,
  TestClock
} from "effect"
import type { Definition, Ended, Service } from "../../src/Engine.ts"
import { Tempolite } from "../../src/Engine.ts"
import { InvalidPayload, JournalError, WorkflowCancelled, WorkflowNotFound } from "../../src/Errors.ts"
import type { RetryPolicy, Work } from "../../src/Execution.ts"
import { current } from "../../src/Execution.ts"
import { Activity, Saga, SideEffect, Workflow } from "../../src/index.ts"
import * as Outcome from "../../src/Outcome.ts"
import {
  attemptOf,
  executionContext,
  failureOf,
  fakeEngine,
  fakeExecution,
  nothingWritten,
  run,
  unused
} from "./fakes.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { reason: Schema.String }) {}
class Db extends Context.Tag("Db")<Db, { readonly name: string }>() {}

describe("an activity", () => {
  class Charge extends Activity.Tag<Charge>()("Charge", {
    payload: { cents: Schema.Int, at: Schema.optionalWith(Schema.Date, { default: () => new Date(0) }) },
    success: Schema.DateFromSelf.pipe((self) =>
      Schema.transform(Schema.Number, self, {
        decode: (millis) => new Date(millis),
        encode: (date) => date.getTime()
      })
    ),
    error: Declined
  }) {}
  class Pay extends Workflow.Tag<Pay>()("Pay", { success: Schema.Unknown, error: Declined }) {}

  it.effect("is asked of the execution with its payload as text, and answers decoded", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const layer = Pay.layer(() => Effect.map(Charge.execute("charge", { cents: 5 }), (date) => date instanceof Date))
        .pipe(Layer.provide(Charge.layer((payload) =>
          Effect.sync(() => {
            seen.push(payload)
            return payload.at
          })
        )))
      const { outcome, works } = yield* run(layer)
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "true" }))
      assert.deepStrictEqual(seen, [{ cents: 5, at: new Date(0) }])
      assert.deepInclude(works[0], {
        kind: "Activity",
        key: "charge",
        name: "Charge",
        payload: "{\"at\":\"1970-01-01T00:00:00.000Z\",\"cents\":5}",
        retry: Option.none(),
        timeout: Option.none()
      })
    }))

  it.effect("runs with what its layer captured, and a scope for each attempt", () =>
    Effect.gen(function*() {
      const closed = yield* Ref.make(0)
      const handler = Charge.layer(() =>
        Effect.gen(function*() {
          yield* Effect.addFinalizer(() => Ref.update(closed, (n) => n + 1))
          const { key } = yield* Activity.Execution
          const db = yield* Db
          assert.isTrue(Option.isNone(yield* FiberRef.get(current)))
          const region = yield* Effect.orDie(Config.string("REGION"))
          return yield* new Declined({ reason: `${key} ${db.name} ${region} ${yield* Ref.get(closed)}` })
        })
      ).pipe(
        Layer.provide(Layer.succeed(Db, { name: "of the layer" })),
        Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["REGION", "eu"]]))))
      )
      const layer = Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(Layer.provide(handler))
      const { exit } = yield* run(layer)
      assert.deepStrictEqual(exit, Exit.fail(new Declined({ reason: "charge of the layer eu 0" })))
      assert.strictEqual(yield* Ref.get(closed), 1)
    }))

  it.effect("can be interrupted, even if its layer was built where that cannot be", () =>
    Effect.gen(function*() {
      const definitions: Array<Definition> = []
      const started = yield* Deferred.make<void>()
      const works: Array<Work> = []
      const layer = Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(
        Layer.provide(Charge.layer(() => Effect.zipRight(Deferred.succeed(started, void 0), Effect.never)))
      )
      yield* Effect.uninterruptible(Layer.build(Layer.provide(layer, fakeEngine(definitions))))
      const body = Either.getOrThrow(definitions[0]!.body("{}", executionContext))
      yield* Effect.exit(Effect.scoped(body)).pipe(Effect.locally(
        current,
        Option.some(fakeExecution(nothingWritten(), {
          perform: (work) => Effect.as(Effect.sync(() => works.push(work)), Outcome.Success({ value: "0" }))
        }))
      ))
      const fiber = yield* Effect.fork(works[0]!.run(attemptOf({ key: "charge" })))
      yield* Deferred.await(started)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
    }).pipe(Effect.scoped))

  it.effect("that interrupts itself has a defect", () =>
    Effect.gen(function*() {
      const layer = Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(
        Layer.provide(Charge.layer(() => Effect.interrupt))
      )
      const { exit } = yield* run(layer)
      assert.include(failureOf(exit), "the activity \"Charge\" interrupted itself")
      assert.isFalse(Exit.isInterrupted(exit))
    }))

  it.effect("that throws, or is given what does not fit, ends in a defect", () =>
    Effect.gen(function*() {
      const handler = Charge.layer((): Effect.Effect<Date> => {
        throw new Error("thrown by the handler")
      })
      const thrown = yield* run(Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(Layer.provide(handler)))
      assert.include(failureOf(thrown.exit), "thrown by the handler")
      const invalid = yield* run(Pay.layer(() => Charge.execute("charge", { cents: 0.5 })).pipe(Layer.provide(handler)))
      assert.include(failureOf(invalid.exit), "Charge: the payload does not fit its schema")
      assert.include(failureOf(invalid.exit), "cents")
      assert.lengthOf(invalid.works, 0)
    }))

  it.effect("whose recorded outcome does not decode any more has diverged", () =>
    Effect.gen(function*() {
      const layer = Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(
        Layer.provide(Charge.layer(() => Effect.die("not run")))
      )
      const { diverged } = yield* run(layer, {
        answers: { perform: () => Effect.succeed(Outcome.Success({ value: "\"text\"" })) }
      })
      assert.match(diverged[0] ?? "", /^the recorded outcome of the activity "Charge" does not decode any more: /)
    }))

  it.effect("whose name is that of another service says so", () =>
    Effect.gen(function*() {
      class Other extends Context.Tag("Charge")<Other, string>() {}
      const layer = Pay.layer(() => Effect.zipRight(Other, Charge.execute("charge", { cents: 5 }))).pipe(
        Layer.provide(Charge.layer(() => Effect.die("not run"))),
        Layer.provide(Layer.succeed(Other, "other"))
      )
      const both = Pay.layer(() => Charge.execute("charge", { cents: 5 })).pipe(
        Layer.provide(Layer.merge(Charge.layer(() => Effect.die("not run")), Layer.succeed(Other, "other")))
      )
      assert.isTrue(Layer.isLayer(layer))
      assert.include(failureOf((yield* run(both)).exit), "another service under the name of the activity \"Charge\"")
    }))

  it.effect("records its timeout as a typed error, also where the error schema takes everything", () =>
    Effect.gen(function*() {
      class Slow extends Activity.Tag<Slow>()("Slow", { error: Schema.Unknown, timeout: "3 seconds" }) {}
      class W extends Workflow.Tag<W>()("W", { success: Schema.Boolean }) {}
      const layer = W.layer(() =>
        Slow.execute("slow").pipe(
          Effect.as(false),
          Effect.catchAll((error) => Effect.succeed(error instanceof Activity.ActivityTimeout && error.attempt === 2))
        )
      ).pipe(Layer.provide(Slow.layer(() => Effect.void)))
      const { outcome } = yield* run(layer, {
        answers: {
          perform: ({ timeout }) =>
            Effect.sync(() => {
              const { duration, onTimeout } = Option.getOrThrow(timeout)
              assert.strictEqual(Duration.toMillis(duration), 3000)
              return onTimeout(2)
            })
        }
      })
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "true" }))
    }))

  it.effect("without a tag runs with the services of the body, but by the ordinary clock", () =>
    Effect.gen(function*() {
      class W extends Workflow.Tag<W>()("W", { success: Schema.String }) {}
      const layer = W.layer(() =>
        Activity.make("inline", {
          success: Schema.String,
          execute: Effect.gen(function*() {
            yield* Effect.addFinalizer(() => Effect.void)
            const { executionId } = yield* Workflow.Execution
            const { key } = yield* Activity.Execution
            yield* Tempolite
            return `${(yield* Db).name} ${executionId} ${key} ${(yield* Clock.currentTimeMillis) > 1e12}`
          })
        }).pipe(Effect.provideService(Db, { name: "of the body" }))
      )
      const { outcome, works } = yield* run(layer)
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "\"of the body w/1 inline true\"" }))
      assert.deepInclude(works[0], { kind: "Activity", key: "inline", name: "inline", payload: null })
    }))

  it.effect("whose layer is built in a body runs by the ordinary clock all the same", () =>
    Effect.gen(function*() {
      const bodyClock = { ...Clock.make(), currentTimeMillis: Effect.succeed(42) }
      const layer = Pay.layer(() =>
        Effect.all([Clock.currentTimeMillis, Charge.execute("charge", { cents: 5 })]).pipe(
          Effect.map(([inside, outside]) => [inside, outside.getTime() > 1e12]),
          Effect.provide(Charge.layer(() => Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis)))),
          Effect.withClock(bodyClock)
        )
      )
      const { outcome } = yield* run(layer)
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "[42,true]" }))
    }))

  it.effect("called outside of a workflow says so", () =>
    Effect.gen(function*() {
      const forged = Charge.execute("charge", { cents: 1 }) as unknown as Effect.Effect<void, never, Charge>
      const exit = yield* Effect.exit(Effect.provide(forged, Charge.layer(() => Effect.die("not run"))))
      assert.include(failureOf(exit), "the activity \"Charge\" was called outside of a workflow")
    }))
})

describe("a retry policy", () => {
  /** The delays that a policy gives to errors in their order, until it is spent. */
  const delays = (policy: RetryPolicy, causes: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const driver = yield* Schedule.driver(policy.schedule)
      const given: Array<number> = []
      for (const cause of causes) {
        const before = yield* Clock.currentTimeMillis
        const input = policy.input(cause)
        if (Option.isNone(input)) break
        const fiber = yield* Effect.fork(Effect.exit(driver.next(input.value)))
        yield* TestClock.adjust("1 hour")
        if (Exit.isFailure(yield* Fiber.join(fiber))) break
        given.push((yield* Clock.currentTimeMillis) - before)
      }
      return given.length
    })

  class W extends Workflow.Tag<W>()("W", { success: Schema.Unknown, error: Schema.Unknown }) {}

  const policyOf = (retry: Workflow.Retry<Declined | Activity.ActivityTimeout>) =>
    Effect.gen(function*() {
      class Charge extends Activity.Tag<Charge>()("Charge", { error: Declined, timeout: "1 second", retry }) {}
      const { works } = yield* run(
        W.layer(() => Charge.execute("charge")).pipe(Layer.provide(Charge.layer(() => new Declined({ reason: "no" }))))
      )
      const [work] = works
      const failure = (outcome: Outcome.Outcome) => Outcome.is("Failure")(outcome) ? outcome.cause : assert.fail()
      const declined = failure(yield* work!.run(attemptOf({ key: "charge" })))
      const timedOut = failure(Option.getOrThrow(work!.timeout).onTimeout(1))
      return { policy: Option.getOrThrow(work!.retry), declined, timedOut }
    })

  it.effect("counts retries, not attempts", () =>
    Effect.gen(function*() {
      const { declined, policy } = yield* policyOf({ times: 3 })
      assert.strictEqual(yield* delays(policy, Array.from({ length: 9 }, () => declined)), 3)
    }))

  it.effect("sees the errors of the activity, and its timeouts", () =>
    Effect.gen(function*() {
      const { declined, policy, timedOut } = yield* policyOf({ while: (error) => error._tag === "ActivityTimeout" })
      assert.strictEqual(yield* delays(policy, [timedOut, timedOut, declined, timedOut]), 2)
      const until = yield* policyOf({ until: (error) => error._tag === "Declined" })
      assert.strictEqual(yield* delays(until.policy, [timedOut, declined]), 1)
    }))

  it.effect("is a schedule of its own, if it is given as one", () =>
    Effect.gen(function*() {
      const { declined, policy } = yield* policyOf(Schedule.recurs(2))
      assert.strictEqual(yield* delays(policy, [declined, declined, declined]), 2)
      const none = yield* policyOf({ schedule: Schedule.spaced("1 second"), times: 0 })
      assert.strictEqual(yield* delays(none.policy, [declined]), 0)
    }))

  it.effect("has nothing to say of a defect", () =>
    Effect.gen(function*() {
      const { policy } = yield* policyOf({ times: 3 })
      assert.isTrue(Option.isNone(policy.input("{\"_tag\":\"Die\",\"defect\":{\"value\":1}}")))
      assert.isTrue(Option.isNone(policy.input("not a cause")))
    }))
})

describe("a side effect", () => {
  class Id extends SideEffect.Tag<Id>()("Id", { success: Schema.BigInt }) {}
  class W extends Workflow.Tag<W>()("W", { success: Schema.BigInt }) {}

  it.effect("is recorded under its key, with and without a tag", () =>
    Effect.gen(function*() {
      const layer = W.layer(() =>
        Effect.zipWith(
          Id.record("tagged"),
          SideEffect.record("inline", Schema.BigInt, Effect.map(Db, ({ name }) => BigInt(name))),
          (a, b) => a + b
        )
      ).pipe(Layer.provide(Id.layer(Effect.succeed(1n))), Layer.provide(Layer.succeed(Db, { name: "2" })))
      const { outcome, works } = yield* run(layer)
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "\"3\"" }))
      assert.deepInclude(works[0], { kind: "SideEffect", key: "tagged", name: "Id", payload: null })
      assert.deepInclude(works[1], { kind: "SideEffect", key: "inline", name: "inline", payload: null })
    }))
})

describe("a saga", () => {
  class Trip extends Saga.Tag<Trip>()("Trip", {
    payload: { to: Schema.Date },
    success: Schema.Number,
    error: Declined,
    keys: Schema.Literal("flight")
  }) {}
  class W extends Workflow.Tag<W>()("W", { success: Schema.Unknown, error: Declined }) {}
  class Flight extends Activity.Tag<Flight>()("Flight", { success: Schema.String }) {}
  const called = W.layer(() => Trip.execute("trip", { to: new Date(7) }))

  it.effect("runs its body in a region of its own, with what its layer captured", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const trip = Trip.layer(({ to }) =>
        Effect.gen(function*() {
          yield* Effect.addFinalizer(() => Effect.sync(() => closed.push("scope")))
          const { workflowId } = yield* Workflow.Execution
          assert.strictEqual(yield* Flight.execute("flight"), "booked")
          yield* Activity.make("inline" as "flight", { execute: Effect.asVoid(Tempolite) })
          return to.getTime() + (yield* Db).name.length + String(workflowId).length
        })
      ).pipe(
        Layer.provide(Flight.layer(() => Effect.succeed("booked"))),
        Layer.provide(Layer.succeed(Db, { name: "captured" }))
      )
      const { outcome, regions } = yield* run(Layer.provide(called, trip))
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "16" }))
      assert.deepStrictEqual(closed, ["scope"])
      const [region] = regions
      assert.deepInclude(region, { key: "trip", name: "Trip", payload: "{\"to\":\"1970-01-01T00:00:00.007Z\"}" })
      assert.deepStrictEqual(region!.outcome, Outcome.Success({ value: "16" }))
      assert.isTrue(Option.isNone(region!.invalidKey("flight")))
      assert.include(Option.getOrThrow(region!.invalidKey("hotel")), "the saga \"Trip\"")
    }))

  it.effect("fails with its own errors only, and what else happens is a defect", () =>
    Effect.gen(function*() {
      const declined = yield* run(Layer.provide(called, Trip.layer(() => new Declined({ reason: "full" }))))
      assert.deepStrictEqual(declined.exit, Exit.fail(new Declined({ reason: "full" })))
      const noJson = yield* run(Layer.provide(called, Trip.layer(() => Effect.succeed(Number.NaN))))
      assert.include(failureOf(noJson.exit), "the success of the saga \"Trip\" does not fit its schema")
      assert.isTrue(Outcome.is("Failure")(noJson.regions[0]!.outcome))
    }))

  it.effect("without a tag has a scope of its own too", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const layer = W.layer(() =>
        Effect.addFinalizer(() => Effect.sync(() => closed.push("inner"))).pipe(
          Effect.as(new Map()),
          Saga.compensate(() => Effect.void),
          Saga.scoped("part"),
          Effect.tap(() => Effect.sync(() => closed.push("after"))),
          Effect.zipRight(Saga.scoped("other", new Declined({ reason: "x" })))
        )
      )
      const { exit, regions } = yield* run(layer)
      assert.deepStrictEqual(closed, ["inner", "after"])
      assert.deepStrictEqual(exit, Exit.fail(new Declined({ reason: "x" })))
      const [part, other] = regions
      assert.deepInclude(part, { key: "part", name: "scoped", payload: null })
      assert.deepStrictEqual(part!.outcome, Outcome.Success({ value: "null" }))
      assert.isTrue(Outcome.is("Failure")(other!.outcome) && other!.outcome.cause.includes("\"reason\":\"x\""))
    }))
})

describe("a workflow", () => {
  class Child extends Workflow.Tag<Child>()("Child", {
    payload: { n: Schema.Int },
    success: Schema.Number,
    error: Declined,
    keys: Schema.Literal("a"),
    suspendOn: "failure"
  }) {}
  class Parent extends Workflow.Tag<Parent>()("Parent", { success: Schema.Unknown, error: Schema.Unknown }) {}

  it.effect("registers itself, and runs with what its layer captured", () =>
    Effect.gen(function*() {
      const layer = Child.layer(({ n }) =>
        Effect.gen(function*() {
          const execution = yield* Workflow.Execution
          yield* Effect.addFinalizer(() => Effect.void)
          return n + execution.attempt + (yield* Db).name.length
        })
      ).pipe(Layer.provide(Layer.succeed(Db, { name: "12345" })))
      const { definition, outcome } = yield* run(layer, { payload: "{\"n\":1}" }).pipe(
        Effect.provideService(Db, { name: "of the engine" })
      )
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "7" }))
      assert.strictEqual(definition.name, "Child")
      assert.deepStrictEqual(definition.suspendOn, Option.some("failure"))
      assert.deepStrictEqual(definition.retry, Option.none())
      assert.isTrue(Option.isSome(definition.invalidKey("b")))
      assert.include(Option.getOrThrow(Either.getLeft(definition.body("{}", executionContext))), "[\"n\"]")
    }))

  it.effect("ends in a defect if its success cannot be recorded", () =>
    Effect.gen(function*() {
      const { exit } = yield* run(Child.layer(() => Effect.succeed(Number.NaN)), { payload: "{\"n\":1}" })
      assert.include(failureOf(exit), "the success of the workflow \"Child\"")
    }))

  it.effect("has a layer that needs no `this`", () =>
    Effect.gen(function*() {
      const { layer } = Child
      const { outcome } = yield* run(layer(() => Effect.succeed(1)), { payload: "{\"n\":1}" })
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "1" }))
    }))

  it.effect("calls another one as a child, and sees it cancelled", () =>
    Effect.gen(function*() {
      const layer = Parent.layer(() => Child.child("child", { n: 1 })).pipe(Layer.provide(Child.client))
      const { exit } = yield* run(layer, {
        answers: {
          child: (child) => {
            assert.deepStrictEqual(child, { key: "child", name: "Child", payload: "{\"n\":1}" })
            return Effect.succeed(Outcome.Failure({
              cause: "{\"_tag\":\"Fail\",\"error\":{\"_tag\":\"WorkflowCancelled\",\"workflowId\":\"w/child\"}}"
            }))
          }
        }
      })
      assert.deepStrictEqual(exit, Exit.fail(new WorkflowCancelled({ workflowId: "w/child" })))
    }))

  it.effect("starts a child, and can wait for the execution or the resource", () =>
    Effect.gen(function*() {
      const layer = Parent.layer(() =>
        Effect.gen(function*() {
          const child = yield* Child.startChild("child", { n: 1 })
          return [
            child.executionId,
            child.workflowId,
            child.attempt,
            Exit.isFailure(yield* child.exit),
            yield* child.result
          ]
        })
      ).pipe(Layer.provide(Child.client))
      const { outcome } = yield* run(layer, {
        answers: {
          startChild: () =>
            Effect.succeed({
              workflowId: "w/child",
              executionId: "w/child/1",
              attempt: 1,
              exit: Effect.succeed(Outcome.Failure({ cause: "{\"_tag\":\"Die\",\"defect\":{\"value\":1}}" })),
              result: Effect.succeed(Outcome.Success({ value: "2" }))
            })
        }
      })
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "[\"w/child/1\",\"w/child\",1,true,2]" }))
    }))

  it.effect("sleeps for a time or until one, and not for ever", () =>
    Effect.gen(function*() {
      const { timers } = yield* run(Parent.layer(() =>
        Effect.zipRight(
          Effect.zipRight(Workflow.sleep("a", "1 minute"), Workflow.sleep("b", 0)),
          Workflow.sleepUntil("c", DateTime.unsafeMake(5))
        )
      ))
      assert.deepStrictEqual(timers.map(({ key, name }) => [key, name]), [
        ["a", "sleep"],
        ["b", "sleep"],
        ["c", "sleepUntil"]
      ])
      assert.deepStrictEqual(timers[0]!.duration.pipe(Option.map(Duration.toMillis)), Option.some(60_000))
      assert.deepStrictEqual(timers[1]!.duration.pipe(Option.map(Duration.toMillis)), Option.some(0))
      assert.deepStrictEqual(timers[2]!.until, Option.some(5))
      for (const duration of [Number.POSITIVE_INFINITY, Number.NaN, -1, "-1 seconds", Duration.infinity] as const) {
        const { exit, timers } = yield* run(Parent.layer(() => Workflow.sleep("d", duration)))
        assert.include(failureOf(exit), "InvalidDuration: the duration of `Workflow.sleep` \"d\" is ")
        assert.lengthOf(timers, 0)
      }
    }))
})

describe("from outside", () => {
  class Order extends Workflow.Tag<Order>()("Order", { payload: { n: Schema.Int }, success: Schema.Number }) {}

  const client = (given: Partial<Service["engine"]>) => Order.client.pipe(Layer.provideMerge(fakeEngine([], given)))
  const ended = (end: Ended) => client({ ended: () => Effect.succeed(end) })

  it.effect("a workflow is started with its payload as text", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const info = yield* Order.start(7, { n: 1 }).pipe(
        Effect.provide(client({ start: (request) => Effect.sync(() => void asked.push(request)) }))
      )
      assert.strictEqual(info.id, 7)
      assert.deepStrictEqual(asked, [{ id: 7, name: "Order", payload: "{\"n\":1}" }])
    }))

  it.effect("an id or a payload that cannot be is refused before anything is asked", () =>
    Effect.gen(function*() {
      const layer = client({ start: () => unused })
      for (const id of ["", Number.NaN]) {
        const error = yield* Effect.flip(Effect.provide(Order.start(id, { n: 1 }), layer))
        assert.instanceOf(error, InvalidPayload)
        assert.include(error.message, "the id")
      }
      const error = yield* Effect.flip(Effect.provide(Order.start("id", { n: 0.5 }), layer))
      assert.instanceOf(error, InvalidPayload)
      assert.include(error.message, "[\"n\"]")
    }))

  it.effect("the result is the success, the cancellation, or a defect that says what is wrong", () =>
    Effect.gen(function*() {
      const success = Outcome.Success({ value: "1" })
      const result = Order.execute("id", { n: 1 })
      assert.strictEqual(yield* Effect.provide(result, ended({ status: "Completed", outcome: success })), 1)
      assert.deepStrictEqual(
        yield* Effect.flip(Effect.provide(result, ended({ status: "Cancelled", outcome: success }))),
        new WorkflowCancelled({ workflowId: "id" })
      )
      const other = ended({ status: "Completed", outcome: Outcome.Success({ value: "\"1\"" }) })
      assert.include(
        failureOf(yield* Effect.exit(Effect.provide(result, other))),
        "the recorded outcome of the workflow \"Order\" does not decode any more"
      )
    }))

  it.effect("the info of another workflow is not found", () =>
    Effect.gen(function*() {
      const named = (name: string) => client({ nameOf: () => Effect.succeed(name) })
      assert.strictEqual((yield* Effect.provide(Order.info("id"), named("Order"))).id, "id")
      assert.instanceOf(yield* Effect.flip(Effect.provide(Order.info("id"), named("Invoice"))), WorkflowNotFound)
    }))

  it.effect("a journal that cannot be read is an error, and a workflow that vanished a defect", () =>
    Effect.gen(function*() {
      const fault = new JournalError({ message: "the disk is full" })
      const broken = Effect.provide(Order.execute("id", { n: 1 }), client({ ended: () => Effect.fail(fault) }))
      assert.strictEqual(Cause.originalError(yield* Effect.flip(broken)), fault)
      const gone = client({ ended: (workflowId) => Effect.fail(new WorkflowNotFound({ workflowId })) })
      const exit = yield* Effect.exit(Effect.provide(Order.execute("id", { n: 1 }), gone))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    }))
})
