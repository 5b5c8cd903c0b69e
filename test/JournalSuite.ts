/**
 * The laws of `Journal`, for every layer of it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Bell from "../src/internal/bell.ts"
import * as Journal from "../src/Journal.ts"
import * as Forks from "./journal-suite/forks.ts"
import * as Lists from "./journal-suite/lists.ts"
import * as Pruning from "./journal-suite/pruning.ts"
import * as Signals from "./journal-suite/signals.ts"
import { leaseMillis } from "./journal-suite/support.ts"
import {
  anyBatch,
  creation,
  empty,
  everything,
  executionRow,
  ids,
  request,
  signal,
  stepExecutionRow,
  stepRow,
  workflowRow
} from "./support/journalRows.ts"

/** All that can be read of a journal. */
export const readAll = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  return {
    requests: yield* journal.requests,
    list: yield* journal.list({ filter: everything, after: 0, limit: 100 }),
    changed: yield* journal.changed({ after: 0, limit: 100 }),
    lastChange: yield* journal.lastChange,
    workflows: yield* Effect.forEach(ids, (id) =>
      Effect.all({
        id: Effect.succeed(id),
        workflow: journal.workflow(id),
        history: journal.history(id),
        children: journal.children(id),
        signals: journal.signals(id, 0),
        recorded: Effect.forEach([1, 2, 3], (generation) => journal.recorded(id, generation))
      }))
  }
})

const isLocked = (exit: Exit.Exit<unknown, { readonly _tag: string }>): boolean =>
  Exit.match(exit, {
    onSuccess: () => false,
    onFailure: (cause) => cause._tag === "Fail" && cause.error._tag === "JournalLocked"
  })

/** What a stream emits, one after the other, from the moment that it listens. */
const listen = <E>(stream: Stream.Stream<void, E>) =>
  Effect.gen(function*() {
    const emitted = yield* Queue.unbounded<void>()
    yield* Effect.forkScoped(Stream.runForEach(stream, () => Queue.offer(emitted, undefined)))
    yield* Queue.take(emitted)
    return emitted
  })

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`Journal (${name})`, () => {
    const test = <A, E2>(law: string, effect: Effect.Effect<A, E2, Journal.Journal | Scope.Scope>) =>
      it.scoped(law, () => Effect.provide(effect, layer))

    describe("commit", () => {
      it.effect.prop(
        "what it returned from, every later read returns",
        [anyBatch],
        ([batch]) =>
          Effect.gen(function*() {
            const journal = yield* Journal.Journal
            const lease = yield* journal.acquire(leaseMillis)
            assert.deepStrictEqual(yield* journal.commit(lease, batch), [])
            const workflows = [...batch.created, ...batch.workflows]
            const isKept = (row: { readonly workflowId: string; readonly generation: number }) =>
              !batch.over.some(({ generation, workflowId }) =>
                workflowId === row.workflowId && generation === row.generation
              )
            const signals = batch.signals
              .filter(({ workflowId }) => workflows.some(({ id }) => id === workflowId))
              .map((sent, index) => ({ ...sent, id: index + 1 }))
              .filter(({ id }) => !batch.taken.includes(id))
            for (const id of ids) {
              const workflow = Option.fromNullable(workflows.find((row) => row.id === id))
              const steps = batch.steps.filter((row) => row.workflowId === id && isKept(row))
              const stepExecutions = batch.stepExecutions.filter((row) => row.workflowId === id && isKept(row))
              assert.deepStrictEqual(yield* journal.workflow(id), workflow)
              assert.deepStrictEqual(
                yield* journal.history(id),
                Option.map(workflow, (workflow) => ({
                  workflow,
                  executions: batch.executions.filter((row) => row.workflowId === id),
                  steps,
                  stepExecutions,
                  signals: signals.filter((row) => row.workflowId === id)
                }))
              )
              for (const generation of [1, 2, 3]) {
                const ofGeneration = steps.filter((row) => row.generation === generation)
                assert.deepStrictEqual(yield* journal.recorded(id, generation), {
                  executions: batch.executions.filter((row) => row.workflowId === id && row.generation === generation),
                  steps: ofGeneration,
                  openStepExecutions: stepExecutions.filter((row) =>
                    row.generation === generation &&
                    ofGeneration.some((step) => step.path === row.path && step.seq === null)
                  )
                })
              }
            }
          }).pipe(Effect.scoped, Effect.provide(layer)),
        { fastCheck: { numRuns: 40 } }
      )

      test(
        "a row replaces the one with the same identity, in its place",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const paths = ["c", "a", "b"]
          yield* journal.commit(lease, {
            ...empty,
            workflows: [workflowRow("w")],
            executions: [executionRow("w"), executionRow("w", { attempt: 2 })],
            steps: paths.map((path) => stepRow("w", path)),
            stepExecutions: paths.map((path) => stepExecutionRow("w", path))
          })
          const rows = {
            workflow: workflowRow("w", {
              status: "Failed",
              outcome: "\"why\"",
              finishedAt: 5,
              firstAttempt: 3,
              firstPayload: "0",
              forkedId: "v",
              forkedPath: "a"
            }),
            execution: executionRow("w", { status: "Failed", error: "\"why\"", finishedAt: 5 }),
            step: stepRow("w", "c", {
              status: "Completed",
              outcome: "1",
              seq: 1,
              at: 3,
              undo: true,
              origin: "Skipped"
            }),
            stepExecution: stepExecutionRow("w", "c", { status: "Completed", finishedAt: 3, heartbeat: "[1]" })
          }
          yield* journal.commit(lease, {
            ...empty,
            workflows: [rows.workflow],
            executions: [rows.execution],
            steps: [stepRow("w", "d"), rows.step],
            stepExecutions: [stepExecutionRow("w", "d"), rows.stepExecution]
          })
          assert.deepStrictEqual(
            yield* journal.history("w"),
            Option.some({
              workflow: rows.workflow,
              executions: [rows.execution, executionRow("w", { attempt: 2 })],
              steps: [rows.step, stepRow("w", "a"), stepRow("w", "b"), stepRow("w", "d")],
              stepExecutions: [
                rows.stepExecution,
                stepExecutionRow("w", "a"),
                stepExecutionRow("w", "b"),
                stepExecutionRow("w", "d")
              ],
              signals: []
            })
          )
        })
      )

      test(
        "keeps steps of one path in two generations, and attempts at one step, apart",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const [one, two] = [stepRow("w", "a"), stepRow("w", "a", { generation: 2, seq: 1 })]
          const attempts = [stepExecutionRow("w", "a"), stepExecutionRow("w", "a", { attempt: 2 })]
          yield* journal.commit(lease, {
            ...empty,
            steps: [one, two],
            stepExecutions: [...attempts, stepExecutionRow("w", "a", { generation: 2 })]
          })
          assert.deepStrictEqual(yield* journal.recorded("w", 1), {
            executions: [],
            steps: [one],
            openStepExecutions: attempts
          })
          assert.deepStrictEqual(yield* journal.recorded("w", 2), {
            executions: [],
            steps: [two],
            openStepExecutions: []
          })
        })
      )

      test(
        "does not replace a row that exists by one of `created`, returns it, and writes the rest",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const taken = [workflowRow("a", { payload: "1" }), workflowRow("c", { status: "Completed" })]
          yield* journal.commit(lease, { ...empty, created: taken })
          const existing = yield* journal.commit(lease, {
            ...empty,
            created: [workflowRow("c", { payload: "2" }), workflowRow("b"), workflowRow("a", { payload: "2" })],
            steps: [stepRow("b", "s")]
          })
          assert.sameDeepMembers([...existing], taken)
          assert.deepStrictEqual(yield* journal.workflow("a"), Option.some(taken[0]))
          assert.deepStrictEqual(yield* journal.workflow("b"), Option.some(workflowRow("b")))
          assert.deepStrictEqual((yield* journal.recorded("b", 1)).steps, [stepRow("b", "s")])
        })
      )

      test(
        "is durable in the order of the calls, whoever is interrupted meanwhile",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const commit = (seq: number) =>
            journal.commit(lease, { ...empty, steps: [stepRow("w", "last", { seq }), stepRow("w", `${seq}`)] })
          const fibers = yield* Effect.forEach(
            Array.from({ length: 40 }, (_, index) => index),
            (index) => Effect.fork(commit(index))
          )
          yield* Effect.yieldNow()
          yield* Fiber.interruptAllAs(
            fibers.filter((_, index) => index % 7 === 3),
            yield* Effect.fiberId
          )
          yield* Effect.forEach(fibers.filter((_, index) => index % 7 !== 3), Fiber.join)
          const { steps } = yield* journal.recorded("w", 1)
          const numbers = steps.filter(({ path }) => path !== "last").map(({ path }) => Number(path))
          assert.deepStrictEqual(numbers, [...numbers].sort((one, other) => one - other))
          assert.isAtLeast(numbers.length, 34)
          assert.strictEqual(steps.find(({ path }) => path === "last")?.seq, 39)
        })
      )

      test(
        "is atomic: a read sees all of its rows or none",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const done = yield* Deferred.make<void>()
          const write = Effect.forEach(
            Array.from({ length: 50 }, (_, seq) => seq),
            (seq) =>
              Effect.zipRight(
                Effect.yieldNow(),
                journal.commit(lease, {
                  ...empty,
                  workflows: [workflowRow("w", { unusedOutcomes: seq })],
                  steps: [stepRow("w", "a", { round: seq }), stepRow("w", "b", { round: seq })],
                  stepExecutions: [stepExecutionRow("w", "a", { startedAt: seq })]
                })
              )
          )
          yield* Effect.fork(Effect.zipRight(write, Deferred.succeed(done, undefined)))
          let reads = 0
          while (!(yield* Deferred.isDone(done))) {
            const history = yield* journal.history("w")
            const { openStepExecutions, steps } = yield* journal.recorded("w", 1)
            for (const { executions: _, stepExecutions, steps, workflow } of Option.toArray(history)) {
              const seen = [
                workflow.unusedOutcomes,
                ...steps.map(({ round }) => round),
                ...stepExecutions.map(({ startedAt }) => startedAt)
              ]
              assert.deepStrictEqual(seen, Array.from({ length: 4 }, () => workflow.unusedOutcomes))
            }
            const seen = [...steps.map(({ round }) => round), ...openStepExecutions.map(({ startedAt }) => startedAt)]
            assert.deepStrictEqual(seen, seen.length === 0 ? [] : Array.from({ length: 3 }, () => seen[0]))
            reads += Math.sign(seen.length)
            yield* Effect.yieldNow()
          }
          assert.isAbove(reads, 1)
        })
      )

      test(
        "leaves what was read before as it was",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          yield* journal.commit(lease, { ...empty, created: [workflowRow("w")], steps: [stepRow("w", "a")] })
          yield* journal.submit(request("w"), Option.none())
          yield* journal.send(signal("w", "Approved"))
          const before = {
            requests: yield* journal.requests,
            list: yield* journal.list({ filter: everything, after: 0, limit: 10 }),
            changed: yield* journal.changed({ after: 0, limit: 10 }),
            signals: yield* journal.signals("w", 0),
            recorded: yield* journal.recorded("w", 1),
            history: yield* journal.history("w")
          }
          const copy = structuredClone(before)
          yield* journal.commit(lease, {
            ...empty,
            workflows: [workflowRow("w", { status: "Completed" })],
            steps: [stepRow("w", "b"), stepRow("w", "a", { seq: 1 })],
            signals: [signal("w", "Approved")],
            taken: [1],
            over: [{ workflowId: "w", generation: 1 }],
            handled: [1]
          })
          assert.deepEqual(structuredClone(before), copy)
        })
      )

      test(
        "of nothing changes nothing",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const before = yield* readAll
          assert.deepStrictEqual(yield* journal.commit(lease, empty), [])
          assert.deepStrictEqual(yield* readAll, before)
        })
      )
    })

    describe("lease", () => {
      test(
        "is one at a time, and free again when its scope closes",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const scope = yield* Scope.make()
          const first = yield* Scope.extend(journal.acquire(leaseMillis), scope)
          const second = yield* Effect.exit(journal.acquire(leaseMillis))
          assert.isTrue(isLocked(second))
          yield* journal.commit(first, { ...empty, created: [workflowRow("a")] })
          yield* Scope.close(scope, Exit.void)
          const third = yield* journal.acquire(leaseMillis)
          assert.isAbove(third.token, first.token)
          yield* journal.commit(third, { ...empty, created: [workflowRow("b")] })
        })
      )

      test(
        "once it was given back, fences every write",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* Effect.scoped(journal.acquire(leaseMillis))
          yield* journal.submit(request("w"), creation(workflowRow("v"), [stepRow("v", "s")]))
          yield* journal.send(signal("v", "Approved"))
          const before = yield* readAll
          const commit = journal.commit(lease, {
            created: [workflowRow("a")],
            workflows: [workflowRow("b")],
            executions: [executionRow("a")],
            steps: [stepRow("a", "s")],
            stepExecutions: [stepExecutionRow("a", "s")],
            signals: [signal("v", "Approved")],
            taken: [1],
            over: [{ workflowId: "v", generation: 1 }],
            handled: [1]
          })
          assert.isTrue(isLocked(yield* Effect.exit(commit)))
          assert.isTrue(isLocked(yield* Effect.exit(journal.renew(lease))))
          assert.deepStrictEqual(yield* readAll, before)
        })
      )

      test(
        "is taken over once it is over, and the old one is fenced, and gives nothing back",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const scope = yield* Scope.make()
          const old = yield* Scope.extend(journal.acquire(leaseMillis), scope)
          yield* TestClock.adjust(leaseMillis - 1)
          assert.isTrue(isLocked(yield* Effect.exit(journal.acquire(leaseMillis))))
          yield* TestClock.adjust(1)
          const next = yield* journal.acquire(leaseMillis)
          assert.isAbove(next.token, old.token)
          const fenced = yield* Effect.exit(journal.commit(old, { ...empty, created: [workflowRow("a")] }))
          assert.isTrue(isLocked(fenced))
          assert.deepStrictEqual(yield* journal.workflow("a"), Option.none())
          yield* Scope.close(scope, Exit.void)
          assert.isTrue(isLocked(yield* Effect.exit(journal.acquire(leaseMillis))))
          yield* journal.commit(next, { ...empty, created: [workflowRow("b")] })
        })
      )

      test(
        "is prolonged by each commit and each renewal",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          for (const prolong of [journal.commit(lease, empty), journal.renew(lease), journal.commit(lease, empty)]) {
            yield* TestClock.adjust(leaseMillis - 1)
            yield* prolong
          }
          yield* TestClock.adjust(leaseMillis - 1)
          assert.isTrue(isLocked(yield* Effect.exit(journal.acquire(leaseMillis))))
        })
      )

      test(
        "outlives each commit by half of its time, at least",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          for (let pause = 1; pause < leaseMillis; pause += 1_237) {
            yield* TestClock.adjust(pause)
            yield* journal.commit(lease, empty)
            yield* TestClock.adjust(leaseMillis / 2 - 1)
            assert.isTrue(isLocked(yield* Effect.exit(journal.acquire(leaseMillis))), `after ${pause}`)
            yield* journal.renew(lease)
          }
        })
      )

      test(
        "goes on after it was over, if nobody took it",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          yield* TestClock.adjust(3 * leaseMillis)
          yield* journal.commit(lease, { ...empty, created: [workflowRow("a")] })
          assert.isTrue(isLocked(yield* Effect.exit(journal.acquire(leaseMillis))))
          assert.deepStrictEqual(yield* journal.workflow("a"), Option.some(workflowRow("a")))
        })
      )

      test(
        "tells who holds it",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          yield* journal.acquire(leaseMillis)
          const error = yield* Effect.flip(journal.acquire(leaseMillis))
          assert.strictEqual(error._tag, "JournalLocked")
          assert.match(error.message, /another engine runs the workflows of this journal: .*process/)
        })
      )
    })

    describe("submit", () => {
      test(
        "appends requests in order of arrival, without a lease, and a commit forgets those that it handled",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const sent = [
            request("b", { kind: "Cancel" }),
            request("a", { kind: "Resume", at: 1 }),
            request("a", { kind: "Pause" }),
            request("a", { kind: "Retry" }),
            request("a", { kind: "Skip", payload: "{\"path\":\"charge\"}" }),
            request("b", { kind: "Start", payload: "{\"by\":\"\\u0000\"}" })
          ]
          const answers = yield* Effect.forEach(sent, (row) => journal.submit(row, Option.none()))
          const rows = yield* journal.requests
          assert.deepStrictEqual(rows.map(({ id: _, ...row }) => row), sent)
          const numbers = rows.map(({ id }) => id)
          assert.deepStrictEqual(numbers, [...numbers].sort((one, other) => one - other))
          assert.strictEqual(new Set(numbers).size, sent.length)
          assert.deepStrictEqual(answers, numbers.map((id) => Either.right(id)))
          const [first, second, ...others] = numbers

          const lease = yield* journal.acquire(leaseMillis)
          yield* journal.commit(lease, { ...empty, handled: [first!, ...others, 1_000_000] })
          assert.deepStrictEqual(yield* journal.requests, [{ ...sent[1]!, id: second! }])
          yield* journal.commit(lease, { ...empty, handled: [second!] })
          assert.deepStrictEqual(yield* journal.requests, [])
          yield* journal.submit(request("c"), Option.none())
          const [next] = yield* journal.requests
          assert.isAbove(next!.id, others.at(-1)!)
        })
      )

      test(
        "writes the workflow with the request, unless its id is taken: then nothing",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const row = workflowRow("w", { status: "Pending", payload: "1" })
          const start = request("w", { kind: "Start" })
          assert.isTrue(Either.isRight(yield* journal.submit(start, creation(row))))
          assert.deepStrictEqual(yield* journal.workflow("w"), Option.some(row))
          assert.strictEqual((yield* journal.requests).length, 1)

          const again = journal.submit(start, creation(workflowRow("w", { payload: "2" })))
          assert.deepStrictEqual(yield* again, Either.left(row))
          assert.deepStrictEqual(yield* journal.workflow("w"), Option.some(row))
          assert.strictEqual((yield* journal.requests).length, 1)
        })
      )

      test(
        "of many at once lets one create the workflow",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const existing = yield* Effect.forEach(
            Array.from({ length: 10 }, (_, index) => workflowRow("w", { payload: `${index}` })),
            (row) => journal.submit(request("w", { kind: "Start" }), creation(row)),
            { concurrency: "unbounded" }
          )
          const created = yield* Effect.flatten(journal.workflow("w"))
          assert.strictEqual(existing.filter(Either.isRight).length, 1)
          assert.strictEqual((yield* journal.requests).length, 1)
          const refused = existing.flatMap((answer) => Either.isLeft(answer) ? [answer.left] : [])
          assert.deepStrictEqual(refused, Array.from({ length: 9 }, () => created))
        })
      )
    })

    describe("streams", () => {
      test(
        "`requested` emits when it listens, and after a request",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const [one, other] = [
            yield* listen(Bell.stream(journal.requested)),
            yield* listen(Bell.stream(journal.requested))
          ]
          for (const id of ["a", "b"]) {
            yield* journal.submit(request(id), Option.none())
            yield* Queue.take(one)
            yield* Queue.take(other)
          }
          assert.strictEqual((yield* journal.requests).length, 2)
        })
      )

      test(
        "`requested` does not emit after a commit of this process",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const emitted = yield* listen(Bell.stream(journal.requested))
          const committed = yield* listen(journal.committed)
          yield* journal.commit(lease, { ...empty, created: [workflowRow("w")] })
          yield* Queue.take(committed)
          assert.strictEqual(yield* Queue.size(emitted), 0)
        })
      )

      test(
        "`committed` emits when it listens, and after a commit",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const emitted = yield* listen(journal.committed)
          for (const id of ["a", "b"]) {
            yield* journal.commit(lease, { ...empty, created: [workflowRow(id)] })
            yield* Queue.take(emitted)
          }
          assert.isTrue(Option.isSome(yield* journal.workflow("b")))
        })
      )

      test(
        "do not hold up a writer by one who does not read",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          yield* Effect.forkScoped(Stream.runForEach(journal.committed, () => Effect.never))
          const emitted = yield* listen(journal.committed)
          for (let index = 0; index < 100; index++) {
            yield* journal.commit(lease, { ...empty, steps: [stepRow("w", `${index}`)] })
          }
          yield* Queue.take(emitted)
          assert.strictEqual((yield* journal.recorded("w", 1)).steps.length, 100)
        })
      )
    })

    describe("reads", () => {
      test(
        "know nothing of what was never written",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          assert.deepStrictEqual(yield* journal.workflow("w"), Option.none())
          assert.deepStrictEqual(yield* journal.history("w"), Option.none())
          assert.deepStrictEqual(yield* journal.recorded("w", 1), {
            executions: [],
            steps: [],
            openStepExecutions: []
          })
          assert.deepStrictEqual(yield* journal.children("w"), [])
          assert.deepStrictEqual(yield* journal.signals("w", 0), [])
          assert.deepStrictEqual(yield* journal.requests, [])
          assert.deepStrictEqual(yield* journal.list({ filter: everything, after: 0, limit: 10 }), [])
          assert.deepStrictEqual(yield* journal.changed({ after: 0, limit: 10 }), [])
          assert.strictEqual(yield* journal.lastChange, 0)
          assert.strictEqual(yield* journal.prune({ before: Number.MAX_SAFE_INTEGER, limit: 10 }), 0)
        })
      )

      test(
        "`children` returns the sub-workflows of one workflow, ended or not",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const children = [
            workflowRow("z", { parentId: "p", parentPath: "first" }),
            workflowRow("y", { parentId: "p", parentPath: "second", status: "Completed" })
          ]
          yield* journal.commit(lease, {
            ...empty,
            created: [workflowRow("p"), ...children, workflowRow("x", { parentId: "q" }), workflowRow("o")]
          })
          assert.deepStrictEqual(yield* journal.children("p"), children)
          const ended = children.map((row) => ({ ...row, status: "Failed" as const }))
          yield* journal.commit(lease, { ...empty, workflows: ended })
          assert.deepStrictEqual(yield* journal.children("p"), ended)
        })
      )

      test(
        "`recorded` returns, of one generation, the executions, the steps, and the attempts of those without an outcome",
        Effect.gen(function*() {
          const journal = yield* Journal.Journal
          const lease = yield* journal.acquire(leaseMillis)
          const attempts = (path: string, generation = 1) =>
            [1, 2].map((attempt) => stepExecutionRow("w", path, { attempt, generation }))
          const steps = [stepRow("w", "open"), stepRow("w", "done", { seq: 7 }), stepRow("w", "timer")]
          const executions = [executionRow("w", { status: "Failed" }), executionRow("w", { attempt: 2 })]
          yield* journal.commit(lease, {
            ...empty,
            executions: [...executions, executionRow("w", { generation: 2 }), executionRow("v")],
            steps: [...steps, stepRow("w", "open", { generation: 2 }), stepRow("v", "open")],
            stepExecutions: [
              ...attempts("done"),
              ...attempts("open"),
              ...attempts("open", 2),
              ...attempts("gone"),
              stepExecutionRow("v", "open")
            ]
          })
          assert.deepStrictEqual(yield* journal.recorded("w", 1), {
            executions,
            steps,
            openStepExecutions: attempts("open")
          })
        })
      )
    })

    Signals.laws(test)
    Forks.laws(test)
    Lists.laws(layer, test)
    Pruning.laws(test)
  })
