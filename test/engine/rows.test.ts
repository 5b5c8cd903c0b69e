import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import * as Row from "../../src/engine/rows.ts"
import { StepKind, StepStatus, type WorkflowStatus } from "../../src/Info.ts"
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
    ["a signal that was taken", true, { kind: "Signal", status: "Completed", seq: 1 }],
    ["a wait for a signal", false, { kind: "Signal", status: "Waiting" }],
    ["a signal that was sent", true, { kind: "Send", status: "Completed", seq: 1 }],
    ["a signal that could not be sent", false, { kind: "Send", status: "Failed", seq: 1 }],
    ["an independent workflow that was started", true, { kind: "Detach", status: "Completed", seq: 1 }],
    ["a version", true, { kind: "Version", status: "Completed", seq: 1 }],
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
    status: fc.constantFrom(...StepStatus.literals),
    kind: fc.constantFrom(...StepKind.literals),
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

describe("a wait for a signal", () => {
  it("ends with what it has taken, nothing and null included, or with that it is too late", () => {
    assert.deepStrictEqual(Row.taken(null), Outcome.Success({ value: "{}" }))
    assert.deepStrictEqual(Row.taken("null"), Outcome.Success({ value: "{\"payload\":null}" }))
    assert.deepStrictEqual(Row.taken("{\"n\":1}"), Outcome.Success({ value: "{\"payload\":{\"n\":1}}" }))
    assert.deepStrictEqual(Row.tooLate, Outcome.Success({ value: null }))
  })

  const anyPayload: fc.Arbitrary<string | null> = fc.option(fc.json())

  it.prop("has never taken what looks as if it had come too late", [anyPayload], ([payload]) => {
    assert.notDeepEqual(Row.taken(payload), Row.tooLate)
  })

  it.prop("has taken different things where different things were sent", [anyPayload, anyPayload], ([x, y]) => {
    assert.strictEqual(x === y, JSON.stringify(Row.taken(x)) === JSON.stringify(Row.taken(y)))
  })
})

describe("a step is skipped", () => {
  it("when it has no outcome, or, of a workflow that is held, when it failed or was skipped before", () => {
    for (const kind of StepKind.literals) {
      for (const status of StepStatus.literals) {
        for (const origin of ["Executed", "Skipped", "Forked"] as const) {
          for (const isHeld of [false, true]) {
            const ended = stepRow("w", "a", { kind, status, origin, seq: 1 })
            const isFailed = status === "Failed" || origin === "Skipped"
            assert.strictEqual(Row.isSkippable(ended, isHeld), kind !== "Saga" && isHeld && isFailed)
            assert.strictEqual(Row.isSkippable({ ...ended, seq: null }, isHeld), kind !== "Saga")
          }
        }
      }
    }
  })

  const value = "{\"n\":1}"
  const table: ReadonlyArray<readonly [what: string, row: Partial<StepRow>, value: string | null, Outcome.Outcome]> = [
    ["an activity, with its success", {}, value, Outcome.Success({ value })],
    ["an activity, with nothing", {}, null, Outcome.Success({ value: null })],
    ["a timer, with whatever is given", { kind: "Timer", payload: "{}" }, value, Outcome.Success({ value: null })],
    ["a wait for a signal, with its payload", { kind: "Signal" }, value, Row.taken(value)],
    ["a wait for a signal, with nothing", { kind: "Signal" }, null, Row.taken(null)],
    ["a wait within a time, with a payload", { kind: "Signal", payload: "{\"millis\":1}" }, value, Row.taken(value)],
    ["a wait within a time, with nothing: it is over", { kind: "Signal", payload: "{\"millis\":1}" }, null, Row.tooLate]
  ]
  for (const [what, row, value, outcome] of table) {
    it(what, () => {
      assert.deepStrictEqual(Row.skippedWith(stepRow("w", "a", row), value), outcome)
    })
  }
})

describe("a fork", () => {
  const done = {
    status: "Completed",
    outcome: "1",
    attempts: 3,
    round: 2,
    firstAttempt: 3,
    attempt: 2,
    generation: 4
  } as const
  const rows = [
    stepRow("w", "a", { ...done, seq: 1 }),
    stepRow("w", "b", { ...done, seq: 2, status: "Failed" }),
    stepRow("w", "undone", { ...done, seq: 3, status: "Compensated" }),
    stepRow("w", "undo", { ...done, seq: 4, undo: true }),
    stepRow("w", "saga", { ...done, kind: "Saga", seq: null }),
    stepRow("w", "running", { status: "Running" }),
    stepRow("w", "c", { ...done, seq: 5 }),
    stepRow("w", "d", { ...done, seq: 6 })
  ]
  const paths = (before: number | null) => Row.forked(rows, "new", before).map(({ path }) => path)

  it("begins with what was recorded before a place, but for what was undone", () => {
    assert.deepStrictEqual(paths(5), ["a", "b"])
    assert.deepStrictEqual(paths(1), [])
  })

  it("of a step without an outcome begins with everything that was recorded", () => {
    assert.deepStrictEqual(paths(null), ["a", "b", "c", "d"])
  })

  it("has them as outcomes of an older execution, with attempts of its own to come", () => {
    for (const row of Row.forked(rows, "new", null)) {
      assert.deepInclude(row, {
        workflowId: "new",
        generation: 1,
        attempt: 0,
        attempts: 0,
        round: 0,
        firstAttempt: 1,
        origin: "Forked",
        outcome: "1"
      })
    }
    assert.deepStrictEqual(Row.forked(rows, "new", null).map(({ seq }) => seq), [1, 2, 5, 6])
  })
})

describe("a workflow", () => {
  const ended = workflowRow("w", {
    status: "Cancelled",
    reason: "why",
    attempt: 3,
    firstAttempt: 2,
    generation: 2,
    outcome: "x",
    startedAt: 4,
    finishedAt: 5,
    wakeAt: 6,
    cancelSeq: 7,
    cancelAt: 8,
    unusedOutcomes: 9
  })

  it("that is retried by hand has a new execution, its policy anew, and its end is forgotten", () => {
    assert.deepStrictEqual(Row.retried(ended), {
      ...ended,
      status: "Pending",
      reason: null,
      attempt: 4,
      firstAttempt: 4,
      outcome: null,
      finishedAt: null,
      wakeAt: null,
      cancelSeq: null,
      cancelAt: null
    })
  })

  it("that continues as new begins its next generation with nothing but its payload", () => {
    const row = workflowRow("w", { payload: "1", attempt: 3, firstAttempt: 2, startedAt: 4, unusedOutcomes: 9 })
    assert.deepStrictEqual(Row.continued(row, "2"), {
      ...row,
      payload: "2",
      firstPayload: "1",
      generation: 2,
      attempt: 1,
      firstAttempt: 1,
      startedAt: null,
      unusedOutcomes: 0
    })
  })

  it("that continues as new takes a cancel along, as the first thing of the next generation, and a pause", () => {
    const row = workflowRow("w", { status: "Paused", cancelSeq: 77, cancelAt: 5 })
    assert.deepInclude(Row.continued(row, null), { status: "Paused", cancelSeq: 1, cancelAt: 5 })
  })

  it("was started with its first payload, in whichever generation it is, though that was nothing", () => {
    for (const first of ["1", null]) {
      let row = workflowRow("w", { payload: first })
      assert.strictEqual(Row.startedWith(row), first)
      for (const next of ["2", null, "3"]) {
        row = Row.continued(row, next)
        assert.strictEqual(Row.startedWith(row), first)
        assert.strictEqual(row.payload, next)
      }
      assert.strictEqual(row.generation, 4)
    }
  })
})

it("a workflow has ended when it is Completed, Failed or Cancelled, and not when it is anything else", () => {
  const ended: ReadonlyArray<WorkflowStatus> = ["Completed", "Failed", "Cancelled"]
  const others: ReadonlyArray<WorkflowStatus> = ["Pending", "Running", "Paused", "Suspended"]
  for (const status of [...ended, ...others]) {
    assert.strictEqual(Row.hasEnded(workflowRow("w", { status })), ended.includes(status))
  }
})
