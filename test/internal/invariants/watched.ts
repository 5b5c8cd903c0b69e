/**
 * The journal that holds the simulation to the laws.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Journal } from "../../../src/index.ts"
import { empty, executionRow, stepRow, workflowRow } from "../../support/journalRows.ts"
import * as Lawful from "../../support/lawful.ts"

const at = 1_700_000_000_001

const make = (past: ReadonlyArray<Journal.Batch>) =>
  Effect.gen(function*() {
    const memory = Context.get(yield* Layer.build(Layer.fresh(Journal.layerMemory)), Journal.Journal)
    const lease = yield* memory.acquire(1_000)
    for (const batch of past) yield* memory.commit(lease, batch)
    const { broken, service } = yield* Lawful.make(memory, past)
    return { broken, commit: (batch: Partial<Journal.Batch>) => service.commit(lease, { ...empty, ...batch }) }
  })

const begun = {
  ...empty,
  created: [workflowRow("w", { startedAt: at })],
  executions: [executionRow("w")],
  steps: [stepRow("w", "a", { kind: "Version", status: "Completed", seq: 1, at })]
}

const undo = (key: string, seq: number) =>
  stepRow("w", `u-${key}`, { kind: "Version", status: "Completed", seq, at, undo: true })

export const suite = (): void => {
  describe("a journal that is watched", () => {
    it.scoped("tells of the rows that break a law, and of the change that does", () =>
      Effect.gen(function*() {
        const { broken, commit } = yield* make([])
        yield* commit(begun)
        assert.deepStrictEqual(broken, [])
        yield* commit({ steps: [stepRow("w", "a", { kind: "Version", status: "Completed", seq: 2, at })] })
        assert.deepStrictEqual(broken, [
          "w, after 2 commits: the order of its outcomes has a gap: none has the place 1 (order)",
          "w, after 2 commits: a: it had an outcome, and its seq has changed (outcomes-are-final)"
        ])
      }))

    it.scoped("knows what it held before", () =>
      Effect.gen(function*() {
        const { broken, commit } = yield* make([begun])
        yield* commit({ workflows: [workflowRow("w", { startedAt: at + 1 })] })
        assert.deepStrictEqual(broken, ["w, after 2 commits: it has begun again at another time (workflow-changes)"])
      }))

    it.scoped("tells of undos that are out of order, or of nothing", () =>
      Effect.gen(function*() {
        const { broken, commit } = yield* make([])
        yield* commit(begun)
        const done = stepRow("w", "b", { kind: "Version", status: "Completed", seq: 2, at })
        yield* commit({ steps: [done, undo("b", 3), undo("a", 4)] })
        assert.deepStrictEqual(broken, [])
        yield* commit({
          steps: [
            stepRow("w", "c", { kind: "Signal", status: "Waiting", attempts: 0 }),
            undo("c", 5),
            stepRow("w", "d", { kind: "Version", status: "Completed", seq: 6, at }),
            undo("d", 7)
          ]
        })
        assert.deepStrictEqual(broken, [
          "w, after 3 commits: u-c has undone what was not done",
          "w, after 3 commits: u-d has undone what was done after that which was undone before"
        ])
      }))

    it.scoped("tells of what is left in the middle by the code that ran all of it", () =>
      Effect.gen(function*() {
        const end = {
          workflows: [workflowRow("w", { status: "Completed", startedAt: at, finishedAt: at })],
          executions: [executionRow("w", { status: "Completed", finishedAt: at })],
          steps: [stepRow("w", "nap", { kind: "Timer", status: "Waiting", attempts: 0, wakeAt: at })]
        }
        const one = yield* make([])
        yield* one.commit(begun)
        yield* one.commit(end)
        assert.deepStrictEqual(one.broken, ["w, after 2 commits: nap is Waiting, and the workflow has ended"])
        const other = yield* make([begun])
        yield* other.commit(end)
        assert.deepStrictEqual(other.broken, [])
      }))
  })
}
