/**
 * Runs a workflow body in virtual time against a simulated world, from any state of the journal, and keeps all that can
 * be compared: the result, the trace of the body, the journal and the calls outside.
 */
import {
  Cause,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  LogLevel,
  Runtime,
  Schedule,
  Schema,
  type Scope
} from "effect"
import * as Ids from "../../src/engine/ids.ts"
import {
  Activity,
  Journal,
  Saga,
  SideEffect,
  Signal,
  Tempolite,
  Workflow,
  WorkflowCancelled,
  WorkflowEnded,
  WorkflowNotFound
} from "../../src/index.ts"
import * as Lawful from "./lawful.ts"
import * as Recording from "./RecordingJournal.ts"
import { settle, SimClock } from "./SimClock.ts"
import { together } from "./together.ts"
import { type Plan, World } from "./World.ts"

export class Broken extends Schema.TaggedError<Broken>()("Broken", { key: Schema.String }) {}

/** The one activity of simulated bodies. `fail`: on which of its attempts it fails, or always. */
class Act extends Activity.Tag<Act>()("Act", {
  payload: {
    fail: Schema.optionalWith(Schema.Union(Schema.Literal("always"), Schema.Number), { default: () => 0 }),
    arg: Schema.optional(Schema.Unknown)
  },
  success: Schema.Unknown,
  error: Broken
}) {}

/** The same with retries: three at most, after one second, two, four. */
export class Retried extends Activity.Tag<Retried>()("Retried", {
  payload: { fail: Schema.Number },
  success: Schema.Unknown,
  error: Broken,
  retry: { schedule: Schedule.exponential("1 second"), times: 3 }
}) {}

/** The same with a timeout for each attempt. */
export class Hasty extends Activity.Tag<Hasty>()("Hasty", {
  success: Schema.Unknown,
  timeout: "40 seconds",
  retry: { times: 2 }
}) {}

export class Draw extends SideEffect.Tag<Draw>()("Draw", { success: Schema.Number }) {}

export class Child extends Workflow.Tag<Child>()("Child", {
  payload: { steps: Schema.Number, fail: Schema.optionalWith(Schema.Boolean, { default: () => false }) },
  success: Schema.Unknown,
  error: Broken
}) {}

/** What simulated bodies are told. */
export const Told = Signal.make("Told", { payload: { n: Schema.Number } })
export const Asked = Signal.make("Asked", { payload: { n: Schema.Number } })

/** A sub-workflow that is told things, and tells them on. */
export class Listener extends Workflow.Tag<Listener>()("Listener", {
  payload: { times: Schema.Number, answer: Schema.Union(Schema.String, Schema.Number) },
  success: Schema.Unknown,
  error: Schema.Unknown
}) {}

/** A sub-workflow of some generations. */
export class Rounds extends Workflow.Tag<Rounds>()("Rounds", {
  payload: { left: Schema.Number },
  success: Schema.Unknown,
  error: Broken
}) {}

/** A body may go on from a state, and fail with anything. */
const options = {
  payload: { state: Schema.optional(Schema.Unknown) },
  success: Schema.Unknown,
  error: Schema.Union(Broken, WorkflowCancelled, WorkflowNotFound, WorkflowEnded, Schema.Unknown)
}

class Main extends Workflow.Tag<Main>()("Main", options) {}

/** With executions: up to three. */
class Again extends Workflow.Tag<Again>()("Again", {
  ...options,
  retry: { schedule: Schedule.spaced("30 seconds"), times: 2 }
}) {}

/** What a body may use. */
export interface Tools {
  /** Appends to the trace of the body. */
  readonly note: (text: unknown) => Effect.Effect<void>
  readonly act: (
    key: string,
    options?: { readonly fail?: number | "always"; readonly arg?: unknown }
  ) => Effect.Effect<unknown, Broken, Act | Workflow.Step<string>>
  /** A step whose undo is the step `u-<key>`. */
  readonly done: (key: string) => Effect.Effect<unknown, Broken, Act | Workflow.Step<string> | Saga.Compensations>
}

export type Requirements =
  | Act
  | Retried
  | Hasty
  | Draw
  | Child
  | Listener
  | Rounds
  | Workflow.Step<string>
  | Workflow.Execution
  | Saga.Compensations
  | Scope.Scope

/** The generation that a body runs in. */
interface Generation<R> {
  /** What it began with; nothing in the first. */
  readonly state: unknown
  readonly next: (state: unknown) => Effect.Effect<never, never, R>
}

export type Telling = Signal.Signal<string, { readonly n: typeof Schema.Number }>

/** A signal that the outside sends to the workflow, once. */
export interface Scheduled {
  readonly signal: Telling
  /** Of its own, by which it is known. */
  readonly n: number
  /** How long after the begin of everything. */
  readonly seconds: number
}

export interface Body {
  readonly name: string
  /** Whether the workflow is retried as a whole. */
  readonly executions?: boolean
  /** Whether a lost attempt changes the future: the timeout of the one after it begins anew. */
  readonly restarts?: boolean
  readonly signals?: ReadonlyArray<Scheduled>
  readonly run: <R>(tools: Tools, generation: Generation<R>) => Effect.Effect<unknown, unknown, Requirements | R>
}

export interface Options {
  readonly body: Body
  readonly seed: number
  /** What the journal holds, and at what time the run begins. */
  readonly past: ReadonlyArray<Recording.Commit>
  readonly at: number
  readonly future: ReadonlyArray<Plan>
  /** How long each commit takes. */
  readonly latency?: (commit: number) => number
  /** The journal that the engine is given, in place of the one that records. */
  readonly through?: (journal: Journal.Service) => Journal.Service
  /** Called before each passing of time, with how often time has passed. */
  readonly before?: (advances: number, control: Control) => void
}

interface Control {
  /** Asks to cancel the workflow. */
  readonly cancel: () => void
  /** Closes the engine; `simulate` then returns with what there is. */
  readonly close: () => void
}

export interface Simulated {
  readonly exit: string
  /** What the body noted in each of its executions, by generation and attempt. */
  readonly traces: Readonly<Record<string, ReadonlyArray<string>>>
  readonly journal: unknown
  readonly rows: ReadonlyArray<Journal.StepRow>
  readonly status: string
  /** To the end of the workflow. */
  readonly commits: ReadonlyArray<Recording.Commit>
  readonly world: World
  readonly endedAt: number
  readonly advances: number
  readonly closed: boolean
  readonly logs: ReadonlyArray<string>
}

/** The workflow that a simulation runs. */
export const id = "w"

/** When every simulation begins. */
export const begin = 1_700_000_000_000

const show = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.match(exit, {
    onSuccess: (value) => `success ${JSON.stringify(value)}`,
    onFailure: (cause) =>
      `failure ${Cause.pretty(cause).split("\n").filter((line) => !line.trim().startsWith("at ")).join(" ")}`
  })

/** How many attempts of each activity ended by themselves. */
const endedAttempts = (past: ReadonlyArray<Recording.Commit>): ReadonlyMap<string, number> => {
  const status = new Map<string, { readonly path: string; readonly ended: boolean }>()
  for (const row of past.flatMap(({ batch }) => batch.stepExecutions)) {
    const path = Ids.step(row.workflowId, row.generation, row.path)
    const ended = row.status === "Completed" || row.status === "Failed"
    status.set(`${path} ${row.attempt}`, { path, ended })
  }
  const counts = new Map<string, number>()
  for (const { ended, path } of status.values()) if (ended) counts.set(path, (counts.get(path) ?? 0) + 1)
  return counts
}

/** The signals of a schedule that were not sent in the past. */
const unsent = ({ body, past }: Options): ReadonlyArray<Scheduled> => {
  const sent = new Set(
    past.flatMap(({ batch }) => batch.signals)
      .filter(({ workflowId }) => workflowId === id)
      .map(({ name, payload }) => `${name} ${payload}`)
  )
  return (body.signals ?? []).filter(({ n, signal }) => !sent.has(`${signal.name} ${JSON.stringify({ n })}`))
}

const outcome = (key: string, attempt: number, fail: number | "always", arg: unknown) =>
  fail === "always" || attempt <= fail
    ? Exit.fail(new Broken({ key }))
    : Exit.succeed(arg === undefined ? `<${key}>` : arg)

export const simulate = async (options: Options): Promise<Simulated> => {
  const clock = new SimClock(options.at)
  const recording = await Effect.runPromise(Recording.make(options.past, options.latency))
  const lawful = await Effect.runPromise(Lawful.make(recording.service, options.past.map(({ batch }) => batch)))
  const world = new World({
    clock,
    seed: options.seed,
    commits: () => recording.commits.length,
    future: options.future
  })
  const traces: Record<string, Array<string>> = {}
  let trace: Array<string> = []
  const logs: Array<string> = []
  const note: Tools["note"] = (text) =>
    Effect.sync(() => {
      trace.push(typeof text === "string" ? text : JSON.stringify(text))
    })
  const tools: Tools = {
    note,
    act: (key, { arg, fail = 0 } = {}) =>
      Act.execute(key, { fail, ...(arg === undefined ? {} : { arg }) }).pipe(
        Effect.onExit((exit) =>
          note(`${key} ${Exit.isSuccess(exit) ? "ok" : Exit.isInterrupted(exit) ? "cut" : "bad"}`)
        )
      ),
    done: (key) => Saga.compensate(tools.act(key), () => tools.act(`u-${key}`, { arg: `undone ${key}` }))
  }

  const past = endedAttempts(options.past)
  /** The number of the attempt as the world counts it: one that was lost is none. */
  const attemptOf = (path: string) =>
    1 + (past.get(path) ?? 0) + world.calls.filter((call) => call.path === path && call.ended === "Completed").length

  const activities = together(
    Act.layer((payload) =>
      Effect.flatMap(Activity.Execution, (execution) => {
        const number = attemptOf(execution.activityId)
        return world.attempt(
          execution,
          payload,
          () => outcome(String(execution.key), number, payload.fail, payload.arg)
        )
      })
    ),
    Retried.layer((payload) =>
      Effect.flatMap(Activity.Execution, (execution) => {
        const number = attemptOf(execution.activityId)
        return world.attempt(execution, payload, () => outcome(String(execution.key), number, payload.fail, undefined))
      })
    ),
    Hasty.layer((payload) =>
      Effect.flatMap(
        Activity.Execution,
        (execution) => world.attempt(execution, payload, () => Exit.succeed(`<${execution.key}>`))
      )
    ),
    // Another value at each instant: a replay that drew it again would be seen.
    Draw.layer(Effect.sync(() => clock.now % 1_000_000))
  )
  const child = Child.layer(({ fail, steps }) =>
    Effect.gen(function*() {
      yield* Effect.forEach(
        Array.from({ length: steps }, (_, index) => index),
        (index) => Saga.compensate(Act.execute(`c${index}`, {}), () => Act.execute(`u-c${index}`, {}))
      )
      if (fail) return yield* new Broken({ key: "child" })
      return steps
    })
  )
  const listener = Listener.layer(({ answer, times }) =>
    Effect.forEach(Array.from({ length: times }, (_, index) => index), (index) =>
      Effect.gen(function*() {
        const { n } = yield* Told.await(`t${index}`)
        yield* Asked.sendAs(`a${index}`, answer, { n: n + 1 })
        yield* Act.execute(`l${index}`, { arg: n })
        return n
      }))
  )
  const rounds = Rounds.layer(({ left }) =>
    Effect.gen(function*() {
      yield* Saga.compensate(Act.execute("r", { arg: left }), () => Act.execute("u-r", {}))
      return left === 0 ? "over" : yield* Rounds.continueAsNew({ left: left - 1 })
    })
  )
  const body = <R>(next: Generation<R>["next"]) => ({ state }: { readonly state?: unknown }) =>
    Effect.flatMap(Workflow.Execution, ({ attempt, generation }) => {
      trace = traces[`${generation}.${attempt}`] ??= []
      return options.body.run(tools, { state, next })
    })
  const live = together(
    Main.layer(body((state) => Main.continueAsNew({ state }))),
    Again.layer(body((state) => Again.continueAsNew({ state })))
  ).pipe(
    Layer.provide(together(child, listener, rounds)),
    Layer.provide(activities),
    Layer.provideMerge(Tempolite.layer({ closeGrace: Duration.zero, parkAfter: Duration.infinity })),
    Layer.provide(Layer.succeed(Journal.Journal, options.through?.(lawful.service) ?? lawful.service)),
    Layer.provide(Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ message }) => {
        logs.push(String(message))
      })
    ))
  )
  let control: Control | undefined
  let ended: Exit.Exit<unknown, unknown> | undefined
  let endedAt = options.at
  const Tag = options.body.executions === true ? Again : Main
  const program = Effect.gen(function*() {
    const info = yield* Tag.start(id, {})
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    control = {
      cancel: () => runFork(info.cancel),
      close: () => {
        closed = true
        endedAt = clock.now
      }
    }
    yield* Effect.forEach(unsent(options), ({ n, seconds, signal }) =>
      clock.sleepUntil(begin + 1_000 * seconds).pipe(
        Effect.zipRight(signal.send(id, { n })),
        // It has ended before.
        Effect.catchTag("WorkflowEnded", () => Effect.void),
        Effect.fork
      ))
    const result = yield* Effect.exit(info.result)
    // The instant of the end, before anything else lets time pass.
    endedAt = clock.now
    ended = result
    clock.activity++
  })
  let closed = false
  const fiber = Effect.runFork(
    Effect.zipRight(program, Effect.never).pipe(
      Effect.provide(live),
      Effect.withClock(clock),
      Logger.withMinimumLogLevel(LogLevel.Warning)
    )
  )
  const activity = () => clock.activity + recording.commits.length + world.calls.length
  let advances = 0
  for (;;) {
    await settle(activity)
    if (ended !== undefined || closed) break
    const died = fiber.unsafePoll()
    if (died !== null) throw new Error(`the program ended by itself: ${show(died)}`)
    const suspended = recording.commits.at(-1)?.batch.workflows.find((row) =>
      row.id === id && row.status === "Suspended"
    )
    if (suspended !== undefined) {
      ended = Exit.die(`suspended: ${suspended.reason ?? ""}`)
      break
    }
    if (control !== undefined) {
      options.before?.(advances, control)
      await settle(activity)
      if (closed || ended !== undefined) break
    }
    if (advances++ > 5_000) throw new Error("the simulation does not end")
    if (!clock.advance()) throw new Error(`nothing will happen any more: ${logs.join("\n")}`)
  }
  // Closing takes virtual time too: a grace of zero, whoever sleeps, and a journal that takes its time.
  const latest = options.latency === undefined ? clock.now : Number.POSITIVE_INFINITY
  const closing = Effect.runPromise(Fiber.interrupt(fiber))
  let isClosed = false
  void closing.then(() => {
    isClosed = true
  })
  for (let turns = 0; !isClosed; turns++) {
    await settle(activity)
    if (!isClosed) clock.advance(latest)
    if (turns > 100) throw new Error("the engine does not close")
  }
  if (lawful.broken.length > 0) throw new Error(`${options.body.name} broke laws:\n${lawful.broken.join("\n")}`)
  const rows = new Map<string, Journal.StepRow>()
  let status = "none"
  const ids = new Set<string>()
  for (const { batch } of recording.commits) {
    for (const row of batch.steps) if (row.workflowId === id) rows.set(row.path, row)
    if (batch.over.some(({ workflowId }) => workflowId === id)) rows.clear()
    for (const row of [...batch.created, ...batch.workflows]) {
      ids.add(row.id)
      if (row.id === id) status = row.status
    }
  }
  // What others go on to do is no matter of the workflow's.
  const last = recording.commits.findIndex(({ batch }) =>
    batch.workflows.some((row) => row.id === id && row.finishedAt !== null)
  )
  return {
    exit: ended === undefined ? "closed" : show(ended),
    traces,
    journal: await Effect.runPromise(Recording.snapshot(recording.service, [...ids].sort())),
    rows: [...rows.values()],
    status,
    commits: last === -1 ? recording.commits : recording.commits.slice(0, last + 1),
    world,
    endedAt,
    advances,
    closed,
    logs
  }
}
