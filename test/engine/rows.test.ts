import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import * as Row from "../../src/engine/rows.ts"
import type { StepKind, StepStatus, WorkflowStatus } from "../../src/Info.ts"
import type { StepRow } from "../../src/Journal.ts"
import * as Outcome from "../../src/Outcome.ts"
import { stepExecutionRow, stepRow, workflowRow } from "../support/journalRows.ts"

const asked = { kind: "Activity", name: "ChargeCard", payload: "1" } as const

describe("the next execution", () => {
  const table: ReadonlyArray<readonly [what: string, kept: boolean, row: Partial<StepRow>]> = [
    ["an activity that is completed", true, { status: "Completed", seq: 1 }],
    ["a side effect that is completed", true, { kind: "SideEffect", status: "Completed", seq: 1 }],
    ["a sub-workflow that is completed", true, { kind: "Workflow", status: "Completed", seq: 1 }],
    ["a saga that is completed", true, { kind: "Saga", status: "Completed" }],
    ["a sleep with a key that is over", true, { kind: "Timer", status: "Completed", seq: 1 }],
    ["an implicit timer", false, { kind: "Timer", path: "~sleep/a/1", status: "Completed", seq: 1 }],
    ["an undo that is completed", false, { status: "Completed", undo: true, seq: 1 }],
    ["a saga that is undone", false, { kind: "Saga", status: "Compensated" }],
    ["a saga that failed", false, { kind: "Saga", status: "Failed" }],
    ["a saga that is under way", false, { kind: "Saga", status: "Running" }],
    ["a saga that is being undone", false, { kind: "Saga", status: "Compensating" }],
    ...(["Pending", "Running", "Retrying", "Failed", "Cancelled", "Compensated"] as const).map((status) =>
      [`an activity that is ${status}`, false, { status }] as const
    )
  ]
  for (const [what, kept, more] of table) {
    it(`${kept ? "keeps" : "does not keep"} ${what}`, () => {
      const row = stepRow("w", "a", more)
      assert.deepStrictEqual(Row.reset([row]), kept ? [] : [Row.resetStep(row)])
    })
  }

  it("asks a step again as if for the first time, but for its attempts; what was completed gets another round", () => {
    const before = stepRow("w", "a", {
      status: "Failed",
      outcome: "x",
      seq: 4,
      at: 5,
      attempts: 3,
      round: 1,
      wakeAt: 9,
      undo: true
    })
    const after = {
      status: "Pending",
      outcome: null,
      seq: null,
      at: null,
      wakeAt: null,
      undo: false,
      firstAttempt: 4
    } as const
    assert.deepStrictEqual(Row.resetStep(before), { ...before, ...after })
    for (const status of ["Completed", "Compensated"] as const) {
      assert.deepStrictEqual(Row.resetStep({ ...before, status }), { ...before, ...after, round: 2 })
    }
  })

  const anyRow = fc.record({
    status: fc.constantFrom<StepStatus>(
      "Pending",
      "Running",
      "Retrying",
      "Waiting",
      "Completed",
      "Failed",
      "Cancelled",
      "Compensating",
      "Compensated"
    ),
    kind: fc.constantFrom<StepKind>("Activity", "SideEffect", "Saga", "Timer", "Workflow"),
    undo: fc.boolean(),
    attempts: fc.nat(5)
  }).map((row) => stepRow("w", "a", row))

  it.prop("has nothing more to reset after a reset, that would have another round", [fc.array(anyRow)], ([rows]) => {
    const once = Row.reset(rows)
    const twice = Row.reset(once)
    assert.deepStrictEqual(twice, once)
  })
})

describe("a step that is asked for", () => {
  const workflow = workflowRow("w", { attempt: 2, generation: 3 })

  it("for the first time, has no past", () => {
    assert.deepStrictEqual(
      Row.stepAsked(workflow, "a", asked, true, undefined),
      stepRow("w", "a", {
        ...asked,
        generation: 3,
        status: "Pending",
        attempt: 2,
        attempts: 0,
        round: 0,
        firstAttempt: 1,
        undo: true
      })
    )
  })

  it("and was pending, keeps its attempts, and the time at which it is due under the same payload", () => {
    for (const status of ["Waiting", "Retrying"] as const) {
      const before = stepRow("w", "a", { ...asked, status, attempts: 2, firstAttempt: 2, wakeAt: 77 })
      const again = Row.stepAsked(workflow, "a", asked, false, before)
      assert.deepInclude(again, { attempts: 2, firstAttempt: 2, wakeAt: 77, round: 0 })
      assert.strictEqual(Row.stepAsked(workflow, "a", { ...asked, payload: "2" }, false, before).wakeAt, null)
    }
    const ran = stepRow("w", "a", { ...asked, status: "Running", attempts: 2, wakeAt: 77 })
    assert.strictEqual(Row.stepAsked(workflow, "a", asked, false, ran).wakeAt, null)
  })

  it("in place of an outcome, begins a round, and its policy anew", () => {
    const before = stepRow("w", "a", {
      ...asked,
      status: "Completed",
      seq: 3,
      at: 4,
      outcome: "x",
      attempts: 2,
      round: 1
    })
    assert.deepInclude(Row.stepAsked(workflow, "a", { ...asked, payload: "2" }, false, before), {
      payload: "2",
      status: "Pending",
      outcome: null,
      seq: null,
      at: null,
      attempts: 2,
      round: 2,
      firstAttempt: 3
    })
  })
})

describe("an outcome", () => {
  it("is written into the row, and read from it", () => {
    const row = stepRow("w", "a", { status: "Retrying", wakeAt: 5 })
    for (
      const outcome of [
        Outcome.Success({ value: "1" }),
        Outcome.Success({ value: null }),
        Outcome.Failure({ cause: "{}" })
      ]
    ) {
      const ended = Row.stepEnded(row, outcome, 8, 9)
      assert.deepInclude(ended, {
        seq: 8,
        at: 9,
        wakeAt: null,
        status: outcome._tag === "Success" ? "Completed" : "Failed"
      })
      assert.deepStrictEqual(Row.outcomeOf(ended), outcome)
    }
  })

  it("of a step that was undone is still its success; a failure without a cause is an empty one", () => {
    assert.deepStrictEqual(
      Row.outcomeOf(stepRow("w", "a", { status: "Compensated", outcome: "1" })),
      Outcome.Success({ value: "1" })
    )
    assert.deepStrictEqual(
      Row.outcomeOf(stepRow("w", "a", { status: "Failed" })),
      Outcome.Failure({ cause: "{\"_tag\":\"Empty\"}" })
    )
  })

  it("of a timer keeps the time at which it fired", () => {
    const row = stepRow("w", "a", { kind: "Timer", status: "Waiting", wakeAt: 5 })
    assert.strictEqual(Row.stepEnded(row, Outcome.Success({ value: null }), 1, 6).wakeAt, 5)
  })

  it("of an attempt has a time, and an error", () => {
    const row = stepExecutionRow("w", "a")
    assert.deepStrictEqual(Row.executionEnded(row, "TimedOut", 3, "e"), {
      ...row,
      status: "TimedOut",
      finishedAt: 3,
      error: "e"
    })
  })
})

it("a workflow has ended when it is Completed, Failed or Cancelled, and not when it is anything else", () => {
  const ended: ReadonlyArray<WorkflowStatus> = ["Completed", "Failed", "Cancelled"]
  const others: ReadonlyArray<WorkflowStatus> = ["Pending", "Running", "Paused", "Suspended"]
  for (const status of [...ended, ...others]) {
    assert.strictEqual(Row.hasEnded(workflowRow("w", { status })), ended.includes(status))
  }
})
