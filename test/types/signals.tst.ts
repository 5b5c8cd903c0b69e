// @effect-diagnostics *:skip-file
import type { Layer, Option } from "effect"
import { Effect, Schema } from "effect"
import { describe, expect, test } from "tstyche"
import type {
  InvalidPayload,
  JournalError,
  Tempolite,
  Workflow,
  WorkflowEnded,
  WorkflowNotFound
} from "../../src/index.ts"
import { Signal } from "../../src/index.ts"
import { Any, Approved, Db, Ping, RefundCard, Trip, W } from "./domain.ts"

const Poked = Signal.make("Poked")

describe("a signal", () => {
  test("has the type of its payload", () => {
    expect(Approved.await("k")).type.toBe<Effect.Effect<{ readonly by: string }, never, Workflow.Step<"k">>>()
    expect(Approved.awaitWithin("k", "1 hour")).type
      .toBe<Effect.Effect<Option.Option<{ readonly by: string }>, never, Workflow.Step<"k">>>()
    expect(Poked.await(7)).type.toBe<Effect.Effect<{}, never, Workflow.Step<7>>>()
    expect(Approved.name).type.toBe<"Approved">()
    expect(Approved.payloadSchema).type.toBe<Schema.Struct<{ by: typeof Schema.String }>>()
    expect(Approved).type.toBe<Signal.Signal<"Approved", { by: typeof Schema.String }>>()
  })

  test("is sent from outside, and may not arrive", () => {
    expect(Approved.send("id", { by: "ann" })).type.toBe<
      Effect.Effect<
        void,
        WorkflowNotFound | WorkflowEnded | InvalidPayload | JournalError,
        Tempolite.Tempolite
      >
    >()
    expect(Poked.send).type.toBeCallableWith(7)
    expect(RefundCard.layer(() => Effect.orDie(Poked.send("id")))).type
      .toBe<Layer.Layer<RefundCard, never, Tempolite.Tempolite>>()
  })

  test("is sent from inside as a step", () => {
    expect(Approved.sendAs("k", "id", { by: "ann" })).type
      .toBe<Effect.Effect<void, WorkflowNotFound | WorkflowEnded, Workflow.Step<"k">>>()
    expect(W.layer(() => Effect.ignore(Poked.sendAs("a", 7)))).type
      .toBe<Layer.Layer<W, never, Tempolite.Tempolite>>()
  })

  test("takes the input of its payload", () => {
    const Counted = Signal.make("Counted", {
      payload: { at: Schema.Date, n: Schema.optionalWith(Schema.Int, { default: () => 1 }) }
    })
    expect(Counted.send).type.toBeCallableWith("id", { at: new Date(0) })
    expect(Counted.await("k")).type
      .toBe<Effect.Effect<{ readonly at: Date; readonly n: number }, never, Workflow.Step<"k">>>()
    expect(Signal.make("Text", { payload: Schema.String }).await("k")).type
      .toBe<Effect.Effect<string, never, Workflow.Step<"k">>>()
    // @ts-expect-error 'byy' does not exist in type '{ readonly by: string; }'
    Approved.send("id", { byy: "ann" })
    // @ts-expect-error Type 'number' is not assignable to type 'string'.
    Approved.sendAs("k", "id", { by: 1 })
    // @ts-expect-error Expected 2 arguments, but got 1.
    Approved.send("id")
    // @ts-expect-error Expected 3 arguments, but got 2.
    Approved.sendAs("k", "id")
    // @ts-expect-error Type 'number' is not assignable to type 'never'.
    Poked.send("id", { x: 1 })
  })

  test("has a payload that needs no service", () => {
    const needsDb = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text) => Effect.as(Db, text),
      encode: (text) => Effect.as(Db, text)
    })
    // @ts-expect-error is not assignable to type 'PlainSchema | PropertySignature<
    Signal.make("X", { payload: { a: needsDb } })
    // @ts-expect-error is not assignable to type 'Payload | undefined'
    Signal.make("X", { payload: Schema.Struct({ a: needsDb }) })
  })
})

describe("a signal in a body", () => {
  test("is awaited under a key that is declared", () => {
    expect(W.layer(() => Approved.await("a"))).type.toBe<Layer.Layer<W, never, Tempolite.Tempolite>>()
    expect(Trip.layer(() => Effect.map(Approved.await("flight"), ({ by }) => by))).type.toBe<Layer.Layer<Trip>>()
    // @ts-expect-error UndeclaredKey<"approval", "W", "a" | "b">
    W.layer(() => Approved.await("approval"))
    // @ts-expect-error UndeclaredKey<"approval", "W", "a" | "b">
    W.layer(() => Approved.awaitWithin("approval", "1 hour"))
    // @ts-expect-error UndeclaredKey<"poke", "W", "a" | "b">
    W.layer(() => Effect.ignore(Poked.sendAs("poke", "id")))
    // @ts-expect-error UndeclaredKey<"a", "Trip", "flight" | "hotel">
    Trip.layer(() => Effect.map(Approved.await("a"), ({ by }) => by))
  })

  test("is not sent by the client", () => {
    // @ts-expect-error 'this' of type 'ClientInsideWorkflow<Tempolite>'...in a workflow use `child`, `startChild` or
    Any.layer(() => Effect.orDie(Approved.send("id", { by: "ann" })))
    // @ts-expect-error 'this' of type 'ClientInsideWorkflow<Tempolite>'
    Trip.layer(() => Effect.as(Effect.orDie(Poked.send("id")), ""))
  })

  test("is neither awaited nor sent as a step where there is no workflow", () => {
    // @ts-expect-error Type 'Step<"k">' is not assignable to type 'never'.
    Effect.runPromise(Approved.await("k"))
    // @ts-expect-error StepOutsideWorkflow<Step<"k">>
    RefundCard.layer(() => Effect.asVoid(Approved.await("k")))
    // @ts-expect-error StepOutsideWorkflow<Step<"k">>
    Ping.layer(() => Effect.ignore(Poked.sendAs("k", "id")))
  })

  test("is not waited for longer than a duration", () => {
    // @ts-expect-error Argument of type '"3 parsecs"' is not assignable to parameter of type 'DurationInput'.
    Approved.awaitWithin("k", "3 parsecs")
  })
})
