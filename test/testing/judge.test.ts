/**
 * What is said against a run with crashes: each fault, made by hand, and none where there is none.
 */
import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import type * as Journal from "../../src/Journal.ts"
import * as Judge from "../../src/testing/judge.ts"
import type * as Scenario from "../../src/testing/scenario.ts"
import { executionRow, stepExecutionRow, stepRow, workflowRow } from "../support/journalRows.ts"

type Played = Scenario.Played<unknown, unknown>

const done = (path: string, seq: number, row: Partial<Journal.StepRow> = {}) =>
  stepRow("w", path, { status: "Completed", outcome: `"${path}"`, seq, attempts: 1, ...row })

const ran = (path: string, attempt = 1, status: Journal.StepExecutionRow["status"] = "Completed") =>
  stepExecutionRow("w", path, { attempt, status })

interface Parts {
  readonly status?: Journal.WorkflowRow["status"]
  readonly outcome?: string
  readonly steps?: ReadonlyArray<Journal.StepRow>
  readonly executions?: ReadonlyArray<Journal.StepExecutionRow>
}

const histories = (parts: Parts | undefined): Scenario.Histories =>
  new Map(
    parts === undefined ? [] : [["w", {
      workflow: workflowRow("w", { status: parts.status ?? "Completed", outcome: parts.outcome ?? "1" }),
      executions: [executionRow("w")],
      steps: parts.steps ?? [],
      stepExecutions: parts.executions ?? [],
      signals: []
    }]]
  )

/** A run that left this, with the journal at its crashes, and what its last process wrote. */
const played = (
  left: Parts | undefined,
  crashes: ReadonlyArray<Parts> = [],
  more: Partial<Played> = {}
): Played => ({
  end: { _tag: "Ended", exit: Exit.succeed(1) },
  crashes: crashes.map((parts) => ({ point: { when: "after", commit: 1 }, write: {}, left: histories(parts) })),
  writes: [],
  left: histories(left),
  verified: Exit.void,
  ...more
})

const good: Parts = { steps: [done("a", 1), done("b", 2)], executions: [ran("a"), ran("b")] }

const says = (
  name: string,
  [without, crashed]: readonly [Played, Played],
  expected: Partial<Record<Judge.Same, ReadonlyArray<string>>> & { readonly outcomes: ReadonlyArray<string> }
) => {
  it(name, () => {
    for (const same of ["outcomes", "statuses", "nothing"] as const) {
      const all = expected[same] ?? (same === "statuses" ? expected.outcomes : [])
      assert.deepStrictEqual(Judge.differences(same, without, crashed), all, same)
    }
  })
}

describe("the judge", () => {
  says("has nothing to say of the same", [played(good), played(good, [{ status: "Running" }])], { outcomes: [] })

  says("allows one more attempt at what was under way", [
    played(good),
    played(
      { ...good, executions: [ran("a", 1, "Lost"), ran("a", 2), ran("b")] },
      [{ status: "Running", steps: [stepRow("w", "a", { attempts: 1 })], executions: [ran("a", 1, "Running")] }]
    )
  ], { outcomes: [] })

  says("sees an attempt that nothing calls for", [
    played(good),
    played({ ...good, executions: [ran("a", 1, "Lost"), ran("a", 2), ran("b")] }, [{ status: "Running" }])
  ], {
    outcomes: [
      "the step \"a\" of the workflow \"w\" was executed 2 times: 1 without a crash, and it was not under way at a crash"
    ]
  })

  const again = played(
    {
      ...good,
      steps: [done("a", 1, { attempts: 2 }), done("b", 2)],
      executions: [ran("a"), ran("a", 2), ran("b")]
    },
    [{ status: "Running", steps: [done("a", 1)], executions: [ran("a")] }]
  )
  const repeated = ["the step \"a\" of the workflow \"w\" had completed before the crash, and was executed again"]
  says("sees a completed step run again, whatever need not be the same", [played(good), again], {
    outcomes: repeated,
    nothing: repeated
  })

  says("lets a step run again that was given up, as without a crash", [
    played({
      steps: [done("a", 1, { attempts: 2, round: 1 })],
      executions: [ran("a"), ran("a", 2)]
    }),
    played(
      { steps: [done("a", 1, { attempts: 2, round: 1 })], executions: [ran("a"), ran("a", 2)] },
      [{ status: "Running", steps: [done("a", 1)], executions: [ran("a")] }]
    )
  ], { outcomes: [] })

  says("sees another result of the program, and not where it was thrown", [
    played(good, [], { end: { _tag: "Ended", exit: Exit.die(new Error("no")) } }),
    played(good, [], { end: { _tag: "Ended", exit: Exit.die(new Error("no")) } })
  ], { outcomes: [] })

  says("sees another result of the program", [
    played(good),
    played(good, [], { end: { _tag: "Ended", exit: Exit.succeed({ b: new Map([[1, 2n]]), a: undefined }) } })
  ], {
    outcomes: [
      "the program ended with a success: {\"b\":{\"Map\":[[1,\"2n\"]]}}, and without a crash with a success: 1"
    ],
    statuses: []
  })

  const told = (times: number): Partial<Played> => ({
    writes: Array.from({ length: times }, (_, n) => ({
      signals: [{ workflowId: "w", name: "Told", payload: String(n), at: 0 }]
    }))
  })
  says("sees a workflow that ends with something else since a signal was sent again", [
    played(good, [], told(1)),
    played({ ...good, outcome: "2" }, [], told(2))
  ], {
    outcomes: [
      "the signal \"Told\" was sent to the workflow \"w\" 2 times, and 1 times without a crash",
      "the workflow \"w\" ended with 2, and without a crash with 1"
    ],
    statuses: []
  })
  says("does not mind a signal that is sent again, and changes nothing", [
    played(good, [], told(1)),
    played(good, [], told(2))
  ], { outcomes: [] })

  says("sees a program that fails", [
    played(good),
    played(good, [], { end: { _tag: "Ended", exit: Exit.fail("no") } })
  ], {
    outcomes: [
      "the program ended with a failure: {\"_tag\":\"Fail\",\"error\":\"no\"}, and without a crash with a success: 1"
    ]
  })

  says("sees a workflow that ends with something else", [played(good), played({ ...good, outcome: "2" })], {
    outcomes: ["the workflow \"w\" ended with 2, and without a crash with 1"],
    statuses: []
  })

  says("sees a workflow that ends in another way", [played(good), played({ ...good, status: "Failed" })], {
    outcomes: ["the workflow \"w\" is Failed, and Completed without a crash"]
  })

  says("sees a workflow that was not started", [played({}), played(undefined)], {
    outcomes: [
      "the workflow \"w\" was never started. A process that starts again must choose the same ids, and start what is " +
      "not there"
    ]
  })

  says("sees a workflow too many", [
    played(undefined),
    played({})
  ], { outcomes: ["the workflow \"w\" does not exist without a crash"] })

  says("sees an undo that did not run", [
    played({ status: "Failed", steps: [done("a", 1, { status: "Compensated" }), done("u-a", 2, { undo: true })] }),
    played({ status: "Failed", steps: [done("a", 1, { status: "Compensated" })] })
  ], {
    outcomes: [
      "undo: the step \"u-a\" of the workflow \"w\" did not run, and is Completed without a crash"
    ]
  })

  says("sees a step that ends in another way, or with something else", [
    played(good),
    played({ ...good, steps: [done("a", 1, { status: "Failed" }), done("b", 2, { outcome: "2" })] })
  ], {
    outcomes: [
      "the step \"a\" of the workflow \"w\" is Failed, and Completed without a crash",
      "the step \"b\" of the workflow \"w\" ended with 2, and without a crash with \"b\""
    ],
    statuses: ["the step \"a\" of the workflow \"w\" is Failed, and Completed without a crash"]
  })

  says("leaves alone who lost a race, and may have ended or not", [
    played(good),
    played({ ...good, steps: [done("a", 1), stepRow("w", "b", { status: "Cancelled" })], executions: [ran("a")] })
  ], { outcomes: [] })

  says("sees a step that was begun and that nobody went on with", [
    played(good),
    played({ ...good, steps: [done("a", 1), stepRow("w", "b", { status: "Running" })] })
  ], {
    outcomes: ["the step \"b\" of the workflow \"w\" was begun and left, and is Completed without a crash"]
  })

  const undone = (first: string, second: string, seqs = [1, 2]): Parts => ({
    status: "Failed",
    steps: [
      done("trip/a", seqs[0] ?? 0, { status: "Compensated" }),
      done("trip/b", seqs[1] ?? 0, { status: "Compensated" }),
      done(`trip/${first}`, 3, { undo: true }),
      done(`trip/${second}`, 4, { undo: true })
    ]
  })
  const undo = (path: string, seq: number | null) => stepRow("w", path, { undo: true, seq })
  const oneByOne: Partial<Played> = {
    writes: [
      { steps: [undo("trip/u-b", null)] },
      { steps: [undo("trip/u-b", 3), undo("trip/u-a", null)] },
      { steps: [undo("trip/u-a", 4)] }
    ]
  }
  const outOfOrder =
    "undo: the step \"trip/u-a\" of the workflow \"w\" was taken before \"trip/u-b\", and after it without a crash"
  says("sees undos out of their order", [
    played(undone("u-b", "u-a"), [], oneByOne),
    played(undone("u-a", "u-b"))
  ], { outcomes: [outOfOrder] })
  says("allows any order where what they undo was done in another order", [
    played(undone("u-b", "u-a"), [], oneByOne),
    played(undone("u-a", "u-b", [2, 1]))
  ], { outcomes: [] })
  says("allows any order where they overlap", [
    played(undone("u-b", "u-a"), [], {
      writes: [
        { steps: [undo("trip/u-b", null), undo("trip/u-a", null)] },
        { steps: [undo("trip/u-b", 3)] },
        { steps: [undo("trip/u-a", 4)] }
      ]
    }),
    played(undone("u-a", "u-b"))
  ], { outcomes: [] })

  const never = [
    "the program does not end: nothing happens any more, and nobody sleeps",
    "the workflow \"w\" is Running"
  ]
  says("sees a program that does not end, and says nothing of what follows from that", [
    played(good),
    played({ status: "Running" }, [], { end: { _tag: "Idle" } })
  ], { outcomes: never, nothing: never })
})
