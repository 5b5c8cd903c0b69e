/**
 * Correct programs of all kinds, each of which dies at every commit, and must end as if it had not.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Random } from "effect"
import type { Tempolite } from "../../src/index.ts"
import { Saga, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import {
  act,
  Again,
  app,
  Broken,
  Child,
  done,
  Draw,
  engine,
  Main,
  outside,
  program,
  Queued,
  Told,
  world
} from "./programs.ts"

/** Survives every crash, ends so, and has done just that outside. */
const survives = (
  name: string,
  bodies: Parameters<typeof app>[0],
  expected: {
    readonly exit: Exit.Exit<unknown, unknown>
    readonly outside: ReadonlyArray<string>
    readonly failing?: ReadonlyArray<string>
    readonly same?: "statuses" | "nothing"
    readonly crashes?: 2
    readonly program?: Effect.Effect<unknown, unknown, Main | Child | Tempolite.Tempolite>
  }
) => {
  it.effect(name, () =>
    Effect.gen(function*() {
      const report = yield* Testing.crashEverywhere({
        workflows: app(bodies),
        program: expected.program ?? program,
        world: world(...expected.failing ?? []),
        verify: Effect.map(outside, (keys) => assert.deepStrictEqual(keys, expected.outside)),
        engine,
        crashes: expected.crashes ?? 1,
        ...(expected.same === undefined ? {} : { same: expected.same })
      })
      assert.deepStrictEqual(report.exit, expected.exit)
      if (expected.crashes === undefined) assert.strictEqual(report.runs, 2 * report.commits)
      else assert.isAbove(report.runs, 4 * report.commits)
    }))
}

describe("survive every crash:", () => {
  survives("sagas in a saga, undone in reverse", {
    main: () =>
      Effect.gen(function*() {
        yield* done("a")
        yield* Effect.exit(Saga.scoped("inner", Effect.zipRight(done("b"), act("fails"))))
        yield* Effect.all([done("c"), done("d")], { concurrency: 2 })
        yield* act("fails")
      })
  }, {
    failing: ["fails"],
    exit: Exit.fail(new Broken({ key: "fails" })),
    outside: ["a", "inner/b", "inner/u-b", "c", "d", "u-d", "u-c", "u-a"]
  })

  survives("a failure that is retried as a whole, and what it keeps", {
    main: () => Again.child("again"),
    again: Effect.gen(function*() {
      const kept = yield* act("kept")
      const drawn = yield* Draw.record("drawn")
      const flaky = yield* act("flaky")
      return [kept, flaky, drawn >= 0]
    })
  }, {
    failing: ["flaky 1", "flaky 2"],
    // One that was lost is an attempt, too: it is not known how many there are.
    same: "nothing",
    exit: Exit.succeed(["<kept>", "<flaky>", true]),
    outside: ["again/kept", "again/flaky"]
  })

  survives("generations, with a year between them", {
    main: ({ left = 2 }) =>
      Effect.gen(function*() {
        yield* act("round")
        yield* Workflow.sleep("year", "365 days")
        return left === 0 ? "over" : yield* Main.continueAsNew({ left: left - 1 })
      })
  }, { exit: Exit.succeed("over"), outside: ["round", "m@2/round", "m@3/round"].map((key) => key.replace("m/", "")) })

  survives("a cancel that undoes, and reaches the sub-workflow first", {
    main: () => Effect.zipRight(done("a"), Child.child("child")),
    child: Effect.zipRight(done("b"), Workflow.sleep("long", "1000 days"))
  }, {
    program: Effect.gen(function*() {
      const info = yield* Main.start("m", {})
      yield* Effect.sleep("1 day")
      yield* info.cancel
      return yield* Effect.map(Effect.flip(info.result), (error) => error instanceof Error ? error.name : "")
    }),
    exit: Exit.succeed("WorkflowCancelled"),
    outside: ["a", "child/b", "child/u-b", "u-a"]
  })

  survives("signals between workflows", {
    main: () =>
      Effect.gen(function*() {
        const child = yield* Child.startChild("child")
        yield* Effect.orDie(Told.sendAs("tell 1", child.workflowId, { n: 1 }))
        yield* Effect.orDie(Told.sendAs("tell 2", child.workflowId, { n: 2 }))
        return yield* child.result
      }),
    child: Effect.all([Told.await("first"), Told.await("second"), Told.awaitWithin("third", "1 day")]).pipe(
      Effect.map(([{ n: first }, { n: second }, third]) => [first, second, Option.isNone(third)])
    )
  }, { exit: Exit.succeed([1, 2, true]), outside: [] })

  survives("a workflow that nobody waits for", {
    main: () => Child.detach("child"),
    child: Effect.zipRight(Workflow.sleep("later", "0 seconds"), act("detached"))
  }, {
    program: Effect.flatMap(program, () => Effect.flatMap(Child.info("m/child"), ({ result }) => result)),
    crashes: 2,
    exit: Exit.succeed("<detached>"),
    outside: ["child/detached"]
  })

  survives("queues of one place", {
    main: () => Effect.all([1, 2, 3].map((n) => Queued.child(`q${n}`)), { concurrency: "unbounded" }),
    queued: Effect.zipRight(act("a", 60), act("b"))
  }, {
    exit: Exit.succeed(["<b>", "<b>", "<b>"]),
    outside: ["q1/a", "q1/b", "q2/a", "q2/b", "q3/a", "q3/b"]
  })

  survives("races with time, whoever wins", {
    main: () =>
      Effect.gen(function*() {
        const slow = yield* Effect.timeoutOption(act("slow", 3_600), "1 minute")
        const first = yield* Effect.race(act("one", 5), act("other", 50))
        return [Option.isNone(slow), first]
      })
  }, { exit: Exit.succeed([true, "<one>"]), outside: ["one"] })

  survives("what is drawn, and what depends on it", {
    main: () =>
      Effect.flatMap(Draw.record("drawn"), (drawn) => act("act", drawn % 10)).pipe(
        Effect.zipRight(Effect.flatMap(Random.next, (drawn) => act("another", Math.floor(10 * drawn)))),
        Effect.as("drawn")
      )
  }, { exit: Exit.succeed("drawn"), outside: ["act", "another"], same: "statuses", crashes: 2 })
})
