/**
 * The laws of signals, and of generations that are over.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Bell from "../../src/internal/bell.ts"
import type * as Journal from "../../src/Journal.ts"
import { executionRow, request, signal, stepExecutionRow, stepRow, workflowRow } from "../support/journalRows.ts"
import { held, type Test } from "./support.ts"

const withoutIds = (rows: ReadonlyArray<Journal.SignalRow>) => rows.map(({ id: _, ...sent }) => sent)

export const laws = (test: Test) => {
  describe("signals", () => {
    test(
      "of a batch are kept in order of arrival, for those workflows that exist, created with them or before",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("old"), workflowRow("ended", { status: "Completed" })] })
        const toOld = [signal("old", "B"), signal("old", "A", { payload: null }), signal("old", "B", { at: 1 })]
        const toNew = [signal("new", "it's"), signal("new", "A")]
        const toEnded = [signal("ended", "A")]
        yield* commit({
          created: [workflowRow("new")],
          signals: [toOld[0]!, toNew[0]!, signal("missing", "A"), toOld[1]!, toEnded[0]!, toOld[2]!, toNew[1]!]
        })
        assert.deepStrictEqual(withoutIds(yield* journal.signals("old", 0)), toOld)
        assert.deepStrictEqual(withoutIds(yield* journal.signals("new", 0)), toNew)
        assert.deepStrictEqual(withoutIds(yield* journal.signals("ended", 0)), toEnded)
        const all = [...yield* journal.signals("old", 0), ...yield* journal.signals("new", 0)]
        assert.strictEqual(new Set(all.map(({ id }) => id)).size, 5)

        yield* commit({ created: [workflowRow("missing")] })
        assert.deepStrictEqual(yield* journal.signals("missing", 0), [])
      })
    )

    test(
      "are read from behind an id, and ids ascend, also when what had the greatest was taken",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("w")], signals: ["A", "B", "C"].map((name) => signal("w", name)) })
        const signals = yield* journal.signals("w", 0)
        const [first, second, third] = signals
        assert.isTrue(0 < first!.id && first!.id < second!.id && second!.id < third!.id)
        assert.deepStrictEqual(yield* journal.signals("w", first!.id), signals.slice(1))
        assert.deepStrictEqual(yield* journal.signals("w", third!.id), [])
        yield* commit({ taken: [third!.id] })
        yield* journal.send(signal("w", "D"))
        const [fourth] = yield* journal.signals("w", third!.id)
        assert.strictEqual(fourth?.name, "D")
      })
    )

    test(
      "that were taken are forgotten, and no others",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: [workflowRow("v"), workflowRow("w")],
          signals: [signal("w", "A"), signal("v", "A"), signal("w", "B")]
        })
        const signals = yield* journal.signals("w", 0)
        const [first] = signals
        yield* commit({ taken: [first!.id, 1_000_000] })
        assert.deepStrictEqual(yield* journal.signals("w", 0), signals.slice(1))
        assert.strictEqual((yield* journal.signals("v", 0)).length, 1)
        yield* commit({ taken: [first!.id] })
        assert.deepStrictEqual(yield* journal.signals("w", 0), signals.slice(1))
      })
    )

    test(
      "survive a generation",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("w")], steps: [stepRow("w", "a")], signals: [signal("w", "A")] })
        yield* commit({
          workflows: [workflowRow("w", { generation: 2, firstPayload: "1" })],
          over: [{ workflowId: "w", generation: 1 }]
        })
        const signals = yield* journal.signals("w", 0)
        assert.deepStrictEqual(withoutIds(signals), [signal("w", "A")])
        assert.deepStrictEqual(
          Option.map(yield* journal.history("w"), (history) => history.signals),
          Option.some(signals)
        )
      })
    )
  })

  describe("send", () => {
    test(
      "appends the signal and a request that says so, and returns the workflow",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        const rows = (["Pending", "Running", "Paused", "Suspended"] as const).map((status) =>
          workflowRow(status, { status })
        )
        yield* commit({ created: rows })
        const change = yield* journal.lastChange
        for (const row of rows) {
          const sent = signal(row.id, "Approved", { at: 7 })
          assert.deepStrictEqual(yield* journal.send(sent), Option.some(row))
          assert.deepStrictEqual(withoutIds(yield* journal.signals(row.id, 0)), [sent])
        }
        assert.deepStrictEqual(
          (yield* journal.requests).map(({ id: _, ...asked }) => asked),
          rows.map(({ id }) => request(id, { kind: "Signal", at: 7 }))
        )
        assert.strictEqual(yield* journal.lastChange, change)
      })
    )

    test(
      "writes nothing if the workflow has ended, or does not exist",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        const rows = (["Completed", "Failed", "Cancelled"] as const).map((status) => workflowRow(status, { status }))
        yield* commit({ created: rows })
        for (const row of rows) {
          assert.deepStrictEqual(yield* journal.send(signal(row.id, "Approved")), Option.some(row))
          assert.deepStrictEqual(yield* journal.signals(row.id, 0), [])
        }
        assert.deepStrictEqual(yield* journal.send(signal("missing", "Approved")), Option.none())
        assert.deepStrictEqual(yield* journal.signals("missing", 0), [])
        assert.deepStrictEqual(yield* journal.requests, [])
      })
    )

    test(
      "is heard by who listens for requests",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("w")] })
        const emitted = yield* Queue.unbounded<void>()
        yield* Effect.forkScoped(
          Stream.runForEach(Bell.stream(journal.requested), () => Queue.offer(emitted, undefined))
        )
        yield* Queue.take(emitted)
        yield* journal.send(signal("w", "Approved"))
        yield* Queue.take(emitted)
        assert.strictEqual((yield* journal.requests).length, 1)
      })
    )
  })

  describe("a generation that is over", () => {
    test(
      "loses its steps and their attempts, and keeps its executions",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        const second = {
          executions: [executionRow("w", { generation: 2 })],
          steps: [stepRow("w", "a", { generation: 2 })],
          openStepExecutions: [stepExecutionRow("w", "a", { generation: 2 })]
        }
        const other = {
          executions: [executionRow("v")],
          steps: [stepRow("v", "a")],
          openStepExecutions: [stepExecutionRow("v", "a")]
        }
        const execution = executionRow("w", { status: "ContinuedAsNew", finishedAt: 9 })
        yield* commit({
          executions: [executionRow("w"), ...other.executions],
          steps: [stepRow("w", "a"), stepRow("w", "b"), ...other.steps],
          stepExecutions: [stepExecutionRow("w", "a"), ...other.openStepExecutions]
        })
        yield* commit({
          workflows: [workflowRow("w", { generation: 2 })],
          executions: [execution, ...second.executions],
          // What is written with it is forgotten too.
          steps: [stepRow("w", "c"), ...second.steps],
          stepExecutions: [stepExecutionRow("w", "b"), ...second.openStepExecutions],
          over: [{ workflowId: "w", generation: 1 }, { workflowId: "missing", generation: 1 }]
        })
        assert.deepStrictEqual(yield* journal.recorded("w", 1), {
          executions: [execution],
          steps: [],
          openStepExecutions: []
        })
        assert.deepStrictEqual(yield* journal.recorded("w", 2), second)
        assert.deepStrictEqual(yield* journal.recorded("v", 1), other)
        assert.deepStrictEqual(
          Option.map(yield* journal.history("w"), ({ executions, stepExecutions, steps }) => ({
            executions,
            steps,
            stepExecutions
          })),
          Option.some({
            executions: [execution, ...second.executions],
            steps: second.steps,
            stepExecutions: second.openStepExecutions
          })
        )
      })
    )
  })
}
