import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import * as Commands from "../../src/engine/commands.ts"
import * as Row from "../../src/engine/rows.ts"
import { WorkflowStatus } from "../../src/Info.ts"
import { type Recorded, RequestKind, type RequestRow } from "../../src/Journal.ts"
import { request, stepExecutionRow, stepRow, workflowRow } from "../support/journalRows.ts"

const statuses = WorkflowStatus.literals
const kinds = RequestKind.literals

const asked = (row: Partial<RequestRow>): RequestRow => ({ ...request("w"), id: 1, ...row })

const recorded = (more: Partial<Recorded> = {}): Recorded => ({ ...Commands.nothingRecorded, ...more })

describe("what a request asks for", () => {
  it("is a command, or, of a start and a signal, none", () => {
    for (const kind of ["Cancel", "Pause", "Resume", "Retry"] as const) {
      assert.deepStrictEqual(Commands.fromRequest(asked({ kind })), { _tag: kind })
    }
    for (const kind of ["Start", "Signal"] as const) assert.isUndefined(Commands.fromRequest(asked({ kind })))
  })

  it("is nothing where a skip cannot be read", () => {
    for (const payload of [null, "", "{}", "[1]", `{"path":1,"value":null}`, `{"path":"a"}`, "{"]) {
      assert.isUndefined(Commands.fromRequest(asked({ kind: "Skip", payload })), String(payload))
    }
  })

  const anyValue: fc.Arbitrary<string | null> = fc.option(fc.json())

  it.prop(
    "is the skip that was encoded, whatever its path and value",
    [fc.string(), anyValue],
    ([path, value]) => {
      assert.deepStrictEqual(
        Commands.fromRequest(asked({ kind: "Skip", payload: Commands.encodeSkip({ path, value }) })),
        { _tag: "Skip", path, value }
      )
    }
  )
})

describe("what may be asked of a workflow", () => {
  const possible: Readonly<Record<RequestKind, ReadonlyArray<WorkflowStatus>>> = {
    Start: statuses,
    Signal: statuses,
    Cancel: ["Pending", "Running", "Paused", "Suspended"],
    Pause: ["Pending", "Running", "Paused", "Suspended"],
    Skip: ["Pending", "Running", "Paused", "Suspended"],
    Resume: ["Paused", "Suspended"],
    Retry: ["Failed", "Cancelled"]
  }
  for (const kind of kinds) {
    it(`${kind}: while it is ${possible[kind].join(", ")}`, () => {
      assert.deepStrictEqual(statuses.filter((status) => Commands.isPossible(kind, status)), possible[kind])
    })
  }

  const table: ReadonlyArray<readonly [WorkflowStatus, ReadonlyArray<RequestKind>, WorkflowStatus]> = [
    ["Running", [], "Running"],
    ["Running", ["Pause"], "Paused"],
    ["Running", ["Pause", "Resume"], "Running"],
    ["Running", ["Resume", "Retry"], "Running"],
    ["Running", ["Cancel"], "Running"],
    ["Running", ["Pause", "Cancel"], "Running"],
    ["Running", ["Pause", "Signal", "Skip", "Start"], "Paused"],
    ["Suspended", ["Cancel"], "Suspended"],
    ["Suspended", ["Resume"], "Running"],
    ["Suspended", ["Pause"], "Paused"],
    ["Failed", ["Pause", "Cancel", "Resume"], "Failed"],
    ["Failed", ["Retry"], "Running"],
    ["Cancelled", ["Retry", "Pause"], "Paused"],
    ["Completed", ["Retry", "Pause", "Cancel", "Resume"], "Completed"]
  ]
  for (const [status, before, expected] of table) {
    it(`${status}, and ${before.join(", ") || "nothing"} asked before: as of one that is ${expected}`, () => {
      assert.strictEqual(Commands.expected(status, before), expected)
    })
  }

  it.prop(
    "is the same whether what was asked before has been done, or is still to be done",
    [fc.constantFrom(...statuses), fc.array(fc.constantFrom(...kinds)), fc.array(fc.constantFrom(...kinds))],
    ([status, first, then]) =>
      Commands.expected(Commands.expected(status, first), then) === Commands.expected(status, [...first, ...then])
  )

  it.prop(
    "never makes one that is completed go on",
    [fc.array(fc.constantFrom(...kinds))],
    ([before]) => Commands.expected("Completed", before) === "Completed"
  )
})

describe("what a command does to a workflow that has no run", () => {
  const now = 99

  it("is nothing where it may not be asked for", () => {
    for (const status of statuses) {
      for (const _tag of ["Pause", "Resume", "Retry"] as const) {
        const effect = Commands.toRow({ _tag }, workflowRow("w", { status }), recorded(), now)
        const isChange = Commands.isPossible(_tag, status) && !(_tag === "Pause" && status === "Paused")
        assert.strictEqual(effect !== undefined, isChange, `${_tag} of ${status}`)
      }
    }
  })

  it("is nothing for a cancel, whose place in the order only a run can give", () => {
    for (const status of statuses) {
      assert.isUndefined(Commands.toRow({ _tag: "Cancel" }, workflowRow("w", { status }), recorded(), now))
    }
  })

  it("pauses it, and keeps why it was suspended, until it runs", () => {
    const row = workflowRow("w", { status: "Suspended", reason: "why", startedAt: 5 })
    assert.deepStrictEqual(Commands.toRow({ _tag: "Pause" }, row, recorded(), now), {
      workflow: { ...row, status: "Paused" }
    })
    assert.deepStrictEqual(Commands.toRow({ _tag: "Resume" }, { ...row, status: "Paused" }, recorded(), now), {
      workflow: { ...row, status: "Running" }
    })
  })

  it("lets one go on as Pending that had not begun", () => {
    const row = workflowRow("w", { status: "Paused", startedAt: null })
    assert.deepStrictEqual(Commands.toRow({ _tag: "Resume" }, row, recorded(), now)?.workflow.status, "Pending")
  })

  it("begins a new execution, and resets the steps of the last", () => {
    const row = workflowRow("w", { status: "Failed", attempt: 3, outcome: "x", finishedAt: 7 })
    const steps = [stepRow("w", "a", { status: "Completed", seq: 1 }), stepRow("w", "b", { status: "Failed", seq: 2 })]
    assert.deepStrictEqual(Commands.toRow({ _tag: "Retry" }, row, recorded({ steps }), now), {
      workflow: Row.retried(row),
      steps: Row.reset(steps)
    })
  })

  describe("by a skip", () => {
    const held = workflowRow("w", { status: "Suspended", reason: "why", cancelSeq: 4 })
    const skip = { _tag: "Skip", path: "trip/b", value: "7" } as const
    const steps = [
      stepRow("w", "a", { status: "Completed", seq: 1, outcome: "1" }),
      stepRow("w", "trip", { kind: "Saga", status: "Compensated" }),
      stepRow("w", "trip/a", { status: "Compensated", seq: 2, outcome: "2" }),
      stepRow("w", "trip/b", { status: "Failed", seq: 3, outcome: "{}" })
    ]

    it("records the outcome behind everything that is in the order, and asks again for what was undone", () => {
      const effect = Commands.toRow(skip, held, recorded({ steps }), now)
      assert.strictEqual(effect?.workflow, held)
      const byPath = new Map(effect?.steps?.map((row) => [row.path, row]))
      assert.deepStrictEqual([...byPath.keys()].sort(), ["trip", "trip/a", "trip/b"])
      assert.deepInclude(byPath.get("trip/b"), {
        status: "Completed",
        outcome: "7",
        origin: "Skipped",
        seq: 5,
        at: now
      })
      assert.deepStrictEqual(byPath.get("trip/a"), Row.resetStep(steps[2]!))
    })

    it("records it behind the last outcome where there is no cancel", () => {
      const effect = Commands.toRow(skip, { ...held, cancelSeq: null }, recorded({ steps }), now)
      assert.strictEqual(effect?.steps?.find(({ path }) => path === "trip/b")?.seq, 4)
    })

    it("ends the attempts of the step that nobody ran to their end, and no others", () => {
      const effect = Commands.toRow(
        skip,
        held,
        recorded({
          steps: [stepRow("w", "trip/b", { status: "Running" })],
          openStepExecutions: [
            stepExecutionRow("w", "trip/b", { attempt: 1, status: "Failed" }),
            stepExecutionRow("w", "trip/b", { attempt: 2 }),
            stepExecutionRow("w", "a")
          ]
        }),
        now
      )
      assert.deepStrictEqual(
        effect?.stepExecutions?.map(({ attempt, finishedAt, path, status }) => [path, attempt, status, finishedAt]),
        [["trip/b", 2, "Lost", now]]
      )
    })

    it("is nothing for a step that is not on record, or that may not be skipped", () => {
      const running = { ...held, status: "Paused", reason: null } as const
      for (
        const [workflow, path] of [
          [held, "nobody"],
          [held, "a"],
          [held, "trip"],
          [running, "trip/b"],
          [workflowRow("w", { status: "Failed", reason: "why" }), "trip/b"]
        ] as const
      ) {
        assert.isUndefined(Commands.toRow({ ...skip, path }, workflow, recorded({ steps }), now), path)
      }
    })
  })

  it("needs to know the steps for a retry and a skip only", () => {
    assert.isTrue(Commands.needsSteps({ _tag: "Retry" }))
    assert.isTrue(Commands.needsSteps({ _tag: "Skip", path: "a", value: null }))
    for (const _tag of ["Cancel", "Pause", "Resume"] as const) assert.isFalse(Commands.needsSteps({ _tag }))
  })
})
