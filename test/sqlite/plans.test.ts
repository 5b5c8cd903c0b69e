import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Journal from "../../src/Journal.ts"
import { run, runAll, type Script, type Statement } from "../../src/sqlite/connection.ts"
import type { Database } from "../../src/sqlite/database.ts"
import * as Open from "../../src/sqlite/open.ts"
import * as Service from "../../src/sqlite/service.ts"
import { empty, everything, request, signal, workflowRow } from "../support/journalRows.ts"
import { file } from "./support.ts"

/** The same database; `statements` are the texts that were run in it. */
const noting = (database: Database) => {
  const statements = new Map<string, ReadonlyArray<string | number | null>>()
  const note = ({ parameters, sql }: Statement) => {
    if (/\btempolite_/.test(sql)) statements.set(sql, parameters)
  }
  const noting = <A, E>(script: () => Script<A, E>) =>
    function*(): Script<A, E> {
      const following = script()
      for (let next = following.next([]);;) {
        if (next.done === true) return next.value
        if ("sql" in next.value) note(next.value)
        next = following.next(yield next.value)
      }
    }
  const noted: Database = {
    ...database,
    query: (what, script) => database.query(what, noting(script)),
    snapshot: (what, script) => database.snapshot(what, noting(script)),
    transact: (what, script) => database.transact(what, noting(script))
  }
  return { noted, statements }
}

const count = 100_000

/** Many workflows that completed, and among them a few others. */
const many = [
  `WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})
    INSERT INTO tempolite_workflow
      (id, name, status, generation, attempt, created_at, finished_at, unused_outcomes, changed)
    SELECT 'w' || n, 'PlaceOrder', 'Completed', 1, 1, n, n, 0, n FROM number`,
  "UPDATE tempolite_workflow SET status = 'Running', finished_at = NULL WHERE id IN ('w7', 'w70000')",
  "UPDATE tempolite_workflow SET status = 'Failed' WHERE id IN ('w9', 'w90000')",
  "UPDATE tempolite_workflow SET parent_id = 'w7' WHERE id = 'w90000'"
]

const make = Effect.gen(function*() {
  const { noted, statements } = noting(yield* Effect.flatMap(file, (filename) => Open.file(filename, "normal")))
  const journal = yield* Service.make(noted, "1 second")
  yield* noted.transact("fill", () => runAll(many.map((sql) => ({ sql, parameters: [] }))))
  /** How the statements of a call find their rows. */
  const plans = <A, E>(call: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      statements.clear()
      const answer = yield* call
      const explained = yield* Effect.forEach([...statements], ([statement, parameters]) =>
        noted.query("explain", () => run(`EXPLAIN QUERY PLAN ${statement}`, ...parameters)))
      return { answer, plan: JSON.stringify(explained) }
    })
  return { journal, plans }
})

const scan = /SCAN (tempolite_(?!request|pruned)\w+|root|parent|child|below)\b/

describe("of a hundred thousand workflows", () => {
  it.scoped("those that are asked for are found by an index", () =>
    Effect.gen(function*() {
      const { journal, plans } = yield* make
      const list = (filter: Partial<Journal.Filter>) =>
        plans(Effect.map(
          journal.list({ filter: { ...everything, ...filter }, after: 0, limit: 10 }),
          (placed) => placed.map(({ workflow }) => workflow.id)
        ))
      const expected: ReadonlyArray<readonly [Partial<Journal.Filter>, ReadonlyArray<string>, ReadonlyArray<string>]> =
        [
          [{ statuses: ["Running"] }, ["w7", "w70000"], ["unfinished"]],
          [{ statuses: ["Pending", "Running", "Paused", "Suspended"], name: "PlaceOrder" }, ["w7", "w70000"], [
            "unfinished"
          ]],
          [{ statuses: ["Pending", "Running", "Suspended"], awakeAt: 0 }, ["w7", "w70000"], ["unfinished"]],
          [{ statuses: ["Failed"] }, ["w9", "w90000"], ["failed"]],
          [{ statuses: ["Cancelled", "Failed"], idPrefix: "w9" }, ["w9", "w90000"], ["failed"]],
          [{ statuses: ["Failed", "Running"] }, ["w7", "w9", "w70000", "w90000"], ["unfinished", "failed"]],
          [{ parentId: "w7" }, ["w90000"], ["parent"]],
          [{ parentId: "w7", statuses: ["Running"] }, [], ["parent"]]
        ]
      for (const [filter, ids, indexes] of expected) {
        const { answer, plan } = yield* list(filter)
        assert.deepStrictEqual(answer, ids)
        assert.notMatch(plan, scan)
        assert.notMatch(plan, /TEMP B-TREE/)
        for (const index of indexes) assert.match(plan, new RegExp(`USING INDEX tempolite_workflow_${index} `))
        assert.notMatch(plan, /PRIMARY KEY/)
      }
      const prefixed = yield* list({ idPrefix: "w9999", statuses: ["Completed"] })
      assert.strictEqual(prefixed.answer.length, 10)
      assert.match(prefixed.plan, /SEARCH tempolite_workflow USING INDEX sqlite_autoindex_tempolite_workflow_1 \(id>\?/)
    }), 60_000)

  it.scoped("changes, signals and what was recorded are read by an index", () =>
    Effect.gen(function*() {
      const { journal, plans } = yield* make
      yield* journal.send(signal("w7", "Approved"))
      const changed = yield* plans(journal.changed({ after: count - 3, limit: 2 }))
      assert.strictEqual(changed.answer.length, 2)
      assert.match(changed.plan, /USING INDEX tempolite_workflow_changed \(changed>\? AND changed<\?\)/)
      const asleep = yield* plans(journal.asleep({ after: 0, limit: 2 }))
      assert.deepStrictEqual(asleep.answer, [])
      assert.match(asleep.plan, /USING INDEX tempolite_workflow_asleep \(sleeps_until>\? AND sleeps_until<\?\)/)
      const last = yield* plans(journal.lastChange)
      assert.strictEqual(last.answer, count)
      const signals = yield* plans(journal.signals("w7", 0))
      assert.strictEqual(signals.answer.length, 1)
      assert.match(signals.plan, /USING INDEX tempolite_signal_workflow \(workflow_id=\? AND rowid>\?\)/)
      const reads: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        journal.recorded("w7", 1),
        journal.history("w7"),
        journal.children("w7"),
        journal.workflow("w7")
      ]
      const others = yield* Effect.forEach(reads, plans)
      for (const { plan } of [asleep, changed, last, signals, ...others]) {
        assert.match(plan, /SEARCH/)
        assert.notMatch(plan, scan)
      }
      for (const { plan } of [asleep, changed, last, signals]) assert.notMatch(plan, /TEMP B-TREE/)
    }), 60_000)

  it.scoped("old ones are found, and deleted, by an index", () =>
    Effect.gen(function*() {
      const { journal, plans } = yield* make
      yield* journal.submit(request("w3"), Option.none())
      const { answer, plan } = yield* plans(journal.prune({ before: 50_000, limit: 100 }))
      assert.strictEqual(answer, 100)
      assert.match(plan, /SEARCH root USING INDEX tempolite_workflow_finished \(finished_at<\?\)/)
      assert.notMatch(plan, scan)
      assert.isTrue(Option.isSome(yield* journal.workflow("w3")))
    }), 60_000)

  it.scoped("writes touch only what they write", () =>
    Effect.gen(function*() {
      const { journal, plans } = yield* make
      const lease = yield* journal.acquire(1000)
      const { plan } = yield* plans(journal.commit(lease, {
        ...empty,
        created: [workflowRow("new")],
        workflows: [workflowRow("w7", { attempt: 2 })],
        signals: [signal("w7", "Approved")],
        taken: [1],
        over: [{ workflowId: "w7", generation: 1 }],
        handled: [1]
      }))
      assert.notMatch(plan, scan)
      assert.strictEqual(yield* journal.lastChange, count + 2)
    }), 60_000)
})
