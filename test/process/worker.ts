/**
 * A process of a shop: `worker.ts <mode> <directory> …`. It says what it does in lines of standard output, at once, so
 * that what was said is out when it is killed; its log goes to standard error.
 */
import { Cause, Context, Effect, Exit, Fiber, FiberId, Layer, Logger, Schema, Stream } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { Journal, Tempolite } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import type { Entry } from "./batch.ts"
import { entries } from "./batch.ts"
import * as Every from "./every.ts"
import * as Orders from "./orders.ts"
import * as Scripts from "./scripts.ts"

const [mode = "", directory = "", ...parameters] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => Fs.writeSync(1, `${line}\n`))

const journal = SqliteJournal.layer({ filename: process.env["JOURNAL"] ?? Path.join(directory, "orders.db") })

/** Of the commits of this process: how many there were, and the one at which it kills itself. */
const commits = { count: 0, lethal: Infinity, isBefore: true }

const kill = Effect.zipRight(Effect.sync(() => process.kill(process.pid, "SIGKILL")), Effect.never)

/** The journal of a process that kills itself just before a commit, or just after it. */
const mortal = Layer.map(journal, (context) => {
  const service = Context.get(context, Journal.Journal)
  return Context.make(Journal.Journal, {
    ...service,
    acquire: (leaseMillis) => service.acquire(Number(process.env["LEASE"] ?? leaseMillis)),
    commit: (lease, batch) =>
      Effect.suspend(() => {
        const isLethal = ++commits.count === commits.lethal
        if (isLethal && commits.isBefore) return kill
        return Effect.tap(service.commit(lease, batch), () => isLethal ? kill : Effect.void)
      })
  })
})

const engine = Layer.mergeAll(Orders.layer(directory), Scripts.layer(directory), Every.layer(directory)).pipe(
  Layer.provideMerge(Tempolite.layer({ closeGrace: Number(process.env["CLOSE_GRACE"] ?? 5_000) })),
  Layer.provide(mortal)
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

/** Starts those workflows of the batch that are named, and cancels those that are to be cancelled. Ends if that is all. */
const batch = Effect.gen(function*() {
  const [ids = "", isAll] = parameters
  const named = new Set(ids.split(","))
  const tempolite = yield* Tempolite.Tempolite
  yield* say("ready")
  yield* Effect.forEach(entries.filter(({ id }) => named.has(id)), (entry) => {
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
  if (isAll !== "all") return yield* Effect.zipRight(say("idle"), Effect.never)
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

/** Lets a workflow go on, or begin, and tells its end. */
const every = (id: string) =>
  Effect.gen(function*() {
    const { result } = yield* Every.Every.start(id)
    yield* Effect.catchTag(Every.Approved.send(id, { by: "ann" }), "WorkflowEnded", () => Effect.void)
    yield* say(`ended ${id} ${Orders.told(yield* Effect.exit(result))}`)
  })

/** Lets the workflow of the process before this one end; then starts another, and is killed at one of its commits. */
const killed = Effect.gen(function*() {
  const [last, next = "", lethal, moment] = parameters
  if (last !== "") yield* every(last ?? "")
  commits.isBefore = moment === "before"
  commits.lethal = commits.count + Number(lethal)
  yield* every(next)
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

/** Does a little of everything, so that it is compiled. */
const warm = Effect.gen(function*() {
  const { describe, result } = yield* Scripts.Script.start("warm", {
    steps: [{ key: "a", call: { ...quick, failures: 1 }, stubborn: true, undo: quick }],
    ending: "failure"
  })
  yield* Effect.exit(result)
  yield* describe
})

const modes: Record<string, Effect.Effect<void, unknown>> = {
  batch: Effect.provide(batch, engine),
  shop: Effect.provide(shop, engine),
  killed: Effect.provide(killed, engine),
  hammer: Effect.provide(hammer, client),
  warm: Effect.provide(warm, engine)
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
