/**
 * A process that uses a journal: `child.ts <command> <file> <argument>`.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import { createInterface } from "node:readline"
import * as Journal from "../../src/Journal.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { creation, empty, request, stepRow, workflowRow } from "../support/journalRows.ts"

const [command, filename = "", argument = ""] = process.argv.slice(2)

/** At once, so that what was said is out when the process is killed. */
const say = (line: string) => Effect.sync(() => Fs.writeSync(1, `${line}\n`))

/** Listening keeps the process alive. */
const told = Stream.suspend(() => Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (error) => error))

const commands: Record<string, Effect.Effect<void, unknown, Journal.Journal>> = {
  /** Holds the lease for the given time, and commits a workflow for each line that it is told. */
  hold: Effect.gen(function*() {
    const journal = yield* Journal.Journal
    const lease = yield* journal.acquire(Number(argument))
    yield* say("held")
    yield* Stream.runForEach(told, (id) =>
      journal.commit(lease, { ...empty, created: [workflowRow(id)] }).pipe(
        Effect.as("committed"),
        Effect.catchAll((error) => Effect.succeed(`${error._tag}: ${error.message}`)),
        Effect.flatMap(say)
      ))
  }).pipe(Effect.scoped),

  /** Commits a number and the step of that number, of twenty, and says so, until it is killed. */
  commit: Effect.gen(function*() {
    const journal = yield* Journal.Journal
    const lease = yield* journal.acquire(10_000)
    for (let seq = 1; true; seq++) {
      yield* journal.commit(lease, {
        ...empty,
        workflows: [workflowRow("w", { unusedOutcomes: seq })],
        steps: [stepRow("w", `${seq % 20}`, { seq })]
      })
      yield* say(`${seq}`)
    }
  }).pipe(Effect.scoped),

  /** Sends as many requests as it is told. */
  submit: Effect.gen(function*() {
    const journal = yield* Journal.Journal
    for (let index = 0; index < Number(argument); index++) {
      const id = `${process.pid}/${index}`
      yield* journal.submit(request(id), creation(workflowRow(id)))
    }
    yield* say("sent")
  })
}

const program = commands[command ?? ""] ?? Effect.dieMessage(`no such command: ${command}`)

await Effect.runPromise(
  Effect.provide(
    program,
    SqliteJournal.layer({ filename, pollInterval: "2 millis" })
  )
)
