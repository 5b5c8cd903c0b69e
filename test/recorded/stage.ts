/**
 * Runs a recorded program in virtual time, from whatever a journal holds.
 */
import { Duration, Effect, Fiber, Layer, Logger, LogLevel } from "effect"
import * as Ids from "../../src/engine/ids.ts"
import { Journal, JournalLocked, Tempolite } from "../../src/index.ts"
import { settle, SimClock } from "../support/SimClock.ts"
import { type Again, type Call, type Child, type Code, type Held, layer, type Main, Outside } from "./domain.ts"

type Client = Effect.Effect<unknown, unknown, Tempolite.Tempolite | Main | Again | Held | Child>

/** The histories of all workflows there are, by id as the journal writes it. */
export type Rows = ReadonlyMap<string, Journal.History>

type Where = (rows: Rows, requests: ReadonlyArray<Journal.RequestRow>) => boolean

export interface Program {
  /** What it keeps working: a feature, or a fault that was mended. */
  readonly about: string
  readonly code: Code
  /** The code that it was recorded with, if it has changed since. */
  readonly before?: Code
  /** Starts it. */
  readonly begin: Client
  /** Where the process dies: after the first commit of which this holds. */
  readonly until: Where
  /** How long nothing runs then, in seconds. */
  readonly downtime?: number
  /** What is asked once it runs again. */
  readonly then?: Client
  /** Where it ends; unless given, once all has ended. */
  readonly end?: Where
}

interface Ran {
  readonly calls: ReadonlyArray<Call>
  readonly rows: Rows
  /** Of the last commit. */
  readonly at: number
  /** How many commits were made. */
  readonly commits: number
  /** Whether it got to where it was to be over; else nothing happened any more. */
  readonly isOver: boolean
}

export const rowsOf = (journal: Journal.Service): Effect.Effect<Rows> =>
  Effect.gen(function*() {
    const listed = yield* journal.list({ filter: Journal.everything, after: 0, limit: 1_000 })
    const histories = yield* Effect.forEach(listed, ({ workflow: { id } }) => Effect.flatten(journal.history(id)))
    return new Map(histories.map((history) => [history.workflow.id, history]))
  }).pipe(Effect.orDie)

export const hasEnded = (rows: Rows): boolean =>
  [...rows.values()].every(({ workflow }) => ["Completed", "Failed", "Cancelled"].includes(workflow.status))

/** The keys under which the outside knows what is completed; with those it must not be asked again. */
export const completedKeys = (rows: Rows): ReadonlySet<string> =>
  new Set(
    [...rows.values()].flatMap(({ steps, workflow }) =>
      steps.filter(({ status }) => status === "Completed" || status === "Compensated")
        .map((row) => Ids.idempotencyKey(workflow, row))
    )
  )

/** Runs until `isOver` holds of the rows after a commit, or nothing happens any more. Then the process is no more. */
export const run = async (
  journal: Journal.Service,
  code: Code,
  options: {
    readonly at: number
    readonly asked: Client
    readonly isOver: Where
    /** After which commits that is asked: all, or those in which a workflow has changed. */
    readonly after: "commits" | "changes"
  }
): Promise<Ran> => {
  const clock = new SimClock(options.at)
  const calls: Array<Call> = []
  let over: Ran | undefined
  let commits = 0
  let ended: unknown
  const ran = (rows: Rows, isOver: boolean): Ran => ({ rows, calls: [...calls], at: clock.now, commits, isOver })
  const look = Effect.map(Effect.all([rowsOf(journal), Effect.orDie(journal.requests)]), ([rows, requests]) => {
    commits++
    if (over === undefined && options.isOver(rows, requests)) over = ran(rows, true)
  })
  /** Once it is over, nothing is written any more. */
  const mortal = <A, E>(write: Effect.Effect<A, E>, isChange = true): Effect.Effect<A, E | JournalLocked> =>
    Effect.if(Effect.sync(() => over === undefined), {
      onTrue: () =>
        Effect.zipLeft(write, isChange || options.after === "commits" ? look : Effect.sync(() => commits++)),
      onFalse: () => Effect.fail(new JournalLocked({ holder: "nobody" }))
    })
  const service: Journal.Service = {
    ...journal,
    renew: () => Effect.never,
    commit: (lease, batch) => mortal(journal.commit(lease, batch), batch.workflows.length > 0),
    submit: (request, created) =>
      Effect.catchTag(mortal(journal.submit(request, created)), "JournalLocked", Effect.die),
    send: (signal) => Effect.catchTag(mortal(journal.send(signal)), "JournalLocked", Effect.die)
  }
  const logs: Array<string> = []
  const fiber = Effect.runFork(
    Effect.zipRight(options.asked, Effect.never).pipe(
      Effect.provide(
        layer(code).pipe(
          Layer.provideMerge(Tempolite.layer({ closeGrace: Duration.zero })),
          Layer.provide([
            Layer.succeed(Journal.Journal, service),
            Layer.succeed(Outside, { called: (call) => calls.push(call) })
          ]),
          Layer.provideMerge(Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => {
              logs.push(String(message))
            })
          ))
        )
      ),
      Effect.withClock(clock),
      Logger.withMinimumLogLevel(LogLevel.Warning),
      Effect.tapErrorCause((cause) =>
        Effect.sync(() => {
          ended = cause
        })
      )
    )
  )
  const activity = () => clock.activity + commits + calls.length
  for (let turns = 0; over === undefined; turns++) {
    await settle(activity)
    if (ended !== undefined || turns > 500) throw new Error(`it ended by itself: ${String(ended)} ${logs.join("\n")}`)
    if (over === undefined && !clock.advance()) break
  }
  over ??= ran(await Effect.runPromise(rowsOf(journal)), false)
  // A process that is killed does nothing more; here its fibers are, and find that nothing is written.
  const closing = Effect.runPromise(Fiber.interrupt(fiber))
  let isClosed = false
  void closing.then(() => {
    isClosed = true
  })
  for (let turns = 0; !isClosed; turns++) {
    await settle(activity)
    clock.advance()
    if (turns > 100) throw new Error("the engine does not close")
  }
  return over
}

/** The step of a workflow. */
export const stepOf = (rows: Rows, path: string, id = "w"): Journal.StepRow | undefined =>
  rows.get(id)?.steps.find((row) => row.path === path)

/** That a step has this status. */
export const isAt = (path: string, status: Journal.StepRow["status"], id?: string) => (rows: Rows): boolean =>
  stepOf(rows, path, id)?.status === status

/** That a workflow has this status. */
export const is = (status: Journal.WorkflowRow["status"], id = "w") => (rows: Rows): boolean =>
  rows.get(id)?.workflow.status === status
