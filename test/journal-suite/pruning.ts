/**
 * The laws of `prune`.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Journal from "../../src/Journal.ts"
import {
  everything,
  executionRow,
  request,
  signal,
  stepExecutionRow,
  stepRow,
  workflowRow
} from "../support/journalRows.ts"
import { held, type Test } from "./support.ts"

const ended = (id: string, finishedAt: number, row: Partial<Journal.WorkflowRow> = {}) =>
  workflowRow(id, { status: "Completed", finishedAt, ...row })

const remaining = (journal: Journal.Service) =>
  Effect.map(
    journal.list({ filter: everything, after: 0, limit: 100 }),
    (placed) => placed.map(({ workflow }) => workflow.id)
  )

const everyKind = (id: string): Partial<Journal.Batch> => ({
  executions: [executionRow(id), executionRow(id, { generation: 2 })],
  steps: [stepRow(id, "a"), stepRow(id, "b", { generation: 2 })],
  stepExecutions: [stepExecutionRow(id, "a")],
  signals: [signal(id, "Approved")]
})

export const laws = (test: Test) =>
  describe("prune", () => {
    test(
      "forgets what ended before a time, with all its rows, and nothing else",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [
            ended("old", 99),
            ended("failed", 50, { status: "Failed" }),
            ended("cancelled", 1, { status: "Cancelled" }),
            ended("young", 100),
            workflowRow("running", { finishedAt: 1 }),
            workflowRow("suspended", { status: "Suspended", finishedAt: 1 }),
            ended("no one knows when", 0, { finishedAt: null })
          ]
        })
        for (const id of ["old", "young"]) yield* commit(everyKind(id))
        const young = yield* journal.history("young")
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 3)
        assert.deepStrictEqual(yield* remaining(journal), ["young", "running", "suspended", "no one knows when"])
        assert.deepStrictEqual(yield* journal.history("old"), Option.none())
        assert.deepStrictEqual(yield* journal.workflow("old"), Option.none())
        assert.deepStrictEqual(yield* journal.signals("old", 0), [])
        const nothing = { executions: [], steps: [], openStepExecutions: [] }
        assert.deepStrictEqual(yield* journal.recorded("old", 1), nothing)
        assert.deepStrictEqual(yield* journal.recorded("old", 2), nothing)
        assert.deepStrictEqual(yield* journal.history("young"), young)
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 0)
      })
    )

    test(
      "forgets a tree with all that is below it, however young",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [
            ended("root", 1),
            ended("child", 500, { parentId: "root" }),
            ended("grandchild", 700, { parentId: "child" }),
            ended("other", 600, { parentId: "root" }),
            ended("apart", 500)
          ]
        })
        yield* commit(everyKind("grandchild"))
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 1 }), 4)
        assert.deepStrictEqual(yield* remaining(journal), ["apart"])
        assert.deepStrictEqual(yield* journal.children("root"), [])
        assert.deepStrictEqual((yield* journal.recorded("grandchild", 1)).steps, [])
      })
    )

    test(
      "keeps a tree where something below has not ended, with all of it",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        const tree = [
          ended("root", 1),
          ended("child", 2, { parentId: "root" }),
          workflowRow("grandchild", { parentId: "child" })
        ]
        yield* commit({ created: tree })
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 0)
        assert.deepStrictEqual(yield* remaining(journal), ["root", "child", "grandchild"])
        yield* commit({ workflows: [ended("grandchild", 3, { parentId: "child" })] })
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 3)
      })
    )

    test(
      "keeps a child whose parent is kept, and forgets one whose parent is gone",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [
            workflowRow("parent"),
            ended("child", 1, { parentId: "parent" }),
            ended("orphan", 1, { parentId: "gone" })
          ]
        })
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 1)
        assert.deepStrictEqual(yield* remaining(journal), ["parent", "child"])
      })
    )

    test(
      "keeps a tree where a request waits, until it is handled",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [ended("asked", 1), ended("root", 1), ended("child", 1, { parentId: "root" }), ended("w", 1)]
        })
        for (const id of ["asked", "child", "elsewhere"]) {
          yield* journal.submit(request(id, { kind: "Retry" }), Option.none())
        }
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 1)
        assert.deepStrictEqual(yield* remaining(journal), ["asked", "root", "child"])
        const asked = yield* journal.requests
        assert.strictEqual(asked.length, 3)
        yield* commit({ handled: asked.slice(0, 2).map(({ id }) => id) })
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 3)
        assert.strictEqual((yield* journal.requests).length, 1)
      })
    )

    test(
      "forgets up to a limit of trees at once, those that ended first before the others, past those that it keeps",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [
            ended("kept", 1),
            workflowRow("alive", { parentId: "kept" }),
            ended("third", 30),
            ended("first", 10),
            ended("below first", 90, { parentId: "first" }),
            ended("second", 20)
          ]
        })
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 2 }), 3)
        assert.deepStrictEqual(yield* remaining(journal), ["kept", "alive", "third"])
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 2 }), 1)
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 2 }), 0)
      })
    )

    test(
      "gives the places of what it forgot to nobody",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("a"), workflowRow("b"), workflowRow("c")] })
        yield* commit({ workflows: [ended("c", 1)] })
        const [last] = (yield* journal.list({ filter: everything, after: 0, limit: 10 })).slice(-1)
        const change = yield* journal.lastChange
        assert.strictEqual(yield* journal.prune({ before: 100, limit: 10 }), 1)
        assert.strictEqual(yield* journal.lastChange, change)
        yield* commit({ created: [workflowRow("d")] })
        const found = yield* journal.list({ filter: everything, after: last!.place, limit: 10 })
        assert.deepStrictEqual(found.map(({ workflow }) => workflow), [workflowRow("d")])
        const changed = yield* journal.changed({ after: change, limit: 10 })
        assert.deepStrictEqual(changed.map(({ workflow }) => workflow), [workflowRow("d")])
        assert.isAbove(yield* journal.lastChange, change)
      })
    )

    test(
      "lets an id be taken again, as if it had never been",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ ...everyKind("w"), created: [ended("w", 1)] })
        yield* journal.prune({ before: 100, limit: 10 })
        yield* commit({ created: [workflowRow("w")] })
        assert.deepStrictEqual(
          yield* journal.history("w"),
          Option.some({ workflow: workflowRow("w"), executions: [], steps: [], stepExecutions: [], signals: [] })
        )
      })
    )
  })
