import { describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import * as Committer from "../../src/engine/committer.ts"
import { Journal, JournalError, JournalLocked } from "../../src/index.ts"
import { executionRow, stepExecutionRow, stepRow, workflowRow } from "../support/journalRows.ts"

/** A journal in memory that keeps the batches, and fails, waits or is lost when the test says so. */
const bench = Effect.gen(function*() {
  const inner = yield* Journal.Journal
  const batches: Array<Journal.Batch> = []
  const state = { failures: 0, gate: undefined as Deferred.Deferred<void> | undefined, locked: false }
  const journal: Journal.Service = {
    ...inner,
    commit: (lease, batch) =>
      Effect.gen(function*() {
        if (state.gate !== undefined) yield* Deferred.await(state.gate)
        if (state.locked) return yield* new JournalLocked({ holder: "another" })
        if (state.failures-- > 0) return yield* new JournalError({ message: "disk full" })
        batches.push(batch)
        return yield* inner.commit(lease, batch)
      })
  }
  const lease = yield* journal.acquire(10_000)
  const committer = yield* Committer.make(journal, lease)
  return { batches, committer, inner, state }
})

const test = (name: string, body: Effect.Effect<void, unknown, Journal.Journal | Scope.Scope>) =>
  it.scoped(name, () => Effect.provide(body, Journal.layerMemory))

const turns = Effect.repeatN(
  Effect.async<void>((resume) => {
    setImmediate(() => {
      resume(Effect.void)
    })
  }),
  20
)

describe("the committer", () => {
  test(
    "writes together what is put in one turn of the host, and returns when it is durable",
    Effect.gen(function*() {
      const { batches, committer, inner } = yield* bench
      for (const path of ["a", "b"]) {
        committer.put({ steps: [stepRow("w", path)], stepExecutions: [stepExecutionRow("w", path)] })
      }
      yield* Effect.async<void>((resume) => {
        committer.put({ workflow: workflowRow("w"), execution: executionRow("w") }, () => {
          resume(Effect.void)
        })
      })
      assert.strictEqual(batches.length, 1)
      const history = Option.getOrThrow(yield* inner.history("w"))
      assert.deepStrictEqual(history.steps.map(({ path }) => path), ["a", "b"])
      assert.strictEqual(history.stepExecutions.length, 2)
      yield* committer.durable
      assert.strictEqual(batches.length, 1)
    })
  )

  test(
    "writes the last of several rows with one identity, and each of those that differ in a part of it",
    Effect.gen(function*() {
      const { batches, committer } = yield* bench
      const steps = [
        stepRow("w", "a", { status: "Running" }),
        stepRow("w", "a", { status: "Completed" }),
        stepRow("w", "b"),
        stepRow("v", "a"),
        stepRow("w", "a", { generation: 2 }),
        // Ids and paths that are the same when they are written one after the other.
        stepRow("wa", "b"),
        stepRow("w", "ab")
      ]
      for (const step of steps) committer.put({ steps: [step] })
      for (const attempt of [1, 1, 2]) committer.put({ stepExecutions: [stepExecutionRow("w", "a", { attempt })] })
      for (const attempt of [1, 2, 2]) committer.put({ execution: executionRow("w", { attempt }) })
      for (const status of ["Running", "Completed"] as const) committer.put({ workflow: workflowRow("w", { status }) })
      for (const handled of [1, 1, 2]) committer.put({ handled })
      yield* committer.durable
      const batch = batches[0]!
      assert.deepStrictEqual(batch.steps, steps.slice(1))
      assert.deepStrictEqual(batch.stepExecutions.map(({ attempt }) => attempt), [1, 2])
      assert.deepStrictEqual(batch.executions.map(({ attempt }) => attempt), [1, 2])
      assert.deepStrictEqual(batch.workflows.map(({ status }) => status), ["Completed"])
      assert.deepStrictEqual(batch.handled, [1, 2])
    })
  )

  test(
    "keeps the order of the calls: what is put while it writes is in the next commit, all of it",
    Effect.gen(function*() {
      const { batches, committer, state } = yield* bench
      const gate = yield* Deferred.make<void>()
      state.gate = gate
      committer.put({ steps: [stepRow("w", "a")] })
      yield* turns
      committer.put({ steps: [stepRow("w", "b")] })
      yield* turns
      committer.put({ steps: [stepRow("w", "c")] })
      const first = yield* Effect.fork(committer.durable)
      yield* turns
      assert.isTrue(Option.isNone(yield* Fiber.poll(first)))
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(first)
      assert.deepStrictEqual(batches.map(({ steps }) => steps.map(({ path }) => path)), [["a"], ["b", "c"]])
    })
  )

  test(
    "is durable for whoever has put something before, as soon as that is written",
    Effect.gen(function*() {
      const { committer, state } = yield* bench
      const gate = yield* Deferred.make<void>()
      state.gate = gate
      committer.put({ steps: [stepRow("w", "a")] })
      yield* turns
      const waiting = yield* Effect.fork(committer.durable)
      yield* turns
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(waiting)
    })
  )

  test(
    "writes again what the journal refused, in the same order, until it is taken",
    Effect.gen(function*() {
      const { batches, committer, state } = yield* bench
      state.failures = 3
      committer.put({ steps: [stepRow("w", "a")] })
      const durable = yield* Effect.fork(committer.durable)
      yield* turns
      committer.put({ steps: [stepRow("w", "b")] })
      yield* TestClock.adjust("30 millis")
      yield* turns
      assert.deepStrictEqual(batches, [])
      assert.isTrue(Option.isNone(yield* Fiber.poll(durable)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(durable)
      yield* committer.durable
      assert.deepStrictEqual(batches.map(({ steps }) => steps.map(({ path }) => path)), [["a"], ["b"]])
    })
  )

  describe("a creation", () => {
    test(
      "is answered with nothing for the first, and with the row that is there for all others",
      Effect.gen(function*() {
        const { committer } = yield* bench
        const row = workflowRow("w")
        const all = yield* Effect.all([committer.create(row), committer.create(workflowRow("w", { name: "Other" }))], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(all, [Option.none(), Option.some(row)])
        const again = yield* committer.create(workflowRow("w", { name: "Third" }))
        assert.deepStrictEqual(again, Option.some(row))
        assert.deepStrictEqual(yield* committer.create(workflowRow("v")), Option.none())
      })
    )

    test(
      "fails with the first fault of the journal, and is not made later; what the engine put is",
      Effect.gen(function*() {
        const { batches, committer, inner, state } = yield* bench
        state.failures = 1
        committer.put({ steps: [stepRow("v", "a")] })
        const exit = yield* Effect.exit(committer.create(workflowRow("w")))
        assert.deepStrictEqual(exit, Exit.fail(new JournalError({ message: "disk full" })))
        yield* TestClock.adjust("10 seconds")
        yield* committer.durable
        assert.deepStrictEqual(yield* inner.workflow("w"), Option.none())
        assert.deepStrictEqual(batches.map(({ created, steps }) => [created.length, steps.length]), [[0, 1]])
      })
    )
  })

  test(
    "writes nothing once another has the lease, says so, and is never durable again",
    Effect.gen(function*() {
      const { batches, committer, state } = yield* bench
      state.locked = true
      committer.put({ steps: [stepRow("w", "a")] })
      const durable = yield* Effect.fork(committer.durable)
      const created = yield* Effect.exit(committer.create(workflowRow("w")))
      assert.isTrue(Exit.isFailure(created))
      assert.strictEqual((yield* committer.lost).holder, "another")
      yield* turns
      assert.isTrue(Option.isNone(yield* Fiber.poll(durable)))
      assert.deepStrictEqual(batches, [])
    })
  )
})
