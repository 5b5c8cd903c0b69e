/**
 * Keys: what a step is recognised by, and what a replay may not ask for.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Activity, DuplicateKey, InvalidKey, NonDeterminism, Saga, SideEffect, Workflow } from "../../src/index.ts"
import { type Bench, type Promised, suspension } from "./bench.ts"
import { Act, counting, type Failure, type InBody, Main } from "./domain.ts"

class Sub extends Workflow.Tag<Sub>()("Sub", { payload: { n: Schema.optional(Schema.Number) } }) {}
class Trip extends Saga.Tag<Trip>()("Trip", { payload: { n: Schema.optional(Schema.Number) } }) {}
class Other extends Activity.Tag<Other>()("Other", { payload: { arg: Schema.optional(Schema.Unknown) } }) {}

type Body = Effect.Effect<unknown, Failure, InBody | Act | Sub | Trip | Other>

/** The workflow `Main` with this body, and all that it may call. What is called `last` takes ten seconds. */
const withBody = (body: Body, calls: Array<string> = []) =>
  Main.layer(() => body).pipe(
    Layer.provide(Sub.layer(() => Effect.void)),
    Layer.provide(Layer.mergeAll(
      Trip.layer(() => Effect.void),
      Other.layer(() => Effect.void),
      Act.layer(({ arg }) =>
        Effect.flatMap(Activity.Execution, (execution) =>
          counting(calls, execution.key === "last" ? 10_000 : 0)(execution, arg))
      )
    ))
  )

/** Runs `body` for some seconds, then lets the process die. */
const crashed = (bench: Bench, body: Body, calls?: Array<string>) =>
  Effect.gen(function*() {
    const engine = yield* bench.start(withBody(body, calls))
    yield* engine.run(Main.start("w", {}))
    yield* bench.pass("5 seconds")
    yield* engine.crash
  })

/** Runs `body` until nothing happens any more, then closes the engine. */
const replayed = (bench: Bench, body: Body, calls?: Array<string>) =>
  Effect.gen(function*() {
    const engine = yield* bench.start(withBody(body, calls))
    yield* bench.pass("1 minute")
    yield* engine.close
  })

const last = Act.execute("last", {})

/** Every kind of step, and every name, as the key "a". */
const kinds: ReadonlyArray<readonly [string, Body]> = [
  ["Activity \"Act\"", Act.execute("a", {})],
  ["Activity \"Other\"", Other.execute("a", {})],
  ["SideEffect \"a\"", SideEffect.record("a", Schema.Void, Effect.void)],
  ["Saga \"Trip\"", Trip.execute("a", {})],
  ["Saga \"scoped\"", Saga.scoped("a", Effect.void)],
  ["Timer \"sleep\"", Workflow.sleep("a", "1 second")],
  ["Workflow \"Sub\"", Effect.orDie(Sub.child("a"))]
]

const payloads: ReadonlyArray<readonly [string, Body, Body]> = [
  ["an activity", Act.execute("a", { arg: 1 }), Act.execute("a", { arg: 2 })],
  ["a saga", Trip.execute("a", { n: 1 }), Trip.execute("a", { n: 2 })],
  ["a timer", Workflow.sleep("a", "1 second"), Workflow.sleep("a", "2 seconds")],
  ["a sub-workflow", Effect.orDie(Sub.child("a", { n: 1 })), Effect.orDie(Sub.child("a", { n: 2 }))]
]

export const keys = (promise: Promised) => {
  describe("a replay that asks for something else under a recorded key is `NonDeterminism`", () => {
    for (const [recorded, before] of kinds) {
      promise(`where ${recorded} was recorded`, (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          yield* crashed(bench, Effect.zipRight(before, last), calls)
          const rows = yield* bench.describe("w")
          for (const [asked, after] of kinds) {
            if (asked === recorded) continue
            calls.length = 0
            yield* replayed(bench, Effect.zipRight(after, last), calls)
            const reason = yield* suspension(bench, "w")
            assert.instanceOf(reason, NonDeterminism)
            assert.strictEqual(reason.workflowId, "w")
            assert.strictEqual(reason.key, "a")
            assert.include(reason.message, `the step a does not agree with the journal: recorded was ${recorded}`)
            assert.include(reason.message, `asked for is ${asked}. Give the new step a key of its own`)
            assert.deepStrictEqual(calls, [])
            const { executions, steps } = yield* bench.describe("w")
            assert.deepStrictEqual(steps[0], rows.steps[0])
            assert.deepStrictEqual(executions, rows.executions)
          }
          // Once the code is right again, a restart goes on.
          const engine = yield* bench.start(withBody(Effect.zipRight(before, last), calls))
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "<last>")
          assert.deepStrictEqual(calls, ["last#2"])
        }))
    }

    for (const [kind, before, after] of payloads) {
      promise(`where the payload of ${kind} is another one`, (bench) =>
        Effect.gen(function*() {
          yield* crashed(bench, Effect.zipRight(before, last))
          const rows = yield* bench.describe("w")
          yield* replayed(bench, Effect.zipRight(after, last))
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, NonDeterminism)
          assert.strictEqual(reason.key, "a")
          assert.match(reason.message, /it was recorded with the payload \{.*1.*\} and is asked for with \{.*2.*\}/)
          assert.deepStrictEqual((yield* bench.describe("w")).steps[0], rows.steps[0])
          const engine = yield* bench.start(withBody(Effect.zipRight(before, last)))
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "<last>")
        }))
    }

    promise("where the payload is another one and the attempt was lost", (bench) =>
      Effect.gen(function*() {
        yield* crashed(bench, Act.execute("last", { arg: 1 }))
        yield* replayed(bench, Act.execute("last", { arg: 2 }))
        const reason = yield* suspension(bench, "w")
        assert.instanceOf(reason, NonDeterminism)
        assert.match(reason.message, /recorded with the payload \{"arg":1\} and is asked for with \{"arg":2\}/)
      }))

    promise("and compensates nothing", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const charge = Saga.compensate(Act.execute("charge", {}), () => Act.execute("refund", {}))
        const right = Effect.zipRight(charge, Effect.zipRight(Act.execute("a", {}), last))
        yield* crashed(bench, right, calls)
        yield* replayed(bench, Effect.zipRight(charge, Effect.zipRight(Other.execute("a", {}), last)), calls)
        yield* suspension(bench, "w")
        assert.deepStrictEqual(calls, ["charge#1", "a#1", "last#1"])
      }))
  })

  describe("a replay", () => {
    promise("recognises steps by their keys, wherever they have gone", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const act = (key: string) => Act.execute(key, {})
        yield* crashed(bench, Effect.all([act("a"), act("b"), act("c"), last]), calls)
        calls.length = 0
        const engine = yield* bench.start(withBody(Effect.all([act("c"), act("new"), act("a"), last]), calls))
        assert.deepStrictEqual(
          yield* bench.wait(engine.run(Main.execute("w", {}))),
          ["<c>", "<new>", "<a>", "<last>"]
        )
        assert.deepStrictEqual(calls, ["new#1", "last#2"])
        // `b` was recorded, and is not asked for any more.
        assert.strictEqual((yield* bench.describe("w")).unusedOutcomes, 1)
      }))

    promise("lets a timer that did not fire yet be another one", (bench) =>
      Effect.gen(function*() {
        const slept = (duration: `${number} seconds`) =>
          Effect.zipRight(Workflow.sleep("a", duration), Effect.succeed(duration))
        yield* crashed(bench, slept("1000 seconds"))
        const engine = yield* bench.start(withBody(slept("10 seconds")))
        yield* bench.pass("10 seconds")
        assert.strictEqual((yield* bench.describe("w")).status, "Completed")
        yield* engine.close
      }))
  })

  describe("a key", () => {
    const duplicates: ReadonlyArray<readonly [string, Body]> = [
      ["one after the other", Effect.zipRight(Act.execute("a", {}), Act.execute("a", {}))],
      ["side by side", Effect.all([Act.execute("a", {}), Act.execute("a", {})], { concurrency: 2 })],
      ["of different kinds", Effect.zipRight(Act.execute("a", {}), Workflow.sleep("a", "1 second"))],
      ["of two sagas", Effect.zipRight(Saga.scoped("a", Effect.void), Saga.scoped("a", Effect.void))],
      [
        "by a retry in the body",
        Effect.retry(Effect.zipRight(Act.execute("a", {}), Effect.fail("no")), { times: 3 }).pipe(Effect.orDie)
      ],
      ["by a repeat in the body", Effect.repeat(Act.execute("a", {}), { times: 3 })]
    ]
    for (const [how, body] of duplicates) {
      promise(`that is used twice, ${how}, is \`DuplicateKey\``, (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          yield* crashed(bench, body, calls)
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, DuplicateKey)
          assert.deepInclude(reason, { workflowId: "w", key: "a" })
          assert.match(
            reason.message,
            /key "a" was used twice in one execution of the workflow "w".*its activity `retry`.*put the round into their keys/
          )
          assert.isAtMost(calls.length, 1)
          const engine = yield* bench.start(
            withBody(Effect.zipRight(how.includes("sagas") ? Effect.void : Act.execute("a", {}), Act.execute("b", {})))
          )
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "<b>")
        }))
    }

    promise("is 1 or \"1\", which are two; and any string, the separator included", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const all = [1, "1", "#1", "a/b", "a\\/b", "\\", "/", "~sleep", "~sleep/1", "\u0000", "日本 😀", "'", "%", -0.5]
        const act = (key: string | number) => Act.execute(key, { arg: key })
        const body = Effect.gen(function*() {
          const own = yield* Effect.forEach(all, act)
          const inner = yield* Saga.scoped("a", act("b"))
          yield* Effect.sleep("1 second")
          yield* last
          return [own, inner]
        })
        yield* crashed(bench, body, calls)
        assert.lengthOf(calls, all.length + 2)
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.slice(0, all.length).map(({ key }) => key), all)
        assert.deepStrictEqual(steps.slice(0, all.length).map(({ path }) => path), all.map((key) => [key]))
        assert.deepStrictEqual(steps.find(({ key }) => key === "b")!.path, ["a", "b"])
        calls.length = 0
        const engine = yield* bench.start(withBody(body, calls))
        assert.deepStrictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), [
          all.map((key) => `<${key}>`),
          "<b>"
        ])
        assert.deepStrictEqual(calls, ["last#2"])
      }))

    promise("counts within its saga, at any depth", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const a = Act.execute("a", {})
        const body = Effect.zipRight(a, Saga.scoped("s", Effect.zipRight(a, Saga.scoped("s", a))))
        yield* replayedFrom(bench, body, calls)
        assert.deepStrictEqual(calls, ["a#1", "a#1", "a#1"])
        const { steps } = yield* bench.describe("w")
        assert.deepStrictEqual(steps.map(({ path }) => path), [["a"], ["s"], ["s", "a"], ["s", "s"], ["s", "s", "a"]])
      }))

    for (const [name, key] of [["the empty string", ""], ["NaN", Number.NaN], ["an infinity", Infinity]] as const) {
      promise(`is not ${name}: \`InvalidKey\``, (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          yield* replayedFrom(bench, Effect.zipRight(Act.execute(key, {}), Act.execute("b", {})), calls)
          const reason = yield* suspension(bench, "w")
          assert.instanceOf(reason, InvalidKey)
          assert.match(reason.message, /is not a key/)
          assert.deepStrictEqual(calls, [])
          const engine = yield* bench.start(withBody(Act.execute("b", {})))
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), "<b>")
        }))
    }

    promise(
      "must be one of the declared `keys`, of the workflow and of a saga, at run time too",
      (bench) =>
        Effect.gen(function*() {
          const calls: Array<string> = []
          class Strict extends Workflow.Tag<Strict>()("Strict", {
            payload: { key: Schema.String },
            success: Schema.Unknown,
            keys: Schema.Union(Schema.Literal("charge", 7), Schema.TemplateLiteral("ship-", Schema.String))
          }) {}
          class Inner
            extends Saga.Tag<Inner>()("Inner", { payload: { key: Schema.String }, keys: Schema.Literal("flight") })
          {}
          // What the compiler would refuse.
          const undeclared = (key: string) => Act.execute(key as "charge", {}).pipe(Effect.orDie)
          const strict = Strict.layer(({ key }) =>
            Effect.gen(function*() {
              if (key.startsWith("in-")) return yield* Inner.execute("charge", { key: key.slice(3) })
              yield* Act.execute(7, {}).pipe(Effect.orDie)
              return yield* undeclared(key)
            })
          )
          const live = strict.pipe(
            Layer.provide(Inner.layer(({ key }) => Act.execute(key as "flight", {}).pipe(Effect.orDie))),
            Layer.provide(
              Act.layer(() => Effect.flatMap(Activity.Execution, (execution) => counting(calls)(execution, 0)))
            )
          )
          const engine = yield* bench.start(live)
          yield* bench.wait(engine.run(Strict.execute("1", { key: "charge" })))
          yield* bench.wait(engine.run(Strict.execute("2", { key: "ship-a" })))
          yield* bench.wait(engine.run(Strict.execute("3", { key: "in-flight" })))
          yield* engine.run(Strict.start("4", { key: "chrge" }))
          yield* engine.run(Strict.start("5", { key: "in-fly" }))
          yield* bench.settle
          const reason = yield* suspension(bench, "4")
          assert.instanceOf(reason, InvalidKey)
          assert.match(
            reason.message,
            /"chrge" is not one of the keys of the workflow "Strict".*charge.*or add it to `keys`/
          )
          const inner = yield* suspension(bench, "5")
          assert.instanceOf(inner, InvalidKey)
          assert.match(inner.message, /"fly" is not one of the keys of the saga "Inner"/)
          assert.deepStrictEqual(calls, ["7#1", "charge#1", "7#1", "ship-a#1", "flight#1", "7#1"])
        })
    )
  })
}

/** Starts the workflow and runs it until nothing happens any more. */
const replayedFrom = (bench: Bench, body: Body, calls?: Array<string>) =>
  Effect.gen(function*() {
    const engine = yield* bench.start(withBody(body, calls))
    yield* engine.run(Main.start("w", {}))
    yield* bench.pass("1 minute")
    yield* engine.close
  })
