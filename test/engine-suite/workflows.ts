/**
 * Workflows as seen from outside: started once, waited for, and ending as what they are.
 */
import { assert, describe } from "@effect/vitest"
import { Cause, DateTime, Deferred, Effect, Exit, Fiber, Layer, Option, Schema, Stream } from "effect"
import { Tempolite, Workflow, WorkflowCancelled, WorkflowConflict, WorkflowNotFound } from "../../src/index.ts"
import { begin, type Promised } from "./bench.ts"
import { Act, counting, Declined, Main, main } from "./domain.ts"
import { anew } from "./notes.ts"

class Parcel extends Schema.Class<Parcel>("Parcel")({ sentAt: Schema.Date, sku: Schema.String }) {
  get label() {
    return `${this.sku} of ${this.sentAt.getTime()}`
  }
}

class Ship extends Workflow.Tag<Ship>()("Ship", {
  payload: {
    sku: Schema.String,
    due: Schema.Date,
    count: Schema.optionalWith(Schema.Int, { default: () => 1 })
  },
  success: Schema.Array(Parcel),
  error: Declined
}) {}

class Other extends Workflow.Tag<Other>()("Other", {
  payload: { arg: Schema.optional(Schema.Unknown) },
  error: WorkflowCancelled
}) {}

class Nothing extends Workflow.Tag<Nothing>()("Nothing") {}

/** The failure of an exit, as a value. */
const failureOf = <A, E>(exit: Exit.Exit<A, E>): Option.Option<E> =>
  Exit.match(exit, { onSuccess: Option.none, onFailure: Cause.failureOption })

export const workflows = (promise: Promised) => {
  describe("a start", () => {
    promise("happens once for an id and a payload, and the others join it", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const engine = yield* bench.start(main((arg) => Act.execute("a", { arg }), counting(calls, 1_000)))
        const arg = { b: 1, a: [{ d: 2, c: 3 }] }
        const infos = yield* engine.run(
          Effect.forEach([1, 2, 3, 4], () => Main.start("w", { arg }), { concurrency: "unbounded" })
        )
        const again = yield* engine.run(Main.start("w", { arg: { a: [{ c: 3, d: 2 }], b: 1 } }))
        const results = yield* bench.wait(Effect.forEach([...infos, again], (info) => info.result, { concurrency: 9 }))
        assert.deepStrictEqual(results, ["<a>", "<a>", "<a>", "<a>", "<a>"])
        assert.deepStrictEqual(calls, ["a#1"])
        assert.lengthOf((yield* bench.describe("w")).executions, 1)
      }))

    promise("joins a workflow that has ended, in another process too", (bench) =>
      Effect.gen(function*() {
        const calls: Array<string> = []
        const live = main(() => Act.execute("a", {}), counting(calls))
        const first = yield* bench.start(live)
        assert.strictEqual(yield* bench.wait(first.run(Main.execute("w", {}))), "<a>")
        assert.strictEqual(yield* bench.wait(first.run(Main.execute("w", {}))), "<a>")
        yield* first.close
        const second = yield* bench.start(live)
        assert.strictEqual(yield* bench.wait(second.run(Main.execute("w", {}))), "<a>")
        assert.deepStrictEqual(calls, ["a#1"])
      }))

    promise(
      "of another payload or another workflow under the id fails, and changes nothing",
      (bench) =>
        Effect.gen(function*() {
          const engine = yield* bench.start(
            Layer.merge(main((arg) => Effect.succeed(arg)), Other.layer(() => Effect.void))
          )
          yield* bench.wait(engine.run(Main.execute("w", { arg: 1 })))
          const before = yield* bench.describe("w")
          const payload = yield* engine.run(Effect.flip(Main.start("w", { arg: 2 })))
          assert.instanceOf(payload, WorkflowConflict)
          assert.match(payload.message, /"w" is taken.*\{"arg":1\}.*\{"arg":2\}.*another id/)
          const name = yield* engine.run(Effect.flip(Other.execute("w", { arg: 1 })))
          assert.instanceOf(name, WorkflowConflict)
          assert.match(name.message, /"w" is taken.*"Main".*"Other".*another id/)
          assert.deepStrictEqual(yield* bench.describe("w"), before)
          assert.strictEqual(yield* engine.run(Main.execute("w", { arg: 1 })), 1)
        })
    )

    promise("under 1 is another workflow than under \"1\"", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main((arg) => Effect.map(Workflow.Execution, ({ workflowId }) => ({ arg, workflowId })))
        )
        const number = yield* engine.run(Main.start(1, { arg: "number" }))
        const text = yield* engine.run(Main.start("1", { arg: "text" }))
        assert.deepStrictEqual(yield* bench.wait(number.result), { arg: "number", workflowId: 1 })
        assert.deepStrictEqual(yield* bench.wait(text.result), { arg: "text", workflowId: "1" })
        assert.strictEqual((yield* bench.describe(1)).id, 1)
        assert.strictEqual((yield* bench.describe("1")).id, "1")
      }))

    promise("takes any string as an id", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main(() => Effect.map(Workflow.Execution, ({ workflowId }) => workflowId))
        )
        for (const id of ["a/b", "#1", "~sleep", "\\", "it's 100%", "\u0000", "日本 😀", "\ud800", -1.5]) {
          assert.strictEqual(yield* bench.wait(engine.run(Main.execute(id, {}))), id)
          assert.strictEqual((yield* bench.describe(id)).id, id)
        }
      }))

    promise("returns once the workflow is durable, not before", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(main(() => Effect.void))
        bench.held = yield* Deferred.make<void>()
        const start = yield* Effect.fork(engine.run(Main.start("w", {})))
        yield* bench.pass("1 hour")
        assert.isNull(start.unsafePoll())
        yield* Deferred.succeed(bench.held, undefined)
        yield* bench.settle
        assert.isTrue(Option.isSome(yield* bench.journal.workflow("w")))
        assert.isNotNull(start.unsafePoll())
      }))

    promise("applies the constructor of the payload, whose defaults are recorded", (bench) =>
      Effect.gen(function*() {
        const given = new Map<string, unknown>()
        const ship = Ship.layer((payload) => Effect.as(Effect.sync(() => given.set("s", payload)), []))
        const nothing = Nothing.layer((payload) => Effect.sync(() => void given.set("n", payload)))
        const engine = yield* bench.start(Layer.merge(ship, nothing))
        yield* bench.wait(engine.run(Ship.execute("s", { sku: "a", due: new Date(5) })))
        yield* bench.wait(engine.run(Nothing.execute("n")))
        assert.deepStrictEqual([...given], [["s", { sku: "a", due: new Date(5), count: 1 }], ["n", {}]])
        assert.deepStrictEqual((yield* bench.describe("s")).payload, {
          sku: "a",
          due: "1970-01-01T00:00:00.005Z",
          count: 1
        })
      }))
  })

  describe("whoever waits for a workflow", () => {
    promise("gets its outcome, however many they are", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main(() => Act.execute("a", {}), () => Effect.delay(Effect.succeed(7), "1 hour"))
        )
        const info = yield* engine.run(Main.start("w", {}))
        const found = yield* engine.run(Main.info("w"))
        const untyped = yield* engine.run(Effect.flatMap(Tempolite.Tempolite, (client) => client.info("w")))
        const waiting = yield* Effect.forEach(
          Array.from({ length: 30 }, (_, index) => [info, found, untyped][index % 3]!),
          ({ result }) => Effect.fork(result)
        )
        yield* bench.pass("59 minutes")
        assert.isTrue(waiting.every((fiber) => fiber.unsafePoll() === null))
        yield* bench.pass("1 minute")
        for (const fiber of waiting) assert.deepStrictEqual(fiber.unsafePoll(), Exit.succeed(7))
        assert.strictEqual(yield* info.result, 7)
      }))

    promise("may stop waiting, and the workflow goes on", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main(() => Act.execute("a", {}), () => Effect.delay(Effect.succeed(7), "1 hour"))
        )
        const executing = yield* Effect.fork(engine.run(Main.execute("w", {})))
        yield* bench.pass("1 minute")
        const waiting = yield* Effect.fork(engine.run(Effect.flatMap(Main.info("w"), ({ result }) => result)))
        yield* bench.settle
        yield* Fiber.interrupt(executing)
        yield* Fiber.interrupt(waiting)
        yield* bench.settle
        assert.strictEqual((yield* bench.describe("w")).status, "Running")
        assert.strictEqual(yield* bench.wait(engine.run(Main.execute("w", {}))), 7)
      }))

    promise("gets what the success schema decodes", (bench) =>
      Effect.gen(function*() {
        const live = Ship.layer(({ count, due, sku }) =>
          Effect.succeed(Array.from({ length: count }, () => new Parcel({ sentAt: due, sku })))
        )
        const engine = yield* bench.start(live)
        const parcels = yield* bench.wait(engine.run(Ship.execute("s", { sku: "a", due: new Date(5), count: 2 })))
        assert.deepStrictEqual(parcels.map((parcel) => parcel.label), ["a of 5", "a of 5"])
      }))

    promise("gets a typed error as that error, before and after the end", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(Ship.layer(() => new Declined({ reason: "no stock" })))
        const info = yield* engine.run(Ship.start("s", { sku: "a", due: new Date(5) }))
        for (const _ of [1, 2]) {
          const failure = failureOf(yield* Effect.exit(bench.wait(info.result)))
          assert.deepStrictEqual(failure, Option.some(new Declined({ reason: "no stock" })))
          assert.instanceOf(Option.getOrThrow(failure), Declined)
        }
        const { executions, finishedAt, status } = yield* bench.describe("s")
        assert.strictEqual(status, "Failed")
        assert.isTrue(Option.isSome(finishedAt))
        assert.deepStrictEqual(executions.map((execution) => execution.status), ["Failed"])
        const untyped = yield* engine.run(
          Effect.flatMap(Tempolite.Tempolite, (client) =>
            Effect.flatMap(client.info("s"), ({ result }) => Effect.exit(result)))
        )
        assert.deepStrictEqual(failureOf(untyped), Option.some({ _tag: "Declined", reason: "no stock" }))
      }))

    promise("gets a defect of the body as a defect, with its message and its stack", (bench) =>
      Effect.gen(function*() {
        const defect = new RangeError("out of paper")
        const engine = yield* bench.start(main(() => Effect.die(defect)))
        const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) {
          const [died] = [...Cause.defects(exit.cause)]
          assert.instanceOf(died, Error)
          assert.strictEqual(died.name, "RangeError")
          assert.strictEqual(died.message, "out of paper")
          assert.strictEqual(died.stack, defect.stack)
          assert.isTrue(Option.isNone(Cause.failureOption(exit.cause)))
        }
        assert.strictEqual((yield* bench.describe("w")).status, "Failed")
      }))

    promise(
      "gets a success that does not fit the schema, or JSON, as a defect that says so",
      (bench) =>
        Effect.gen(function*() {
          const engine = yield* bench.start(main((arg) => Effect.succeed(arg === 1 ? 10n : { at: [Number.NaN] })))
          const failed = (arg: number) =>
            Effect.map(
              Effect.exit(bench.wait(engine.run(Main.execute(arg, { arg })))),
              (exit) => Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "success"
            )
          assert.match(yield* failed(1), /the success of the workflow "Main".*bigint/)
          assert.match(yield* failed(2), /at at\[0\]: JSON has no NaN/)
          assert.strictEqual((yield* bench.describe(1)).status, "Failed")
        })
    )

    promise(
      "gets a body that interrupts itself as a defect, and not as a cancellation",
      (bench) =>
        Effect.gen(function*() {
          const engine = yield* bench.start(main(() => Effect.zipRight(Act.execute("a", {}), Effect.interrupt)))
          const exit = yield* Effect.exit(bench.wait(engine.run(Main.execute("w", {}))))
          assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), String(exit))
          assert.strictEqual((yield* bench.describe("w")).status, "Failed")
        })
    )
  })

  describe("a workflow", () => {
    promise("is described: the resource and its execution", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main(() => Act.execute("a", {}), () => Effect.delay(Effect.succeed(7), "1 hour"))
        )
        const info = yield* engine.run(Main.start("w", { arg: { n: 1 } }))
        yield* bench.pass("1 minute")
        const running = yield* info.describe
        assert.deepStrictEqual(
          { ...running, executions: [], steps: [] },
          {
            id: "w",
            name: "Main",
            status: "Running",
            reason: Option.none(),
            generation: 1,
            parent: Option.none(),
            forkedFrom: Option.none(),
            payload: { arg: { n: 1 } },
            createdAt: DateTime.unsafeMake(begin),
            finishedAt: Option.none(),
            unusedOutcomes: 0,
            executions: [],
            steps: [],
            signals: [],
            children: []
          }
        )
        assert.strictEqual(yield* info.status, "Running")
        assert.strictEqual(running.executions[0]?.status, "Running")
        yield* bench.wait(info.result)
        const ended = yield* info.describe
        assert.strictEqual(ended.status, "Completed")
        assert.strictEqual(yield* info.status, "Completed")
        assert.deepStrictEqual(ended.finishedAt, Option.some(DateTime.unsafeMake(begin + 3_600_000)))
        assert.deepStrictEqual(ended.executions, [{
          id: ended.executions[0]!.id,
          attempt: 1,
          generation: 1,
          status: "Completed",
          startedAt: DateTime.unsafeMake(begin),
          finishedAt: Option.some(DateTime.unsafeMake(begin + 3_600_000)),
          error: Option.none()
        }])
      }))

    promise("tells its statuses as they change, to the last", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(
          main(() => Act.execute("a", {}), () => Effect.delay(Effect.succeed(7), "1 hour"))
        )
        const info = yield* engine.run(Main.start("w", {}))
        yield* bench.settle
        const changes = yield* bench.wait(Stream.runCollect(info.changes))
        assert.deepStrictEqual([...changes], ["Running", "Completed"])
        assert.deepStrictEqual([...(yield* Stream.runCollect(info.changes))], ["Completed"])
      }))

    promise("is told which execution it is", (bench) =>
      Effect.gen(function*() {
        const told: Array<Workflow.WorkflowExecution> = []
        const tell = Effect.tap(Workflow.Execution, (execution) => told.push(execution))
        const child = Nothing.layer(() => tell)
        const parent = Other.layer(() => Effect.zipRight(tell, Nothing.child("c/1")))
        const engine = yield* bench.start(Layer.provide(parent, child))
        yield* bench.wait(engine.run(Other.execute("w", {})))
        const [outer, inner] = told
        const described = yield* bench.describe("w")
        assert.deepInclude(outer, {
          workflowId: "w",
          executionId: described.executions[0]!.id,
          attempt: 1,
          generation: 1,
          startedAt: DateTime.unsafeMake(begin),
          parent: Option.none()
        })
        assert.deepInclude(inner, { attempt: 1, parent: Option.some({ workflowId: "w", key: "c/1" }) })
        assert.deepStrictEqual((yield* bench.describe(inner!.workflowId)).parent, inner!.parent)
      }))

    promise("has a scope that is closed at its end, and services of its layer", (bench) =>
      Effect.gen(function*() {
        const trace: Array<string> = []
        const note = (text: string) => Effect.sync(() => void trace.push(text))
        const engine = yield* bench.start(main(() =>
          anew(
            trace,
            Effect.gen(function*() {
              yield* Effect.acquireRelease(note("open"), () => note("close"))
              yield* Act.execute("a", {})
              yield* note("end")
            })
          )
        ))
        yield* bench.wait(engine.run(Main.execute("w", {})))
        assert.deepStrictEqual(trace, ["open", "end", "close"])
      }))

    promise("is not found under an id that nobody, or another workflow, has", (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(Layer.merge(main(() => Effect.void), Other.layer(() => Effect.void)))
        yield* bench.wait(engine.run(Main.execute("w", {})))
        const client = yield* engine.run(Tempolite.Tempolite)
        const asked = [
          Effect.flip(engine.run(Main.info("v"))),
          Effect.flip(engine.run(Other.info("w"))),
          Effect.flip(client.info("v")),
          Effect.flip(client.describe("v")),
          Effect.flip(client.cancel("v")),
          Effect.flip(client.resume("v")),
          Effect.flip(Stream.runDrain(client.changes("v")))
        ]
        for (const ask of asked) {
          const error = yield* ask
          assert.instanceOf(error, WorkflowNotFound)
          assert.match(error.message, /no workflow has the id "[vw]": start it first/)
        }
      }))
  })
}
