/**
 * The laws of changes: for each, what breaks it and only it; and what the engine may do.
 */
import { assert, describe, it } from "vitest"
import * as Row from "../../../src/engine/rows.ts"
import { laws } from "../../../src/internal/changeLaws.ts"
import * as Invariants from "../../../src/internal/invariants.ts"
import type * as Journal from "../../../src/Journal.ts"
import { executionRow, stepRow } from "../../support/journalRows.ts"
import {
  at,
  attempt,
  both,
  brokenBy,
  type Case,
  continued,
  type Edit,
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

const pending = (round: number): Partial<Journal.StepRow> => ({
  status: "Pending",
  outcome: null,
  seq: null,
  at: null,
  wakeAt: null,
  round
})

/** What the rows become in a commit, and where it is found that they may not. */
const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  "workflow-changes": [
    ["another name", running, workflow({ name: "Other" })],
    ["another parent", running, workflow({ parentId: "p", parentPath: "p" })],
    ["another creation", running, workflow({ createdAt: at(1) })],
    ["another payload", running, workflow({ payload: "1" })],
    ["another begin", running, workflow({ startedAt: at(1) })],
    ["a generation back", continued, workflow({ generation: 1, payload: "1", firstPayload: "2" })],
    ["other first words in the next generation", continued, workflow({ generation: 3, firstPayload: "2" })],
    ["an execution back", both(workflow({ attempt: 2 }))(running), workflow({ attempt: 1 })],
    [
      "retries that count from before",
      both(workflow({ attempt: 2, firstAttempt: 2 }))(running),
      workflow({ firstAttempt: 1 })
    ]
  ],
  "end-is-final": [
    ["another end", failed, workflow({ status: "Cancelled" })],
    ["no end any more", failed, workflow({ status: "Running", finishedAt: null, outcome: null })],
    ["another outcome", failed, workflow({ outcome: "{}" })],
    ["another time", failed, workflow({ finishedAt: at(91) })],
    [
      "the end of what was completed, for another execution",
      both(workflow({ status: "Completed" }))(failed),
      workflow({
        status: "Pending",
        attempt: 3,
        firstAttempt: 3
      })
    ],
    ["a step after the end", failed, more({ steps: [stepRow("w", "late")] }), "late"],
    ["a step that goes on after the end", failed, step("u-kept", { status: "Cancelled" }), "u-kept"]
  ],
  "cancel-is-final": [
    [
      "a cancel that is gone",
      both(workflow({ cancelSeq: 6, cancelAt: at(20) }))(running),
      workflow({ cancelSeq: null, cancelAt: null })
    ],
    [
      "a cancel in another place",
      both(workflow({ cancelSeq: 6, cancelAt: at(20) }))(running),
      workflow({ cancelSeq: 7 })
    ]
  ],
  "outcomes-are-final": [
    ["another outcome", running, step("charge", { outcome: "2" }), "charge"],
    ["another time", running, step("charge", { at: at(99) }), "charge"],
    ["another payload", running, step("charge", { payload: "2" }), "charge"],
    ["another origin", running, step("charge", { origin: "Skipped" }), "charge"],
    ["a failure in its stead", running, step("charge", { status: "Failed" }), "charge"],
    ["one that is gone", running, step("charge", pending(0)), "charge"],
    ["one that is asked for anew", running, step("charge", pending(1)), "charge"],
    [
      "an undone one that is as if it was not",
      workflow({ status: "Running" })(failed),
      step("charge", { status: "Completed" }),
      "charge"
    ],
    [
      "a kept one that is gone with the next execution",
      running,
      both(
        workflow({ attempt: 2 }),
        step("charge", pending(1))
      ),
      "charge"
    ],
    [
      "a kept one that a repair asks for",
      both(workflow({ status: "Suspended", reason: "{}" }))(running),
      step("charge", pending(1)),
      "charge"
    ]
  ],
  "order-goes-on": [
    [
      "a place between those that there are",
      both(without("drawn"))(running),
      more({
        steps: [recorded("new", 2, { attempts: 0, kind: "Version" })]
      })
    ],
    [
      "a place behind a gap",
      running,
      more({
        steps: [recorded("new", 6, { kind: "Version" }), recorded("newer", 8, { kind: "Version" })]
      })
    ],
    ["a cancel in the place of an outcome", running, workflow({ cancelSeq: 5, cancelAt: at(20) })]
  ],
  "counts-go-on": [
    ["another kind", running, step("word", { kind: "Timer" }), "word"],
    ["another name", running, step("pack", { name: "Ship" }), "pack"],
    ["fewer attempts", running, step("ship", { attempts: 0, wakeAt: at(98) }), "ship"],
    ["fewer rounds", failed, step("u-kept", { round: 0 }), "u-kept"],
    ["retries that count from before", failed, step("u-kept", { firstAttempt: 1 }), "u-kept"]
  ],
  "wake-ups-stay": [
    ["a timer that fires later", running, step("nap", { wakeAt: at(51) }), "nap"],
    ["a retry that comes later", running, step("ship", { wakeAt: at(100) }), "ship"]
  ],
  "history-stays": [
    ["an execution that is gone", failed, withoutExecution(1)],
    ["an execution that began at another time", running, execution(1, { startedAt: at(1) })],
    ["an execution that ended in another way", failed, execution(1, { status: "Cancelled", error: null })],
    ["a step that is gone", running, without("word"), "word"],
    ["an attempt that is gone", running, without("charge", 1), "charge"],
    ["an attempt that began at another time", running, attempt("pack", 1, { startedAt: at(1) }), "pack"],
    ["an attempt that ended in another way", running, attempt("charge", 1, { status: "Lost", error: null }), "charge"],
    ["an attempt of another execution", failed, attempt("charge", 2, { workflowAttempt: 1 }), "charge"]
  ]
}

const putSteps = (rows: ReadonlyArray<Journal.StepRow>): Edit => (history) => {
  const put = new Map(rows.map((row) => [row.path, row]))
  const replaced = history.steps.map((row) => put.get(row.path) ?? row)
  const known = new Set(history.steps.map(({ path }) => path))
  return { ...history, steps: [...replaced, ...rows.filter(({ path }) => !known.has(path))] }
}

const held = workflow({ status: "Suspended", reason: "{}" })(running)

const rowOf = (history: Journal.History, path: string): Journal.StepRow => {
  const row = history.steps.find((row) => row.path === path)
  assert.isDefined(row)
  return row
}

const asked = (history: Journal.History, path: string, payload: string | null): Journal.StepRow => {
  const { kind, name } = rowOf(history, path)
  return Row.stepAsked(history.workflow, path, { kind, name, payload }, false, rowOf(history, path))
}

/** What the engine may do: its own transitions, in one commit each. */
const allowed: ReadonlyArray<readonly [name: string, history: Journal.History, Edit]> = [
  ["records an outcome", running, putSteps([Row.stepEnded(rowOf(running, "word"), Row.taken("1"), 6, at(20))])],
  ["undoes what was completed", running, step("charge", { status: "Compensated" })],
  ["takes a cancel into the order", running, workflow({ cancelSeq: 6, cancelAt: at(20) })],
  [
    "retries what has failed",
    failed,
    both((history) => workflow(Row.retried(history.workflow))(history), putSteps(Row.reset(failed.steps)))
  ],
  [
    "takes back what failed in the execution that ends with it",
    running,
    both(
      workflow({ attempt: 2 }),
      execution(1, { status: "Failed", finishedAt: at(20), error: failure }),
      putSteps([recorded("late", 6, { kind: "Version" }), recorded("later", 8, { kind: "Version" })]),
      (history) => putSteps(Row.reset(history.steps))(history)
    )
  ],
  [
    "undoes within a saga, fails, and begins again",
    putSteps([recorded("trip/hotel", 6)])(running),
    both(workflow({ attempt: 2 }), putSteps([Row.resetStep({ ...recorded("trip/hotel", 6), status: "Compensated" })]))
  ],
  [
    "asks an older outcome another question",
    workflow({ attempt: 2, firstAttempt: 2 })(running),
    (history) => putSteps([asked(history, "charge", "2")])(history)
  ],
  ["asks a fork's outcome another question", forked, (history) => putSteps([asked(history, "charge", "2")])(history)],
  ["repairs what failed", held, putSteps(Row.repair(held.steps, "trip/flight"))],
  [
    "has what failed recorded by hand",
    held,
    putSteps([
      Row.stepEnded(
        { ...rowOf(held, "trip/flight"), origin: "Skipped" },
        Row.skippedWith(rowOf(held, "charge"), "1"),
        6,
        at(20)
      )
    ])
  ],
  [
    "continues as new",
    running,
    (history) => ({
      ...history,
      workflow: Row.continued(history.workflow, "2"),
      executions: [executionRow("w", { status: "ContinuedAsNew", finishedAt: at(20) })],
      steps: [],
      stepExecutions: []
    })
  ],
  [
    "waits anew for what is asked with another deadline",
    running,
    step("nap", { payload: "{\"millis\":2}", wakeAt: at(60) })
  ]
]

export const suite = (): void => {
  describe("the laws of changes", () => {
    it("have cases each", () => {
      assert.deepStrictEqual(Object.keys(cases), Object.keys(laws))
    })

    for (const [name, history, edit] of allowed) {
      it(`allow that the engine ${name}`, () => {
        const after = edit(history)
        assert.notDeepEqual(after, history)
        assert.deepStrictEqual(Invariants.ofChange(history, after), [])
      })
    }

    it("allow that nothing changes", () => {
      for (const history of [running, failed, continued, forked]) {
        assert.deepStrictEqual(Invariants.ofChange(history, history), [])
      }
    })

    for (const [law, broken] of Object.entries(cases)) {
      for (const [name, history, edit, path = null] of broken) {
        it(`${law}: ${name}`, () => {
          assert.deepStrictEqual(brokenBy(Invariants.ofChange(history, edit(history))), {
            laws: [law],
            paths: [path],
            ids: ["w"]
          })
        })
      }
    }
  })
}
