/**
 * Ids, keys and names of every shape: what goes in comes out, is found again and is recognised on replay, or is refused
 * before anything is recorded.
 */
import { assert } from "@effect/vitest"
import { Effect, Exit, FastCheck, Layer, Option, Schema, Stream } from "effect"
import { Activity, InvalidPayload, Journal, Saga, SideEffect, Signal, Tempolite, Workflow } from "../../src/index.ts"
import { onEach, onEachOf, refusal, Seen, shown, twice } from "./bed.ts"
import { longText, someNumbers, someTexts, texts } from "./values.ts"

class Echo extends Activity.Tag<Echo>()("Echo", { payload: { value: Schema.Unknown }, success: Schema.Unknown }) {}
class Kid extends Workflow.Tag<Kid>()("Kid", { success: Schema.Unknown }) {}
class Main extends Workflow.Tag<Main>()("Main", { payload: { n: Schema.Int }, success: Schema.Unknown }) {}
const Told = Signal.make("Told")

type Body = Effect.Effect<unknown, never, Echo | Kid | Workflow.Step<Workflow.Key> | Workflow.Execution>

/** `Main`, whose bodies are given by number, and what they may call. */
const live = (body: (n: number) => Body) =>
  Main.layer(({ n }) => body(n)).pipe(
    Layer.provideMerge(Kid.layer(() => Effect.map(Workflow.Execution, ({ workflowId }) => workflowId))),
    Layer.provide(Echo.layer(({ value }) => Effect.map(Activity.Execution, ({ key }) => [key, value])))
  )

/** Numbers have one zero. */
const isKey = (key: unknown) => key !== "" && !(typeof key === "number" && !Number.isFinite(key))

const keys = FastCheck.oneof(texts, FastCheck.integer(), FastCheck.double()).filter((key) => isKey(key) && key !== 0)
const distinct = FastCheck.uniqueArray(keys, { minLength: 6, maxLength: 12 })

/** Whether a text begins with all characters of the other: half a surrogate pair is none of the whole. */
const beginsWith = (id: Workflow.Key, prefix: string): boolean =>
  typeof id === "string" && id.startsWith(prefix) &&
  Array.from(prefix).at(-1) === Array.from(id.slice(0, prefix.length + 1))[Array.from(prefix).length - 1]

const idsAreKept = (ids: ReadonlyArray<Workflow.Key>) =>
  Effect.gen(function*() {
    const seen = new Seen()
    const { replayed } = yield* twice(
      seen,
      live((n) =>
        Effect.gen(function*() {
          const { workflowId } = yield* Workflow.Execution
          yield* Effect.exit(Kid.child("kid"))
          yield* seen.see(workflowId, n)
          return workflowId
        })
      ),
      Effect.gen(function*() {
        const tempolite = yield* Tempolite.Tempolite
        for (const [n, id] of ids.entries()) {
          assert.strictEqual(yield* Main.execute(id, { n }), id)
          assert.strictEqual(seen.get(id), n)
        }
        for (const [n, id] of ids.entries()) {
          const { children, payload, steps } = yield* tempolite.describe(id)
          assert.deepStrictEqual(payload, { n })
          assert.strictEqual(steps[0]?.status, "Completed")
          // The sub-workflow is found under the id that it was told itself, and belongs to this one.
          const kid = children[0]?.id
          assert.isDefined(kid)
          if (kid === undefined) continue
          assert.strictEqual(yield* (yield* Kid.info(kid)).result, kid)
          const below = yield* tempolite.list({ parent: id })
          assert.deepStrictEqual(below.workflows.map((workflow) => workflow.id), [kid])
        }
        const starts = ids.flatMap((id) => typeof id === "string" ? [id, ...Array.from(id).slice(0, 1)] : [])
        for (const idPrefix of [...starts, "\ud83d", "%", "_", "*", "~", "#"]) {
          const { workflows } = yield* tempolite.list({ idPrefix, name: "Main", limit: 1_000 })
          assert.deepStrictEqual(
            workflows.map((workflow) => workflow.id),
            ids.filter((id) => beginsWith(id, idPrefix)),
            `those that begin with ${JSON.stringify(idPrefix.slice(0, 20))}`
          )
        }
      })
    )
    assert.strictEqual(replayed, 2 * ids.length)
  })

onEachOf("workflows are found under ids of every shape", distinct, idsAreKept, 2)

onEach(
  "workflows are found under the worst ids that there are",
  () => idsAreKept([...new Set([...someTexts, ...someNumbers])])
)

/** Every kind of step under each key, each kind in a namespace of its own. */
const keysAreKept = (keys: ReadonlyArray<Workflow.Key>) =>
  Effect.gen(function*() {
    const seen = new Seen()
    const kinds: Record<string, (key: Workflow.Key) => Body> = {
      activity: (key) => Effect.orDie(Echo.execute(key, { value: key })),
      background: (key) => Effect.flatMap(Echo.start(key, { value: key }), ({ result }) => Effect.orDie(result)),
      inline: (key) => Activity.make(key, { success: Schema.Unknown, execute: Effect.succeed(key) }),
      record: (key) => SideEffect.record(key, Schema.Unknown, Effect.succeed(key)),
      sleep: (key) => Workflow.sleep(key, 1),
      signal: (key) => Told.awaitWithin(key, 1),
      child: (key) => Effect.orDie(Kid.child(key)),
      detach: (key) => Kid.detach(key),
      saga: (key) => Saga.scoped(key, Echo.execute(key, { value: key }))
    }
    const names = Object.keys(kinds)
    const body = Effect.forEach(names, (name) =>
      Saga.scoped(
        name,
        Effect.forEach(keys, (key) => kinds[name]?.(key) ?? Effect.void, { concurrency: "unbounded" })
      ))
    yield* twice(
      seen,
      live(() => Effect.flatMap(body, (all) => seen.see("all", all))),
      Effect.gen(function*() {
        const tempolite = yield* Tempolite.Tempolite
        yield* Main.execute("m", { n: 0 })
        const { steps } = yield* tempolite.describe("m")
        for (const name of names) {
          const paths = steps.flatMap(({ path }) => path.length === 2 && path[0] === name ? [path[1]] : [])
          assert.deepStrictEqual(paths, [...keys], name)
        }
        for (const step of steps) {
          assert.strictEqual(step.key, step.path.at(-1))
          assert.include(["Completed", "Cancelled"], step.status)
        }
      })
    )
  })

onEachOf("steps of every kind are recognised by keys of every shape", distinct, keysAreKept, 1)

onEach(
  "steps of every kind are recognised by the worst keys that there are",
  () => keysAreKept([...new Set([...someTexts, ...someNumbers])])
)

onEach("an id, a key, a name and a payload may be a million characters long", () =>
  Effect.gen(function*() {
    const name = "n".repeat(1_000_000)
    class Long extends Activity.Tag<Long>()(name, { payload: { text: Schema.String }, success: Schema.String }) {}
    const seen = new Seen()
    yield* twice(
      seen,
      Main.layer(() => Effect.tap(Long.execute(longText, { text: longText }), (text) => seen.see("text", text))).pipe(
        Layer.provide(Long.layer(({ text }) => Effect.succeed(text)))
      ),
      Effect.gen(function*() {
        const tempolite = yield* Tempolite.Tempolite
        assert.isTrue((yield* Main.execute(longText, { n: 0 })) === longText)
        const { id, steps } = yield* tempolite.describe(longText)
        assert.isTrue(id === longText && steps[0]?.key === longText && steps[0].name === name)
        assert.lengthOf((yield* tempolite.list({ idPrefix: longText.slice(0, 4_000) })).workflows, 1)
      })
    )
  }))

/** What the compiler would refuse. */
const notKeys = [
  1n,
  true,
  null,
  undefined,
  Symbol("s"),
  {},
  [],
  () => 1,
  "",
  Number.NaN,
  Infinity
] as unknown as ReadonlyArray<
  Workflow.Key
>

onEach("what is no key is refused, as an id and as a key, and harms nobody else", () =>
  Effect.gen(function*() {
    const calls: Array<unknown> = []
    const journal = yield* Journal.Journal
    const workflows = Main.layer(({ n }) =>
      n < 0
        ? Echo.execute("fine", { value: n })
        : Effect.zipRight(Echo.execute(notKeys[n] ?? "", { value: n }), Effect.void)
    ).pipe(Layer.provide(Echo.layer(({ value }) => Effect.sync(() => calls.push(value)))))
    yield* Effect.gen(function*() {
      const tempolite = yield* Tempolite.Tempolite
      for (const id of notKeys) {
        const exit = yield* Effect.exit(Main.start(id, { n: -1 }))
        assert.match(Option.getOrThrow(refusal(exit)), /the id cannot be used: .* is not a key/)
      }
      assert.deepStrictEqual((yield* tempolite.list()).workflows, [])
      for (const n of notKeys.keys()) {
        const { changes, id } = yield* Main.start(`w${n}`, { n })
        yield* Stream.runDrain(Stream.takeUntil(changes, (status) => status !== "Pending" && status !== "Running"))
        const { reason, status, steps } = yield* tempolite.describe(id)
        assert.deepStrictEqual([status, steps], ["Suspended", []], String(notKeys[n]))
        assert.match(String(Option.getOrThrow(reason)), /is not a key/)
      }
      yield* Main.execute("healthy", { n: -1 })
      assert.deepStrictEqual(calls, [-1])
    }).pipe(Effect.provide(Layer.provideMerge(workflows, Tempolite.layer({ closeGrace: 0 }))))
    assert.lengthOf(yield* journal.requests, 0)
  }))

/** One definition of each kind under this name, in turn: names of definitions share one namespace. */
const nameIsKept = (name: string) =>
  Effect.gen(function*() {
    class Named extends Workflow.Tag<Named>()(name, { success: Schema.String }) {}
    class Act extends Activity.Tag<Act>()(name, { success: Schema.String }) {}
    class Drawn extends SideEffect.Tag<Drawn>()(name, { success: Schema.String }) {}
    class Trip extends Saga.Tag<Trip>()(name, { success: Schema.String }) {}
    const Sent = Signal.make(name)
    class Kind extends Workflow.Tag<Kind>()("Kind", { payload: { kind: Schema.Int }, success: Schema.Unknown }) {}
    const acts = Kind.layer(({ kind }) =>
      kind === 0
        ? Act.execute("a")
        : kind === 1
        ? Effect.zipRight(Sent.await("a"), Effect.succeed("signal"))
        : Effect.never
    ).pipe(Layer.provide(Act.layer(() => Effect.succeed("activity"))))
    const draws = Kind.layer(() => Drawn.record("a")).pipe(Layer.provide(Drawn.layer(Effect.succeed("side effect"))))
    const sagas = Kind.layer(() => Trip.execute("a")).pipe(Layer.provide(Trip.layer(() => Effect.succeed("saga"))))
    const isKept = name !== "" && name.isWellFormed() && !/[\u0000-\u001f]/.test(name)
    const run = (id: string, kind: number) => Effect.exit(Kind.execute(id, { kind }))
    const tell = Effect.gen(function*() {
      yield* Kind.start("signal", { kind: 1 })
      const sent = yield* Effect.exit(Sent.send("signal"))
      // Whoever awaits it is told, too.
      const exit = yield* Effect.exit((yield* Kind.info("signal")).result)
      return [sent, exit] as const
    })
    const seen = new Seen()
    const check = (exit: Exit.Exit<unknown, unknown>, success: unknown) => {
      if (isKept) assert.deepStrictEqual(shown(exit), { success })
      else assert.match(Option.getOrThrow(refusal(exit)), /the name .*cannot be used/)
    }
    yield* twice(
      seen,
      acts,
      Effect.gen(function*() {
        check(yield* run("activity", 0), "activity")
        const [sent, exit] = yield* tell
        check(sent, undefined)
        check(exit, "signal")
        const { steps } = yield* Effect.flatMap(Tempolite.Tempolite, (tempolite) => tempolite.describe("activity"))
        assert.deepStrictEqual(steps.map((step) => step.name), isKept ? [name] : [])
      })
    )
    yield* Effect.provide(
      Effect.map(run("side effect", 0), (exit) => check(exit, "side effect")),
      Layer.provideMerge(draws, Tempolite.layer({ closeGrace: 0 }))
    )
    yield* Effect.provide(
      Effect.map(run("saga", 0), (exit) => check(exit, "saga")),
      Layer.provideMerge(sagas, Tempolite.layer({ closeGrace: 0 }))
    )
    const named = Named.layer(() => Effect.succeed("workflow"))
    yield* Effect.gen(function*() {
      const tempolite = yield* Tempolite.Tempolite
      const exit = yield* Effect.exit(Named.execute("workflow"))
      check(exit, "workflow")
      if (!isKept) {
        assert.isTrue(Exit.isFailure(exit) && exit.cause._tag === "Fail" && exit.cause.error instanceof InvalidPayload)
      }
      const { workflows } = yield* tempolite.list({ name })
      assert.deepStrictEqual(
        workflows.map((workflow) => [workflow.id, workflow.name]),
        isKept ? [["workflow", name]] : []
      )
    }).pipe(Effect.provide(Layer.provideMerge(named, Tempolite.layer({ closeGrace: 0 }))))
  })

onEachOf("names of definitions of every kind are kept, or refused before anything is recorded", texts, nameIsKept, 4)

onEachOf("so are the worst names that there are", FastCheck.constantFrom(...someTexts), nameIsKept, 4)

onEach("a filter by a name that no workflow can have finds none", () =>
  Effect.gen(function*() {
    class Replaced extends Workflow.Tag<Replaced>()("a\ufffd") {}
    const workflows = Layer.provideMerge(Replaced.layer(() => Effect.void), Tempolite.layer({ closeGrace: 0 }))
    yield* Effect.gen(function*() {
      const tempolite = yield* Tempolite.Tempolite
      yield* Replaced.execute("r")
      assert.lengthOf((yield* tempolite.list({ name: "a\ufffd" })).workflows, 1)
      for (const name of ["a\ud800", "", "a\ufffd\u0000", "' OR 1=1 --"]) {
        assert.lengthOf((yield* tempolite.list({ name })).workflows, 0)
      }
    }).pipe(Effect.provide(workflows))
  }))
