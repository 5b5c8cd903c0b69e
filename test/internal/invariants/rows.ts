/**
 * The laws of rows: for each, rows that break it and only it.
 */
import { assert, describe, it } from "vitest"
import * as Invariants from "../../../src/internal/invariants.ts"
import { laws } from "../../../src/internal/rowLaws.ts"
import { executionRow, signal, stepExecutionRow, stepRow } from "../../support/journalRows.ts"
import {
  at,
  attempt,
  both,
  brokenBy,
  type Case,
  continued,
  ended,
  execution,
  failed,
  failure,
  forked,
  more,
  recorded,
  running,
  step,
  without,
  withoutExecution,
  workflow
} from "./histories.ts"

const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  "workflow-status": [
    ["an end without the time of it", failed, workflow({ finishedAt: null })],
    ["the time of an end that there is not", running, workflow({ finishedAt: at(99) })],
    ["an outcome before the end", running, workflow({ outcome: "1" })],
    ["a failure without a cause", failed, workflow({ outcome: null })],
    ["a suspension without a reason", running, workflow({ status: "Suspended" })],
    ["an end with the reason of a suspension", failed, workflow({ reason: "{}" })],
    ["an end, and an execution that is due", failed, workflow({ wakeAt: at(99) })],
    ["an end, and a sleep", failed, workflow({ sleepsUntil: at(99) })]
  ],
  "pairs": [
    ["a parent without the step", running, workflow({ parentId: "p" })],
    ["the step of no parent", running, workflow({ parentPath: "p" })],
    ["a source without the step", running, workflow({ forkedId: "v" })],
    ["the time of no cancel", running, workflow({ cancelAt: at(1) })],
    ["a place without a time", running, step("charge", { at: null }), "charge"],
    ["a time without a place", running, step("ship", { at: at(1) }), "ship"]
  ],
  "generations": [
    ["an execution of a generation to come", running, more({ executions: [executionRow("w", { generation: 2 })] })],
    ["a generation before it that is missing", continued, withoutExecution(1)],
    ["a generation before it that failed", continued, execution(1, { status: "Failed", error: failure })],
    ["a step of a generation that is over", continued, more({ steps: [recorded("charge", 1)] }), "charge"],
    ["an attempt of a generation that is over", continued, more({ stepExecutions: [ended("charge", 1)] }), "charge"],
    ["what it began with, in its first generation", running, workflow({ firstPayload: "1" })]
  ],
  "executions": [
    ["a number that is missing", failed, withoutExecution(1)],
    ["a running one with an end", running, execution(1, { finishedAt: at(1) })],
    ["a failed one without an end", failed, execution(1, { finishedAt: null })],
    ["a failed one without an error", failed, execution(1, { error: null })],
    ["a running one with an error", running, execution(1, { error: failure })],
    ["one that completed, and another after it", failed, execution(1, { status: "Completed", error: null })]
  ],
  "agreement": [
    ["an end whose execution is cancelled", failed, execution(2, { status: "Cancelled", error: null })],
    ["a running workflow whose execution has ended", running, execution(1, { status: "Cancelled", finishedAt: at(9) })],
    ["an end without the execution", { ...failed, steps: [], stepExecutions: [] }, withoutExecution(2)],
    [
      "more executions than it is in",
      failed,
      more({ executions: [executionRow("w", { attempt: 3, status: "Failed", error: failure, finishedAt: at(95) })] })
    ],
    ["fewer executions than it is in", running, workflow({ attempt: 3 })],
    ["retries that count from an execution to come", running, workflow({ firstAttempt: 2 })],
    ["a pending workflow whose execution has begun", running, workflow({ status: "Pending" })],
    ["an execution that has begun, and is due", running, workflow({ wakeAt: at(9) })]
  ],
  "order": [
    ["one place twice", running, step("drawn", { seq: 1, at: at(11) }), "drawn"],
    ["the place of the cancel", failed, step("charge", { seq: 3 }), "charge"],
    ["a place before the first", running, step("charge", { seq: 0 }), "charge"],
    ["a place that is missing", running, step("cool-down", { seq: 7 })],
    ["a cancel behind a gap", running, workflow({ cancelSeq: 9, cancelAt: at(20) })]
  ],
  "outcomes": [
    ["a timer that is tried again", running, step("nap", { status: "Retrying" }), "nap"],
    ["a saga in the order", running, step("trip", { seq: 6, at: at(20) }), "trip"],
    ["an outcome without a place", running, step("cool-down", { seq: null, at: null }), "cool-down"],
    ["a place without an outcome", running, step("word", { seq: 6, at: at(20) }), "word"],
    ["a place before the first attempt", running, step("word", { origin: "Skipped" }), "word"],
    ["a failure without a cause", running, step("trip/flight", { outcome: null }), "trip/flight"],
    ["an outcome while it runs", running, step("pack", { outcome: "1" }), "pack"],
    ["an outcome of an execution to come", running, step("charge", { attempt: 2 }), "charge"],
    ["an outcome from elsewhere", running, step("approval", { origin: "Forked" }), "approval"]
  ],
  "wake-ups": [
    ["a timer that never fires", running, step("nap", { wakeAt: null }), "nap"],
    ["a retry that never comes", running, step("ship", { wakeAt: null }), "ship"],
    ["a wait with a deadline that never passes", running, step("word", { payload: "{\"millis\":1}" }), "word"],
    ["a wait without a deadline that passes", running, step("word", { wakeAt: at(60) }), "word"],
    ["an attempt that runs, and is due", running, step("pack", { wakeAt: at(60) }), "pack"],
    ["an outcome that is due", running, step("charge", { wakeAt: at(60) }), "charge"]
  ],
  "attempts": [
    ["one that is missing", running, without("charge", 1), "charge"],
    ["one that is not counted", running, step("drawn", { attempts: 0 }), "drawn"],
    ["one too many", running, step("pack", { attempts: 2 }), "pack"],
    ["retries that count from one far to come", running, step("ship", { firstAttempt: 3 }), "ship"],
    ["a success that was lost", running, attempt("charge", 2, { status: "Lost" }), "charge"],
    [
      "a failure that succeeded",
      running,
      attempt("trip/flight", 1, { status: "Completed", error: null }),
      "trip/flight"
    ],
    ["two successes", running, attempt("charge", 1, { status: "Completed", error: null }), "charge"],
    ["two successes of one round", failed, step("charge", { round: 0 }), "charge"],
    ["an undo that has succeeded twice in one round", failed, step("u-charge", { round: 0 }), "u-charge"],
    [
      "a step that runs without one that does",
      running,
      attempt("pack", 1, { status: "Cancelled", finishedAt: at(2) }),
      "pack"
    ],
    ["one that runs behind a step that does not", running, step("pack", { status: "Cancelled" }), "pack"],
    [
      "one that runs, and another after it",
      running,
      attempt("charge", 1, { status: "Running", finishedAt: null, error: null }),
      "charge"
    ],
    [
      "one that runs behind the end",
      failed,
      both(
        more({ steps: [stepRow("w", "late")], stepExecutions: [stepExecutionRow("w", "late")] })
      ),
      "late"
    ],
    ["a retry without a failure", running, attempt("ship", 1, { status: "Lost", error: null }), "ship"],
    ["one that runs, with an end", running, attempt("pack", 1, { finishedAt: at(2) }), "pack"],
    ["one that failed, without an error", running, attempt("ship", 1, { error: null }), "ship"],
    ["one that succeeded, with an error", running, attempt("drawn", 1, { error: failure }), "drawn"],
    ["one of an execution to come", running, attempt("charge", 2, { workflowAttempt: 2 }), "charge"],
    [
      "one of an execution before the last",
      failed,
      both(
        attempt("charge", 1, { workflowAttempt: 2 }),
        attempt("charge", 3, { workflowAttempt: 1 })
      ),
      "charge"
    ],
    ["those of a timer", running, more({ stepExecutions: [ended("nap", 1)] }), "nap"],
    ["those of no step", running, more({ stepExecutions: [ended("gone", 1)] }), "gone"]
  ],
  "times": [
    ["a begin before the creation", running, workflow({ startedAt: at(-1) })],
    ["an end before the begin", failed, workflow({ finishedAt: at(-1) })],
    ["an execution that ends before it begins", failed, execution(1, { finishedAt: at(-1) })],
    ["an attempt that ends before it begins", running, attempt("drawn", 1, { finishedAt: at(-1) }), "drawn"],
    ["an outcome before the one before it", running, step("drawn", { at: at(1) }), "drawn"]
  ],
  "json": [
    ["the payload of the workflow", running, workflow({ payload: "{" })],
    ["its first payload", continued, workflow({ firstPayload: "{" })],
    ["its outcome", failed, workflow({ outcome: "no" })],
    ["its reason", running, workflow({ reason: "no" })],
    ["the error of an execution", failed, execution(1, { error: "" })],
    ["the payload of a step", running, step("pack", { payload: "'" }), "pack"],
    ["the outcome of a step", running, step("charge", { outcome: "{\"a\":}" }), "charge"],
    ["the error of an attempt", running, attempt("ship", 1, { error: "no" }), "ship"],
    ["the heartbeat of an attempt", running, attempt("pack", 1, { heartbeat: "no" }), "pack"],
    ["a signal", running, more({ signals: [{ ...signal("w", "Told", { payload: "no" }), id: 2 }] })]
  ]
}

export const suite = (): void => {
  describe("the laws of rows", () => {
    for (const [name, history] of Object.entries({ running, failed, continued, forked })) {
      it(`are kept by what they should be kept by: ${name}`, () => {
        assert.deepStrictEqual(Invariants.ofHistory(history), [])
      })
    }

    it("have cases each", () => {
      assert.deepStrictEqual(Object.keys(cases), Object.keys(laws))
    })

    for (const [law, broken] of Object.entries(cases)) {
      for (const [name, history, edit, path = null] of broken) {
        it(`${law}: ${name}`, () => {
          assert.deepStrictEqual(brokenBy(Invariants.ofHistory(edit(history))), {
            laws: [law],
            paths: [path],
            ids: ["w"]
          })
        })
      }
    }
  })
}
