/**
 * Sub-workflows, signals, generations, versions, and what operators do.
 */
import { Effect, Option } from "effect"
import { Saga, Tempolite, Workflow } from "../../../src/index.ts"
import { Act, Child, Main, Retried, Told } from "../domain.ts"
import { is, isAt, type Program, stepOf } from "../stage.ts"

const done = (key: string) => Act.execute(key, {}).pipe(Saga.compensate(() => Act.execute(`u-${key}`, {})))
const ask = (
  how: (service: Tempolite.Tempolite["Type"]) => Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown, Tempolite.Tempolite> => Effect.flatMap(Tempolite.Tempolite, how)

export const programs: Readonly<Record<string, Program>> = {
  "cancel": {
    about: "a cancel keeps its place in the order, and what it interrupted is not started again",
    code: { main: () => Effect.zipRight(Effect.zipRight(done("a"), done("b")), Act.execute("c", { seconds: 99 })) },
    begin: Effect.zipRight(
      Main.start("w", null),
      Effect.zipRight(Effect.sleep("10 seconds"), Effect.flatMap(Main.info("w"), (info) => info.cancel))
    ),
    until: isAt("u-b", "Running")
  },
  "cancel-before-it-is-heard": {
    about: "a cancel that was asked for, and that nobody had heard of when the process died, is heard",
    code: { main: () => Effect.zipRight(done("a"), Act.execute("c", { seconds: 99 })) },
    begin: Effect.zipRight(
      Main.start("w", null),
      Effect.zipRight(Effect.sleep("10 seconds"), Effect.flatMap(Main.info("w"), (info) => info.cancel))
    ),
    until: (_, requests) => requests.some(({ kind }) => kind === "Cancel")
  },
  "sub-workflows": {
    about: "sub-workflows, awaited and in the background, are found again under their ids",
    code: {
      main: () =>
        Effect.gen(function*() {
          const started = yield* Child.startChild("background", "b")
          const detached = yield* Child.detach("detached", "d")
          const awaited = yield* Child.child("awaited", "a")
          const exit = yield* started.exit
          return [started.workflowId, detached, awaited, exit._tag, yield* started.result]
        }),
      child: (name) => Effect.zipRight(Act.execute("one", { arg: name }), Act.execute("two", { arg: name }))
    },
    begin: Main.start("w", null),
    until: isAt("two", "Running", "w\\/awaited")
  },
  "sub-workflow-that-ended": {
    about: "the end of a sub-workflow that its parent had not heard of is recorded once (99d59fa)",
    code: {
      main: () => Effect.zip(Child.child("c", 1), Act.execute("after", {})),
      child: (n) => Effect.succeed(n)
    },
    begin: Main.start("w", null),
    until: is("Completed", "w\\/c")
  },
  "background": {
    about: "activities in the background of a body",
    code: {
      main: () =>
        Effect.gen(function*() {
          const one = yield* Retried.start("one", { fail: 1 })
          yield* Retried.start("left", { fail: 1 })
          const between = yield* Act.execute("between", {})
          return [one.key, between, yield* one.result]
        })
    },
    begin: Main.start("w", null),
    until: isAt("one", "Retrying")
  },
  "signals": {
    about: "signals wait in order of arrival until somebody takes them, and each is taken once",
    code: {
      main: () =>
        Effect.gen(function*() {
          const first = yield* Told.await("first")
          yield* Act.execute("a", {})
          const rest = yield* Effect.all([Told.await("second"), Told.awaitWithin("third", "1 hour")])
          const none = yield* Told.awaitWithin("none", "10 minutes")
          yield* Effect.orDie(Told.sendAs("on", "other", { n: rest[0].n }))
          return [first.n, rest[0].n, Option.getOrUndefined(rest[1])?.n, none._tag]
        }),
      child: () => Effect.map(Told.await("told"), ({ n }) => n)
    },
    begin: Effect.all([
      Child.start("other", null),
      Main.start("w", null),
      Told.send("w", { n: 1 }),
      Told.send("w", { n: 2 }),
      Told.send("w", { n: 3 })
    ]),
    until: isAt("a", "Running")
  },
  "signal-within": {
    about: "a wait with a deadline keeps it while the process is down",
    code: { main: () => Effect.map(Told.awaitWithin("told", "1 hour"), (heard) => heard._tag) },
    begin: Main.start("w", null),
    until: isAt("told", "Waiting"),
    downtime: 4_000
  },
  "signal-while-paused": {
    about: "a signal that came in time to a workflow that is paused has come in time (abc6682)",
    code: {
      main: () =>
        Effect.map(Told.awaitWithin("told", "1 hour"), Option.match({ onNone: () => 0, onSome: ({ n }) => n }))
    },
    begin: Main.start("w", null).pipe(
      Effect.flatMap((info) => Effect.zipRight(Effect.sleep("1 second"), info.pause)),
      Effect.zipRight(Told.send("w", { n: 5 }))
    ),
    until: (rows) => rows.get("w")?.signals.length === 1 || isAt("told", "Completed")(rows),
    downtime: 2 * 3_600,
    then: ask((service) => service.resume("w"))
  },
  "paused": {
    about: "a workflow that is paused stays so, with its sub-workflow, until somebody lets it go on",
    code: {
      main: () => Effect.zip(Act.execute("a", {}), Child.child("c", null)),
      child: () => Effect.zip(Act.execute("b", { seconds: 30 }), Act.execute("c", {}))
    },
    begin: Main.start("w", null).pipe(
      Effect.flatMap((info) => Effect.zipRight(Effect.sleep("10 seconds"), info.pause))
    ),
    until: (rows) => is("Paused")(rows) && is("Paused", "w\\/c")(rows),
    then: Effect.zipRight(Effect.sleep("1 hour"), ask((service) => service.resume("w")))
  },
  "generations": {
    about: "a workflow that continues as new keeps what it was started with, and its signals",
    code: {
      main: (state) =>
        Effect.gen(function*() {
          const n = typeof state === "number" ? state : 0
          const told = yield* Told.await("told")
          yield* Act.execute("a", { arg: n + told.n })
          return n + told.n < 6 ? yield* Main.continueAsNew(n + told.n) : [n, told.n]
        })
    },
    begin: Effect.all([
      Main.start("w", "first"),
      Told.send("w", { n: 1 }),
      Told.send("w", { n: 2 }),
      Told.send("w", { n: 3 })
    ]),
    until: (rows) => isAt("a", "Running")(rows) && rows.get("w")?.workflow.generation === 2,
    then: Main.start("w", "first")
  },
  "version-of-old-code": {
    about: "a workflow that had got further before the change stays on its old side",
    before: { main: () => Effect.zip(Act.execute("a", {}), Act.execute("b", {})) },
    code: {
      main: () =>
        Effect.gen(function*() {
          const version = yield* Workflow.version("change", { min: 1, max: 2 })
          const a = yield* Act.execute("a", {})
          return [version, a, yield* Act.execute(version === 1 ? "b" : "c", {})]
        })
    },
    begin: Main.start("w", null),
    until: isAt("b", "Running")
  },
  "version": {
    about: "a workflow stays on the side of a change that is on record",
    before: {
      main: () => Effect.flatMap(Workflow.version("a/change", { min: 1, max: 2 }), (arg) => Act.execute("a", { arg }))
    },
    code: {
      main: () => Effect.flatMap(Workflow.version("a/change", { min: 2, max: 3 }), (arg) => Act.execute("a", { arg }))
    },
    begin: Main.start("w", null),
    until: isAt("a", "Running")
  },
  "skip": {
    about: "an outcome that was recorded by hand is answered as any other",
    code: { main: () => Effect.zip(Act.execute("stuck", { seconds: 1_000_000 }), Act.execute("b", {})) },
    begin: Effect.zipRight(
      Main.start("w", null),
      Effect.zipRight(Effect.sleep("10 seconds"), Act.skip("w", "stuck", { by: "hand" }))
    ),
    until: isAt("b", "Running")
  },
  "fork": {
    about: "a fork goes on from the outcomes that it was given, which are not executed again",
    code: {
      main: () =>
        Effect.gen(function*() {
          const trip = yield* Saga.scoped("trip", Effect.zip(done("a"), done("b")))
          const child = yield* Child.child("child", 1)
          return [trip, child, yield* Act.execute("c", {})]
        }),
      child: (n) => Effect.zip(Act.execute("d", {}), Effect.succeed(n))
    },
    begin: Effect.flatMap(Main.execute("w", null), () => ask((service) => service.fork("w", "fork", "c"))),
    until: (rows) => stepOf(rows, "c", "fork")?.status === "Running"
  }
}
