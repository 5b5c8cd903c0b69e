/**
 * Workflows as they are found: pages of those that fit, the tree below one, their changes, and how they are forgotten.
 */
import { describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { type Journal, Signal, Tempolite, Workflow, WorkflowNotFound } from "../../src/index.ts"
import type { WorkflowFilter, WorkflowPage } from "../../src/Info.ts"
import {
  act,
  Again,
  called,
  client,
  done,
  fails,
  hasStatus,
  Held,
  id,
  Kid,
  Main,
  open,
  type Process,
  settle,
  statusOf,
  testOn,
  until
} from "./lab.ts"

const Go = Signal.make("Go", { payload: { by: Schema.String } })
/** Nobody waits for it. */
const Note = Signal.make("Note", { payload: { by: Schema.String } })

const service = ({ run }: Process) => run(Tempolite.Tempolite)

const at = (minutes: number) => DateTime.unsafeMake(minutes * 60_000)

const idsOf = ({ workflows }: WorkflowPage) => workflows.map((workflow) => workflow.id)

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`listing (${name})`, () => {
    const test = testOn(layer)

    describe("list", () => {
      const nap = Workflow.sleep("nap", "1 day")

      test("gives those that fit all that is asked for, in the order of their creation", (outside) =>
        Effect.gen(function*() {
          outside.hold("x")
          const process = yield* open(outside, {
            main: Effect.zip(Kid.child("one"), nap),
            kid: act("x"),
            again: Effect.void,
            held: fails
          })
          const { cancel, list, pause } = yield* service(process)
          const begin = <A, F>(start: Effect.Effect<A, F, Main | Kid | Again | Held | Tempolite.Tempolite>) =>
            Effect.zipLeft(process.run(start), TestClock.adjust("1 minute"))
          yield* begin(Again.execute("over"))
          yield* begin(Held.start("held"))
          yield* begin(Kid.start("paused"))
          yield* begin(Kid.start("cancelled"))
          yield* until("both run", Effect.sync(() => outside.count("x") === 2))
          yield* pause("paused")
          yield* cancel("cancelled")
          yield* hasStatus("Cancelled", "cancelled")
          yield* hasStatus("Suspended", "held")
          yield* begin(Main.start("parent"))
          yield* hasStatus("Completed", "parent\\/one")
          const all = ["over", "held", "paused", "cancelled", "parent", "parent/one"]
          const cases: ReadonlyArray<readonly [WorkflowFilter, ReadonlyArray<string>]> = [
            [{}, all],
            [{ status: "Completed" }, ["over", "parent/one"]],
            [{ status: ["Paused", "Cancelled"] }, ["paused", "cancelled"]],
            [{ status: ["Suspended", "Completed"], parent: null }, ["over", "held"]],
            [{ status: [] }, []],
            [{ status: "Failed" }, []],
            [{ name: "Kid" }, ["paused", "cancelled", "parent/one"]],
            [{ name: "kid" }, []],
            [{ parent: "parent" }, ["parent/one"]],
            [{ parent: "nobody" }, []],
            [{ parent: null, name: "Kid" }, ["paused", "cancelled"]],
            [{ idPrefix: "pa" }, ["paused", "parent", "parent/one"]],
            [{ idPrefix: "parent/" }, ["parent/one"]],
            [{ idPrefix: "" }, all],
            [{ createdFrom: at(2) }, ["paused", "cancelled", "parent", "parent/one"]],
            [{ createdBefore: at(2) }, ["over", "held"]],
            [{ createdFrom: at(1), createdBefore: at(3) }, ["held", "paused"]],
            [{ createdFrom: at(3), createdBefore: at(3) }, []],
            [{ idPrefix: "p", name: "Kid", status: "Paused", parent: null, createdFrom: at(0) }, ["paused"]]
          ]
          for (const [filter, expected] of cases) {
            assert.deepStrictEqual(idsOf(yield* list(filter)), [...expected], JSON.stringify(filter))
          }
        }))

      test("takes the beginning of an id as it is, and no number for a text", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: nap })
          const { list } = yield* service(process)
          const ids = [
            7,
            71,
            "7",
            "71",
            "#7",
            "~7",
            "50%",
            "50x",
            "a_b",
            "aXb",
            "a/b",
            "a\\b",
            "A",
            "é",
            "🙂1",
            "🙂",
            " "
          ]
          yield* Effect.forEach(ids, (workflow) => process.run(Main.start(workflow)))
          const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
            ["7", ["7", "71"]],
            ["71", ["71"]],
            ["#", ["#7"]],
            ["~", ["~7"]],
            ["50%", ["50%"]],
            ["%", []],
            ["a_", ["a_b"]],
            ["a", ["a_b", "aXb", "a/b", "a\\b"]],
            ["a/", ["a/b"]],
            ["a\\", ["a\\b"]],
            ["\\", []],
            ["A", ["A"]],
            ["é", ["é"]],
            ["🙂", ["🙂1", "🙂"]],
            [" ", [" "]],
            ["'; --", []]
          ]
          for (const [idPrefix, expected] of cases) {
            assert.deepStrictEqual(idsOf(yield* list({ idPrefix })), [...expected], idPrefix)
          }
          assert.deepStrictEqual(idsOf(yield* list()), ids)
        }))

      test("goes on where the page before ended, whatever happens in between", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: nap })
          const { cancel, list } = yield* service(process)
          const start = (index: number) => process.run(Main.start(index))
          yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7], start)
          const first = yield* list({ limit: 3 })
          assert.deepStrictEqual(idsOf(first), [1, 2, 3])
          yield* start(8)
          yield* cancel(2)
          yield* hasStatus("Cancelled", "#2")
          const pages: Array<ReadonlyArray<unknown>> = []
          let { next } = first
          while (Option.isSome(next)) {
            const page: WorkflowPage = yield* list({ limit: 3, after: next.value })
            pages.push(idsOf(page))
            next = page.next
          }
          assert.deepStrictEqual(pages, [[4, 5, 6], [7, 8]])
          // Of those that fit, not of all.
          const cancelled = yield* list({ status: "Cancelled", limit: 1 })
          assert.deepStrictEqual(idsOf(cancelled), [2])
          const behind = yield* list({ status: "Cancelled", limit: 1, after: Option.getOrThrow(cancelled.next) })
          assert.deepStrictEqual([idsOf(behind), behind.next], [[], Option.none()])
        }))

      test("has a hundred on a page, or as many as asked for", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: nap })
          const { list } = yield* service(process)
          yield* Effect.forEach(
            Array.from({ length: 120 }, (_, index) => index),
            (index) => process.run(Main.start(index)),
            { concurrency: "unbounded" }
          )
          const sizes = yield* Effect.forEach(
            [{}, { limit: 119 }, { limit: 120 }, { limit: 200 }, { limit: Infinity }, { limit: 1.9 }, { limit: 0 }],
            (options) => Effect.map(list(options), ({ workflows }) => workflows.length)
          )
          assert.deepStrictEqual(sizes, [100, 119, 120, 120, 120, 1, 1])
        }))

      test("says so when it is given what is no place", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, {})
          const { list } = yield* service(process)
          for (const after of ["", " ", "abc", "-1", "1.5", "1e3", "0x10", "NaN", "9".repeat(30)]) {
            const error = yield* Effect.flip(list({ after }))
            assert.strictEqual(error._tag, "JournalError", after)
            assert.include(error.message, `${JSON.stringify(after)} is not where a page begins`)
          }
        }))
    })

    describe("describe", () => {
      test(
        "shows a workflow and all that is below it: what waits, until when, and the signals that nobody took",
        (outside) =>
          Effect.gen(function*() {
            outside.hold("kid\\/grand/x")
            const process = yield* open(outside, {
              main: Effect.all([Kid.child("kid"), Kid.startChild("other"), Go.awaitWithin("go", "2 hours")], {
                concurrency: "unbounded",
                discard: true
              }),
              kid: Effect.all([Again.child("grand"), Workflow.sleep("nap", "1 hour")], { concurrency: "unbounded" }),
              again: Effect.zipRight(done("x"), act("y"))
            })
            const info = yield* process.start
            yield* called(outside, "kid\\/grand/x", "other\\/grand/x")
            yield* settle
            const { describe, pause } = yield* service(process)
            yield* pause(id)
            yield* process.run(Note.send(id, { by: "ann" }))
            const tree = yield* info.describe
            assert.deepStrictEqual(yield* describe(id), tree)
            assert.deepStrictEqual(yield* Effect.flatMap(client, (elsewhere) => elsewhere.describe(id)), tree)
            const shown = (workflow: Workflow.WorkflowDescription): unknown => ({
              id: workflow.id,
              is: `${workflow.name} ${workflow.status}`,
              parent: Option.map(workflow.parent, ({ key, workflowId }) => `${workflowId}: ${key}`).pipe(
                Option.getOrNull
              ),
              steps: workflow.steps.map((step) =>
                `${step.path.join("/")} ${step.kind} ${step.status}` +
                Option.match(step.wakeAt, {
                  onNone: () => "",
                  onSome: (wakeAt) => ` ${DateTime.toEpochMillis(wakeAt)}`
                })
              ),
              signals: workflow.signals,
              children: workflow.children.map(shown)
            })
            const kid = (key: string, x: string) => ({
              id: `w/${key}`,
              is: "Kid Paused",
              parent: `w: ${key}`,
              steps: ["grand Workflow Running", "nap Timer Waiting 3600000"],
              signals: [],
              children: [{
                id: `w/${key}/grand`,
                is: x === "Running" ? "Again Paused" : "Again Completed",
                parent: `w/${key}: grand`,
                steps: x === "Running" ? ["x Activity Running"] : ["x Activity Completed", "y Activity Completed"],
                signals: [],
                children: []
              }]
            })
            assert.deepStrictEqual(shown(tree), {
              id,
              is: "Main Paused",
              parent: null,
              steps: ["kid Workflow Running", "go Signal Waiting 7200000", "other Workflow Running"],
              signals: [{ name: "Note", payload: { by: "ann" }, sentAt: DateTime.unsafeMake(0) }],
              children: [
                kid("kid", "Running"),
                {
                  ...kid("other", "Completed"),
                  steps: ["grand Workflow Completed", "nap Timer Waiting 3600000"]
                }
              ]
            })
          })
      )
    })

    describe("changes", () => {
      test("of a workflow begin with its status now, and end with its end", (outside) =>
        Effect.gen(function*() {
          outside.hold("a")
          const process = yield* open(outside, { main: Effect.zipRight(done("a"), act("b")) })
          const info = yield* process.start
          yield* called(outside, "a")
          const elsewhere = yield* client
          const seen: Array<Workflow.Status> = []
          const watch = (changes: typeof info.changes) =>
            Effect.fork(Stream.runCollect(Stream.tap(changes, (status) => Effect.sync(() => seen.push(status)))))
          const here = yield* watch(info.changes)
          const there = yield* watch(Stream.orDie(elsewhere.changes(id)))
          const both = (status: Workflow.Status) =>
            until(`${status} is seen twice`, Effect.sync(() => seen.filter((one) => one === status).length === 2))
          yield* both("Running")
          seen.length = 0
          yield* info.pause
          yield* both("Paused")
          yield* info.resume
          yield* both("Running")
          yield* info.cancel
          outside.release("a")
          const expected: ReadonlyArray<Workflow.Status> = ["Running", "Paused", "Running", "Cancelled"]
          assert.deepStrictEqual(Array.from(yield* Fiber.join(here)), expected)
          assert.deepStrictEqual(Array.from(yield* Fiber.join(there)), expected)
          const ended = yield* Effect.flatMap(elsewhere.info(id), ({ changes }) => Stream.runCollect(changes))
          assert.deepStrictEqual(Array.from(ended), ["Cancelled"])
          const nobody = yield* Effect.flip(Stream.runDrain(elsewhere.changes("nobody")))
          assert.deepStrictEqual(nobody, new WorkflowNotFound({ workflowId: "nobody" }))
        }))

      test("of all workflows are seen in this process and in another one, from when somebody watches", (outside) =>
        Effect.gen(function*() {
          outside.hold("a", "x")
          const process = yield* open(outside, { main: act("a"), kid: act("x"), again: Effect.void })
          yield* process.run(Again.execute("before"))
          const elsewhere = yield* client
          const watchers = yield* Effect.forEach([yield* service(process), elsewhere], ({ allChanges }) =>
            Effect.gen(function*() {
              const seen: Array<string> = []
              yield* allChanges.pipe(
                Stream.runForEach(({ id, name, status }) =>
                  Effect.sync(() => seen.push(`${name} ${id} ${status}`))
                ),
                Effect.forkScoped
              )
              return seen
            }))
          yield* settle
          const sees = (change: string) =>
            until(
              () => `${change} is seen; it was ${watchers.join(" | ")}`,
              Effect.sync(() => watchers.every((seen) => seen.at(-1) === change))
            )
          const main = yield* process.start
          yield* sees("Main w Running")
          const kid = yield* process.run(Kid.start(7))
          yield* sees("Kid 7 Running")
          yield* main.pause
          yield* sees("Main w Paused")
          yield* elsewhere.resume(id)
          yield* sees("Main w Running")
          yield* kid.cancel
          yield* sees("Kid 7 Cancelled")
          outside.release("a")
          yield* sees("Main w Completed")
          for (const seen of watchers) {
            assert.deepStrictEqual(seen.filter((change) => !change.endsWith("Pending")), [
              ...["Main w Running", "Kid 7 Running", "Main w Paused", "Main w Running"],
              ...["Kid 7 Cancelled", "Main w Completed"]
            ])
          }
        }))
    })

    describe("prune", () => {
      test("forgets what ended long enough ago, with all that is below it, and nothing else", (outside) =>
        Effect.gen(function*() {
          outside.hold("a").fail("kid/x")
          const process = yield* open(outside, {
            main: Effect.zip(Effect.option(Kid.child("kid")), act("a")).pipe(Effect.as("done")),
            kid: Effect.zip(Effect.option(Again.child("grand")), act("x")).pipe(Effect.as("done")),
            again: act("z")
          })
          const { list, prune } = yield* service(process)
          const parent = yield* process.start
          yield* hasStatus("Failed", "w\\/kid")
          yield* process.run(Kid.execute("early"))
          yield* TestClock.adjust("1 hour")
          yield* process.run(Again.execute("late"))
          // The child ended early, but its parent lives.
          assert.strictEqual(yield* prune({ olderThan: "30 minutes" }), 2)
          assert.deepStrictEqual(idsOf(yield* list()), [id, "w/kid", "w/kid/grand", "late"])
          outside.release("a")
          assert.strictEqual(yield* parent.result, "done")
          assert.strictEqual(yield* prune({ olderThan: "30 minutes" }), 0)
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(yield* prune({ olderThan: "1 hour" }), 0)
          yield* TestClock.adjust(1)
          assert.strictEqual(yield* prune({ olderThan: "1 hour" }), 4)
          assert.deepStrictEqual(idsOf(yield* list()), [])
          const { describe, info } = yield* service(process)
          for (const gone of [id, "early", "late", "w/kid/grand"]) {
            const faults = [yield* Effect.flip(describe(gone)), yield* Effect.flip(info(gone))]
            assert.deepStrictEqual(faults.map(({ _tag }) => _tag), ["WorkflowNotFound", "WorkflowNotFound"])
          }
        }))

      test("lets an id be used again, by what is another workflow to the outside", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.zip(act("a"), Kid.child("kid")), kid: act("x") })
          yield* process.result
          yield* TestClock.adjust("1 hour")
          const { describe, prune } = yield* Effect.zipRight(settle, client)
          assert.strictEqual(yield* prune({ olderThan: 0 }), 2)
          assert.deepStrictEqual(yield* process.result, Exit.succeed(["<a>", "<x>"]))
          assert.deepStrictEqual(outside.log, ["a", "kid/x", "a", "kid/x"])
          assert.strictEqual(new Set(outside.keys.get("a")).size, 2)
          assert.strictEqual(new Set(outside.keys.get("kid/x")).size, 2)
          const { children, createdAt, executions } = yield* describe(id)
          assert.strictEqual(DateTime.toEpochMillis(createdAt), 3_600_000)
          assert.lengthOf(executions, 1)
          assert.lengthOf(children, 1)
        }))

      test("keeps what is asked for something, and what has not ended", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: fails, kid: Workflow.sleep("nap", "300 days"), held: fails })
          yield* process.result
          yield* process.run(Held.start("held"))
          const kid = yield* process.run(Kid.start("kid"))
          yield* hasStatus("Suspended", "held")
          yield* hasStatus("Running", "kid")
          yield* kid.pause
          yield* process.close
          yield* TestClock.adjust("1 hour")
          const { prune, retry } = yield* client
          yield* retry(id)
          assert.strictEqual(yield* prune({ olderThan: "1 minute" }), 0)
          assert.strictEqual(yield* statusOf("held"), "Suspended")
        }))

      test("refuses a time that is none", (outside) =>
        Effect.gen(function*() {
          const process = yield* open(outside, { main: Effect.void })
          yield* process.result
          yield* TestClock.adjust("1 hour")
          const { list, prune } = yield* service(process)
          for (const olderThan of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
            assert.strictEqual((yield* Effect.flip(prune({ olderThan })))._tag, "InvalidDuration")
          }
          assert.lengthOf((yield* list()).workflows, 1)
        }))
    })
  })
