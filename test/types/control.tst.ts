// @effect-diagnostics *:skip-file
import { Duration, Effect, Layer, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import type { InvalidPayload, InvalidStatus, JournalError, StepNotFound, WorkflowNotFound } from "../../src/index.ts"
import { Activity, Journal, Saga, SideEffect, Tempolite, Workflow } from "../../src/index.ts"
import { Any, CardDeclined, ChargeCard, Leg, Ping, RefundCard, ShipItem, TrackingId, Trip, W } from "./domain.ts"

declare const runnable: <A, E>(layer: Layer.Layer<A, E>) => void
const Live = Layer.provideMerge(Layer.provide(Tempolite.layer(), Journal.layerMemory))

class Loop extends Workflow.Tag<Loop>()("Loop", { payload: { n: Schema.Int }, success: Schema.Int }) {}

describe("a workflow that continues as new", () => {
  test("never goes on from there", () => {
    expect(Loop.continueAsNew({ n: 1 })).type.toBe<Effect.Effect<never, never, Workflow.Running<Loop>>>()
    const layer = Loop.layer(Effect.fn(function*({ n }) {
      if (n > 0) return yield* Loop.continueAsNew({ n: n - 1 })
      return n
    }))
    expect(layer).type.toBe<Layer.Layer<Loop, never, Tempolite.Tempolite>>()
    runnable(layer.pipe(Live))
  })

  test("may do so in a static member of its class, and without a payload", () => {
    class Tick extends Workflow.Tag<Tick>()("Tick", { keys: Schema.Literal("nap") }) {
      static readonly Live = Tick.layer(() => Effect.zipRight(Workflow.sleep("nap", "1 day"), Tick.continueAsNew()))
    }
    expect(Tick.Live).type.toBe<Layer.Layer<Tick, never, Tempolite.Tempolite>>()
  })

  test("may do so in a helper that says what it requires", () => {
    const again = (n: number): Effect.Effect<never, never, Workflow.Running<Loop>> => Loop.continueAsNew({ n })
    expect(Loop.layer(({ n }) => again(n))).type.toBe<Layer.Layer<Loop, never, Tempolite.Tempolite>>()
  })

  test("gives the payload of its next generation", () => {
    // @ts-expect-error Type 'string' is not assignable to type 'number'.
    Loop.continueAsNew({ n: "1" })
    // @ts-expect-error Expected 1 arguments, but got 0.
    Loop.continueAsNew()
  })

  test("is itself, and no other", () => {
    const other = Any.layer(() => Loop.continueAsNew({ n: 1 }))
    expect(other).type.toBe<Layer.Layer<Any, never, Tempolite.Tempolite | Workflow.Running<Loop>>>()
    // @ts-expect-error Type 'Running<Loop>' is not assignable to type 'never'.
    runnable(other.pipe(Live))
    expect<Workflow.Running<Loop>>().type.not.toBeAssignableTo<Workflow.Running<Any>>()
    expect<Workflow.Running<"a">>().type.not.toBeAssignableTo<Workflow.Running<"a" | "b">>()
    expect<Workflow.Running<"a" | "b">>().type.not.toBeAssignableTo<Workflow.Running<"a">>()
  })

  test("does not do so in a saga's body", () => {
    expect(Trip.layer(() => Loop.continueAsNew({ n: 1 }))).type
      .toBe<Layer.Layer<Trip, never, Workflow.Running<Loop>>>()
    expect(Saga.scoped("part", Loop.continueAsNew({ n: 1 }))).type
      .toBe<Effect.Effect<never, never, Workflow.Running<Loop> | Workflow.Step<"part">>>()
  })

  test("does not do so in an activity or a side effect", () => {
    // @ts-expect-error StepOutsideWorkflow<Running<Loop>>...steps are taken in a workflow or a saga, not in
    Activity.make("k", { execute: Loop.continueAsNew({ n: 1 }) })
    // @ts-expect-error 'this' of type 'StepOutsideWorkflow<Running<Loop>>'
    RefundCard.layer(() => Loop.continueAsNew({ n: 1 }))
    // @ts-expect-error StepOutsideWorkflow<Running<Loop>>
    SideEffect.record("k", Schema.Number, Loop.continueAsNew({ n: 1 }))
    // @ts-expect-error Type 'Running<Loop>' is not assignable to type 'never'.
    Effect.runPromise(Loop.continueAsNew({ n: 1 }))
  })
})

describe("a layer of a body that takes a payload", () => {
  test("may stand where a layer is expected that requires the engine", () => {
    const live: Layer.Layer<Loop, never, Tempolite.Tempolite> = Loop.layer(({ n }) => Effect.succeed(n))
    expect(live).type.toBe<Layer.Layer<Loop, never, Tempolite.Tempolite>>()
    const take = <A, E>(layer: Layer.Layer<A, E, Tempolite.Tempolite>) => layer
    expect(take(Loop.layer(({ n }) => Loop.continueAsNew({ n })))).type
      .toBe<Layer.Layer<Loop, never, Tempolite.Tempolite>>()
  })
})

describe("a workflow that is detached", () => {
  test("gives its id, and leaves no error", () => {
    expect(Leg.detach("k", { n: 1 })).type
      .toBe<Effect.Effect<Workflow.WorkflowId, never, Leg | Workflow.Step<"k">>>()
    expect(Any.layer(() => Leg.detach("k", { n: 1 }))).type
      .toBe<Layer.Layer<Any, never, Tempolite.Tempolite | Leg>>()
    runnable(Any.layer(() => Leg.detach("k", { n: 1 })).pipe(Layer.provide(Leg.client), Live))
  })

  test("is a step", () => {
    // @ts-expect-error UndeclaredKey<"leg", "W", "a" | "b">
    W.layer(() => Leg.detach("leg", { n: 1 }))
    // @ts-expect-error StepOutsideWorkflow<Step<"leg">>
    RefundCard.layer(() => Effect.asVoid(Leg.detach("leg", { n: 1 })))
    // @ts-expect-error Type 'string' is not assignable to type 'number'.
    Leg.detach("leg", { n: "1" })
  })
})

describe("the version of a change", () => {
  test("is a number, and no step", () => {
    expect(Workflow.version("fees", { min: 1, max: 2 })).type
      .toBe<Effect.Effect<number, never, Workflow.Execution>>()
    expect(W.layer(() => Workflow.version("fees", { min: 1, max: 2 }))).type
      .toBe<Layer.Layer<W, never, Tempolite.Tempolite>>()
    expect(Trip.layer(() => Effect.as(Workflow.version("fees", { min: 1, max: 2 }), ""))).type
      .toBe<Layer.Layer<Trip>>()
  })

  test("is asked for in a workflow only", () => {
    // @ts-expect-error Type 'Execution' is not assignable to type 'never'.
    Effect.runPromise(Workflow.version("fees", { min: 1, max: 2 }))
    // @ts-expect-error Property 'min' is missing in type
    Workflow.version("fees", { max: 2 })
  })
})

describe("an activity in the background", () => {
  test("gives what `execute` would, later", () => {
    expect(ChargeCard.start("k", { orderId: "", cents: 1 })).type.toBe<
      Effect.Effect<Activity.ActivityExecutionInfo<string, CardDeclined>, never, ChargeCard | Workflow.Step<"k">>
    >()
    expect(ShipItem.start("k", { sku: "" })).type.toBe<
      Effect.Effect<
        Activity.ActivityExecutionInfo<string, Activity.ActivityTimeout>,
        never,
        ShipItem | Workflow.Step<"k">
      >
    >()
    expect<Activity.ActivityExecutionInfo<"a", never>["result"]>().type.toBe<Effect.Effect<"a">>()
    expect<Activity.ActivityExecutionInfo<"a", never>>().type
      .toBeAssignableTo<Activity.ActivityExecutionInfo<string, CardDeclined>>()
  })

  test("is a step", () => {
    // @ts-expect-error UndeclaredKey<"ping", "W", "a" | "b">
    W.layer(() => Ping.start("ping"))
    // @ts-expect-error StepOutsideWorkflow<Step<"ping">>
    RefundCard.layer(() => Effect.asVoid(Ping.start("ping")))
    // @ts-expect-error Expected 2 arguments, but got 1.
    ShipItem.start("k")
    expect(W.layer(() => Effect.flatMap(Ping.start("a"), ({ result }) => result))).type
      .toBe<Layer.Layer<W, never, Tempolite.Tempolite | Ping>>()
  })
})

describe("a heartbeat", () => {
  test("that may be late adds `ActivityTimeout` as a timeout does", () => {
    class Beats extends Activity.Tag<Beats>()("Beats", { error: CardDeclined, heartbeatTimeout: "5 seconds" }) {}
    expect(Beats.execute("k")).type
      .toBe<Effect.Effect<void, CardDeclined | Activity.ActivityTimeout, Beats | Workflow.Step<"k">>>()
    class Both extends Activity.Tag<Both>()("Both", { timeout: 1000, heartbeatTimeout: Duration.seconds(5) }) {}
    expect(Both.execute("k")).type
      .toBe<Effect.Effect<void, Activity.ActivityTimeout, Both | Workflow.Step<"k">>>()
    expect(Activity.make("k", { heartbeatTimeout: "5 seconds", execute: Effect.void })).type
      .toBe<Effect.Effect<void, Activity.ActivityTimeout, Workflow.Step<"k">>>()
    // @ts-expect-error Type '"3 parsecs"' is not assignable to type 'Timeout'.
    Activity.Tag<Ping>()("X", { heartbeatTimeout: "3 parsecs" }).key
  })

  test("that is late is seen by a retry policy, whatever the order of the options", () => {
    Activity.Tag<Ping>()("X", {
      retry: {
        while: (error) => {
          expect(error).type.toBe<CardDeclined | Activity.ActivityTimeout>()
          return error._tag === "ActivityTimeout" && error.timeout === "heartbeat"
        }
      },
      error: CardDeclined,
      heartbeatTimeout: "1 second"
    }).key
  })

  test("is sent by a handler", () => {
    Ping.layer(() =>
      Effect.gen(function*() {
        const execution = yield* Activity.Execution
        expect(execution.heartbeat({ page: 1 })).type.toBe<Effect.Effect<void>>()
        expect(execution.heartbeat).type.toBeCallableWith()
        expect(execution.lastHeartbeat).type.toBe<Effect.Effect<unknown>>()
      })
    )
  })
})

describe("a queue", () => {
  test("is named by a workflow and an activity", () => {
    expect(Activity.Tag<Ping>()("X", { queue: "mail" }).key).type.toBe<"X">()
    expect(Workflow.Tag<W>()("X", { queue: "mail" }).key).type.toBe<"X">()
    // @ts-expect-error Type 'undefined' is not assignable to type 'string'.
    Activity.Tag<Ping>()("X", { queue: undefined }).key
    // @ts-expect-error Type 'undefined' is not assignable to type 'string'.
    Workflow.Tag<W>()("X", { queue: undefined }).key
    // @ts-expect-error 'queue' does not exist in type
    Activity.make("k", { queue: "mail", execute: Effect.void })
  })
})

describe("what an operator records", () => {
  type Skipped = Effect.Effect<
    void,
    WorkflowNotFound | StepNotFound | InvalidStatus | InvalidPayload | JournalError,
    Tempolite.Tempolite
  >

  test("has the type of the step's success", () => {
    expect(ChargeCard.skip("id", "charge", "receipt")).type.toBe<Skipped>()
    expect(ChargeCard.skip("id", ["trip", 7], "receipt")).type.toBe<Skipped>()
    expect(TrackingId.skip("id", "tracking", "T-1")).type.toBe<Skipped>()
    // @ts-expect-error Argument of type 'number' is not assignable to parameter of type 'string'.
    ChargeCard.skip("id", "charge", 1)
    // @ts-expect-error Expected 3 arguments, but got 2.
    ChargeCard.skip("id", "charge")
    // @ts-expect-error Expected 3 arguments, but got 2.
    TrackingId.skip("id", "tracking")
  })

  test("is left out where it is nothing", () => {
    expect(Ping.skip("id", "ping")).type.toBe<Skipped>()
    // @ts-expect-error Argument of type 'number' is not assignable to parameter of type 'void'.
    Ping.skip("id", "ping", 1)
    expect<Workflow.SuccessArgs<typeof Schema.Unknown>>().type.toBe<[value?: unknown]>()
    expect<Workflow.SuccessArgs<typeof Schema.Never>>().type.toBe<[value: never]>()
  })

  test("is not recorded by a body", () => {
    // @ts-expect-error 'this' of type 'ClientInsideWorkflow<Tempolite>'
    Any.layer(() => Effect.orDie(Ping.skip("id", "ping")))
  })
})

describe("a workflow as seen from outside", () => {
  test("is paused, resumed and retried, where its status allows it", () => {
    type Asked = Effect.Effect<void, InvalidStatus | JournalError>
    expect<Workflow.WorkflowInfo<string, CardDeclined>["pause"]>().type.toBe<Asked>()
    expect<Workflow.WorkflowInfo<string, CardDeclined>["resume"]>().type.toBe<Asked>()
    expect<Workflow.WorkflowInfo<string, CardDeclined>["retry"]>().type.toBe<Asked>()
  })

  test("has names for all that is said of it", () => {
    expect<Workflow.WorkflowPage["workflows"]>().type.toBe<ReadonlyArray<Workflow.WorkflowSummary>>()
    expect<Workflow.WorkflowDescription["signals"]>().type.toBe<ReadonlyArray<Workflow.SignalDescription>>()
    expect<Workflow.StepDescription["origin"]>().type.toBe<Workflow.StepOrigin>()
    expect<Workflow.WorkflowFilter>().type.toBeAssignableFrom<{ readonly name: string; readonly parent: null }>()
    expect<Workflow.WorkflowChange["status"]>().type.toBe<Workflow.Status>()
  })
})
