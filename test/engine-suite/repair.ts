/**
 * What an operator may do to the steps of a workflow: give one its outcome by hand, and begin another workflow behind
 * one.
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import {
  InvalidStatus,
  Journal,
  JournalError,
  Saga,
  SideEffect,
  Signal,
  StepNotFound,
  Tempolite,
  Workflow,
  WorkflowNotFound
} from "../../src/index.ts"
import {
  act,
  Again,
  type Bodies,
  type Body,
  called,
  client,
  Do,
  done,
  everyCrash,
  hasStatus,
  Held,
  id,
  Kid,
  Main,
  open,
  Outside,
  type Process,
  reason,
  rows,
  settle,
  statuses,
  statusOf,
  Stubborn,
  testOn,
  until
} from "./lab.ts"

const Go = Signal.make("Go", { payload: { by: Schema.String } })

const service = ({ run }: Process) => run(Tempolite.Tempolite)

const isOnRecord = (path: string, status: string) =>
  until(
    `${path} is ${status}`,
    Effect.gen(function*() {
      const { history } = yield* Journal.Journal
      const found = yield* history(id)
      return Option.exists(found, ({ steps }) => steps.some((row) => row.path === path && row.status === status))
    })
  )

/** Where the outcomes of the steps come from, by path. */
const origins = ({ steps }: Workflow.WorkflowDescription) =>
  Object.fromEntries(steps.map(({ origin, path }) => [path.join("/"), origin]))

const attemptsAt = (path: string) =>
  Effect.map(
    rows(),
    ({ stepExecutions }) => stepExecutions.filter((row) => row.path === path).map(({ status }) => status)
  )

/** A step that waits, what it is skipped with, and what its body then ends with. */
interface Waiting {
  readonly body: Body
  readonly kid?: Body
  readonly outside?: (outside: Outside) => void
  readonly status: string
  readonly value?: unknown
  readonly result: unknown
}

const waits: Record<string, Waiting> = {
  "a sleep": { body: Effect.as(Workflow.sleep("s", "1 day"), "over"), status: "Waiting", result: "over" },
  "a wait for a signal": { body: Go.await("s"), status: "Waiting", value: { by: "ann" }, result: { by: "ann" } },
  "a wait for a signal, within a time": {
    body: Effect.map(Go.awaitWithin("s", "1 day"), Option.getOrNull),
    status: "Waiting",
    value: { by: "ann" },
    result: { by: "ann" }
  },
  "a wait for a signal, with nothing: its time is over": {
    body: Effect.map(Go.awaitWithin("s", "1 day"), Option.isNone),
    status: "Waiting",
    result: true
  },
  "an activity between two attempts": {
    body: Stubborn.execute("s"),
    outside: (outside) => outside.fail("s"),
    status: "Retrying",
    value: "by hand",
    result: "by hand"
  },
  "an activity that runs": {
    body: act("s"),
    outside: (outside) => outside.hold("s"),
    status: "Running",
    value: "by hand",
    result: "by hand"
  },
  "a compensated activity that runs": {
    body: done("s"),
    outside: (outside) => outside.hold("s"),
    status: "Running",
    value: "by hand",
    result: "by hand"
  },
  "a side effect": {
    body: SideEffect.record("s", Schema.Number, Effect.never),
    status: "Running",
    value: 7,
    result: 7
  },
  "a sub-workflow, which is undone": {
    body: Kid.child("s"),
    kid: Effect.zipRight(done("x"), Workflow.sleep("nap", "1 day")),
    status: "Running",
    value: ["by hand"],
    result: ["by hand"]
  },
  "a sub-workflow in the background, whose exit is that": {
    body: Effect.gen(function*() {
      const { exit, result } = yield* Kid.startChild("s")
      return [yield* result, Exit.isSuccess(yield* exit)]
    }),
    kid: Workflow.sleep("nap", "1 day"),
    status: "Running",
    value: "by hand",
    result: ["by hand", true]
  }
}

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`repair (${name})`, () => {
    const test = testOn(layer)

    describe("skip gives its outcome to", () => {
      for (const [what, waiting] of Object.entries(waits)) {
        test(what, (outside) =>
          Effect.gen(function*() {
            waiting.outside?.(outside)
            const bodies: Bodies = { main: waiting.body, kid: waiting.kid ?? Effect.void }
            const process = yield* open(outside, bodies)
            const info = yield* process.start
            yield* isOnRecord("s", waiting.status)
            yield* settle
            yield* (yield* service(process)).skip(id, "s", waiting.value)
            assert.strictEqual((yield* statuses())["s"], "Completed")
            assert.deepStrictEqual(yield* info.result, waiting.result)
            assert.deepInclude(origins(yield* info.describe), { s: "Skipped" })
            if (waiting.kid !== undefined) yield* hasStatus("Cancelled", "w\\/s")
            if (what === "a sub-workflow, which is undone") assert.deepStrictEqual(outside.log, ["s/x", "s/u-x"])
          }))
      }

      test("a step that waits in a queue: it is never called", (outside) =>
        Effect.gen(function*() {
          outside.hold("x")
          const process = yield* open(outside, { main: act("s"), kid: act("x") }, { concurrency: 1 })
          yield* process.run(Kid.start("other"))
          yield* called(outside, "x")
          yield* process.start
          yield* isOnRecord("s", "Pending")
          yield* process.run(Do.skip(id, "s", "by hand"))
          assert.deepStrictEqual(yield* process.result, Exit.succeed("by hand"))
          outside.release("x")
          yield* settle
          assert.deepStrictEqual(outside.log, ["x"])
          assert.deepStrictEqual(yield* attemptsAt("s"), [])
        }), { except: { crash: "it decides what comes first, and a restart comes first" } })

      test("a step of a saga, by its path, and what is undone later knows it", (outside) =>
        Effect.gen(function*() {
          outside.hold("trip/s").fail("trip/b")
          const process = yield* open(outside, {
            main: Effect.merge(Saga.scoped(
              "trip",
              Effect.zipRight(Saga.compensate(act("s"), (value) => act(`u-${value}`)), act("b"))
            ))
          })
          yield* process.start
          yield* called(outside, "trip/s")
          yield* process.run(Do.skip(id, ["trip", "s"], "skipped"))
          yield* process.result
          assert.deepStrictEqual(outside.log, ["trip/s", "trip/s cut", "trip/b", "trip/u-skipped"])
        }))

      test("a step of a workflow that is paused, which goes on with it later", (outside) =>
        Effect.gen(function*() {
          outside.hold("s")
          const process = yield* open(outside, { main: Effect.zip(act("s"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "s")
          yield* info.pause
          yield* process.run(Do.skip(id, "s", "by hand"))
          yield* settle
          assert.strictEqual(yield* info.status, "Paused")
          assert.deepStrictEqual(yield* statuses(), { s: "Completed" })
          assert.deepStrictEqual(outside.log, ["s", "s cut"])
          yield* info.resume
          assert.deepStrictEqual(yield* info.result, ["by hand", "<b>"])
        }))

      for (const isReopened of [false, true]) {
        test(
          `a step whose failure holds its workflow; what its sagas had undone is done again (reopened: ${isReopened})`,
          (outside) =>
            Effect.gen(function*() {
              outside.fail("trip/s")
              const bodies: Bodies = { held: Saga.scoped("trip", Effect.zip(done("x"), act("s"))) }
              const first = yield* open(outside, bodies)
              yield* first.run(Held.start(id))
              yield* hasStatus("Suspended")
              yield* settle
              assert.deepStrictEqual(outside.log.splice(0), ["trip/x", "trip/s", "trip/u-x"])
              yield* first.run(Do.skip(id, ["trip", "s"], "by hand"))
              yield* settle
              assert.strictEqual(yield* statusOf(), "Suspended")
              assert.deepStrictEqual(outside.log, [])
              if (isReopened) yield* first.kill
              const last = isReopened ? yield* open(outside, bodies) : first
              const info = yield* last.run(Held.start(id))
              // A process that starts tries what is suspended by itself.
              if (!isReopened) yield* info.resume
              assert.deepStrictEqual(yield* info.result, ["<x>", "by hand"])
              assert.deepStrictEqual(outside.log, ["trip/x"])
              assert.strictEqual(new Set(outside.keys.get("trip/x")).size, 2)
              assert.deepStrictEqual(yield* attemptsAt("trip/s"), ["Failed"])
            }),
          { except: { crash: "a restart goes on with what is suspended" } }
        )
      }

      test("a step of a workflow that stays held, also where a start of it has failed, and may be written", (outside) =>
        Effect.gen(function*() {
          outside.fail("s")
          const journal = yield* Journal.Journal
          let fails = false
          const losing: Journal.Service = {
            ...journal,
            commit: (lease, batch) =>
              Effect.flatMap(journal.commit(lease, batch), (existing) => {
                if (!fails) {
                  return Effect.succeed(existing)
                }
                fails = false
                return new JournalError({ message: "the connection is lost" })
              })
          }
          const process = yield* Effect.provideService(
            open(outside, { held: Effect.zip(act("s"), act("b")) }),
            Journal.Journal,
            losing
          )
          const info = yield* process.run(Held.start(id))
          yield* hasStatus("Suspended")
          yield* process.run(Do.skip(id, "s", "by hand"))
          yield* settle
          fails = true
          assert.instanceOf(yield* Effect.flip(process.run(Held.start(id))), JournalError)
          yield* TestClock.adjust("1 minute")
          yield* settle
          assert.strictEqual(yield* statusOf(), "Suspended")
          assert.deepStrictEqual(outside.log, ["s"])
          yield* info.resume
          assert.deepStrictEqual(yield* info.result, ["by hand", "<b>"])
        }), { except: { crash: "a restart goes on with what is suspended" } })

      test("a step of a workflow that no engine runs", (outside) =>
        Effect.gen(function*() {
          outside.hold("s")
          const bodies: Bodies = { main: Effect.zip(act("s"), act("b")) }
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "s")
          yield* first.kill
          yield* Effect.flatMap(client, ({ skip }) =>
            skip(id, "s", "by hand"))
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, Exit.succeed(["by hand", "<b>"]))
          assert.strictEqual(outside.count("s"), 1)
          assert.deepStrictEqual(yield* attemptsAt("s"), ["Lost"])
        }))

      test("a sub-workflow, which is undone, when no engine runs its parent", (outside) =>
        Effect.gen(function*() {
          const bodies: Bodies = {
            main: Effect.zip(Kid.child("s"), act("b")),
            kid: Effect.zipRight(done("x"), Workflow.sleep("nap", "1 day"))
          }
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "s/x")
          yield* settle
          yield* first.close
          yield* Effect.flatMap(client, ({ skip }) =>
            skip(id, "s", "by hand"))
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, Exit.succeed(["by hand", "<b>"]))
          yield* hasStatus("Cancelled", "w\\/s")
          assert.sameMembers(outside.log, ["s/x", "s/u-x", "b"])
        }))
    })

    describe("skip", () => {
      test("returns, and is forgotten, once the attempt that it interrupts has ended", (outside) =>
        Effect.gen(function*() {
          const { requests } = yield* Journal.Journal
          outside.hold("s").linger("s")
          const process = yield* open(outside, { main: act("s") })
          const info = yield* process.start
          yield* called(outside, "s")
          const skipped = yield* Effect.fork(process.run(Do.skip(id, "s", "by hand")))
          yield* called(outside, "s cut")
          yield* settle
          assert.isNull(skipped.unsafePoll())
          // A crash would find it here.
          assert.deepStrictEqual(
            (yield* requests).map(({ kind }) =>
              kind
            ),
            ["Skip"]
          )
          outside.letGo("s")
          assert.strictEqual(yield* info.result, "by hand")
          assert.deepStrictEqual(yield* requests, [])
          assert.deepStrictEqual(yield* attemptsAt("s"), ["Cancelled"])
        }), { except: { crash: "it counts attempts, and one is lost" } })

      test("with a value that does not fit suspends its workflow, and may be done again", (outside) =>
        Effect.gen(function*() {
          outside.hold("s")
          const process = yield* open(outside, { main: Effect.zip(act("s"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "s")
          const { skip } = yield* service(process)
          yield* skip(id, "s", 7)
          assert.include(yield* reason(), "NonDeterminism")
          yield* settle
          yield* skip(id, "s", "by hand")
          yield* info.resume
          assert.deepStrictEqual(yield* info.result, ["by hand", "<b>"])
          assert.deepStrictEqual(outside.log, ["s", "s cut", "b"])
        }), { except: { crash: "a restart goes on with what is suspended" } })

      test("is refused where there is no such step, or no need of it, and changes nothing", (outside) =>
        Effect.gen(function*() {
          outside.hold("trip/s")
          const process = yield* open(outside, {
            main: Effect.zipRight(act("a"), Saga.scoped("trip", act("s"))),
            again: Effect.void
          })
          yield* process.run(Again.execute("over"))
          const info = yield* process.start
          yield* called(outside, "trip/s")
          const { skip } = yield* service(process)
          const before = yield* info.describe
          const refused = (status: string, workflow = id) =>
            new InvalidStatus({ workflowId: workflow, operation: "skip", status })
          const faults = yield* Effect.forEach([
            skip("nobody", "a"),
            skip(id, "nothing"),
            skip(id, ["trip", "nothing"]),
            skip(id, "a", "again"),
            skip(id, "trip", "whole"),
            skip("over", "a")
          ], Effect.flip)
          assert.deepStrictEqual(faults, [
            new WorkflowNotFound({ workflowId: "nobody" }),
            new StepNotFound({ workflowId: id, path: "nothing" }),
            new StepNotFound({ workflowId: id, path: "trip/nothing" }),
            refused("Completed"),
            refused("Running"),
            refused("Completed", "over")
          ])
          const invalid = yield* Effect.forEach(
            [
              skip(id, ["trip", "s"], { n: Number.NaN }),
              skip(id, ["trip", "s"], [() =>
                0]),
              process.run(Stubborn.skip(id, ["trip", "s"], "by hand"))
            ],
            Effect.flip
          )
          assert.deepStrictEqual(
            invalid.map(({ _tag }) =>
              _tag
            ),
            Array.from({ length: 3 }, () =>
              "InvalidPayload")
          )
          assert.include(invalid[2]!.message, "the step trip/s is a Activity \"Do\"")
          yield* settle
          assert.deepStrictEqual(yield* info.describe, before)
        }))
    })

    it.effect("a crash anywhere around a skip: what was given by hand is what counts", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () =>
            new Outside().hold("s"),
          bodies: { main: Effect.zipRight(done("a"), Effect.zip(act("s"), act("b"))) },
          meanwhile: (process, outside) =>
            called(outside, "s").pipe(
              Effect.zipRight(isOnRecord("s", "Running")),
              Effect.zipRight(process.run(Do.skip(id, "s", "by hand"))),
              Effect.catchAllCause(() =>
                Effect.void
              )
            )
        })
        assert.isAbove(all.at(-1)?.commits ?? 0, 4)
        for (const { commits, description, exit, outside } of all) {
          const where = `after ${commits} commits`
          assert.deepStrictEqual(exit, Exit.succeed(["by hand", "<b>"]), where)
          assert.deepStrictEqual(outside.again, [], where)
          assert.deepStrictEqual(origins(description), { a: "Executed", s: "Skipped", b: "Executed" }, where)
        }
      }))

    describe("a fork", () => {
      const inOrder: Bodies = {
        main: Effect.gen(function*() {
          const drawn = yield* SideEffect.record("drawn", Schema.String, Effect.sync(() => `drawn ${String(++draws)}`))
          yield* done("a")
          yield* Workflow.sleep("nap", "1 hour")
          yield* Go.await("go")
          const caught = yield* Effect.merge(act("bad"))
          yield* act("b")
          yield* act("c")
          return [drawn, caught instanceof Error]
        })
      }
      let draws = 0

      const ended = (process: Process) =>
        Effect.gen(function*() {
          const info = yield* process.start
          yield* isOnRecord("nap", "Waiting")
          yield* TestClock.adjust("1 hour")
          yield* process.run(Go.send(id, { by: "ann" }))
          yield* Effect.exit(info.result)
          return info
        })

      test("begins with what was recorded before, and leaves where it comes from alone", (outside) =>
        Effect.gen(function*() {
          outside.fail("bad")
          const process = yield* open(outside, inOrder)
          const info = yield* ended(process)
          const before = yield* info.describe
          const { fork } = yield* service(process)
          outside.log.splice(0)
          const forked = yield* fork(id, "w2", "b")
          assert.deepStrictEqual(yield* forked.result, yield* info.result)
          assert.deepStrictEqual(outside.log, ["b", "c"])
          const described = yield* forked.describe
          assert.deepStrictEqual(described.forkedFrom, Option.some({ workflowId: id, key: "b" }))
          assert.deepStrictEqual(
            described.executions.map(({ status }) =>
              status
            ),
            ["Completed"]
          )
          assert.deepStrictEqual(origins(described), {
            drawn: "Forked",
            a: "Forked",
            nap: "Forked",
            go: "Forked",
            bad: "Forked",
            b: "Executed",
            c: "Executed"
          })
          assert.strictEqual(new Set(outside.keys.get("b")).size, 2)
          assert.deepStrictEqual(yield* info.describe, before)
        }), {
        except: {
          replay: "what is drawn and not recorded is drawn again",
          crash: "what is drawn and not recorded is drawn again",
          lost: "what is drawn and not recorded is drawn again"
        }
      })

      test("does what was undone again, as other calls to the outside", (outside) =>
        Effect.gen(function*() {
          outside.fail("c")
          const process = yield* open(outside, {
            main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), act("c")))
          })
          yield* process.result
          outside.mend("c")
          outside.log.splice(0)
          const { fork } = yield* service(process)
          const forked = yield* fork(id, "w2", "c")
          assert.strictEqual(yield* forked.result, "<c>")
          assert.deepStrictEqual(outside.log, ["a", "c"])
          assert.strictEqual(new Set(outside.keys.get("a")).size, 2)
          assert.deepStrictEqual(origins(yield* forked.describe), { b: "Forked", a: "Executed", c: "Executed" })
        }))

      for (const from of ["trip", ["trip", "b"]]) {
        test(`may begin at a saga, or inside of it: ${JSON.stringify(from)}`, (outside) =>
          Effect.gen(function*() {
            outside.fail("trip/b")
            const process = yield* open(outside, {
              main: Effect.zipRight(act("z"), Saga.scoped("trip", Effect.zip(act("a"), act("b"))))
            })
            yield* process.result
            outside.mend("trip/b")
            outside.log.splice(0)
            const forked = yield* (yield* service(process)).fork(id, "w2", from)
            assert.deepStrictEqual(yield* forked.result, ["<a>", "<b>"])
            assert.deepStrictEqual(outside.log, from === "trip" ? ["trip/a", "trip/b"] : ["trip/b"])
          }))
      }

      test("of one that runs begins with what there is; the two go on by themselves", (outside) =>
        Effect.gen(function*() {
          outside.hold("b")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "b")
          const forked = yield* (yield* service(process)).fork(id, "w2", "b")
          yield* until(
            "both run",
            Effect.sync(() =>
              outside.count("b") === 2
            )
          )
          yield* info.cancel
          yield* Effect.exit(info.result)
          assert.deepStrictEqual(outside.log, ["a", "b", "b", "b cut", "u-a"])
          outside.release("b")
          assert.strictEqual(yield* forked.result, "<b>")
          assert.deepStrictEqual(yield* statuses("w2"), { a: "Completed", b: "Completed" })
        }))

      test("has the outcomes of sub-workflows, not them; from one of them on, it starts its own", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const { result, workflowId } = yield* Kid.startChild("one")
              const one = yield* result
              const other = yield* Kid.child("other")
              yield* act("b")
              return [one, other, workflowId]
            }),
            kid: act("x")
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(["<x>", "<x>", "w/one"]))
          const { fork } = yield* service(process)
          const late = yield* fork(id, "late", "b")
          assert.deepStrictEqual(yield* late.result, ["<x>", "<x>", "late/one"])
          assert.deepStrictEqual((yield* late.describe).children, [])
          const early = yield* fork(id, "early", "other")
          assert.deepStrictEqual(yield* early.result, ["<x>", "<x>", "early/one"])
          assert.deepStrictEqual((yield* early.describe).children.map((child) => child.id), ["early/other"])
          assert.strictEqual(outside.log.filter((entry) => entry.endsWith("x")).length, 3)
        }))

      test("that was begun by a client is run by the next engine", (outside) =>
        Effect.gen(function*() {
          const bodies: Bodies = { main: Effect.zip(act("a"), act("b")) }
          const first = yield* open(outside, bodies)
          yield* first.result
          yield* first.close
          outside.log.splice(0)
          const forked = yield* Effect.flatMap(client, ({ fork }) => fork(id, 7, "b"))
          assert.strictEqual(yield* forked.status, "Pending")
          yield* open(outside, bodies)
          assert.deepStrictEqual(yield* forked.result, ["<a>", "<b>"])
          assert.deepStrictEqual(outside.log, ["b"])
        }))

      test("twice is once; where something else has the id, or there is no such step, it is refused", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zip(act("a"), act("b")), kid: act("x") })
          yield* process.result
          yield* process.run(Kid.execute("taken"))
          yield* process.run(Main.execute("other"))
          outside.log.splice(0)
          const { fork, list } = yield* service(process)
          const all = yield* Effect.all([fork(id, "w2", "b"), fork(id, "w2", "b")], { concurrency: "unbounded" })
          yield* Effect.forEach([...all, yield* fork(id, "w2", "b")], ({ result }) => result)
          assert.deepStrictEqual(outside.log, ["b"])
          const faults = yield* Effect.forEach([
            fork(id, "taken", "b"),
            fork(id, "other", "b"),
            fork(id, id, "b"),
            fork(id, "w2", "a"),
            fork("other", "w2", "b"),
            fork(id, "w3", "nothing"),
            fork("nobody", "w3", "b"),
            fork(id, "", "b")
          ], Effect.flip)
          assert.deepStrictEqual(faults.map(({ _tag }) => _tag), [
            ...Array.from({ length: 5 }, () => "WorkflowConflict"),
            ...["StepNotFound", "WorkflowNotFound", "InvalidPayload"]
          ])
          assert.sameMembers((yield* list()).workflows.map((workflow) => workflow.id), [id, "taken", "other", "w2"])
        }))
    })
  })
