/**
 * Journals that were recorded once, and that every version must go on with: in the middle of a program, and at its end.
 */
import { Chunk, Effect, Exit, Schema, Scope, Stream } from "effect"
import { assert, describe, it } from "vitest"
import { Journal } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"
import { layer, Outside } from "./domain.ts"
import { programs } from "./programs.ts"
import * as Recorded from "./Recorded.ts"
import { completedKeys, hasEnded, type Program, type Rows, rowsOf, run } from "./stage.ts"

const Parsed = Schema.decodeSync(Schema.parseJson())

/** A cause without what says nothing: how it is written may change, what it says may not. */
const told = (value: unknown): unknown => {
  const { _tag, causes } = Object.assign({ _tag: "", causes: [] as ReadonlyArray<unknown> }, value)
  if (_tag !== "Sequential" && _tag !== "Parallel") return value
  const parts = causes.map((cause) => JSON.stringify(told(cause)))
  const left = parts.filter((part, index) => part !== "{\"_tag\":\"Empty\"}" && parts.indexOf(part) === index)
  return left.length === 1 ? Parsed(left[0] ?? "") : { _tag, causes: left.map((part) => Parsed(part)) }
}
const outcome = (text: string | null) => text === null ? null : told(Parsed(text))

/** How a program has come out: its workflows and their steps. */
const ends = (rows: Rows) =>
  Object.fromEntries(
    [...rows].map(([id, { executions, signals, steps, workflow }]) => [id, {
      status: workflow.status,
      outcome: outcome(workflow.outcome),
      executions: executions.map(({ generation, status }) => `${generation} ${status}`),
      signals: signals.map(({ name, payload }) => [name, payload]),
      steps: Object.fromEntries(
        steps.map((row) => [row.path, [row.kind, row.status, row.origin, row.round, outcome(row.outcome)]])
      )
    }])
  )

const broken = (journal: Journal.Service) =>
  Journal.check.pipe(
    Stream.map(String),
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray),
    Effect.provideService(Journal.Journal, journal)
  )

/** What is kept of a program, for as long as `use` takes. */
const withKept = async (
  name: string,
  stage: Recorded.Stage,
  use: (kept: Effect.Effect.Success<ReturnType<typeof Recorded.open>>) => Promise<void>
) => {
  const scope = await Effect.runPromise(Scope.make())
  try {
    await use(await Effect.runPromise(Scope.extend(Recorded.open(name, stage), scope)))
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const goesOn = async (name: string, program: Program, on: "memory" | "sqlite") => {
  await withKept(name, "end", (end) =>
    withKept(name, "middle", async (middle) => {
      const journal = middle[on]
      assert.deepStrictEqual(await Effect.runPromise(broken(journal)), [])
      const completed = completedKeys(await Effect.runPromise(rowsOf(journal)))
      const ran = await run(journal, program.code, {
        at: middle.at + 1_000 * (program.downtime ?? 60),
        asked: program.then ?? Effect.void,
        isOver: program.end ?? hasEnded,
        after: "changes"
      })
      assert.deepStrictEqual(ran.calls.filter(({ idempotencyKey }) => completed.has(idempotencyKey)), [])
      assert.deepStrictEqual(ends(ran.rows), ends(await Effect.runPromise(rowsOf(end[on]))))
      assert.deepStrictEqual(Parsed(JSON.stringify(ran.calls)), end.calls)
      assert.deepStrictEqual(await Effect.runPromise(broken(journal)), [])
    }))
}

const staysAtItsEnd = (name: string, { code }: Program, on: "memory" | "sqlite") =>
  withKept(name, "end", async (end) => {
    const journal = end[on]
    assert.deepStrictEqual(await Effect.runPromise(broken(journal)), [])
    const before = await Effect.runPromise(rowsOf(journal))
    const ran = await run(journal, code, {
      at: end.at + 3_600_000,
      asked: Effect.void,
      isOver: () => false,
      after: "changes"
    })
    assert.deepStrictEqual(ran.calls, [])
    assert.deepStrictEqual(ran.rows, before)
    const report = await Effect.runPromise(
      Testing.replayCheck({ workflows: layer(code), filter: {} }).pipe(
        Effect.provideService(Outside, { called: (call) => assert.fail(`${call.step} was called`) }),
        Effect.provideService(Journal.Journal, journal)
      )
    )
    assert.strictEqual(report.diverging.length, 0, String(report))
    assert.strictEqual(report.verdicts.length, before.size)
  })

const journals = ["memory", "sqlite"] as const

describe("a recorded journal", () => {
  for (const [index, [name, program]] of Object.entries(programs).entries()) {
    for (const on of journals) {
      it(`goes on to the end that was written down: ${name}, ${program.about} (${on})`, () => goesOn(name, program, on))
    }
    // Nothing is written there: one of the journals is as good as the other.
    const on = journals[index % 2] ?? "memory"
    it(`is left alone at its end: ${name} (${on})`, () => staysAtItsEnd(name, program, on))
  }

  it("is kept of every program, in the middle and at the end, and of no other", () => {
    assert.deepStrictEqual(
      [...Recorded.names()].sort(),
      Object.keys(programs).flatMap((name) => [name, name]).sort()
    )
  })

  it("is not written again", () =>
    withKept("sequence", "middle", async (kept) => {
      const exit = await Effect.runPromiseExit(Recorded.keep("sequence", "middle", kept.memory, kept))
      assert.include(String(exit), "is kept, and not written again")
    }))
})
