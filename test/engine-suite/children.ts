/**
 * Sub-workflows: workflows of their own, controlled by the one that started them.
 */
import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { Journal, Saga, Tempolite, WorkflowCancelled } from "../../src/index.ts"
import {
  act,
  Again,
  type Bodies,
  Broken,
  called,
  done,
  everyCrash,
  fails,
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
  testOn,
  until
} from "./lab.ts"

/** The id of the sub-workflow, as the journal writes it. */
const kid = "w\\/kid"

const childrenOf = (workflow: string) =>
  Effect.gen(function*() {
    const journal = yield* Journal.Journal
    return (yield* journal.children(workflow)).map((row) => row.id)
  })

const errorOf = <E extends { readonly _tag: string }, R>(self: Effect.Effect<unknown, E, R>) =>
  Effect.match(self, { onFailure: ({ _tag }) => _tag, onSuccess: () => "none" })

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`sub-workflows (${name})`, () => {
    const test = testOn(layer)

    test("a child is a workflow of its own, linked to its parent, and answers with its success", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, { main: Kid.child("kid"), kid: Effect.zipRight(act("x"), act("y")) })
        const info = yield* process.start
        assert.strictEqual(yield* info.result, "<y>")
        const service = yield* process.run(Tempolite.Tempolite)
        const child = yield* service.describe("w/kid")
        assert.deepInclude(child, { id: "w/kid", name: "Kid", status: "Completed" })
        assert.deepStrictEqual(child.parent, Option.some({ workflowId: id, key: "kid" }))
        assert.deepStrictEqual(child.steps.map(({ path }) => path), [["x"], ["y"]])
        const parent = yield* info.describe
        assert.deepStrictEqual(parent.parent, Option.none())
        assert.deepStrictEqual(
          parent.steps.map(({ kind, name, path, status }) => ({ kind, name, path, status })),
          [{ kind: "Workflow", name: "Kid", path: ["kid"], status: "Completed" }]
        )
        assert.deepStrictEqual(parent.steps[0]!.outcome, Option.some(Exit.succeed("<y>")))
      }))

    test("its typed error reaches the parent, which may go on", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, {
          main: Effect.catchTag(Kid.child("kid"), "Broken", ({ key }) => Effect.succeed(`caught ${key}`)),
          kid: Effect.zipRight(done("x"), fails)
        })
        assert.deepStrictEqual(yield* process.result, Exit.succeed("caught body"))
        assert.deepStrictEqual(outside.log, ["kid/x", "kid/u-x"])
        assert.strictEqual(yield* statusOf(kid), "Failed")
        assert.deepStrictEqual(yield* statuses(), { kid: "Failed" })
      }))

    test("its defect is a defect in the parent", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, { main: Kid.child("kid"), kid: Effect.dieMessage("oh") })
        const exit = yield* process.result
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause) && Cause.pretty(exit.cause).includes("oh"))
      }))

    test("the parent sees WorkflowCancelled when an operator cancels the child", (outside) =>
      Effect.gen(function*() {
        outside.hold("kid/y")
        const process = yield* open(outside, {
          main: Effect.catchTag(Kid.child("kid"), "WorkflowCancelled", (error) => Effect.succeed(error.workflowId)),
          kid: Effect.zipRight(done("x"), act("y"))
        })
        const info = yield* process.start
        yield* called(outside, "kid/y")
        const service = yield* process.run(Tempolite.Tempolite)
        yield* service.cancel("w/kid")
        assert.strictEqual(yield* info.result, "w/kid")
        assert.deepStrictEqual(outside.log, ["kid/x", "kid/y", "kid/y cut", "kid/u-x"])
        assert.strictEqual(yield* statusOf(kid), "Cancelled")
        assert.deepStrictEqual(yield* statuses(), { kid: "Failed" })
      }))

    describe("after a restart", () => {
      test("the child is found again, goes on where it was, and is not started twice", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/y")
          const bodies: Bodies = {
            main: Effect.zipRight(act("a"), Kid.child("kid")),
            kid: Effect.zipRight(act("x"), act("y"))
          }
          for (const end of ["close", "kill"] as const) {
            const process = yield* open(outside, bodies)
            yield* process.start
            yield* until("y runs", Effect.sync(() => outside.log.at(-1) === "kid/y"))
            yield* process[end]
          }
          outside.release("kid/y")
          const process = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* process.result, Exit.succeed("<y>"))
          assert.deepStrictEqual(outside.once, ["a", "kid/x", "kid/y", "kid/y cut"])
          assert.deepStrictEqual(outside.again, [])
          assert.deepStrictEqual(yield* childrenOf(id), [kid])
          assert.deepStrictEqual((yield* rows(kid)).executions.map(({ status }) => status), ["Completed"])
        }))

      test("a child that ended meanwhile answers from the journal", (outside) =>
        Effect.gen(function*() {
          outside.hold("z")
          const bodies: Bodies = { main: Effect.zip(Kid.child("kid"), act("z")), kid: act("x") }
          const first = yield* open(outside, bodies)
          yield* first.start
          yield* called(outside, "z")
          yield* first.kill
          outside.release("z")
          const second = yield* open(outside, bodies)
          assert.deepStrictEqual(yield* second.result, Exit.succeed(["<x>", "<z>"]))
          assert.strictEqual(outside.count("kid/x"), 1)
        }))
    })

    describe("a child that was only started", () => {
      test("is named by derived ids; its result and its exit are waited for later", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/x")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const { attempt, executionId, exit, result, workflowId } = yield* Kid.startChild("kid")
              yield* act("a")
              return [workflowId, executionId, attempt, yield* result, Exit.isSuccess(yield* exit)]
            }),
            kid: act("x")
          })
          const info = yield* process.start
          yield* called(outside, "a", "kid/x")
          outside.release("kid/x")
          assert.deepStrictEqual(yield* info.result, ["w/kid", "w\\/kid@1.1", 1, "<x>", true])
        }))

      test("has the exit of one execution, and the result of the resource", (outside) =>
        Effect.gen(function*() {
          outside.fail("kid/x")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const { exit, result } = yield* Again.startChild("kid")
              const first = yield* exit
              yield* act("between")
              return [Exit.isFailure(first), yield* result]
            }),
            again: act("x")
          })
          const info = yield* process.start
          yield* called(outside, "between")
          yield* settle
          outside.mend("kid/x")
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* info.result, [true, "<x>"])
          assert.deepStrictEqual(outside.log, ["kid/x", "between", "kid/x"])
        }))

      test("gives its error, and its failed exit, to whoever waits, as often as wanted", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              const { exit, result } = yield* Kid.startChild("kid")
              const all = [errorOf(result), errorOf(result), Effect.map(exit, Exit.isFailure)]
              return [...yield* Effect.all(all, { concurrency: "unbounded" }), Exit.isFailure(yield* exit)]
            }),
            kid: fails
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(["Broken", "Broken", true, true]))
        }))

      test("is cancelled when its parent ends without it", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/y")
          const process = yield* open(outside, {
            main: Effect.zipRight(Kid.startChild("kid"), Effect.zip(act("a"), act("b"))),
            kid: Effect.zipRight(done("x"), act("y"))
          })
          assert.deepStrictEqual(yield* process.result, Exit.succeed(["<a>", "<b>"]))
          assert.strictEqual(yield* statusOf(kid), "Cancelled")
          assert.deepInclude(yield* statuses(), { kid: "Cancelled" })
          assert.strictEqual(outside.log.at(-1), "kid/u-x")
        }), {
        except: {
          crash: "it decides what comes first, and a restart comes first",
          lost: "it decides what comes first, and a restart comes first"
        }
      })
    })

    describe("a child that is not wanted any more", () => {
      test("since it lost a race, is cancelled, and what it did is undone; its parent goes on meanwhile", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "kid/y", "kid/u-x")
          const process = yield* open(outside, {
            main: Effect.zipRight(Effect.race(Kid.child("kid"), act("a")), act("b")),
            kid: Effect.zipRight(done("x"), act("y"))
          })
          const info = yield* process.start
          yield* called(outside, "kid/y", "a")
          outside.release("a")
          yield* called(outside, "kid/u-x", "b")
          yield* settle
          assert.strictEqual(yield* info.status, "Running")
          outside.release("kid/u-x")
          assert.strictEqual(yield* info.result, "<b>")
          assert.strictEqual(yield* statusOf(kid), "Cancelled")
          assert.deepInclude(yield* statuses(), { kid: "Cancelled" })
        }))

      test("is undone before anything of the saga that wanted it is", (outside) =>
        Effect.gen(function*() {
          outside.hold("trip/b", "trip\\/kid/y", "trip\\/kid/u-x")
          const process = yield* open(outside, {
            main: Effect.ignore(Saga.scoped(
              "trip",
              Effect.gen(function*() {
                yield* done("a")
                yield* Effect.race(Kid.child("kid"), act("b"))
                return yield* fails
              })
            )),
            kid: Effect.zipRight(done("x"), act("y"))
          })
          const info = yield* process.start
          yield* called(outside, "trip\\/kid/y", "trip/b")
          outside.release("trip/b")
          yield* called(outside, "trip\\/kid/u-x")
          yield* settle
          assert.notInclude(outside.log, "trip/u-a")
          outside.release("trip\\/kid/u-x")
          yield* info.result
          assert.deepStrictEqual(outside.log.slice(-2), ["trip\\/kid/u-x", "trip/u-a"])
        }))

      test("since its parent fails, is undone before anything of its parent is", (outside) =>
        Effect.gen(function*() {
          outside.hold("kid/y", "kid/u-x", "b")
          const process = yield* open(outside, {
            main: Effect.gen(function*() {
              yield* done("a")
              yield* Kid.startChild("kid")
              yield* act("b")
              return yield* fails
            }),
            kid: Effect.zipRight(done("x"), act("y"))
          })
          const info = yield* process.start
          yield* called(outside, "kid/y", "b")
          outside.release("b")
          yield* called(outside, "kid/u-x")
          yield* settle
          assert.notInclude(outside.log, "u-a")
          outside.release("kid/u-x")
          assert.deepStrictEqual(yield* Effect.exit(info.result), Exit.fail(new Broken({ key: "body" })))
          assert.deepStrictEqual(outside.log.slice(-2), ["kid/u-x", "u-a"])
        }))
    })

    describe("under a parent with executions", () => {
      test("a child that failed is another workflow in the next one; one that completed is kept", (outside) =>
        Effect.gen(function*() {
          outside.fail("bad/x")
          const process = yield* open(outside, {
            again: Effect.zip(Kid.child("good"), Kid.child("bad")),
            kid: act("x")
          })
          const info = yield* process.run(Again.start(id))
          yield* until("the first has failed", Effect.map(rows(), ({ workflow }) => workflow.wakeAt !== null))
          yield* settle
          outside.mend("bad/x")
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(yield* info.result, ["<x>", "<x>"])
          const children = yield* childrenOf(id)
          assert.strictEqual(children.length, 3)
          assert.deepStrictEqual(
            yield* Effect.forEach(children.toSorted(), statusOf),
            ["Failed", "Completed", "Completed"]
          )
          assert.strictEqual(outside.count("good/x"), 1)
          assert.strictEqual(outside.log.length, 3)
        }))
    })

    test("an id that belongs to something else is NonDeterminism, and that stays as it is", (outside) =>
      Effect.gen(function*() {
        const process = yield* open(outside, { main: Effect.zipRight(act("a"), Kid.child("kid")), kid: act("x") })
        // A workflow that nobody's child is.
        const other = yield* process.run(Kid.start("w/kid"))
        assert.strictEqual(yield* other.result, "<x>")
        yield* process.run(Main.start(id))
        assert.include(yield* reason(), "NonDeterminism")
        assert.include(yield* reason(), "w/kid")
        assert.strictEqual(yield* statusOf(kid), "Completed")
        assert.deepStrictEqual(yield* childrenOf(id), [])
      }))

    it.effect("a crash anywhere: each child runs once, and ends as it would have", () =>
      Effect.gen(function*() {
        const all = yield* everyCrash(layer, {
          outside: () => new Outside().hold("slow/y").fail("bad/y"),
          bodies: {
            main: Effect.gen(function*() {
              yield* done("a")
              const started = yield* Kid.startChild("one")
              const raced = yield* Effect.raceFirst(Kid.child("slow"), Effect.as(started.result, "one"))
              const exit = yield* started.exit
              return [raced, Exit.isSuccess(exit), yield* errorOf(Kid.child("bad"))]
            }),
            kid: Effect.zipRight(done("x"), act("y"))
          }
        })
        const last = all.at(-1)!
        assert.deepStrictEqual(last.exit, Exit.succeed(["one", true, "Broken"]))
        assert.isAbove(all.at(-1)?.commits ?? 0, 9)
        const undone = (outside: Outside) => outside.once.filter((entry) => entry.includes("u-"))
        for (const crashed of all) {
          const where = `after ${crashed.commits} commits`
          assert.deepStrictEqual(crashed.exit, last.exit, where)
          assert.sameMembers([...undone(crashed.outside)], ["slow/u-x", "bad/u-x"], where)
          assert.deepStrictEqual(crashed.outside.again, [], where)
          assert.deepStrictEqual(crashed.statuses, last.statuses, where)
        }
      }))

    test("a cancelled child is an error that the parent may let pass", (outside) =>
      Effect.gen(function*() {
        outside.hold("kid/x")
        const process = yield* open(outside, { main: Kid.child("kid"), kid: act("x") })
        const info = yield* process.start
        yield* called(outside, "kid/x")
        const service = yield* process.run(Tempolite.Tempolite)
        yield* service.cancel("w/kid")
        assert.deepStrictEqual(
          yield* Effect.exit(info.result),
          Exit.fail(new WorkflowCancelled({ workflowId: "w/kid" }))
        )
        assert.strictEqual(yield* info.status, "Failed")
      }))
  })
