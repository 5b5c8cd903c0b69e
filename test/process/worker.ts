/**
 * A process of a shop: `worker.ts <mode> <directory> …`. It says what it does in lines of standard output, at once, so
 * that what was said is out when it is killed; its log goes to standard error.
 */
import { Cause, Effect, Exit, Fiber, FiberId, Layer, Logger, Schema, Stream } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { Tempolite } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import type { Entry } from "./batch.ts"
import { entries } from "./batch.ts"
import * as Orders from "./orders.ts"
import * as Scripts from "./scripts.ts"

const [mode = "", directory = "", ...parameters] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => Fs.writeSync(1, `${line}\n`))

const journal = SqliteJournal.layer({ filename: Path.join(directory, "orders.db") })

const engine = Layer.mergeAll(Orders.layer(directory), Scripts.layer(directory)).pipe(
  Layer.provideMerge(Tempolite.layer({ closeGrace: Number(process.env["CLOSE_GRACE"] ?? 5_000) })),
  Layer.provide(journal)
)

const client = Layer.mergeAll(Orders.Order.client, Orders.Patient.client, Scripts.Script.client).pipe(
  Layer.provideMerge(Tempolite.layerClient),
  Layer.provide(journal)
)

/** Starts a workflow of the batch; `onStart` runs between that and the wait for its end. */
const runEntry = <E, R>(entry: Entry, onStart: Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    switch (entry._tag) {
      case "Order": {
        const { result } = yield* Orders.Order.start(entry.id, entry.plan)
        return Orders.told(yield* Effect.zipRight(onStart, Effect.exit(result)))
      }
      case "Patient": {
        const { result } = yield* Orders.Patient.start(entry.id, entry.payload)
        return Orders.told(yield* Effect.zipRight(onStart, Effect.exit(result)))
      }
    }
  })

/** Starts the first workflows of the batch, and cancels those that are to be cancelled. Ends if it started all. */
const batch = Effect.gen(function*() {
  const limit = Number(parameters[0])
  const tempolite = yield* Tempolite.Tempolite
  yield* say("ready")
  yield* Effect.forEach(entries.slice(0, limit), (entry) => {
    const cancel = Effect.sleep(50).pipe(
      Effect.zipRight(tempolite.cancel(entry.id)),
      Effect.zipRight(say(`cancelled ${entry.id}`))
    )
    const onStart = Effect.zipRight(
      say(`started ${entry.id}`),
      Effect.when(cancel, () => entry.expected === "Cancelled")
    )
    return Effect.flatMap(runEntry(entry, Effect.asVoid(onStart)), (told) => say(`ended ${entry.id} ${told}`))
  }, { concurrency: "unbounded", discard: true })
  if (limit < entries.length) return yield* Effect.zipRight(say("idle"), Effect.never)
})

const Command = Schema.parseJson(Schema.Union(
  Schema.Struct({ start: Schema.String, script: Scripts.Plan }),
  Schema.Struct({ cancel: Schema.String })
))

/** Starts a script, and tells its end. */
const start = (id: string, script: typeof Scripts.Plan.Type) =>
  Effect.tap(Scripts.Script.start(id, script), ({ result }) =>
    Effect.zipRight(
      say(`started ${id}`),
      Effect.fork(Effect.flatMap(Effect.exit(result), (exit) => say(`ended ${id} ${Orders.told(exit)}`)))
    ))

/** Does what it is told, line by line. */
const shop = Effect.gen(function*() {
  const tempolite = yield* Tempolite.Tempolite
  yield* say("ready")
  const commands = Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (error) => error)
  yield* Stream.runForEach(
    commands,
    (line) =>
      Effect.gen(function*() {
        const command = yield* Schema.decodeUnknown(Command)(line)
        if ("start" in command) yield* start(command.start, command.script)
        else {
          yield* tempolite.cancel(command.cancel)
          yield* say(`cancelled ${command.cancel}`)
        }
      })
  )
  return yield* Effect.never
})

const quick = { millis: 1, failures: 0 }

/** Uses all calls of a client, as fast as it can: starts workflows, watches them, and cancels every third. */
const hammer = Effect.gen(function*() {
  const [prefix, count] = parameters
  const tempolite = yield* Tempolite.Tempolite
  yield* say("ready")
  yield* Effect.forEach(Array.from({ length: Number(count) }, (_, index) => index), (index) =>
    Effect.gen(function*() {
      const id = `${prefix}-${index}`
      const isCancelled = index % 3 === 0
      const script = yield* Scripts.Script.start(id, {
        steps: ["a", "b", "c"].map((key) => ({ key, call: quick, stubborn: false, undo: quick })),
        ending: isCancelled ? "wait" : "success"
      })
      yield* say(`started ${id}`)
      const watching = yield* Effect.fork(Stream.runDrain(script.changes))
      yield* Effect.repeatN(script.describe, 3)
      yield* Effect.flatMap(tempolite.info(id), ({ status }) => status)
      if (isCancelled) {
        yield* script.cancel
        yield* say(`cancelled ${id}`)
      }
      const exit = yield* Effect.exit(script.result)
      yield* Fiber.join(watching)
      yield* say(`ended ${id} ${Orders.told(exit)}`)
    }), { concurrency: 16, discard: true })
})

const modes: Record<string, Effect.Effect<void, unknown>> = {
  batch: Effect.provide(batch, engine),
  shop: Effect.provide(shop, engine),
  hammer: Effect.provide(hammer, client)
}

const main = (modes[mode] ?? Effect.dieMessage(`no such mode: ${mode}`)).pipe(
  Effect.onExit((exit) =>
    say(Exit.match(exit, { onSuccess: () => "done", onFailure: (cause) => `over: ${Cause.pretty(cause)}` }))
  ),
  Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
)

const fiber = Effect.runFork(main)
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    fiber.unsafeInterruptAsFork(FiberId.none)
    Fs.writeSync(1, "stopping\n")
  })
}
fiber.addObserver(() => process.exit())
