/**
 * What keeps a workflow going for long, and lets its code change: generations, versions, independent workflows and
 * activities in the background.
 */
import { describe, it } from "@effect/vitest"
import {
  Cause,
  Clock,
  DateTime,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  Layer,
  Option,
  Random,
  Schedule,
  Schema,
  type Scope
} from "effect"
import { assert } from "vitest"
import {
  InvalidPayload,
  type Journal,
  Saga,
  Signal,
  type Tempolite,
  Workflow,
  WorkflowCancelled,
  WorkflowConflict
} from "../../src/index.ts"
import { begin, type Bench, promised } from "./bench.ts"
import { Act, activities, Declined, type Handler, type Retried, show } from "./domain.ts"
import {
  act,
  Again,
  type Body,
  called,
  Do,
  done,
  everyCrash,
  fails,
  hasStatus,
  id,
  Kid,
  Main,
  open,
  Outside,
  reason,
  rows,
  settle,
  statuses,
  statusOf,
  Stubborn,
  testOn,
  until
} from "./lab.ts"
import { anew } from "./notes.ts"

const Note = Signal.make("Note", { payload: { n: Schema.Number } })

const options = {
  payload: { round: Schema.Number },
  success: Schema.Unknown,
  error: Schema.Union(Declined, WorkflowCancelled)
}

/** A workflow of many generations. */
class Loop extends Workflow.Tag<Loop>()("Loop", options) {}

/** The same, with a second execution, a minute after the first. */
class Stubbornly extends Workflow.Tag<Stubbornly>()("Stubbornly", {
  ...options,
  retry: { schedule: Schedule.spaced("1 minute"), times: 1 }
}) {}

/** A sub-workflow of many generations. */
class Below extends Workflow.Tag<Below>()("Below", options) {}

type Requirements<W> =
  | Act
  | Retried
  | Below
  | Workflow.Running<W>
  | Workflow.Step<string>
  | Workflow.Execution
  | Saga.Compensations
  | Scope.Scope

type Round<W> = (round: number) => Effect.Effect<unknown, Declined | WorkflowCancelled, Requirements<W>>

/** The workflows, whose bodies the test gives. */
const live = (
  bodies: { readonly loop?: Round<Loop>; readonly stubbornly?: Round<Stubbornly>; readonly below?: Round<Below> },
  handler: Handler = ({ key }) => Effect.succeed(`<${key}>`)
): Layer.Layer<Loop | Stubbornly | Below, never, Tempolite.Tempolite> =>
  Layer.mergeAll(
    Loop.layer(({ round }) => bodies.loop?.(round) ?? Effect.succeed(null)),
    Stubbornly.layer(({ round }) => bodies.stubbornly?.(round) ?? Effect.succeed(null))
  ).pipe(
    Layer.provideMerge(Below.layer(({ round }) => bodies.below?.(round) ?? Effect.succeed(null))),
    Layer.provide(activities(handler))
  )

/** Notes what is called, and what is interrupted. */
const logging =
  (log: Array<string>, attempt: Handler = ({ key }) => Effect.succeed(`<${key}>`)): Handler => (execution, arg) =>
    Effect.suspend(() => {
      log.push(String(execution.key))
      return Effect.onInterrupt(attempt(execution, arg), () => Effect.sync(() => log.push(`${execution.key} cut`)))
    })

/** Handles these for ever, everything else at once. */
const holding = (...keys: ReadonlyArray<string>): Handler => ({ key }) =>
  keys.includes(String(key)) ? Effect.never : Effect.succeed(`<${key}>`)

const executionsOf = (bench: Bench, workflow: string) =>
  Effect.map(
    bench.describe(workflow),
    ({ executions }) => executions.map(({ attempt, generation, status }) => `${generation}.${attempt} ${status}`)
  )

const rawRows = (bench: Bench, workflow: string) => Effect.map(bench.journal.history(workflow), Option.getOrThrow)

const started = Loop.start("w", { round: 1 })

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) => {
  describe(`generations (${name})`, () => generations(layer))
  describe(`versions (${name})`, () => versions(layer))
  describe(`independent workflows (${name})`, () => detached(layer))
  describe(`activities in the background (${name})`, () => background(layer))
}

const generations = <E>(layer: Layer.Layer<Journal.Journal, E>) => {
  const promise = promised(layer)

  promise(
    "follow each other under one id, each with its payload and no step of the one before",
    (bench) =>
      Effect.gen(function*() {
        const seen = new Map<number, unknown>()
        const engine = yield* bench.start(live({
          loop: (round) =>
            Effect.gen(function*() {
              const { executionId, generation, workflowId } = yield* Workflow.Execution
              seen.set(round, [generation, workflowId, executionId])
              yield* Act.execute(`only in ${round}`, {})
              const a = yield* Act.execute("a", { arg: round })
              return round < 3 ? yield* Loop.continueAsNew({ round: round + 1 }) : [round, a]
            })
        }))
        const info = yield* engine.run(started)
        assert.deepStrictEqual(yield* bench.wait(info.result), [3, "<a>"])
        assert.deepStrictEqual([...seen], [[1, [1, "w", "w@1.1"]], [2, [2, "w", "w@2.1"]], [3, [3, "w", "w@3.1"]]])
        assert.deepStrictEqual(yield* executionsOf(bench, "w"), [
          "1.1 ContinuedAsNew",
          "2.1 ContinuedAsNew",
          "3.1 Completed"
        ])
        const { generation, payload, status, steps } = yield* bench.describe("w")
        assert.deepStrictEqual([generation, payload, status], [3, { round: 3 }, "Completed"])
        assert.deepStrictEqual(steps.map(({ key }) => key), ["only in 3", "a"])
        const { stepExecutions, steps: rows } = yield* rawRows(bench, "w")
        assert.deepStrictEqual(new Set([...rows, ...stepExecutions].map((row) => row.generation)), new Set([3]))
      })
  )

  promise(
    "are joined by a start with the payload of the first, while they run and when all is over",
    (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(live({
          loop: (round) =>
            round < 3
              ? Effect.zipRight(Workflow.sleep("nap", "1 hour"), Loop.continueAsNew({ round: round + 1 }))
              : Effect.succeed("over")
        }))
        yield* engine.run(started)
        for (const hours of [0, 1, 1]) {
          yield* bench.pass(`${hours} hours`)
          const again = yield* engine.run(started)
          assert.strictEqual(again.id, "w")
          const error = yield* Effect.flip(engine.run(Loop.start("w", { round: 2 })))
          assert.instanceOf(error, WorkflowConflict)
        }
        assert.strictEqual(yield* bench.wait(engine.run(Loop.execute("w", { round: 1 }))), "over")
      })
  )

  promise("keep the signals that were sent before, and give them to the next", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(live({
        loop: (round) =>
          Effect.gen(function*() {
            const { n } = yield* Note.await("s")
            yield* Workflow.sleep("nap", "1 hour")
            return round < 3 ? yield* Loop.continueAsNew({ round: round + n }) : round
          })
      }))
      const info = yield* engine.run(started)
      yield* engine.run(Effect.forEach([1, 1, 7, 8], (n) => Note.send("w", { n }), { discard: true }))
      yield* bench.pass("90 minutes")
      assert.deepStrictEqual((yield* bench.describe("w")).signals.map(({ payload }) => payload), [{ n: 7 }, { n: 8 }])
      assert.strictEqual(yield* bench.wait(info.result), 3)
      assert.deepStrictEqual((yield* bench.describe("w")).signals.map(({ payload }) => payload), [{ n: 8 }])
    }))

  promise("have a clock that begins with them, and other random numbers", (bench) =>
    Effect.gen(function*() {
      const seen: Array<readonly [round: number, clock: number, startedAt: number]> = []
      const drawn = new Map<number, number>()
      const body: Round<Loop> = (round) =>
        Effect.gen(function*() {
          const { startedAt } = yield* Workflow.Execution
          seen.push([round, (yield* Clock.currentTimeMillis) - begin, DateTime.toEpochMillis(startedAt) - begin])
          const number = yield* Random.next
          assert.strictEqual(drawn.get(round) ?? number, number)
          drawn.set(round, number)
          yield* Effect.sleep("1 hour")
          return round < 3 ? yield* Loop.continueAsNew({ round: round + 1 }) : null
        })
      const first = yield* bench.start(live({ loop: body }))
      yield* first.run(started)
      yield* bench.pass("90 minutes")
      yield* first.crash
      yield* bench.pass("10 minutes")
      const second = yield* bench.start(live({ loop: body }))
      const info = yield* second.run(started)
      yield* bench.wait(info.result)
      const hour = 3_600_000
      // However often a generation was begun.
      for (const [round, ...times] of seen) assert.deepStrictEqual(times, [(round - 1) * hour, (round - 1) * hour])
      assert.strictEqual(new Set(drawn.values()).size, 3)
    }))

  promise(
    "have other ids for the outside, so that no call is taken for one of the generation before",
    (bench) =>
      Effect.gen(function*() {
        const ids: Array<ReadonlyArray<string>> = []
        const engine = yield* bench.start(live({
          loop: (round) =>
            Effect.zipRight(
              Act.execute("a", {}),
              round < 2 ? Loop.continueAsNew({ round: round + 1 }) : Effect.void
            )
        }, ({ activityId, executionId, idempotencyKey, workflowExecutionId }) =>
          Effect.sync(() =>
            ids.push([activityId, executionId, idempotencyKey, workflowExecutionId])
          )))
        const info = yield* engine.run(started)
        yield* bench.wait(info.result)
        assert.strictEqual(new Set(ids.flat()).size, 8)
        assert.strictEqual(ids[1]?.[0], "w@2/a")
      })
  )

  promise(
    "undo nothing of the one before: it ends as with a success, within sagas too",
    (bench) =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const step = (key: string) => Saga.compensate(Act.execute(key, {}), () => Act.execute(`u-${key}`, {}))
        const engine = yield* bench.start(live({
          loop: (round) =>
            Effect.gen(function*() {
              yield* step(`a${round}`)
              yield* Saga.scoped(
                "trip",
                Effect.zipRight(
                  step(`b${round}`),
                  round < 2 ? Saga.scoped("inner", Loop.continueAsNew({ round: round + 1 })) : Effect.void
                )
              )
              return yield* new Declined({ reason: "at last" })
            })
        }, logging(log)))
        const info = yield* engine.run(started)
        assert.include(show(yield* Effect.exit(bench.wait(info.result))), "at last")
        assert.deepStrictEqual(log, ["a1", "b1", "a2", "b2", "u-a2"])
      })
  )

  promise("begin once everything that the one before left has ended", (bench) =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const engine = yield* bench.start(live(
        {
          loop: (round) =>
            Effect.gen(function*() {
              if (round === 2) return yield* Act.execute("second", {})
              yield* Effect.addFinalizer(() => Effect.sync(() => log.push("finalizer")))
              yield* Effect.forkDaemon(Act.execute("daemon", {}))
              yield* Act.start("background", {})
              yield* Below.startChild("kid", { round: 1 })
              yield* Workflow.sleep("nap", "1 minute")
              return yield* Loop.continueAsNew({ round: 2 })
            }),
          below: () =>
            Effect.zipRight(
              Saga.compensate(Act.execute("k", {}), () => Act.execute("u-k", {})),
              Effect.asVoid(Act.execute("kid-runs", {}))
            )
        },
        logging(log, (execution, arg) =>
          execution.key === "background"
            ? Effect.ensuring(Effect.never, Deferred.await(gate))
            : holding("daemon", "kid-runs")(execution, arg))
      ))
      const info = yield* engine.run(started)
      yield* bench.pass("2 minutes")
      assert.sameMembers(log.splice(0), [
        "daemon",
        "background",
        "k",
        "kid-runs",
        "finalizer",
        "daemon cut",
        "kid-runs cut",
        "u-k"
      ])
      assert.deepStrictEqual(yield* executionsOf(bench, "w"), ["1.1 Running"])
      yield* Deferred.succeed(gate, undefined)
      yield* bench.wait(info.result)
      assert.deepStrictEqual(log, ["background cut", "second"])
      assert.strictEqual((yield* bench.describe("w/kid")).status, "Cancelled")
    }), {
    except: {
      replay: "its body notes what it does, and does it again in a replay",
      crash: "what runs in a process that dies is not waited for"
    }
  })

  promise("take over a cancel that came while the one before was ending", (bench) =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const engine = yield* bench.start(live(
        {
          loop: (round) =>
            Effect.gen(function*() {
              yield* round === 1
                ? Saga.compensate(Act.execute("a1", {}), () => Act.execute("u-a1", {}))
                : Act.execute("a2", {})
              yield* Act.start("background", {})
              yield* Workflow.sleep("nap", "1 minute")
              return yield* Loop.continueAsNew({ round: round + 1 })
            })
        },
        logging(
          log,
          ({ key }) => key === "background" ? Effect.ensuring(Effect.never, Deferred.await(gate)) : Effect.succeed(null)
        )
      ))
      const info = yield* engine.run(started)
      yield* bench.pass("2 minutes")
      yield* bench.wait(info.cancel)
      yield* bench.settle
      assert.deepStrictEqual(yield* executionsOf(bench, "w"), ["1.1 Running"])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(
        yield* Effect.exit(bench.wait(info.result)),
        Exit.fail(new WorkflowCancelled({ workflowId: "w" }))
      )
      assert.deepStrictEqual(yield* executionsOf(bench, "w"), ["1.1 ContinuedAsNew", "2.1 Cancelled"])
      assert.deepStrictEqual(log, ["a1", "background", "background cut"])
    }), { except: { crash: "it decides what comes first, and a restart comes first" } })

  promise("are cancelled as any other: what this one did is undone", (bench) =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const engine = yield* bench.start(live({
        loop: (round) =>
          Effect.gen(function*() {
            yield* Saga.compensate(Act.execute(`a${round}`, {}), () => Act.execute(`u-a${round}`, {}))
            yield* Workflow.sleep("nap", "1 minute")
            return yield* Loop.continueAsNew({ round: round + 1 })
          })
      }, logging(log)))
      const info = yield* engine.run(started)
      yield* bench.pass("90 seconds")
      yield* bench.wait(info.cancel)
      yield* Effect.exit(bench.wait(info.result))
      assert.deepStrictEqual(log, ["a1", "a2", "u-a2"])
    }))

  promise("are held by a pause, wherever it comes, and go on", (bench) =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body: Round<Loop> = (round) =>
        Effect.gen(function*() {
          if (round === 2) return yield* Act.execute("second", {})
          yield* Act.start("background", {})
          yield* Workflow.sleep("nap", "1 minute")
          return yield* Loop.continueAsNew({ round: 2 })
        })
      const log: Array<string> = []
      const bodies = live(
        { loop: body },
        logging(
          log,
          ({ key }) =>
            key === "background" ? Effect.ensuring(Effect.never, Deferred.await(gate)) : Effect.succeed(`<${key}>`)
        )
      )
      const first = yield* bench.start(bodies)
      const info = yield* first.run(started)
      yield* bench.pass("2 minutes")
      yield* bench.wait(info.pause)
      yield* Deferred.succeed(gate, undefined)
      yield* bench.pass("1 hour")
      assert.strictEqual((yield* bench.describe("w")).status, "Paused")
      assert.notInclude(log, "second")
      yield* first.crash
      const second = yield* bench.start(bodies)
      yield* bench.pass("1 hour")
      assert.strictEqual((yield* bench.describe("w")).status, "Paused")
      const again = yield* second.run(started)
      yield* bench.wait(again.resume)
      assert.strictEqual(yield* bench.wait(again.result), "<second>")
    }), { except: { crash: "it decides what comes first, and a restart comes first" } })

  promise("begin whatever the code does with the end of the one before", (bench) =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const next = (round: number) => Loop.continueAsNew({ round: round + 1 })
      const engine = yield* bench.start(live({
        loop: (round) =>
          Effect.gen(function*() {
            switch (round) {
              case 1:
                return yield* Effect.catchAllCause(next(round), () => Act.execute("caught", {}))
              case 2:
                return yield* Effect.race(next(round), Act.execute("slow", {}))
              case 3:
                return yield* Effect.all([Effect.ignoreLogged(Effect.sandbox(next(round))), Act.execute("slow", {})], {
                  concurrency: 2
                })
              case 4:
                yield* Effect.forkDaemon(next(round))
                return yield* Act.execute("slow", {})
              case 5:
                return yield* Effect.ensuring(next(round), Effect.sync(() => log.push("finalizer")))
              case 6:
                return yield* Effect.uninterruptible(next(round))
              default:
                return round
            }
          })
      }, logging(log, holding("slow"))))
      const info = yield* engine.run(started)
      assert.strictEqual(yield* bench.wait(info.result), 7)
      assert.notInclude(log, "caught")
      assert.include(log, "finalizer")
    }))

  promise(
    "do not begin with what is no payload: that is a defect of the one before",
    (bench) =>
      Effect.gen(function*() {
        const engine = yield* bench.start(live({ loop: () => Loop.continueAsNew({ round: Number.NaN }) }))
        const info = yield* engine.run(started)
        const exit = yield* Effect.exit(bench.wait(info.result))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), show(exit))
        assert.include(show(exit), new InvalidPayload({ name: "Loop", message: "" }).message.slice(0, 10))
        assert.deepStrictEqual(yield* executionsOf(bench, "w"), ["1.1 Failed"])
      })
  )

  promise("count their executions anew, by their policy and by hand", (bench) =>
    Effect.gen(function*() {
      const failing = new Set(["1.1", "2.1", "2.2"])
      const engine = yield* bench.start(live({
        stubbornly: (round) =>
          Effect.gen(function*() {
            const { attempt, generation } = yield* Workflow.Execution
            yield* Act.execute("a", { arg: round })
            if (failing.has(`${generation}.${attempt}`)) return yield* new Declined({ reason: "again" })
            return round < 2 ? yield* Stubbornly.continueAsNew({ round: 2 }) : "done"
          })
      }))
      const info = yield* engine.run(Stubbornly.start("w", { round: 1 }))
      yield* Effect.exit(bench.wait(info.result))
      const expected = ["1.1 Failed", "1.2 ContinuedAsNew", "2.1 Failed", "2.2 Failed"]
      assert.deepStrictEqual(yield* executionsOf(bench, "w"), expected)
      yield* bench.wait(info.retry)
      assert.strictEqual(yield* bench.wait(info.result), "done")
      assert.deepStrictEqual(yield* executionsOf(bench, "w"), [...expected, "2.3 Completed"])
    }))

  promise("leave nothing behind, however many there are", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(live({
        loop: (round) =>
          Effect.zipRight(
            Act.execute("a", {}),
            round < 20 ? Loop.continueAsNew({ round: round + 1 }) : Effect.succeed(round)
          )
      }))
      const info = yield* engine.run(started)
      assert.strictEqual(yield* bench.wait(info.result), 20)
      const { stepExecutions, steps } = yield* rawRows(bench, "w")
      assert.deepStrictEqual([steps.length, stepExecutions.length], [1, 1])
    }))

  promise("never look as if the workflow had ended", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(live({
        loop: (round) =>
          round < 5
            ? Effect.zipRight(Workflow.sleep("nap", "1 hour"), Loop.continueAsNew({ round: round + 1 }))
            : Effect.void
      }))
      const info = yield* engine.run(started)
      yield* bench.wait(info.result)
      assert.deepStrictEqual(
        bench.commits.flatMap(({ workflows }) => workflows.map(({ status }) => status))
          .filter((status, index, all) => status !== all[index - 1]),
        ["Running", "Completed"]
      )
    }))

  promise(
    "of a sub-workflow are one sub-workflow: its exit and its result are those of the last",
    (bench) =>
      Effect.gen(function*() {
        const bodies = live({
          loop: () =>
            Effect.gen(function*() {
              const kid = yield* Below.startChild("kid", { round: 1 })
              const exit = yield* kid.exit
              return [kid.executionId, Exit.isSuccess(exit) ? exit.value : "failed", yield* kid.result]
            }),
          below: (round) =>
            round < 4
              ? Effect.zipRight(Workflow.sleep("nap", "1 hour"), Below.continueAsNew({ round: round + 1 }))
              : Effect.succeed(round)
        })
        const first = yield* bench.start(bodies)
        yield* first.run(started)
        yield* bench.pass("90 minutes")
        yield* first.crash
        yield* bench.pass("1 minute")
        const second = yield* bench.start(bodies)
        yield* bench.pass("1 hour")
        yield* second.close
        const third = yield* bench.start(bodies)
        const info = yield* third.run(started)
        assert.deepStrictEqual(yield* bench.wait(info.result), ["w\\/kid@1.1", 4, 4])
      }),
    { except: { crash: "it decides what comes first, and a restart comes first" } }
  )

  promise("have sub-workflows of their own", (bench) =>
    Effect.gen(function*() {
      const engine = yield* bench.start(live({
        loop: (round) =>
          Effect.gen(function*() {
            const kid = yield* Below.startChild("kid", { round })
            yield* kid.result
            const independent = yield* Below.detach("free", { round })
            return round < 2 ? yield* Loop.continueAsNew({ round: 2 }) : [kid.workflowId, independent]
          })
      }))
      const info = yield* engine.run(started)
      assert.deepStrictEqual(yield* bench.wait(info.result), ["w@2/kid", "w@2/free"])
      for (const workflow of ["w/kid", "w@2/kid", "w/free", "w@2/free"]) {
        yield* bench.settle
        assert.strictEqual((yield* bench.describe(workflow)).status, "Completed", workflow)
      }
    }))
}

const versions = <E>(layer: Layer.Layer<Journal.Journal, E>) => {
  const test = testOn(layer)
  const version = (max: number, min = 1, change = "c") => Workflow.version(change, { min, max })

  test("is the latest for a workflow that gets there first, and then what was recorded", (outside) =>
    Effect.gen(function*() {
      outside.hold("b")
      const main = (max: number): Body => Effect.zipLeft(Effect.zipRight(act("a"), version(max)), act("b"))
      const first = yield* open(outside, { main: main(2) })
      yield* first.start
      yield* called(outside, "b")
      yield* first.kill
      outside.release("b")
      const second = yield* open(outside, { main: main(7) })
      assert.deepStrictEqual(yield* second.result, Exit.succeed(2))
      assert.deepStrictEqual(yield* second.run(Main.execute("new")), 7)
    }))

  test("is the oldest for one that had got further without it, and stays so", (outside) =>
    Effect.gen(function*() {
      outside.hold("b", "c")
      const first = yield* open(outside, { main: Effect.zipRight(act("a"), act("b")) })
      yield* first.start
      yield* called(outside, "b")
      yield* first.kill
      const main: Body = Effect.gen(function*() {
        yield* act("a")
        const one = yield* version(3)
        yield* act("b")
        yield* act("c")
        return [one, yield* version(3), yield* version(3, 1, "later")]
      })
      const second = yield* open(outside, { main })
      outside.release("b")
      yield* second.start
      yield* called(outside, "c")
      yield* second.kill
      outside.release("c")
      const third = yield* open(outside, { main })
      assert.deepStrictEqual(yield* third.result, Exit.succeed([1, 1, 3]))
    }))

  test("is the latest for one that had only got to it", (outside) =>
    Effect.gen(function*() {
      outside.hold("a")
      const first = yield* open(outside, { main: Effect.zipRight(act("a"), act("b")) })
      yield* first.start
      yield* called(outside, "a")
      yield* first.kill
      outside.release("a")
      const second = yield* open(outside, { main: Effect.zipRight(act("a"), version(3)) })
      assert.deepStrictEqual(yield* second.result, Exit.succeed(3))
    }))

  for (
    const [what, path, step] of [
      ["a sleep", "~sleep/a/1", Effect.sleep("1 hour")],
      ["a wait for a signal", "s", Note.await("s")],
      ["a sub-workflow", "kid", Kid.child("kid")],
      ["a saga", "trip", Saga.scoped("trip", act("b"))]
    ] satisfies ReadonlyArray<readonly [string, string, Body]>
  ) {
    test(`is the oldest for one that had got to ${what} without it`, (outside) =>
      Effect.gen(function*() {
        outside.hold("trip/b", "kid/k")
        const kid = act("k")
        const body: Body = step
        const first = yield* open(outside, { main: Effect.zipRight(act("a"), body), kid })
        yield* first.start
        yield* until("it is there", Effect.map(statuses(), (all) => all[path] !== undefined))
        yield* first.kill
        const seen: Array<number> = []
        const second = yield* open(outside, {
          main: Effect.gen(function*() {
            yield* act("a")
            seen.push(yield* version(2))
            yield* body
          }),
          kid
        })
        // Where it sleeps, it does so until something comes.
        yield* Effect.orDie(second.run(Note.send(id, { n: 1 })))
        yield* until("it has been asked", Effect.sync(() => seen.length > 0))
        assert.deepStrictEqual([...new Set(seen)], [1])
      }))
  }

  test(
    "may be asked for many times, in parallel, in sagas and while compensating: it is one",
    (outside) =>
      Effect.gen(function*() {
        const seen: Array<number> = []
        const look = Effect.tap(version(4), (n) => Effect.sync(() => seen.push(n)))
        const process = yield* open(outside, {
          main: anew(
            seen,
            Effect.gen(function*() {
              yield* Saga.compensate(act("a"), () => look)
              yield* Effect.all([look, look, Saga.scoped("trip", look)], { concurrency: "unbounded" })
              yield* look
              return yield* fails
            })
          )
        })
        yield* process.result
        assert.deepStrictEqual(seen, [4, 4, 4, 4, 4])
        assert.deepStrictEqual(
          (yield* rows()).steps.filter(({ kind }) => kind === "Version").map((
            { name, outcome, seq }
          ) => [name, outcome, seq]),
          [["c", "4", 2]]
        )
      })
  )

  test("that the code does not have any more suspends the workflow, until it has it again", (outside) =>
    Effect.gen(function*() {
      outside.hold("a")
      const main = (min: number, max: number): Body => Effect.zipLeft(version(max, min), act("a"))
      const first = yield* open(outside, { main: main(1, 2) })
      yield* first.start
      yield* called(outside, "a")
      yield* first.kill
      for (const [min, max] of [[3, 4], [1, 1]] as const) {
        const changed = yield* open(outside, { main: main(min, max) })
        yield* changed.start
        yield* until(
          "it says why",
          Effect.map(reason(), (why) => why.includes("NonDeterminism") && why.includes(`only ${min} to ${max}`))
        )
        yield* changed.close
      }
      outside.release("a")
      const last = yield* open(outside, { main: main(1, 4) })
      assert.deepStrictEqual(yield* last.result, Exit.succeed(2))
    }))

  test("may go from the code again", (outside) =>
    Effect.gen(function*() {
      outside.hold("b")
      const first = yield* open(outside, { main: Effect.zipRight(version(2), act("b")) })
      yield* first.start
      yield* called(outside, "b")
      yield* first.kill
      outside.release("b")
      const second = yield* open(outside, { main: act("b") })
      assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
    }))

  test("moves no sleep, and takes no key: a step may have the same", (outside) =>
    Effect.gen(function*() {
      const process = yield* open(outside, {
        main: Effect.gen(function*() {
          yield* act("a")
          yield* version(2)
          yield* Effect.sleep(1)
          return yield* act("c")
        })
      })
      yield* process.start
      yield* until("it sleeps", Effect.map(statuses(), (all) => all["~sleep/a/1"] === "Waiting"))
      yield* process.close
    }))

  test("stays in the next execution", (outside) =>
    Effect.gen(function*() {
      outside.fail("a")
      const first = yield* open(outside, { again: Effect.zipLeft(version(2), act("a")) })
      yield* first.run(Again.start(id))
      yield* until("it has failed", Effect.map(rows(), ({ workflow }) => workflow.wakeAt !== null))
      yield* settle
      yield* first.close
      outside.mend("a")
      const second = yield* open(outside, { again: Effect.zipLeft(version(5), act("a")) })
      const info = yield* second.run(Again.start(id))
      yield* info.pause
      yield* info.resume
      yield* info.cancel
      yield* Effect.exit(info.result)
      assert.strictEqual((yield* rows()).steps.find(({ kind }) => kind === "Version")?.outcome, "2")
    }))

  test("of what cannot be is a defect", (outside) =>
    Effect.gen(function*() {
      const ranges = [[2, 1], [0.5, 1], [1, Number.POSITIVE_INFINITY], [Number.NaN, 1]] as const
      const process = yield* open(outside, {
        main: Effect.forEach(
          [...ranges.map(([min, max]) => version(max, min)), version(1, 1, "")],
          (asked) => Effect.map(Effect.exit(asked), (exit) => Exit.isFailure(exit) && Cause.isDie(exit.cause))
        )
      })
      assert.deepStrictEqual(yield* process.result, Exit.succeed([true, true, true, true, true]))
      assert.deepStrictEqual(yield* statuses(), {})
    }))
}

const detached = <E>(layer: Layer.Layer<Journal.Journal, E>) => {
  const test = testOn(layer)

  test("run on when the one that started them has ended, and belong to nobody", (outside) =>
    Effect.gen(function*() {
      outside.hold("kid/k")
      const process = yield* open(outside, { main: Kid.detach("kid"), kid: act("k") })
      const info = yield* process.start
      assert.strictEqual(yield* info.result, "w/kid")
      yield* called(outside, "kid/k")
      const kid = yield* process.run(Kid.info("w/kid"))
      const { parent, status } = yield* kid.describe
      assert.deepStrictEqual([parent, status], [Option.none(), "Running"])
      const { children, steps } = yield* info.describe
      assert.deepStrictEqual(children, [])
      assert.deepStrictEqual(
        steps.map(({ kind, name, outcome, status }) => [kind, name, status, outcome]),
        [["Detach", "Kid", "Completed", Option.some(Exit.succeed("w/kid"))]]
      )
      outside.release("kid/k")
      yield* hasStatus("Completed", "w\\/kid")
    }))

  test("are not paused and not cancelled with the one that started them", (outside) =>
    Effect.gen(function*() {
      outside.hold("a", "kid/k")
      const process = yield* open(outside, {
        main: Effect.zipRight(Kid.detach("kid"), act("a")),
        kid: Effect.zipRight(act("k"), act("l"))
      })
      const info = yield* process.start
      yield* called(outside, "a", "kid/k")
      yield* info.pause
      assert.strictEqual(yield* statusOf("w\\/kid"), "Running")
      yield* info.resume
      yield* info.cancel
      yield* Effect.exit(info.result)
      assert.strictEqual(yield* statusOf("w\\/kid"), "Running")
      outside.release("kid/k")
      assert.strictEqual(yield* process.run(Kid.execute("w/kid")), "<l>")
    }))

  test("are what a client finds under the id, and joins", (outside) =>
    Effect.gen(function*() {
      const process = yield* open(outside, { main: Kid.detach("kid"), kid: act("k") })
      // It was there before.
      assert.strictEqual(yield* process.run(Kid.execute("w/kid")), "<k>")
      assert.deepStrictEqual(yield* process.result, Exit.succeed("w/kid"))
      assert.strictEqual(yield* process.run(Kid.execute("w/kid")), "<k>")
      assert.strictEqual(outside.log.length, 1)
    }))

  test("suspend the one that starts them where their id is taken", (outside) =>
    Effect.gen(function*() {
      const process = yield* open(outside, { main: Kid.detach("kid"), again: Effect.void })
      yield* process.run(Again.execute("w/kid"))
      yield* process.start
      const why = yield* reason()
      assert.include(why, "NonDeterminism")
      assert.include(why, "Again")
      assert.include(why, "kid")
    }))

  it.effect("are started once, wherever the process crashes", () =>
    Effect.gen(function*() {
      const all = yield* everyCrash(layer, {
        outside: () => new Outside(),
        bodies: {
          main: Effect.gen(function*() {
            const one = yield* Kid.detach("one")
            yield* act("a")
            const two = yield* Kid.detach("two")
            yield* act("b")
            return [one, two]
          }),
          kid: act("k")
        },
        meanwhile: () => Effect.void
      })
      assert.isAbove(all.at(-1)?.commits ?? 0, 4)
      for (const { commits, exit, outside } of all) {
        assert.deepStrictEqual(exit, Exit.succeed(["w/one", "w/two"]), `after ${commits} commits`)
        assert.deepStrictEqual(outside.again, [], `after ${commits} commits`)
      }
    }))
}

const background = <E>(layer: Layer.Layer<Journal.Journal, E>) => {
  const test = testOn(layer)

  test("run beside the body, which waits for them when it wants to, as often as it wants to", (outside) =>
    Effect.gen(function*() {
      outside.hold("a")
      const process = yield* open(outside, {
        main: Effect.gen(function*() {
          const a = yield* Do.start("a")
          const b = yield* act("b")
          return [yield* a.result, yield* a.result, b, a.key]
        })
      })
      const info = yield* process.start
      yield* called(outside, "a", "b")
      outside.release("a")
      assert.deepStrictEqual(yield* info.result, ["<a>", "<a>", "<b>", "a"])
      assert.deepStrictEqual(outside.log, ["a", "b"])
    }))

  test("have one execution id, on every replay, though an attempt was lost", (outside) =>
    Effect.gen(function*() {
      outside.hold("a")
      const ids: Array<string> = []
      const main = Effect.gen(function*() {
        const { executionId, result } = yield* Do.start("a")
        ids.push(executionId)
        return yield* result
      })
      const first = yield* open(outside, { main })
      yield* first.start
      yield* called(outside, "a")
      yield* first.kill
      outside.release("a")
      const second = yield* open(outside, { main })
      assert.deepStrictEqual(yield* second.result, Exit.succeed("<a>"))
      assert.isAtLeast(ids.length, 2)
      assert.deepStrictEqual([...new Set(ids)], ["w/a@1"])
      const info = yield* second.start
      const { steps } = yield* info.describe
      assert.deepStrictEqual(steps[0]?.executions.map((execution) => [execution.id, execution.status]), [
        ["w/a@1", "Lost"],
        ["w/a@2", "Completed"]
      ])
    }))

  test("are answered from the journal after a restart, and not run again", (outside) =>
    Effect.gen(function*() {
      outside.hold("b")
      const main = Effect.gen(function*() {
        const a = yield* Do.start("a")
        yield* act("b")
        return yield* a.result
      })
      const first = yield* open(outside, { main })
      yield* first.start
      yield* until("a is done", Effect.sync(() => outside.recorded.has("w/a")))
      yield* first.kill
      outside.release("b")
      const second = yield* open(outside, { main })
      assert.deepStrictEqual(yield* second.result, Exit.succeed("<a>"))
      assert.deepStrictEqual(outside.log.filter((entry) => entry === "a"), ["a"])
    }))

  for (const [how, ending] of [["succeeds", Effect.succeed("over")], ["fails", fails]] as const) {
    test(
      `are interrupted when the body ${how}, and are Cancelled before it has ended`,
      (outside) =>
        Effect.gen(function*() {
          outside.hold("a").linger("a")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* Do.start("a")
              yield* done("b")
              return yield* ending
            })
          })
          const info = yield* process.start
          yield* called(outside, "a cut")
          yield* settle
          assert.strictEqual(yield* info.status, "Running")
          assert.notInclude(outside.log, "u-b")
          outside.letGo("a")
          yield* Effect.exit(info.result)
          assert.deepInclude(yield* statuses(), { a: "Cancelled" })
          assert.strictEqual(outside.log.at(-1), how === "fails" ? "u-b" : "a let go")
        }),
      { except: { crash: "what runs in a process that dies is not waited for" } }
    )
  }

  test("fail those who wait for them, and nobody else", (outside) =>
    Effect.gen(function*() {
      outside.fail("a", "b")
      const process = yield* open(outside, {
        main: Effect.gen(function*() {
          const a = yield* Do.start("a")
          yield* Do.start("b")
          yield* act("c")
          return Either.isLeft(yield* Effect.either(a.result))
        })
      })
      assert.deepStrictEqual(yield* process.result, Exit.succeed(true))
      assert.deepStrictEqual(yield* statuses(), { a: "Failed", b: "Failed", c: "Completed" })
    }))

  test("are not interrupted with who waits for them", (outside) =>
    Effect.gen(function*() {
      outside.hold("a")
      const process = yield* open(outside, {
        main: Effect.gen(function*() {
          const a = yield* Do.start("a")
          const fiber = yield* Effect.fork(a.result)
          yield* act("b")
          yield* Fiber.interrupt(fiber)
          yield* act("c")
          return yield* a.result
        })
      })
      const info = yield* process.start
      yield* called(outside, "c")
      yield* settle
      outside.release("a")
      assert.strictEqual(yield* info.result, "<a>")
      assert.notInclude(outside.log, "a cut")
    }))

  test("are cancelled with the workflow, while they wait for their next attempt, too", (outside) =>
    Effect.gen(function*() {
      outside.fail("a").hold("b")
      const process = yield* open(outside, {
        main: Effect.zipRight(Stubborn.start("a"), act("b"))
      })
      const info = yield* process.start
      yield* called(outside, "b")
      yield* until("a waits", Effect.map(statuses(), ({ a }) => a === "Retrying"))
      yield* info.cancel
      yield* Effect.exit(info.result)
      assert.deepStrictEqual(yield* statuses(), { a: "Cancelled", b: "Cancelled" })
    }))

  test("take their keys: another step with the same one is a DuplicateKey", (outside) =>
    Effect.gen(function*() {
      const process = yield* open(outside, { main: Effect.zipRight(Do.start("a"), act("a")) })
      yield* process.start
      assert.include(yield* reason(), "DuplicateKey")
    }))
}
