import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Bell from "../../src/internal/bell.ts"
import type * as Journal from "../../src/Journal.ts"
import { empty, everything, workflowRow } from "../support/journalRows.ts"
import { child, file, open, program } from "./support.ts"

const leaseMillis = 60_000

describe("several processes on one file", () => {
  it.scopedLive("open a new file at once, and write at once, and lose nothing", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const count = 100
      const children = yield* Effect.forEach([1, 2, 3], () => child("submit", filename, `${count}`))
      const journal = yield* open(filename, { pollInterval: "2 millis" })
      const lease = yield* journal.acquire(leaseMillis)
      const seen: Array<string> = []
      yield* Bell.stream(journal.requested).pipe(
        Stream.mapEffect(() => journal.requests),
        Stream.filter((requests) => requests.length > 0),
        Stream.mapEffect((requests) => {
          seen.push(...requests.map(({ workflowId }) => workflowId))
          return journal.commit(lease, {
            ...empty,
            handled: requests.map(({ id }) => id),
            workflows: requests.map(({ workflowId }) => workflowRow(workflowId, { status: "Completed" }))
          })
        }),
        Stream.takeUntil(() => seen.length >= 3 * count),
        Stream.runDrain
      )
      for (const { ended, line } of children) {
        assert.strictEqual(yield* line, "sent")
        assert.deepStrictEqual(yield* ended, Option.some(0))
      }
      const sent = children.flatMap(({ pid }) => Array.from({ length: count }, (_, index) => `${pid}/${index}`))
      assert.sameMembers(seen, sent)
      for (const { pid } of children) {
        // Those of one process arrive in the order in which it sent them.
        const numbers = seen.filter((id) => id.startsWith(`${pid}/`)).map((id) => Number(id.split("/")[1]))
        assert.deepStrictEqual(numbers, Array.from({ length: count }, (_, index) => index))
      }
      assert.deepStrictEqual(yield* journal.requests, [])
      const filter: Journal.Filter = { ...everything, statuses: ["Running"] }
      assert.deepStrictEqual(yield* journal.list({ filter, after: 0, limit: 1 }), [])
      // Whoever goes by the changes misses none.
      assert.strictEqual((yield* journal.changed({ after: 0, limit: 1000 })).length, 3 * count)
      const other = yield* program(filename)
      assert.deepStrictEqual(yield* other("SELECT id FROM tempolite_migration"), [1, 2, 3, 4].map((id) => ({ id })))
    }), 60_000)

  it.scopedLive(
    "run it one at a time: a second names the first, and replaces it at once when it was killed",
    () =>
      Effect.gen(function*() {
        const filename = yield* file
        const first = yield* child("hold", filename, `${leaseMillis}`)
        assert.strictEqual(yield* first.line, "held")
        const journal = yield* open(filename)
        const locked = yield* Effect.flip(journal.acquire(leaseMillis))
        assert.strictEqual(locked._tag, "JournalLocked")
        assert.match(
          locked.message,
          new RegExp(`process ${first.pid} on host ".+" \\(engine [0-9a-f]{6}, since 20\\d\\d-\\d\\d-\\d\\dT.*Z\\)`)
        )
        yield* first.signal("SIGKILL")
        assert.deepStrictEqual(yield* first.ended, Option.none())
        const lease = yield* journal.acquire(leaseMillis)
        yield* journal.commit(lease, { ...empty, created: [workflowRow("w")] })
      }),
    60_000
  )

  it.scopedLive("fence one that was frozen until its lease was over", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const frozenLeaseMillis = 1000
      const first = yield* child("hold", filename, `${frozenLeaseMillis}`)
      assert.strictEqual(yield* first.line, "held")
      const journal = yield* open(filename)
      yield* first.send("before")
      assert.strictEqual(yield* first.line, "committed")
      yield* first.signal("SIGSTOP")
      const locked = yield* Effect.flip(journal.acquire(leaseMillis))
      assert.strictEqual(locked._tag, "JournalLocked")
      yield* Effect.sleep(frozenLeaseMillis)
      const lease = yield* journal.acquire(leaseMillis)
      yield* first.signal("SIGCONT")
      yield* first.send("after")
      assert.match(yield* first.line, new RegExp(`^JournalLocked: .*process ${process.pid} on host`))
      assert.deepStrictEqual(yield* journal.workflow("before"), Option.some(workflowRow("before")))
      assert.deepStrictEqual(yield* journal.workflow("after"), Option.none())
      yield* journal.commit(lease, { ...empty, created: [workflowRow("after")] })
    }), 60_000)

  it.scopedLive("keep what was acknowledged, whole, when the writer is killed", () =>
    Effect.gen(function*() {
      const filename = yield* file
      const journal = yield* open(filename, { pollInterval: "1 millis" })
      for (const round of [1, 2]) {
        const writer = yield* child("commit", filename)
        const acknowledged = 50
        for (let line = 0; line < acknowledged; line++) yield* writer.line
        // It is seen from here meanwhile, and each time whole.
        for (let read = 0; read < 200; read++) {
          const [history] = Option.toArray(yield* journal.history("w"))
          const greatest = Math.max(...history?.steps.map(({ seq }) => seq ?? 0) ?? [])
          if (round === 1) assert.strictEqual(history?.workflow.unusedOutcomes, greatest)
        }
        yield* Stream.runDrain(Stream.take(journal.committed, 3))
        yield* writer.signal("SIGKILL")
        yield* writer.ended
        const last = Number((yield* writer.lines).at(-1) ?? acknowledged)
        const { steps } = yield* journal.recorded("w", 1)
        const [{ unusedOutcomes } = { unusedOutcomes: 0 }] = Option.toArray(yield* journal.workflow("w"))
        // One more may have been written, and the process killed before it could say so.
        assert.isTrue(unusedOutcomes === last || unusedOutcomes === last + 1)
        const seqs = steps.map(({ seq }) => seq)
        for (let seq = unusedOutcomes; seq > unusedOutcomes - 20; seq--) assert.include(seqs, seq)
      }
    }), 60_000)
})
