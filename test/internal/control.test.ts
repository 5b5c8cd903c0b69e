/** What signals, background activities, `detach` and the like ask of an engine that only writes down. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Layer, Option, Schema } from "effect"
import type { Service } from "../../src/Engine.ts"
import {
  InvalidDuration,
  InvalidPayload,
  InvalidStatus,
  JournalError,
  WorkflowEnded,
  WorkflowNotFound
} from "../../src/Errors.ts"
import type { Work } from "../../src/Execution.ts"
import { Activity, Saga, SideEffect, Signal, Workflow } from "../../src/index.ts"
import * as Outcome from "../../src/Outcome.ts"
import { attemptOf, failureOf, fakeEngine, run, unused } from "./fakes.ts"

class W extends Workflow.Tag<W>()("W", { success: Schema.Unknown, error: Schema.Unknown }) {}
class Declined extends Schema.TaggedError<Declined>()("Declined", { reason: Schema.String }) {}

const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Option.getOrThrow(Cause.dieOption(exit.cause)) : assert.fail("it succeeded")

const errorOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Option.getOrThrow(Cause.failureOption(exit.cause)) : assert.fail("it succeeded")

const failed = (error: unknown): Outcome.Outcome => Outcome.Failure({ cause: JSON.stringify({ _tag: "Fail", error }) })

describe("a signal in a body", () => {
  const Approved = Signal.make("Approved", { payload: { by: Schema.String, at: Schema.Date } })
  const Poked = Signal.make("Poked")
  const text = "{\"at\":\"1970-01-01T00:00:00.007Z\",\"by\":\"ann\"}"
  const given = Effect.succeed(Option.some(text))

  it.effect("is awaited by its name, without an end, and comes decoded", () =>
    Effect.gen(function*() {
      const waits: Array<unknown> = []
      const { outcome } = yield* run(
        W.layer(() => Effect.map(Approved.await("approval"), ({ at, by }) => [by, at.getTime()])),
        { answers: { signal: (wait) => Effect.zipRight(Effect.sync(() => waits.push(wait)), given) } }
      )
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "[\"ann\",7]" }))
      assert.deepStrictEqual(waits, [{ key: "approval", name: "Approved", within: Option.none() }])
    }))

  it.effect("is awaited within a time, and may not come", () =>
    Effect.gen(function*() {
      const waiting = W.layer(() =>
        Effect.map(Approved.awaitWithin(7, "1 minute"), Option.map(({ by }) => by)).pipe(
          Effect.map(Option.getOrElse(() => "nobody"))
        )
      )
      const late = yield* run(waiting)
      assert.deepStrictEqual(late.outcome, Outcome.Success({ value: "\"nobody\"" }))
      assert.deepStrictEqual(late.waits, [{ key: 7, name: "Approved", within: Option.some(Duration.minutes(1)) }])
      const inTime = yield* run(waiting, { answers: { signal: () => given } })
      assert.deepStrictEqual(inTime.outcome, Outcome.Success({ value: "\"ann\"" }))
    }))

  it.effect("is not awaited within no time at all", () =>
    Effect.gen(function*() {
      for (const duration of [-1, Number.NaN, Duration.infinity]) {
        const { exit, waits } = yield* run(W.layer(() => Approved.awaitWithin("approval", duration)))
        const defect = defectOf(exit)
        assert.instanceOf(defect, InvalidDuration)
        assert.strictEqual(defect.of, "`Signal.awaitWithin` \"approval\"")
        assert.lengthOf(waits, 0)
      }
    }))

  it.effect("that does not decode any more has diverged", () =>
    Effect.gen(function*() {
      for (const step of [Effect.asVoid(Approved.await("approval")), Approved.awaitWithin("approval", 1)]) {
        const { diverged } = yield* run(
          W.layer(() => step),
          { answers: { signal: () => Effect.succeed(Option.some("{\"by\":\"ann\"}")) } }
        )
        assert.match(diverged[0] ?? "", /^the recorded payload of the signal "Approved" does not decode any more: /)
      }
    }))

  it.effect("may hold nothing", () =>
    Effect.gen(function*() {
      const { outcome } = yield* run(W.layer(() => Poked.await("poke")), {
        answers: { signal: () => Effect.succeed(Option.some("{}")) }
      })
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "{}" }))
    }))

  it.effect("is sent as a step, with its payload as text", () =>
    Effect.gen(function*() {
      const { outcome, sent } = yield* run(W.layer(() => Approved.sendAs("tell", 42, { by: "ann", at: new Date(7) })))
      assert.deepStrictEqual(outcome, Outcome.Success({ value: null }))
      assert.deepStrictEqual(sent, [{ key: "tell", name: "Approved", workflowId: 42, payload: text }])
    }))

  it.effect("may find no workflow, or one that has ended", () =>
    Effect.gen(function*() {
      const send = (outcome: Outcome.Outcome) =>
        run(W.layer(() => Poked.sendAs("tell", "w2")), { answers: { send: () => Effect.succeed(outcome) } })
      const none = yield* send(failed({ _tag: "WorkflowNotFound", workflowId: "w2" }))
      assert.deepStrictEqual(errorOf(none.exit), new WorkflowNotFound({ workflowId: "w2" }))
      const ended = yield* send(failed({ _tag: "WorkflowEnded", workflowId: "w2", status: "Cancelled" }))
      assert.deepStrictEqual(errorOf(ended.exit), new WorkflowEnded({ workflowId: "w2", status: "Cancelled" }))
      const other = yield* send(failed({ _tag: "Declined" }))
      assert.include(other.diverged[0], "the recorded outcome of the signal \"Poked\" does not decode any more")
    }))

  it.effect("that does not fit, or has nowhere to go, is a defect, and not sent", () =>
    Effect.gen(function*() {
      for (
        const step of [
          Approved.sendAs("tell", "w2", { by: "ann", at: new Date(Number.NaN) }),
          Approved.sendAs("tell", "", { by: "ann", at: new Date(7) })
        ]
      ) {
        const { exit, sent } = yield* run(W.layer(() => step))
        assert.instanceOf(defectOf(exit), InvalidPayload)
        assert.lengthOf(sent, 0)
      }
    }))
})

describe("a signal from outside", () => {
  const Counted = Signal.make("Counted", {
    payload: { n: Schema.optionalWith(Schema.Int, { default: () => 1 }) }
  })
  const send = (answer: Service["engine"]["send"]) => fakeEngine([], { send: answer })

  it.effect("is sent with its payload as text", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const layer = send((signal) => Effect.sync(() => void asked.push(signal)))
      yield* Effect.provide(Effect.zipRight(Counted.send("w", { n: 2 }), Counted.send(7)), layer)
      assert.deepStrictEqual(asked, [
        { workflowId: "w", name: "Counted", payload: "{\"n\":2}" },
        { workflowId: 7, name: "Counted", payload: "{\"n\":1}" }
      ])
    }))

  it.effect("is refused before anything is asked, if it cannot be", () =>
    Effect.gen(function*() {
      const layer = send(() => unused)
      for (const refused of [Counted.send(""), Counted.send(Number.NaN), Counted.send("w", { n: 0.5 })]) {
        const error = yield* Effect.flip(Effect.provide(refused, layer))
        assert.instanceOf(error, InvalidPayload)
        assert.strictEqual(error.name, "Counted")
      }
    }))

  it.effect("fails as the engine does", () =>
    Effect.gen(function*() {
      for (
        const error of [
          new WorkflowNotFound({ workflowId: "w" }),
          new WorkflowEnded({ workflowId: "w", status: "Completed" }),
          new JournalError({ message: "the disk is full" })
        ]
      ) {
        const refused = yield* Effect.flip(Effect.provide(Counted.send("w"), send(() => Effect.fail(error))))
        assert.strictEqual(Cause.originalError(refused), error)
      }
    }))
})

describe("a workflow that calls others", () => {
  class Other extends Workflow.Tag<Other>()("Other", { payload: { n: Schema.Int } }) {}

  it.effect("detaches one by its name, and is given its id", () =>
    Effect.gen(function*() {
      const { children, outcome } = yield* run(
        W.layer(() => Other.detach("other", { n: 1 })).pipe(Layer.provide(Other.client))
      )
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "\"w/detached\"" }))
      assert.deepStrictEqual(children, [{ key: "other", name: "Other", payload: "{\"n\":1}" }])
    }))

  it.effect("detaches none with a payload that does not fit", () =>
    Effect.gen(function*() {
      const { children, exit } = yield* run(
        W.layer(() => Other.detach("other", { n: 0.5 })).pipe(Layer.provide(Other.client))
      )
      assert.instanceOf(defectOf(exit), InvalidPayload)
      assert.lengthOf(children, 0)
    }))
})

describe("a workflow that continues as new", () => {
  class Loop extends Workflow.Tag<Loop>()("Loop", { payload: { n: Schema.Int } }) {}
  const asked: Array<unknown> = []
  const answers = {
    continueAsNew: (name: string, payload: string | null) =>
      Effect.zipRight(Effect.sync(() => asked.push([name, payload])), Effect.dieMessage("continued"))
  }

  it.effect("names itself, and gives its payload as text", () =>
    Effect.gen(function*() {
      const { exit } = yield* run(Loop.layer(({ n }) => Loop.continueAsNew({ n: n + 1 })), {
        payload: "{\"n\":1}",
        answers
      })
      assert.include(failureOf(exit), "continued")
      assert.deepStrictEqual(asked, [["Loop", "{\"n\":2}"]])
    }))

  it.effect("does not do so with a payload that does not fit", () =>
    Effect.gen(function*() {
      const { exit } = yield* run(Loop.layer(() => Loop.continueAsNew({ n: 0.5 })), { payload: "{\"n\":1}" })
      assert.instanceOf(defectOf(exit), InvalidPayload)
    }))
})

describe("the version of a change", () => {
  it.effect("is what the execution says", () =>
    Effect.gen(function*() {
      const { outcome } = yield* run(W.layer(() => Workflow.version("fees", { min: 1, max: 3 })), {
        answers: { version: (changeId, range) => Effect.succeed(changeId === "fees" ? range.min + range.max : 0) }
      })
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "4" }))
    }))

  it.effect("is none without an id, or in no range", () =>
    Effect.gen(function*() {
      const version = (changeId: string, min: number, max: number) =>
        Effect.map(run(W.layer(() => Workflow.version(changeId, { min, max }))), ({ exit }) => failureOf(exit))
      assert.include(yield* version("", 1, 2), "`Workflow.version` \"\" has no id")
      for (const [min, max] of [[2, 1], [0.5, 2], [1, Number.NaN], [1, Number.POSITIVE_INFINITY]] as const) {
        assert.include(yield* version("fees", min, max), "`Workflow.version` \"fees\" has no versions from")
      }
      assert.include(
        failureOf(
          yield* Effect.exit(Effect.provideService(
            Workflow.version("fees", { min: 1, max: 2 }),
            Workflow.Execution,
            Workflow.Execution.of({} as Workflow.WorkflowExecution)
          ))
        ),
        "`Workflow.version` was called outside of a workflow"
      )
    }))
})

describe("an activity in the background", () => {
  class Charge extends Activity.Tag<Charge>()("Charge", {
    payload: { cents: Schema.Int },
    success: Schema.Date,
    error: Declined,
    queue: "cards"
  }) {}
  const layer = (body: () => Effect.Effect<unknown, unknown, Charge | Workflow.Step<"charge">>) =>
    W.layer(body).pipe(Layer.provide(Charge.layer(({ cents }) => Effect.succeed(new Date(cents)))))

  const started = (works: Array<Work>, outcome?: Outcome.Outcome) => ({
    start: (work: Work) =>
      Effect.sync(() => {
        works.push(work)
        return {
          executionId: "w/charge/1",
          result: outcome === undefined ? work.run(attemptOf(work)) : Effect.succeed(outcome)
        }
      })
  })

  it.effect("is started as the same work, and its result is decoded when it is asked for", () =>
    Effect.gen(function*() {
      const works: Array<Work> = []
      const { outcome } = yield* run(
        layer(() =>
          Effect.flatMap(
            Charge.start("charge", { cents: 5 }),
            ({ executionId, key, result }) => Effect.map(result, (date) => [executionId, key, date.getTime()])
          )
        ),
        { answers: started(works) }
      )
      assert.deepStrictEqual(outcome, Outcome.Success({ value: "[\"w/charge/1\",\"charge\",5]" }))
      assert.deepInclude(works[0], {
        kind: "Activity",
        key: "charge",
        name: "Charge",
        payload: "{\"cents\":5}",
        queue: Option.some("cards")
      })
    }))

  it.effect("fails, or has diverged, when its result is asked for", () =>
    Effect.gen(function*() {
      const asked = (outcome: Outcome.Outcome) =>
        run(
          layer(() => Effect.flatMap(Charge.start("charge", { cents: 5 }), ({ result }) => result)),
          { answers: started([], outcome) }
        )
      const declined = yield* asked(failed({ _tag: "Declined", reason: "no" }))
      assert.deepStrictEqual(errorOf(declined.exit), new Declined({ reason: "no" }))
      const other = yield* asked(Outcome.Success({ value: "true" }))
      assert.include(other.diverged[0], "the recorded outcome of the activity \"Charge\" does not decode any more")
    }))

  it.effect("is not started with a payload that does not fit", () =>
    Effect.gen(function*() {
      const { exit } = yield* run(layer(() => Charge.start("charge", { cents: 0.5 })))
      assert.instanceOf(defectOf(exit), InvalidPayload)
    }))
})

describe("the limits of an activity", () => {
  const workOf = (options: { readonly timeout?: Workflow.Timeout; readonly heartbeatTimeout?: Workflow.Timeout }) => {
    class Slow extends Activity.Tag<Slow>()("Slow", { error: Declined, ...options }) {}
    return run(W.layer(() => Slow.execute("slow")).pipe(Layer.provide(Slow.layer(() => Effect.void))))
  }

  it.effect("are told apart in the error, which a body can catch", () =>
    Effect.gen(function*() {
      class Slow extends Activity.Tag<Slow>()("Slow", { timeout: "1 minute", heartbeatTimeout: "3 seconds" }) {}
      const answers = (limit: "timeout" | "heartbeatTimeout", millis: number) => ({
        perform: (work: Work) =>
          Effect.sync(() => {
            const { duration, onTimeout } = Option.getOrThrow(work[limit])
            assert.strictEqual(Duration.toMillis(duration), millis)
            return onTimeout(2)
          })
      })
      const layer = W.layer(() => Slow.execute("slow")).pipe(Layer.provide(Slow.layer(() => Effect.void)))
      const slow = yield* run(layer, { answers: answers("timeout", 60_000) })
      assert.deepStrictEqual(
        errorOf(slow.exit),
        new Activity.ActivityTimeout({ activity: "Slow", attempt: 2, timeout: "attempt" })
      )
      const silent = yield* run(layer, { answers: answers("heartbeatTimeout", 3000) })
      const error = errorOf(silent.exit)
      assert.deepStrictEqual(
        error,
        new Activity.ActivityTimeout({ activity: "Slow", attempt: 2, timeout: "heartbeat" })
      )
      assert.include(String(error), "sent no heartbeat")
    }))

  it.effect("of an activity without a tag are the same", () =>
    Effect.gen(function*() {
      const { works } = yield* run(
        W.layer(() => Activity.make("inline", { heartbeatTimeout: "3 seconds", execute: Effect.void }))
      )
      assert.isTrue(Option.isNone(works[0]!.timeout))
      assert.deepStrictEqual(
        Option.map(works[0]!.heartbeatTimeout, ({ duration }) => Duration.toMillis(duration)),
        Option.some(3000)
      )
      assert.deepStrictEqual(works[0]!.queue, Option.none())
    }))

  it.effect("are none if they have no end", () =>
    Effect.gen(function*() {
      const { works } = yield* workOf({ timeout: Duration.infinity, heartbeatTimeout: Number.POSITIVE_INFINITY })
      assert.deepInclude(works[0], { timeout: Option.none(), heartbeatTimeout: Option.none() })
    }))

  it.effect("are defects of the step if they are negative, or no durations", () =>
    Effect.gen(function*() {
      const late = yield* workOf({ timeout: -1 })
      assert.deepStrictEqual(
        defectOf(late.exit),
        new InvalidDuration({ of: "the `timeout` of the activity \"Slow\"", duration: "-1" })
      )
      const silent = yield* workOf({ heartbeatTimeout: "soon" as "1 second" })
      assert.deepStrictEqual(
        defectOf(silent.exit),
        new InvalidDuration({ of: "the `heartbeatTimeout` of the activity \"Slow\"", duration: "soon" })
      )
      assert.lengthOf([...late.works, ...silent.works], 0)
    }))
})

describe("a queue", () => {
  class Mail extends Activity.Tag<Mail>()("Mail", { queue: "mail" }) {}
  class Card extends Activity.Tag<Card>()("Card", { queue: "cards" }) {}
  class Plain extends Activity.Tag<Plain>()("Plain") {}
  class Trip extends Saga.Tag<Trip>()("Trip") {}
  class Import extends Workflow.Tag<Import>()("Import", { queue: "imports" }) {}
  const activities = Layer.mergeAll(
    Mail.layer(() => Effect.void),
    Plain.layer(() => Effect.void)
  )

  it.effect("of a workflow, and those of the activities around it, are named to the engine", () =>
    Effect.gen(function*() {
      const { definition, works } = yield* run(
        Import.layer(() => Effect.zipRight(Mail.execute("mail"), Plain.execute("plain"))).pipe(
          Layer.provide(activities)
        )
      )
      assert.deepStrictEqual(definition.queue, Option.some("imports"))
      assert.sameMembers([...definition.queues], ["imports", "mail"])
      assert.deepStrictEqual(works.map(({ queue }) => queue), [Option.some("mail"), Option.none()])
    }))

  it.effect("that a saga's activities name is named to the engine too", () =>
    Effect.gen(function*() {
      const trip = Trip.layer(() => Card.execute("card")).pipe(Layer.provide(Card.layer(() => Effect.void)))
      const { definition } = yield* run(W.layer(() => Trip.execute("trip")).pipe(Layer.provide(trip)))
      assert.deepStrictEqual(definition.queue, Option.none())
      assert.deepStrictEqual([...definition.queues], ["cards"])
    }))

  it.effect("is not needed where nobody names one", () =>
    Effect.gen(function*() {
      const { definition } = yield* run(W.layer(() => Effect.void))
      assert.lengthOf([...definition.queues], 0)
    }))
})

describe("what an operator records for a step", () => {
  class Charge extends Activity.Tag<Charge>()("Charge", { success: Schema.Struct({ at: Schema.Date }) }) {}
  class Ping extends Activity.Tag<Ping>()("Ping") {}
  class Id extends SideEffect.Tag<Id>()("Id", { success: Schema.BigInt }) {}
  const skip = (answer: Service["skip"]) => fakeEngine([], {}, { skip: answer })

  it.effect("is encoded by the schema of its success, and says whose step it is", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      yield* Effect.all([
        Charge.skip("w", "charge", { at: new Date(7) }),
        Charge.skip(7, ["trip", 1], { at: new Date(7) }),
        Ping.skip("w", "ping"),
        Id.skip("w", "id", 5n)
      ]).pipe(Effect.provide(skip((...request) => Effect.sync(() => void asked.push(request)))))
      assert.deepStrictEqual(asked, [
        ["w", "charge", { at: "1970-01-01T00:00:00.007Z" }, { kind: "Activity", name: "Charge" }],
        [7, ["trip", 1], { at: "1970-01-01T00:00:00.007Z" }, { kind: "Activity", name: "Charge" }],
        ["w", "ping", undefined, { kind: "Activity", name: "Ping" }],
        ["w", "id", "5", { kind: "SideEffect", name: "Id" }]
      ])
    }))

  it.effect("is refused where it does not fit", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.provide(Charge.skip("w", "charge", { at: new Date(Number.NaN) }), skip(() => unused))
      )
      assert.instanceOf(error, InvalidPayload)
      assert.strictEqual(error.name, "Charge")
      assert.include(error.message, "the success of the activity \"Charge\" does not fit its schema")
    }))

  it.effect("fails as the engine does", () =>
    Effect.gen(function*() {
      const fault = new InvalidStatus({ workflowId: "w", operation: "skip", status: "Completed" })
      const refused = yield* Effect.flip(Effect.provide(Id.skip("w", "id", 1n), skip(() => Effect.fail(fault))))
      assert.strictEqual(Cause.originalError(refused), fault)
    }))
})

describe("the info of a workflow", () => {
  it.effect("pauses, resumes and retries it", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const ask = (what: string) => () => Effect.sync(() => void asked.push(what))
      const layer = W.client.pipe(
        Layer.provideMerge(fakeEngine([], {}, { pause: ask("pause"), resume: ask("resume"), retry: ask("retry") }))
      )
      const { pause, resume, retry } = yield* Effect.provide(W.start("w"), layer)
      yield* Effect.all([pause, resume, retry])
      assert.deepStrictEqual(asked, ["pause", "resume", "retry"])
    }))

  it.effect("says that the status does not allow it, and dies where the workflow has vanished", () =>
    Effect.gen(function*() {
      const fault = new InvalidStatus({ workflowId: "w", operation: "pause", status: "Completed" })
      const layer = W.client.pipe(Layer.provideMerge(fakeEngine([], {}, {
        pause: () => Effect.fail(fault),
        retry: () => Effect.fail(new WorkflowNotFound({ workflowId: "w" }))
      })))
      const { pause, retry } = yield* Effect.provide(W.start("w"), layer)
      assert.strictEqual(Cause.originalError(yield* Effect.flip(pause)), fault)
      assert.instanceOf(defectOf(yield* Effect.exit(retry)), WorkflowNotFound)
    }))
})
