/**
 * The ledger: what a cancel finds that comes between the end of a generation and its being durable.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Rows } from "../../src/engine/committer.ts"
import { Ledger } from "../../src/engine/ledger.ts"
import * as Row from "../../src/engine/rows.ts"
import { Success } from "../../src/Outcome.ts"
import { stepRow, workflowRow } from "../support/journalRows.ts"

const open = () => {
  const puts: Array<Rows> = []
  const ledger = new Ledger(workflowRow("w"), { executions: [], steps: [], openStepExecutions: [] }, {
    put: (rows) => puts.push(rows),
    now: () => 7
  })
  ledger.open()
  for (const path of ["a", "b"]) ledger.record(stepRow("w", path), Success({ value: null }))
  return { ledger, puts }
}

const continueAsNew = (ledger: Ledger) => {
  ledger.end("ContinuedAsNew", null, Row.continued(ledger.workflow, null), [], { workflowId: "w", generation: 1 })
}

describe("a ledger", () => {
  it("gives a cancel its place behind the outcomes that are on record", () => {
    const { ledger, puts } = open()
    ledger.cancel()
    assert.deepInclude(puts.at(-1)?.workflow, { generation: 1, cancelSeq: 3, cancelAt: 7 })
  })

  it("gives a cancel that comes once its generation has ended the first place in the next", () => {
    const { ledger, puts } = open()
    continueAsNew(ledger)
    ledger.cancel()
    assert.deepInclude(puts.at(-1)?.workflow, { generation: 2, cancelSeq: 1, cancelAt: 7 })
  })

  it("carries a cancel that was not delivered over into the next generation, as the first thing in it", () => {
    const { ledger, puts } = open()
    ledger.cancel()
    continueAsNew(ledger)
    ledger.cancel()
    assert.deepInclude(puts.at(-1)?.workflow, { generation: 2, cancelSeq: 1 })
  })
})
