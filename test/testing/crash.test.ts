/**
 * That a crash is one, and what it leaves.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer } from "effect"
import { Activity, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import { Act, act, app, engine, Main, none, program, world } from "./programs.ts"

describe("the types", () => {
  it("ask for the world that workflows need", () => {
    // @ts-expect-error -- nobody gives the world
    const without = Testing.crashEverywhere({ workflows: app({ main: () => none }), program, engine })
    const other = Testing.crashEverywhere({
      // @effect-diagnostics-next-line missingLayerContext:off
      // @ts-expect-error -- and this is another one
      workflows: app({ main: () => none }),
      program,
      engine,
      world: Testing.double(Act, [Effect.succeed("")])
    })
    assert.isTrue(Effect.isEffect(without) && Effect.isEffect(other))
  })
})

describe("a crash", () => {
  it.effect("runs no finalizer and no further step of a handler", () =>
    Effect.gen(function*() {
      const seen = new Set<string>()
      class Log extends Context.Tag("test/Log")<Log, Array<string>>() {}
      class Slow extends Activity.Tag<Slow>()("Slow") {}
      const report = yield* Testing.crashEverywhere({
        workflows: Main.layer(() =>
          Effect.all([Slow.execute("slow"), Workflow.sleep("nap", "1 minute")], {
            concurrency: 2,
            discard: true
          })
        ).pipe(Layer.provide(Slow.layer(() =>
          Effect.gen(function*() {
            const log = yield* Log
            yield* Effect.acquireRelease(
              Effect.sync(() => log.push("open")),
              () => Effect.sync(() => log.push("close"))
            )
            yield* Effect.sleep("2 minutes").pipe(Effect.onInterrupt(() => Effect.sync(() => log.push("interrupted"))))
          })
        ))),
        program,
        world: Layer.sync(Log, (): Array<string> => []),
        verify: Effect.map(Log, (log) => seen.add(log.join(" ")))
      })
      assert.isTrue(Exit.isSuccess(report.exit))
      // The nap is recorded, or not, while it is open.
      assert.deepStrictEqual([...seen].sort(), ["open close", "open close open close", "open open close"])
    }))

  it.effect("takes time away from the next process, if it is told so", () =>
    Effect.gen(function*() {
      const ends = new Set<number>()
      const test = (downtime: string) =>
        Testing.crashEverywhere({
          workflows: app({ main: () => Workflow.sleep("nap", "1 hour") }),
          program: Effect.zipRight(
            program,
            Effect.clockWith((clock) => Effect.map(clock.currentTimeMillis, (now) => void ends.add(now)))
          ),
          world: world(),
          engine,
          downtime: downtime === "a day" ? "1 day" : "1 minute"
        })
      yield* test("a minute")
      const [first = 0] = ends
      // Whether a timer is begun anew is for its journal to say.
      assert.isTrue([...ends].every((end) => end - first <= 60_000))
      yield* test("a day")
      assert.include([...ends].map((end) => end - first), 23 * 3_600_000)
    }))

  it.effect("waits for real I/O where nobody sleeps, or for as long as it is told", () =>
    Effect.gen(function*() {
      const real = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 5)))
      class Slow extends Activity.Tag<Slow>()("Slow", { timeout: "1 minute" }) {}
      class Patient extends Activity.Tag<Patient>()("Patient") {}
      const patient = yield* Testing.crashEverywhere({
        workflows: Main.layer(() => Patient.execute("slow")).pipe(Layer.provide(Patient.layer(() => real))),
        program,
        patience: "1 minute"
      })
      assert.isTrue(Exit.isSuccess(patient.exit))
      const slow = (io: Effect.Effect<void>) =>
        Main.layer(() => Slow.execute("slow")).pipe(Layer.provide(Slow.layer(() => io)))
      const told = yield* Testing.crashEverywhere({ workflows: slow(real), program, io: "1 minute" })
      assert.isTrue(Exit.isSuccess(told.exit))
      // What sleeps meanwhile, as its timeout does, is faster.
      const overtaken = yield* Testing.crashEverywhere({ workflows: slow(Effect.async(() => {})), program })
      assert.isTrue(Exit.isFailure(overtaken.exit))
    }))

  it.effect("is not looked for where a layer fails", () =>
    Effect.gen(function*() {
      const workflows = Layer.merge(app({ main: () => none }), Layer.fail("no workflows" as const))
      assert.strictEqual(
        yield* Effect.flip(Testing.crashEverywhere({ workflows, program, world: world(), engine })),
        "no workflows"
      )
      assert.strictEqual(
        yield* Effect.flip(Testing.crashEverywhere({
          workflows: app({ main: () => none }),
          program,
          world: Layer.merge(world(), Layer.effectDiscard(Effect.fail("no world" as const))),
          engine
        })),
        "no world"
      )
    }))

  it.effect("leaves nothing behind: what is scoped is closed once all is compared", () =>
    Effect.gen(function*() {
      let [open, opened] = [0, 0]
      const counted = Layer.scopedDiscard(Effect.acquireRelease(
        Effect.sync(() => {
          open++
          opened++
        }),
        () => Effect.sync(() => open--)
      ))
      const report = yield* Testing.crashEverywhere({
        workflows: Layer.merge(app({ main: () => act("a") }), counted),
        program,
        world: Layer.merge(world(), counted),
        engine
      })
      // Without a crash a process and a world; with one two processes and a world.
      assert.strictEqual(opened, 2 + 3 * report.runs)
      assert.strictEqual(open, 0)
    }))
})
