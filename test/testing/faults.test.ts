/**
 * Faults of programs that only a crash brings to light, and the stories that are told of them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Ref } from "effect"
import { Activity, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import type { Broken } from "./programs.ts"
import { Act, act, app, type Body, engine, Main, outside, program, storyOf, Told, World, world } from "./programs.ts"

describe("do not survive:", () => {
  const finds = (
    name: string,
    main: () => () => Body,
    says: ReadonlyArray<string>,
    more: {
      readonly failing?: ReadonlyArray<string>
      /** What must have been done outside. */
      readonly outside?: ReadonlyArray<string>
    } = {}
  ) => {
    it.effect(name, () =>
      Effect.gen(function*() {
        const story = yield* storyOf(Testing.crashEverywhere({
          // Each process has a memory of its own.
          workflows: Layer.suspend(() => app({ main: main() })),
          program,
          world: world(...more.failing ?? []),
          engine,
          patience: "20 millis",
          ...(more.outside === undefined
            ? {}
            : { verify: Effect.map(outside, (keys) => assert.deepStrictEqual(keys, more.outside)) })
        }))
        for (const part of says) assert.include(story, part)
      }))
  }

  finds(
    "a payload that is drawn with Math.random",
    () => () =>
      Effect.suspend(() => Effect.zipRight(Act.execute("a", { seconds: Math.random() }), Workflow.sleep("b", "1 day"))),
    [
      "the program does not survive a crash (without one it makes",
      "A process died just after it had committed, as its commit 2,",
      "the step \"a\" of the workflow \"m\" (Activity Act): Running",
      "Under way were\n  - attempt 1 of the step \"a\" of the workflow \"m\"",
      "What differed:\n  - the workflow \"m\" is suspended: the step a does not agree with the journal: it was recorded with"
    ]
  )

  finds(
    "an undo that only the memory of the process knows",
    () => {
      const undos: Array<string> = []
      return () =>
        Effect.gen(function*() {
          const { isReplaying } = yield* Workflow.Execution
          yield* act("charge", 1)
          if (!(yield* isReplaying)) undos.push("refund")
          yield* act("fails").pipe(
            Effect.catchTag("Broken", () => Effect.forEach(undos.splice(0), (undo) => act(undo, 1)))
          )
        })
    },
    ["the step \"refund\" of the workflow \"m\" was begun and left, and is Completed without a crash"],
    { failing: ["fails"] }
  )

  finds(
    "a result that is drawn with Math.random",
    () => () => Effect.zipRight(act("a"), Effect.sync(() => Math.random())),
    [
      "A process died just before it committed, as its commit 1,\n  - the workflow \"m\" (Main): created",
      "What differed:\n  - the program ended with a success: 0.",
      "  - the workflow \"m\" ended with 0."
    ]
  )

  finds(
    "a payload that is taken from the clock of the host",
    () => () => Effect.suspend(() => act("a", performance.now())),
    ["the step a does not agree with the journal: it was recorded with the payload {\"seconds\":"]
  )

  finds(
    "a key that is drawn with Math.random",
    () => () => Effect.suspend(() => Effect.zipRight(act(`a-${Math.random()}`), act("b"))),
    ["the step \"a-0.", "of the workflow \"m\" did not run, and is Completed without a crash"]
  )

  finds(
    "a body that acts by itself, without a step",
    () => () =>
      Effect.gen(function*() {
        const { done } = yield* World
        yield* Ref.update(done, (keys) => [...keys, "by itself"])
        yield* act("a")
      }),
    ["`verify` failed: ", "expected [ 'by itself', 'by itself', 'a' ] to deeply equal [ 'by itself', 'a' ]"],
    { outside: ["by itself", "a"] }
  )

  const handled = (
    name: string,
    handler: () => () => Effect.Effect<string, Broken, World | Activity.Execution>,
    says: ReadonlyArray<string>
  ) => {
    it.effect(name, () =>
      Effect.gen(function*() {
        const story = yield* storyOf(Testing.crashEverywhere({
          workflows: Layer.suspend(() => Main.layer(() => act("charge")).pipe(Layer.provide(Act.layer(handler())))),
          program,
          world: world(),
          verify: Effect.map(outside, (keys) => assert.deepStrictEqual(keys, ["charged"]))
        }))
        assert.include(story, "Under way were\n  - attempt 1 of the step \"charge\" of the workflow \"m\"")
        for (const part of says) assert.include(story, part)
      }))
  }
  const charge = Effect.flatMap(World, ({ done }) => Ref.update(done, (keys) => [...keys, "charged"]))
  const twice = "expected [ 'charged', 'charged' ] to deeply equal [ 'charged' ]"

  handled(
    "an outside that does again what it was asked again",
    () => () => Effect.zipRight(charge, Effect.delay(Effect.succeed("receipt"), "1 second")),
    ["A process died just before it committed, as its commit 3,", "`verify` failed: ", twice]
  )

  handled(
    "an idempotency that only the memory of the process knows",
    () => {
      const charged = new Set<string>()
      return () =>
        Effect.gen(function*() {
          const { idempotencyKey } = yield* Activity.Execution
          if (!charged.has(idempotencyKey)) yield* charge
          charged.add(idempotencyKey)
          return yield* Effect.delay(Effect.succeed("receipt"), "1 second")
        })
    },
    ["`verify` failed: ", twice]
  )

  handled(
    "a handler that takes its second attempt for one that has been done before",
    () => () =>
      Effect.gen(function*() {
        const { attempt } = yield* Activity.Execution
        yield* Effect.sleep("1 second")
        if (attempt === 1) yield* charge
        return "receipt"
      }),
    ["`verify` failed: ", "expected [] to deeply equal [ 'charged' ]"]
  )

  const shared = Effect.runSync(Deferred.make<void>())
  finds(
    "a body that waits for what is shared with the outside",
    () => () => Effect.zipRight(Deferred.await(shared), act("a")),
    [
      "the program does not end well, without any crash:",
      "nothing happens any more, and nobody sleeps",
      "the workflow \"m\" is suspended: the body waits for nothing that the journal can deliver"
    ]
  )

  it.effect("a program that starts its workflows under new ids", () =>
    Effect.gen(function*() {
      let lives = 0
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: app({ main: () => act("a") }),
        program: Effect.suspend(() => Main.execute(`m${++lives}`, {})),
        world: world(),
        engine,
        patience: "20 millis"
      }))
      assert.include(
        story,
        "the workflow \"m1\" was never started. A process that starts again must choose the same ids"
      )
    }))

  it.effect("a program that cannot be run twice", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: app({ main: () => Told.await("told") }),
        program: Effect.gen(function*() {
          const info = yield* Main.start("m", {})
          yield* Told.send("m", { n: 1 })
          return yield* info.result
        }),
        world: world(),
        engine
      }))
      assert.include(story, "the program ended with a failure: ")
      assert.include(story, "WorkflowEnded")
      assert.include(story, "and without a crash with a success: {\"n\":1}")
    }))

  it.effect("a program that sends a signal again which counts", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: app({ main: () => Effect.all([Told.await("first"), Told.await("second")]) }),
        program: Effect.gen(function*() {
          const info = yield* Main.start("m", {})
          yield* Effect.forEach([1, 2], (n) => Effect.ignore(Told.send("m", { n })))
          return yield* info.result
        }),
        world: world(),
        engine
      }))
      assert.include(
        story,
        "What differed:\n  - the signal \"Told\" was sent to the workflow \"m\" 3 times, and 2 times without a crash"
      )
      assert.include(story, "the step \"second\" of the workflow \"m\" ended with {\"payload\":{\"n\":1}}, and without")
    }))

  it.effect("a workflow that is suspended, and at once, though the program polls meanwhile", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: app({
          main: () => Effect.suspend(() => Act.execute("a", { seconds: 1 + Math.random() }))
        }),
        program: Effect.race(program, Effect.forever(Effect.sleep("10 millis"))),
        world: world(),
        engine,
        movesMax: 1_000_000
      }))
      assert.include(story, "What differed:\n  - the workflow \"m\" is suspended")
    }))

  it.effect("a program that polls for ever", () =>
    Effect.gen(function*() {
      const story = yield* storyOf(Testing.crashEverywhere({
        workflows: app({ main: () => Workflow.sleep("long", "1000 days") }),
        program: Effect.zipRight(Main.start("m", {}), Effect.forever(Effect.sleep("1 second"))),
        world: world(),
        engine,
        movesMax: 50
      }))
      assert.include(story, "the program does not end, however often time is moved")
    }))

  it.effect("only the second of two crashes", () =>
    Effect.gen(function*() {
      // What was left behind by one process is found by the second, and missed by the third.
      const body = (lives: Ref.Ref<number>) =>
        Effect.flatMap(Ref.updateAndGet(lives, (lives) => lives + 1), (life) =>
          Effect.zipRight(act("a"), Act.execute("b", { seconds: life > 2 ? 1 : 0 })))
      class Lives extends Context.Tag("test/Lives")<Lives, Ref.Ref<number>>() {}
      const test = (crashes: 1 | 2) =>
        storyOf(Testing.crashEverywhere({
          workflows: Layer.unwrapEffect(
            Effect.map(Lives, (lives) =>
              app({ main: () => body(lives) }))
          ),
          program,
          world: Layer.merge(world(), Layer.effect(Lives, Ref.make(0))),
          engine,
          crashes
        }))
      assert.strictEqual(yield* test(1), "it survives")
      const story = yield* test(2)
      assert.include(story, "A process died just ")
      assert.include(story, "The process after it died just ")
      assert.include(story, "the step b does not agree with the journal")
    }))
})
