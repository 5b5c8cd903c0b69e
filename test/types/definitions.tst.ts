// @effect-diagnostics *:skip-file
import { Duration, Effect, Layer, Schedule, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import type {
  InvalidPayload,
  JournalError,
  Tempolite,
  WorkflowCancelled,
  WorkflowConflict,
  WorkflowNotFound
} from "../../src/index.ts"
import { Activity, Saga, SideEffect, Workflow } from "../../src/index.ts"
import { Any, CardDeclined, ChargeCard, Db, Leg, Ping, PlaceOrder, RefundCard, ShipItem, Trip, W } from "./domain.ts"

describe("an activity", () => {
  test("succeeds with nothing and cannot fail, unless it says so", () => {
    expect(Ping.execute("k")).type.toBe<Effect.Effect<void, never, Ping | Workflow.Step<"k">>>()
    expect(ChargeCard.execute("k", { orderId: "", cents: 1 })).type
      .toBe<Effect.Effect<string, CardDeclined, ChargeCard | Workflow.Step<"k">>>()
  })

  test("fails with `ActivityTimeout` too if it has a timeout", () => {
    expect(ShipItem.execute("k", { sku: "" })).type
      .toBe<Effect.Effect<string, Activity.ActivityTimeout, ShipItem | Workflow.Step<"k">>>()
    class Both extends Activity.Tag<Both>()("Both", { error: CardDeclined, timeout: Duration.minutes(3) }) {}
    expect(Both.execute("k")).type
      .toBe<Effect.Effect<void, CardDeclined | Activity.ActivityTimeout, Both | Workflow.Step<"k">>>()
    // @ts-expect-error Type '"3 parsecs"' is not assignable to type 'Timeout'.
    Activity.Tag<Ping>()("X", { timeout: "3 parsecs" }).key
  })

  test("may fail with any type, and need never end", () => {
    class Texts extends Activity.Tag<Texts>()("Texts", { error: Schema.String, success: Schema.Never }) {}
    expect(Texts.execute("k")).type.toBe<Effect.Effect<never, string, Texts | Workflow.Step<"k">>>()
    class Union extends Activity.Tag<Union>()("Union", { error: Schema.Union(CardDeclined, Schema.Null) }) {}
    expect(Union.execute("k")).type.toBe<Effect.Effect<void, CardDeclined | null, Union | Workflow.Step<"k">>>()
  })

  test("has its schemas on its class", () => {
    expect(ChargeCard.successSchema).type.toBe<typeof Schema.String>()
    expect(ChargeCard.errorSchema).type.toBe<typeof CardDeclined>()
    expect(ChargeCard.payloadSchema).type
      .toBe<Schema.Struct<{ orderId: typeof Schema.String; cents: typeof Schema.Int }>>()
    expect(Ping.successSchema).type.toBe<typeof Schema.Void>()
    expect(Ping.errorSchema).type.toBe<typeof Schema.Never>()
    expect(ChargeCard.key).type.toBe<"ChargeCard">()
  })

  test("is an `Any`", () => {
    const accept = (_: Activity.Any) => {}
    accept(ChargeCard)
    accept(Ping)
    accept(ShipItem)
  })

  test("has no options that are misspelt, or undefined", () => {
    // @ts-expect-error but 'timeuot' does not exist in type...Did you mean to write 'timeout'?
    Activity.Tag<Ping>()("X", { timeuot: "1 second" }).key
    // @ts-expect-error Type 'undefined' is not assignable to type
    Activity.Tag<Ping>()("X", { retry: undefined }).key
    const maybe = (retry?: Activity.ActivityExecution) => ({ ...(retry === undefined ? {} : { retry: { times: 1 } }) })
    expect(Activity.Tag<Ping>()("X", maybe()).key).type.toBe<"X">()
  })

  test("is refused under the class of another one, where it is used", () => {
    class Wrong extends Activity.Tag<Ping>()("Wrong") {}
    expect(Wrong.layer(() => Effect.void)).type.not.toBeAssignableTo<Layer.Layer<Wrong>>()
  })
})

describe("a retry policy", () => {
  test("sees the errors and the timeout, whatever the order of the options", () => {
    Activity.Tag<Ping>()("X", {
      retry: {
        while: (error) => {
          expect(error).type.toBe<CardDeclined | Activity.ActivityTimeout>()
          return true
        },
        until: (error) => error._tag === "CardDeclined",
        schedule: Schedule.spaced("1 second"),
        times: 3
      },
      error: CardDeclined,
      timeout: "1 second"
    }).key
    Workflow.Tag<Ping>()("X", { error: CardDeclined, retry: { while: (error) => error.reason === "network" } }).key
  })

  test("may be a schedule", () => {
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: Schedule.exponential("1 second") }).key
    Activity.Tag<Ping>()("X", {
      error: CardDeclined,
      retry: Schedule.recurWhile((error: CardDeclined) => error.reason === "network")
    }).key
  })

  test("is refused if it is for other errors", () => {
    // @ts-expect-error Property 'code' does not exist on type 'CardDeclined'.
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: { while: (error) => error.code === 1 } }).key
    // @ts-expect-error is not assignable to type 'Retry<CardDeclined>
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: Schedule.recurWhile((error) => error === 1) }).key
    const codes = Schedule.recurWhile((error: Error & { readonly code: number }) => error.code === 1)
    // @ts-expect-error is not assignable to type 'Retry<CardDeclined>
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: codes }).key
  })

  test("is refused if it needs a service, or runs effects", () => {
    const needsDb = Schedule.forever.pipe(Schedule.tapOutput(() => Db))
    // @ts-expect-error Type 'Db' is not assignable to type 'never'.
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: needsDb }).key
    // @ts-expect-error Type 'Effect<boolean, never, never>' is not assignable to type 'boolean'.
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: { while: () => Effect.succeed(true) } }).key
    // @ts-expect-error 'time' does not exist in type 'Retry<CardDeclined>
    Activity.Tag<Ping>()("X", { error: CardDeclined, retry: { time: 3 } }).key
  })
})

describe("a handler", () => {
  test("is given its execution and a scope, and its services go to its layer", () => {
    const handler = Ping.layer(() =>
      Effect.gen(function*() {
        expect(yield* Activity.Execution).type.toBe<Activity.ActivityExecution>()
        yield* Effect.acquireRelease(Effect.void, () => Effect.void)
        yield* Db
      })
    )
    expect(handler).type.toBe<Layer.Layer<Ping, never, Db>>()
    expect(Ping.layer(Effect.fn("ping")(function*() {}))).type.toBe<Layer.Layer<Ping>>()
  })

  test("may use the client, and start workflows", () => {
    expect(Ping.layer(() => Effect.asVoid(Effect.orDie(Any.start("id"))))).type
      .toBe<Layer.Layer<Ping, never, Any | Tempolite.Tempolite>>()
  })

  test("fails and succeeds as declared", () => {
    // @ts-expect-error Type 'CardDeclined' is not assignable to type 'never'.
    RefundCard.layer(() => Effect.fail(new CardDeclined({ reason: "" })))
    // @ts-expect-error Type 'number' is not assignable to type 'string'.
    ChargeCard.layer(() => Effect.succeed(1))
  })

  test("takes no step", () => {
    // @ts-expect-error 'this' of type 'StepOutsideWorkflow<Step<"a">>'...steps are taken in a workflow or a saga, not in
    RefundCard.layer(() => Ping.execute("a"))
    // @ts-expect-error StepOutsideWorkflow<Step<"a">>
    RefundCard.layer(() => Workflow.sleep("a", "1 second"))
    // @ts-expect-error StepOutsideWorkflow<Step<"inner">>
    RefundCard.layer(() => Activity.make("inner", { execute: Effect.void }))
    // @ts-expect-error StepOutsideWorkflow<Compensations>
    RefundCard.layer(() => Effect.void.pipe(Saga.compensate(() => Effect.void)))
    // @ts-expect-error StepOutsideWorkflow<Step<"leg">>
    RefundCard.layer(() => Effect.asVoid(Effect.orDie(Leg.child("leg", { n: 1 }))))
  })

  test("does not hide what it requires behind `any`", () => {
    // @ts-expect-error 'this' of type 'RequirementIsAny'...the R of this body is `any`
    RefundCard.layer((): Effect.Effect<void, never, any> => Effect.void)
  })

  test("is not reached but through the step", () => {
    Effect.gen(function*() {
      const handler = yield* ChargeCard
      // @ts-expect-error This expression is not callable.
      handler({ orderId: "", cents: 1 })
      // @ts-expect-error Property 'run' does not exist on type 'Handler<"ChargeCard">'.
      handler.run
    })
  })

  test("may be another one in a test", () => {
    expect(Layer.mergeAll(Ping.layer(() => Effect.void), ChargeCard.layer(() => Effect.succeed("r")))).type
      .toBe<Layer.Layer<Ping | ChargeCard>>()
  })
})

describe("an activity without a tag", () => {
  test("has the type of what it executes", () => {
    expect(Activity.make("k", { execute: Effect.void })).type.toBe<Effect.Effect<void, never, Workflow.Step<"k">>>()
    const charge = Activity.make("charge", {
      success: Schema.String,
      error: CardDeclined,
      timeout: "1 second",
      retry: { while: (error) => error._tag === "ActivityTimeout" },
      execute: Effect.as(Db, "receipt")
    })
    expect(charge).type
      .toBe<Effect.Effect<string, CardDeclined | Activity.ActivityTimeout, Db | Workflow.Step<"charge">>>()
    expect(Activity.make("k", { execute: Effect.asVoid(Effect.all([Activity.Execution, Effect.scope])) })).type
      .toBe<Effect.Effect<void, never, Workflow.Step<"k">>>()
  })

  test("fails as declared", () => {
    // @ts-expect-error Type 'CardDeclined' is not assignable to type 'never'.
    Activity.make("k", { execute: Effect.fail(new CardDeclined({ reason: "" })) })
  })

  test("takes no step", () => {
    // @ts-expect-error StepOutsideWorkflow<Step<"a">>...steps are taken in a workflow or a saga, not in
    Activity.make("k", { execute: Ping.execute("a") })
    // @ts-expect-error StepOutsideWorkflow<Compensations>
    Activity.make("k", { execute: Effect.void.pipe(Saga.compensate(() => Effect.void)) })
  })

  test("takes a key of the workflow", () => {
    // @ts-expect-error UndeclaredKey<"charge", "W", "a" | "b">
    W.layer(() => Activity.make("charge", { execute: Effect.void }))
    expect(W.layer(() => Activity.make("a", { execute: Effect.void }))).type
      .toBe<Layer.Layer<W, never, Tempolite.Tempolite>>()
  })
})

describe("a side effect", () => {
  class Id extends SideEffect.Tag<Id>()("Id", { success: Schema.String }) {}

  test("has the type of its schema, and cannot fail", () => {
    expect(Id.record("k")).type.toBe<Effect.Effect<string, never, Id | Workflow.Step<"k">>>()
    expect(Id.layer(Effect.as(Db, "id"))).type.toBe<Layer.Layer<Id, never, Db>>()
    expect(Id.layer(Effect.as(Effect.scope, "id"))).type.toBe<Layer.Layer<Id>>()
    expect(SideEffect.record("k", Schema.Number, Effect.as(Db, 1))).type
      .toBe<Effect.Effect<number, never, Db | Workflow.Step<"k">>>()
    // @ts-expect-error Type 'string' is not assignable to type 'never'.
    Id.layer(Effect.fail("x"))
    // @ts-expect-error Type 'string' is not assignable to type 'never'.
    SideEffect.record("k", Schema.String, Effect.fail("x"))
  })

  test("takes no step", () => {
    // @ts-expect-error StepOutsideWorkflow<Step<"a">>
    Id.layer(Effect.as(Ping.execute("a"), ""))
    // @ts-expect-error StepOutsideWorkflow<Step<"a">>...steps are taken in a workflow or a saga, not in
    SideEffect.record("k", Schema.Number, Effect.as(Ping.execute("a"), 1))
  })
})

describe("a saga", () => {
  test("has the type of its schemas, and its own keys only inside", () => {
    expect(Trip.execute("trip", { to: "" })).type
      .toBe<Effect.Effect<string, CardDeclined, Trip | Workflow.Step<"trip">>>()
    const layer = Trip.layer(({ to }) =>
      Effect.gen(function*() {
        yield* Ping.execute("flight").pipe(Saga.compensate(() => Ping.execute("hotel")))
        yield* Effect.addFinalizer(() => Effect.void)
        yield* Workflow.Execution
        yield* Db
        return to
      })
    )
    expect(layer).type.toBe<Layer.Layer<Trip, never, Ping | Db>>()
    expect(Any.layer(() => Effect.orDie(Trip.execute("trip", { to: "" })))).type
      .toBe<Layer.Layer<Any, never, Trip | Tempolite.Tempolite>>()
  })

  test("may hold another one", () => {
    class Tour extends Saga.Tag<Tour>()("Tour", { error: CardDeclined, keys: Schema.Literal("first", "second") }) {}
    expect(
      Tour.layer(() => Effect.asVoid(Effect.zip(Trip.execute("first", { to: "" }), Trip.execute("second", { to: "" }))))
    ).type.toBe<Layer.Layer<Tour, never, Trip>>()
  })

  test("calls no client", () => {
    // @ts-expect-error 'this' of type 'ClientInsideWorkflow<Tempolite>'
    Trip.layer(() => Effect.as(Effect.orDie(Any.start("id")), ""))
  })

  test("without a tag keeps its inner keys to itself", () => {
    const part = Effect.zip(Ping.execute("x"), Ping.execute(1)).pipe(
      Saga.compensate(() => Ping.execute("undo")),
      Effect.zipLeft(Effect.addFinalizer(() => Effect.void)),
      Effect.zipLeft(Db)
    )
    expect(part.pipe(Saga.scoped("part"))).type
      .toBe<Effect.Effect<[void, void], never, Ping | Db | Workflow.Step<"part">>>()
    expect(Saga.scoped("part", part)).type
      .toBe<Effect.Effect<[void, void], never, Ping | Db | Workflow.Step<"part">>>()
    expect(Ping.execute("x").pipe(Saga.scoped("inner"), Saga.scoped("outer"))).type
      .toBe<Effect.Effect<void, never, Ping | Workflow.Step<"outer">>>()
  })

  test("knows what it compensates", () => {
    const charge = ChargeCard.execute("charge", { orderId: "", cents: 1 })
    type Compensated = Effect.Effect<
      string,
      CardDeclined,
      ChargeCard | RefundCard | Workflow.Step<"charge"> | Workflow.Step<"refund"> | Saga.Compensations
    >
    expect(charge.pipe(Saga.compensate((receipt) => RefundCard.execute("refund", { receipt })))).type.toBe<
      Compensated
    >()
    expect(Saga.compensate(charge, (receipt) => RefundCard.execute("refund", { receipt }))).type.toBe<Compensated>()
    // @ts-expect-error Type 'number' is not assignable to type 'string'.
    Effect.succeed(1).pipe(Saga.compensate((receipt) => RefundCard.execute("refund", { receipt })))
  })
})

declare const given: Workflow.WorkflowInfo<string, never>

describe("a body", () => {
  test("is given its execution, a scope and compensations, and its services go to its layer", () => {
    const layer = W.layer(
      Effect.fn("W")(function*() {
        expect(yield* Workflow.Execution).type.toBe<Workflow.WorkflowExecution>()
        yield* Effect.addFinalizer(() => Effect.void)
        yield* Ping.execute("a").pipe(Saga.compensate(() => Effect.void))
        yield* Db
      })
    )
    expect(layer).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite | Ping | Db>>()
  })

  test("is a function that gives an effect", () => {
    // @ts-expect-error Generator<
    W.layer(function*() {
      yield* Ping.execute("a")
    })
    // @ts-expect-error provides no match for the signature
    W.layer(Ping.execute("a"))
    expect(W.layer(Effect.fn(function*() {}, Effect.asVoid))).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite>>()
    expect(W.layer(Effect.fn(function*(): Effect.fn.Return<number, never, Workflow.Step<"a"> | Ping> {
      yield* Ping.execute("a")
      return 1
    }))).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite | Ping>>()
  })

  test("fails and succeeds as declared", () => {
    class N extends Workflow.Tag<N>()("N", { payload: { n: Schema.Int }, success: Schema.Int, error: CardDeclined }) {}
    // @ts-expect-error Type 'string' is not assignable to type 'number'.
    N.layer(Effect.fn(function*() {
      return "x"
    }))
    // @ts-expect-error Type 'CardDeclined' is not assignable to type 'never'.
    Any.layer(() => ChargeCard.execute("c", { orderId: "", cents: 1 }))
    // @ts-expect-error Type 'ActivityTimeout' is not assignable to type 'never'.
    Any.layer(() => ShipItem.execute("s", { sku: "" }))
    expect(
      N.layer(() =>
        ShipItem.execute("s", { sku: "" }).pipe(
          Effect.as(1),
          Effect.catchTag("ActivityTimeout", () => Effect.succeed(2))
        )
      )
    ).type.toBe<Layer.Layer<N, never, Tempolite.Tempolite | ShipItem>>()
    expect(Any.layer(() => Effect.ignore(ChargeCard.execute("c", { orderId: "", cents: 1 })))).type
      .toBe<Layer.Layer<Any, never, Tempolite.Tempolite | ChargeCard>>()
  })

  test("calls no client", () => {
    // @ts-expect-error 'this' of type 'ClientInsideWorkflow<Tempolite>'...in a workflow use `child`, `startChild` or `det
    Any.layer(() => Effect.orDie(Leg.start("id", { n: 1 })))
    // @ts-expect-error ClientInsideWorkflow<Tempolite>
    W.layer(() => Effect.orDie(Leg.execute("id", { n: 1 })))
    // @ts-expect-error ClientInsideWorkflow<Tempolite>
    W.layer(() => Effect.orDie(Leg.info("id")))
  })

  test("does not hide what it requires behind `any`", () => {
    // @ts-expect-error 'this' of type 'RequirementIsAny'...the R of this body is `any`
    W.layer((): Effect.Effect<void, never, any> => Effect.void)
  })

  test("may wait for a workflow that was given to it from outside, which only the run can refuse", () => {
    expect(Any.layer(() => Effect.orDie(given.result))).type.toBe<Layer.Layer<Any, never, Tempolite.Tempolite>>()
  })
})

describe("a workflow", () => {
  test("has the type of its schemas outside", () => {
    expect(Leg.execute("id", { n: 1 })).type.toBe<
      Effect.Effect<
        string,
        | CardDeclined
        | WorkflowCancelled
        | WorkflowConflict
        | InvalidPayload
        | JournalError,
        Leg | Tempolite.Tempolite
      >
    >()
    expect(Leg.start(7, { n: 1 })).type.toBe<
      Effect.Effect<
        Workflow.WorkflowInfo<string, CardDeclined>,
        | WorkflowConflict
        | InvalidPayload
        | JournalError,
        Leg | Tempolite.Tempolite
      >
    >()
    expect(Leg.info("id")).type.toBe<
      Effect.Effect<
        Workflow.WorkflowInfo<string, CardDeclined>,
        WorkflowNotFound | JournalError,
        Leg | Tempolite.Tempolite
      >
    >()
  })

  test("has the type of its schemas inside", () => {
    expect(Leg.child("k", { n: 1 })).type.toBe<
      Effect.Effect<string, CardDeclined | WorkflowCancelled, Leg | Workflow.Step<"k">>
    >()
    expect(Leg.startChild("k", { n: 1 })).type.toBe<
      Effect.Effect<Workflow.WorkflowExecutionInfo<string, CardDeclined>, never, Leg | Workflow.Step<"k">>
    >()
    expect(Workflow.sleep("k", "1 hour")).type.toBe<Effect.Effect<void, never, Workflow.Step<"k">>>()
    expect(Workflow.sleepUntil).type.not.toBeCallableWith("k", "tomorrow")
  })

  test("is seen as a resource whose types are covariant", () => {
    expect<Workflow.WorkflowInfo<"a", never>>().type
      .toBeAssignableTo<Workflow.WorkflowInfo<string, CardDeclined>>()
    expect<Workflow.WorkflowExecutionInfo<"a", never>>().type
      .toBeAssignableTo<Workflow.WorkflowExecutionInfo<string, CardDeclined>>()
    expect<Workflow.WorkflowInfo<string, never>>().type.not.toBeAssignableTo<Workflow.WorkflowInfo<"a", never>>()
  })

  test("tells its types from its class", () => {
    expect<Workflow.Success<typeof Leg>>().type.toBe<string>()
    expect<Workflow.Error<typeof Leg>>().type.toBe<CardDeclined>()
    expect<Workflow.PayloadOf<typeof Leg>>().type.toBe<{ readonly n: number }>()
    const accept = (_: Workflow.Any) => {}
    accept(Leg)
    accept(PlaceOrder)
    accept(Any)
  })

  test("is held for repair as declared", () => {
    // @ts-expect-error Type '"defects"' is not assignable to type '"defect" | "failure"...Did you mean '"defect"'?
    Workflow.Tag<W>()("W", { suspendOn: "defects" }).key
    expect(Workflow.Tag<W>()("W", { suspendOn: "failure", retry: { times: 1 } }).key).type.toBe<"W">()
  })

  test("may be its own child", () => {
    class Tree extends Workflow.Tag<Tree>()("Tree", { payload: { depth: Schema.Int } }) {
      static readonly Live = Tree.layer(({ depth }) =>
        depth === 0 ? Effect.void : Effect.orDie(Tree.child("left", { depth: depth - 1 }))
      )
    }
    expect(Tree.Live).type.toBe<Layer.Layer<Tree, never, Tempolite.Tempolite>>()
  })

  test("is a service that holds nothing", () => {
    Effect.gen(function*() {
      expect(yield* Leg).type.toBe<Workflow.Body<"Leg">>()
    })
  })
})

describe("code around a definition", () => {
  test("may be generic in the workflow", () => {
    const results = <T extends Workflow.Any>(_workflow: T): ReadonlyArray<Workflow.Success<T>> => []
    expect(results(Leg)).type.toBe<ReadonlyArray<string>>()
  })

  test("may build a layer of what requires declared steps or services", () => {
    const live = (body: () => Effect.Effect<void, never, Ping | Workflow.Step<"a">>) => W.layer(body)
    expect(live(() => Ping.execute("a"))).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite | Ping>>()
  })

  test("cannot be generic in what a body requires", () => {
    const live = <R>(body: () => Effect.Effect<void, never, R>) =>
      // @ts-expect-error method's 'this' of type 'CheckBody<R, "Any", Key>'
      Any.layer(body)
    live
  })

  test("may decide on a layer later", () => {
    expect(Layer.unwrapEffect(Effect.map(Db, () => W.layer(() => Ping.execute("a"))))).type
      .toBe<Layer.Layer<W, never, Db | Tempolite.Tempolite | Ping>>()
  })
})
