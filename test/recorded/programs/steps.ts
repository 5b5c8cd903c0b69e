/**
 * Steps: activities, side effects, timers, keys.
 */
import { Clock, Effect, Random, Schema } from "effect"
import { SideEffect, Workflow } from "../../../src/index.ts"
import { Act, Hasty, Main, Reading, Retried } from "../domain.ts"
import { isAt, type Program, stepOf } from "../stage.ts"

/** Where it comes from is another place on every machine. */
const defect = Object.assign(new TypeError("no number", { cause: "none" }), { stack: "TypeError: no number" })

export const programs: Readonly<Record<string, Program>> = {
  "sequence": {
    about: "completed steps are answered, and what ran is lost and runs again under its idempotency key",
    code: {
      main: () =>
        Effect.gen(function*() {
          const a = yield* Act.execute("a", { arg: { n: 1 } })
          const b = yield* Act.execute("b", { arg: [a] })
          return [a, b, yield* Act.execute("c", { arg: [a, b] })]
        })
    },
    begin: Main.start("w", { some: "payload" }),
    until: isAt("c", "Running")
  },
  "parallel": {
    about: "outcomes come in the order in which they were recorded",
    code: {
      main: () =>
        Effect.gen(function*() {
          const order: Array<unknown> = []
          yield* Effect.forEach([3, 1, 2], (seconds) =>
            Effect.tap(Act.execute(seconds, { seconds, arg: seconds }), (n) =>
              Effect.sync(() => order.push(n))), {
            concurrency: "unbounded"
          })
          return yield* Act.execute("order", { arg: order })
        })
    },
    begin: Main.start("w", null),
    until: isAt("#2", "Completed")
  },
  "race": {
    about: "who has lost a race is not started again",
    code: {
      main: () =>
        Effect.gen(function*() {
          const won = yield* Effect.race(Act.execute("slow", { seconds: 9 }), Act.execute("fast", { seconds: 2 }))
          const late = yield* Effect.timeoutOption(Act.execute("late", { seconds: 99 }), "10 seconds")
          return [won, late._tag, yield* Act.execute("last", {})]
        })
    },
    begin: Main.start("w", null),
    until: isAt("last", "Running")
  },
  "retry": {
    about: "an attempt that is due keeps its time, and the number of those before it",
    code: {
      main: () => Effect.zip(Retried.execute("a", { fail: 2 }), Retried.execute("b", { fail: 9 }))
    },
    begin: Main.start("w", null),
    until: (rows) => isAt("a", "Retrying")(rows) && stepOf(rows, "a")?.attempts === 2,
    downtime: 30
  },
  "timeout": {
    about: "attempts that took too long are told from those that failed",
    code: { main: () => Hasty.execute("a", { seconds: 60 }) },
    begin: Main.start("w", null),
    until: (rows) => isAt("a", "Retrying")(rows) && stepOf(rows, "a")?.attempts === 2
  },
  "heartbeat": {
    about: "the attempt after a lost one is given what it said last",
    code: { main: () => Act.execute("a", { seconds: 100 }) },
    begin: Main.start("w", null),
    until: (rows) => rows.get("w")?.stepExecutions.some(({ heartbeat }) => heartbeat !== null) === true
  },
  "side-effects": {
    about: "what was read once is read no more",
    code: {
      main: () =>
        Effect.gen(function*() {
          const read = yield* Reading.record("read")
          const drawn = yield* SideEffect.record("drawn", Schema.Number, Clock.currentTimeMillis)
          yield* Act.execute("between", { arg: [read, drawn] })
          return [read, drawn, yield* Reading.record("again")]
        })
    },
    begin: Main.start("w", null),
    until: isAt("between", "Running"),
    downtime: 60
  },
  "timers": {
    about: "timers keep their time, and what came due meanwhile fires in its order",
    code: {
      main: () =>
        Effect.gen(function*() {
          const fired: Array<string> = []
          const after = (name: string, timer: Effect.Effect<void, never, Workflow.Step<string>>) =>
            Effect.zipRight(timer, Effect.sync(() => fired.push(name)))
          yield* Act.execute("a", {})
          yield* Effect.sleep("5 seconds")
          yield* Effect.all([
            after("hour", Workflow.sleep("hour", "1 hour")),
            after("half", Workflow.sleep("half", "30 minutes")),
            after("implicit", Effect.sleep("20 minutes")),
            after("day", Workflow.sleep("day", "1 day"))
          ], { concurrency: "unbounded" })
          return fired
        })
    },
    begin: Main.start("w", null),
    until: isAt("day", "Waiting"),
    downtime: 2 * 3_600
  },
  "timers-of-old-code": {
    about: "an overdue timer that the code asks for no more takes the place of no other one (dd99c67)",
    before: {
      main: () =>
        Effect.all([Workflow.sleep("old", "1 minute"), Workflow.sleep("kept", "2 minutes")], { concurrency: 2 })
    },
    code: { main: () => Effect.zipRight(Workflow.sleep("kept", "2 minutes"), Act.execute("new", {})) },
    begin: Main.start("w", null),
    until: isAt("kept", "Waiting"),
    downtime: 3_600
  },
  "changed-code": {
    about: "steps are added, removed and moved around those that are on record",
    before: {
      main: () =>
        Effect.zipRight(Act.execute("a", {}), Effect.zipRight(Act.execute("b", {}), Act.execute("c", { seconds: 60 })))
    },
    code: {
      main: () =>
        Effect.gen(function*() {
          const c = yield* Act.execute("c", { seconds: 60 })
          const added = yield* Act.execute("added", {})
          return [c, added, yield* Act.execute("a", {})]
        })
    },
    begin: Main.start("w", null),
    until: isAt("c", "Running")
  },
  "keys": {
    about: "keys and ids of every kind are found again",
    code: {
      main: () =>
        Effect.forEach(
          [7, "7", -1.5, "a/b", "#7", "~sleep", "back\\slash", "__proto__", "null", "ünïcödé 😀", "\u0000", "\ud800"],
          (key) => Act.execute(key, { arg: key })
        )
    },
    begin: Effect.zipRight(Main.start("#/~\\ \u0001", null), Main.start(7, null)),
    until: isAt("\\u0000", "Running", "#7")
  },
  "time-and-chance": {
    about: "the clock and the random numbers of a body are the same",
    code: {
      main: () =>
        Effect.gen(function*() {
          const draws = yield* Effect.all([
            Random.next,
            Random.nextInt,
            Random.nextIntBetween(0, 100),
            Random.nextBoolean,
            Random.shuffle([1, 2, 3, 4, 5])
          ])
          yield* Act.execute("a", { seconds: 3, arg: draws.map(String) })
          const [now, next] = yield* Effect.all([Clock.currentTimeMillis, Random.next])
          yield* Act.execute("b", { arg: [now, next] })
          return yield* Act.execute("c", { arg: [yield* Clock.currentTimeMillis, yield* Random.next] })
        })
    },
    begin: Main.start("w", null),
    until: isAt("c", "Running"),
    downtime: 1_000
  },
  "causes": {
    about: "failures, defects and causes of many parts are read as they were written",
    code: {
      main: () =>
        Effect.gen(function*() {
          const failed = yield* Effect.exit(Act.execute("fails", { fail: 1 }))
          const died = yield* Effect.exit(
            SideEffect.record("dies", Schema.Number, Effect.die(defect))
          )
          const both = yield* Effect.exit(Effect.all([
            Act.execute("one", { fail: 1 }),
            Effect.zipRight(Act.execute("two", { fail: 1 }), Effect.die("not reached"))
          ], { concurrency: 2, mode: "validate" }))
          yield* Act.execute("shown", { arg: [failed, died, both].map((exit) => exit._tag) })
          return yield* Effect.zipRight(Act.execute("last", { fail: 1 }), Effect.void).pipe(
            Effect.ensuring(Act.execute("finalizer", {}).pipe(Effect.orDie))
          )
        })
    },
    begin: Main.start("w", null),
    until: isAt("finalizer", "Running")
  }
}
