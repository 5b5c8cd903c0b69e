/**
 * Sagas and executions: what is undone, what is kept, what begins again.
 */
import { Effect } from "effect"
import { Saga, Workflow } from "../../../src/index.ts"
import { Act, Again, Broken, Child, Held, Main, Reading, Told, Trip } from "../domain.ts"
import { is, isAt, type Program, stepOf } from "../stage.ts"

const done = (key: string) => Act.execute(key, {}).pipe(Saga.compensate(() => Act.execute(`u-${key}`, {})))
const fail = (key: string) => Act.execute(key, { fail: 9 })

export const programs: Readonly<Record<string, Program>> = {
  "undo": {
    about: "after a crash in the middle of the undos the rest of them runs, in reverse order",
    code: { main: () => Effect.zipRight(Effect.zipRight(done("a"), Effect.zipRight(done("b"), done("c"))), fail("d")) },
    begin: Main.start("w", null),
    until: isAt("c", "Compensated")
  },
  "undo-that-fails": {
    about: "an undo that fails keeps no other one from running",
    code: {
      main: () =>
        Effect.gen(function*() {
          yield* done("a")
          yield* Act.execute("b", {}).pipe(Saga.compensate(() => Effect.mapError(fail("u-b"), ({ key }) => key)))
          yield* done("c")
          return yield* fail("d")
        })
    },
    begin: Main.start("w", null),
    until: isAt("u-b", "Running")
  },
  "sagas": {
    about: "sagas of all kinds, one in the other, with payloads and keys of their own",
    code: {
      main: () =>
        Effect.gen(function*() {
          const trip = yield* Trip.execute("trip", { to: "Oslo" })
          const inner = yield* Effect.either(
            Saga.scoped("outer", Effect.zipRight(Saga.scoped(1, done("a")), Effect.zipRight(done("b"), fail("c"))))
          )
          return [trip, inner._tag, yield* Act.execute("last", {})]
        })
    },
    begin: Main.start("w", null),
    until: isAt("outer/u-b", "Running")
  },
  "undone-as-a-whole": {
    about: "a saga that was undone as a whole is marked, and runs again when it is retried (9e12112)",
    code: {
      main: () =>
        Effect.gen(function*() {
          yield* Trip.execute("trip", { to: "Oslo" }).pipe(Saga.compensate(() => Act.execute("refund", {})))
          return yield* Act.execute("late", { fail: 1 })
        })
    },
    begin: Main.start("w", null),
    until: is("Failed"),
    then: Effect.flatMap(Main.info("w"), (info) => info.retry),
    end: is("Completed")
  },
  "executions": {
    about: "the next execution keeps what was completed, keeps its time, and does the rest anew",
    code: {
      again: () =>
        Effect.gen(function*() {
          const kept = yield* Act.execute("kept", {})
          yield* Effect.sleep("10 seconds")
          yield* Saga.scoped("saga", Effect.zipRight(done("a"), Act.execute("b", { fail: 2 })))
          return [kept, yield* Act.execute("c", {})]
        }),
      main: () => Act.execute("beside", { seconds: 999 })
    },
    begin: Effect.zipRight(Again.start("w", null), Main.start("beside", null)),
    until: (rows) => rows.get("w")?.workflow.wakeAt !== null && rows.get("w")?.workflow.attempt === 2
  },
  "executions-with-a-sub-workflow": {
    about: "a sub-workflow that is asked for with another payload in a later execution starts anew",
    code: {
      again: () =>
        Effect.gen(function*() {
          const { attempt } = yield* Workflow.Execution
          const same = yield* Child.child("same", 0)
          const other = yield* Child.child("other", attempt)
          return [same, other, yield* Act.execute("a", { fail: 1 })]
        }),
      child: (n) => Effect.as(Act.execute("c", { arg: n }), n)
    },
    begin: Again.start("w", null),
    until: (rows) => stepOf(rows, "other")?.status === "Running" && rows.get("w")?.workflow.attempt === 2
  },
  "retry-by-hand": {
    about: "a failed workflow gets another execution, in which what was undone has another idempotency key",
    code: { main: () => Effect.zip(Effect.zip(Reading.record("read"), done("a")), Act.execute("b", { fail: 1 })) },
    begin: Main.start("w", null),
    until: is("Failed"),
    then: Effect.flatMap(Main.info("w"), (info) => info.retry),
    end: is("Completed")
  },
  "repair": {
    about: "what failed in a workflow that is held runs again, with what its sagas had undone (9d816f4)",
    code: {
      held: () =>
        Effect.gen(function*() {
          const kept = yield* Act.execute("kept", {})
          yield* Saga.scoped("saga", Effect.zipRight(done("a"), Act.execute("b", { fail: 1 })))
          return kept
        })
    },
    begin: Held.start("w", null),
    until: is("Suspended"),
    then: Effect.flatMap(Held.info("w"), (info) => info.resume)
  },
  "repair-by-hand": {
    about: "the outcome of a step that failed is recorded by hand, and the workflow goes on with it",
    code: { held: () => Effect.zip(Act.execute("a", { fail: 9 }), Act.execute("b", {})) },
    begin: Held.start("w", null),
    until: is("Suspended"),
    then: Effect.zipRight(
      Act.skip("w", "a", "by hand"),
      Effect.flatMap(Held.info("w"), (info) => info.resume)
    )
  },
  "cancel-of-what-is-held": {
    about: "a cancel ends a workflow that is held, and undoes it (2c264a4)",
    code: { held: () => Effect.zipRight(done("a"), fail("b")) },
    begin: Held.start("w", null),
    until: is("Suspended"),
    then: Effect.flatMap(Held.info("w"), (info) => info.cancel)
  },
  "many-failures": {
    about: "the cause of many fibers is read (4674ba7)",
    code: {
      main: () =>
        Effect.asVoid(Effect.forEach(Array.from({ length: 30 }, (_, n) => n), (n) => Act.execute(n, { fail: 1 }), {
          concurrency: "unbounded"
        })).pipe(Effect.ensuring(Told.await("told")), Effect.catchTag("Broken", () => new Broken({ key: "all" })))
    },
    begin: Main.start("w", null),
    until: isAt("told", "Waiting"),
    then: Told.send("w", { n: 1 })
  }
}
