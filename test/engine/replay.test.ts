import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import {
  Answer,
  type Asked,
  decide,
  type Decision,
  isImplicitTimer,
  look,
  type Quiescent
} from "../../src/engine/replay.ts"
import { StepKind, type StepStatus } from "../../src/Info.ts"
import { stepRow } from "../support/journalRows.ts"

const asked = (more: Partial<Asked> = {}): Asked => ({ kind: "Activity", name: "ChargeCard", payload: "1", ...more })

describe("what the journal answers to a step", () => {
  const kinds: ReadonlyArray<StepKind> = StepKind.literals
  const statuses: ReadonlyArray<StepStatus> = ["Pending", "Running", "Retrying", "Waiting", "Cancelled", "Compensating"]

  it("that it has not, is to be started", () => {
    assert.deepStrictEqual(look(undefined, asked(), 1), Answer.Missing({ again: false }))
  })

  it("that has the same question and an outcome, has its place, in whichever execution it was recorded", () => {
    for (const kind of kinds) {
      for (const status of ["Completed", "Failed", "Compensated"] as const) {
        for (const attempt of [1, 2]) {
          const row = stepRow("w", "a", { kind, payload: "1", status, seq: 7, attempt })
          assert.deepStrictEqual(look(row, asked({ kind }), 2), Answer.Recorded({ seq: 7 }))
        }
      }
    }
  })

  it("that has the same question and no outcome, is to be started, whatever had become of it", () => {
    for (const kind of kinds) {
      for (const status of statuses) {
        const row = stepRow("w", "a", { kind, payload: "1", status, seq: null })
        assert.deepStrictEqual(look(row, asked({ kind }), 1), Answer.Missing({ again: false }))
      }
    }
  })

  it("of another kind or name, disagrees, with or without an outcome, in every execution; it says what was and what is", () => {
    for (const seq of [null, 3]) {
      for (const attempt of [1, 2]) {
        for (const other of [{ kind: "SideEffect" }, { name: "RefundCard" }] as const) {
          const answer = look(stepRow("w", "a", { payload: "1", seq, attempt: 1 }), asked(other), attempt)
          assert.strictEqual(answer._tag, "Diverged")
          if (answer._tag !== "Diverged") continue
          assert.include(answer.message, "recorded was Activity \"ChargeCard\"")
          assert.include(answer.message, `asked for is ${asked(other).kind} "${asked(other).name}"`)
          assert.include(answer.message, "a key of its own")
        }
      }
    }
  })

  const table: ReadonlyArray<
    readonly [
      what: string,
      kind: StepKind,
      status: StepStatus,
      seq: number | null,
      older: boolean,
      answer: Answer["_tag"],
      again?: boolean
    ]
  > = [
    ["an outcome of this execution", "Activity", "Completed", 3, false, "Diverged"],
    ["a failure of this execution", "Activity", "Failed", 3, false, "Diverged"],
    ["an attempt of this execution that runs", "Activity", "Running", null, false, "Diverged"],
    ["a retry of this execution that waits", "Activity", "Retrying", null, false, "Diverged"],
    ["an outcome of an older execution", "Activity", "Completed", 3, true, "Missing", true],
    ["an outcome of an older execution, of a child", "Workflow", "Completed", 3, true, "Missing", true],
    ["what an older execution had begun", "Activity", "Running", null, true, "Missing", false],
    ["a step that was reset", "Activity", "Pending", null, false, "Missing", false],
    ["a timer that waits", "Timer", "Waiting", null, false, "Missing", false],
    ["a timer that was given up", "Timer", "Cancelled", null, false, "Missing", false],
    ["a timer that has fired", "Timer", "Completed", 3, false, "Diverged"],
    ["a timer that has fired in an older execution", "Timer", "Completed", 3, true, "Missing", true],
    ["a wait for a signal", "Signal", "Waiting", null, false, "Missing", false],
    ["a wait that was given up", "Signal", "Cancelled", null, false, "Missing", false],
    ["a wait that has taken a signal", "Signal", "Completed", 3, false, "Diverged"],
    ["a wait of an older execution that has taken one", "Signal", "Completed", 3, true, "Missing", true],
    ["a signal that is on its way to another workflow", "Send", "Cancelled", null, false, "Diverged"],
    ["a signal that was sent to another workflow", "Send", "Completed", 3, false, "Diverged"],
    ["an independent workflow that was started", "Detach", "Completed", 3, false, "Diverged"]
  ]
  for (const [what, kind, status, seq, older, answer, again] of table) {
    it(`under another payload: ${what} is ${answer}`, () => {
      const row = stepRow("w", "a", { kind, status, seq, payload: "recorded", attempt: 1 })
      const found = look(row, asked({ kind, payload: "asked" }), older ? 2 : 1)
      assert.strictEqual(found._tag, answer)
      if (found._tag === "Missing") assert.strictEqual(found.again, again)
      if (found._tag === "Diverged") {
        assert.include(found.message, "recorded with the payload recorded")
        assert.include(found.message, "asked for with asked")
      }
    })
  }

  it("shows no payload, and the beginning of a long one", () => {
    const answer = look(stepRow("w", "a", { payload: null, seq: 1 }), asked({ payload: "x".repeat(5_000) }), 1)
    assert.isTrue(answer._tag === "Diverged")
    if (answer._tag !== "Diverged") return
    assert.include(answer.message, "nothing")
    assert.include(answer.message, "(5000 characters)")
    assert.isBelow(answer.message.length, 1_000)
  })

  it("an implicit timer is known by its path", () => {
    assert.isTrue(isImplicitTimer({ path: "~sleep/a/1" }))
    for (const path of ["sleep/1", "a/~sleep/1", "\\~sleep/1", "~exit"]) assert.isFalse(isImplicitTimer({ path }))
  })
})

describe("what happens next when every fiber waits", () => {
  const nothing: Quiescent = {
    paused: false,
    next: undefined,
    cancel: undefined,
    unread: false,
    signal: false,
    ended: false,
    startable: 0,
    ending: 0,
    pending: 0
  }
  const table: ReadonlyArray<readonly [Partial<Quiescent>, Decision]> = [
    [{}, "Stuck"],
    [{ pending: 1 }, "Wait"],
    [{ startable: 1 }, "Start"],
    [{ startable: 1, pending: 1 }, "Start"],
    [{ startable: 1, ending: 1 }, "Wait"],
    [{ ending: 1 }, "Wait"],
    [{ next: 1 }, "Deliver"],
    [{ next: 1, startable: 1, ending: 1, pending: 1 }, "Deliver"],
    [{ next: 1, ended: true }, "Deliver"],
    [{ cancel: 1 }, "Cancel"],
    [{ cancel: 1, startable: 1, ending: 1, pending: 1 }, "Cancel"],
    [{ cancel: 1, next: 2 }, "Cancel"],
    [{ cancel: 2, next: 1 }, "Deliver"],
    [{ ended: true }, "End"],
    [{ ended: true, pending: 1, startable: 1 }, "End"],
    [{ ended: true, ending: 1 }, "Wait"],
    [{ unread: true, pending: 1 }, "Read"],
    [{ unread: true, signal: true, startable: 1, ending: 1 }, "Read"],
    [{ unread: true, next: 1 }, "Deliver"],
    [{ unread: true, cancel: 1 }, "Cancel"],
    [{ signal: true, pending: 1 }, "Take"],
    [{ signal: true, startable: 1, ending: 1 }, "Take"],
    [{ signal: true, next: 1 }, "Deliver"],
    [{ signal: true, cancel: 1 }, "Cancel"],
    [{ paused: true }, "Wait"],
    [{ paused: true, next: 1, cancel: 2, startable: 1 }, "Wait"],
    [{ paused: true, startable: 1, ending: 1, ended: true }, "Wait"],
    [{ paused: true, unread: true, signal: true, pending: 1 }, "Read"],
    [{ paused: true, signal: true, startable: 1 }, "Take"],
    [{ paused: true, next: 1, unread: true }, "Wait"],
    [{ paused: true, next: 1, signal: true }, "Wait"],
    [{ paused: true, cancel: 1, unread: true, signal: true }, "Wait"]
  ]
  for (const [state, decision] of table) {
    it(`${JSON.stringify(state)}: ${decision}`, () => {
      assert.strictEqual(decide({ ...nothing, ...state }), decision)
    })
  }

  const seq = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })
  const count = fc.integer({ min: 0, max: 2 })
  const anyState = fc.record({
    paused: fc.boolean(),
    next: seq,
    cancel: seq,
    unread: fc.boolean(),
    signal: fc.boolean(),
    ended: fc.boolean(),
    startable: count,
    ending: count,
    pending: count
  })
    .filter(({ cancel, next }) => cancel === undefined || cancel !== next)

  it.prop("the smallest place is delivered, and nothing starts before", [anyState], ([state]) => {
    const decision = decide(state)
    if (state.paused) {
      const mayTake = state.next === undefined && state.cancel === undefined
      return decision === (mayTake && state.unread ? "Read" : mayTake && state.signal ? "Take" : "Wait")
    }
    const least = Math.min(state.next ?? Number.POSITIVE_INFINITY, state.cancel ?? Number.POSITIVE_INFINITY)
    if (Number.isFinite(least)) return decision === (least === state.cancel ? "Cancel" : "Deliver")
    if (state.unread || state.signal) return decision === (state.unread ? "Read" : "Take")
    if (decision === "Start") return state.ending === 0 && !state.ended
    if (decision === "Stuck") return state.startable + state.ending + state.pending === 0 && !state.ended
    return decision === "Wait" || (decision === "End" && state.ending === 0 && state.ended)
  })
})
