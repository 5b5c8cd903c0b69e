/**
 * Where the sagas, cancels, sub-workflows, faults of determinism and time of the engine are tried out: workflows whose
 * bodies a test gives, an outside that it controls, and processes that end, or die, one after the other on one journal.
 */
import { it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { assert } from "vitest"
import { Activity, Journal, JournalLocked, Saga, Tempolite, Workflow, WorkflowCancelled } from "../../src/index.ts"
import * as Bell from "../../src/internal/bell.ts"
import { together } from "../support/together.ts"
import { type Except, inEveryMode, timeoutMillis } from "./modes/matrix.ts"
import * as Snapshot from "./modes/snapshot.ts"
import * as Stage from "./modes/stage.ts"
import * as Supervisor from "./modes/supervisor.ts"

export class Broken extends Schema.TaggedError<Broken>()("Broken", { key: Schema.String }) {}

/** The call to the outside. What becomes of it, the test says by its name. */
export class Do extends Activity.Tag<Do>()("Do", { success: Schema.String, error: Broken }) {}

/** The same, tried three times, a minute apart. */
export class Stubborn extends Activity.Tag<Stubborn>()("Stubborn", {
  success: Schema.String,
  error: Broken,
  retry: { schedule: Schedule.spaced("1 minute"), times: 2 }
}) {}

/** The same, with a minute for each attempt. */
export class Hasty extends Activity.Tag<Hasty>()("Hasty", {
  success: Schema.String,
  error: Broken,
  timeout: "1 minute"
}) {}

const options = { success: Schema.Unknown, error: Schema.Union(Broken, WorkflowCancelled, Activity.ActivityTimeout) }

/** A sub-workflow. */
export class Kid extends Workflow.Tag<Kid>()("Kid", options) {}
export class Main extends Workflow.Tag<Main>()("Main", options) {}
/** With a second execution, a minute after the first. */
export class Again extends Workflow.Tag<Again>()("Again", {
  ...options,
  retry: { schedule: Schedule.spaced("1 minute"), times: 1 }
}) {}
/** Held for repair when it fails. */
export class Held extends Workflow.Tag<Held>()("Held", { ...options, suspendOn: "failure" }) {}

type Requirements =
  | Do
  | Stubborn
  | Hasty
  | Kid
  | Again
  | Workflow.Step<string | number>
  | Workflow.Execution
  | Saga.Compensations
  | Scope.Scope

export type Body = Effect.Effect<unknown, Broken | WorkflowCancelled | Activity.ActivityTimeout, Requirements>

/** What activities meet. A name is the path of the step, without the workflow: `trip/flight`. */
export class Outside {
  /** The starts of activities, and `x cut`, `x let go` where one was interrupted, and had then really ended. */
  readonly log: Array<string> = []
  /** The idempotency keys of the calls, by name. */
  readonly keys = new Map<string, ReadonlyArray<string>>()
  /** What was called although the journal had its outcome. */
  readonly again: Array<string> = []
  /** Paths that have an outcome on record. */
  readonly recorded = new Set<string>()
  private readonly failing = new Set<string>()
  private readonly held = new Map<string, Deferred.Deferred<void>>()
  private readonly lingering = new Map<string, Deferred.Deferred<void>>()

  /** From now on the activity fails. */
  fail(...names: ReadonlyArray<string>): this {
    for (const name of names) this.failing.add(name)
    return this
  }

  mend(name: string): void {
    this.failing.delete(name)
  }

  /** From now on the activity does not end before it is released. */
  hold(...names: ReadonlyArray<string>): this {
    for (const name of names) this.held.set(name, Deferred.unsafeMake(FiberId.none))
    return this
  }

  release(name: string): void {
    const gate = this.held.get(name)
    this.held.delete(name)
    if (gate !== undefined) Deferred.unsafeDone(gate, Exit.void)
  }

  /** From now on the activity, interrupted, does not end before it is let go. */
  linger(name: string): this {
    this.lingering.set(name, Deferred.unsafeMake(FiberId.none))
    return this
  }

  letGo(name: string): void {
    const gate = this.lingering.get(name)
    if (gate !== undefined) Deferred.unsafeDone(gate, Exit.void)
  }

  /** Lets everything go that would keep an engine from closing. */
  letAllGo(): void {
    for (const name of this.lingering.keys()) this.letGo(name)
  }

  /** How often it was called. */
  count(name: string): number {
    return this.log.filter((entry) => entry === name).length
  }

  /** The log without what a crash made to be called once more. */
  get once(): ReadonlyArray<string> {
    return [...new Set(this.log)]
  }

  readonly call: Effect.Effect<string, Broken, Activity.Execution> = Effect.gen(this, function*() {
    const { activityId, idempotencyKey, key } = yield* Activity.Execution
    const name = activityId.slice(activityId.indexOf("/") + 1)
    if (this.recorded.has(activityId)) this.again.push(name)
    this.log.push(name)
    this.keys.set(name, [...this.keys.get(name) ?? [], idempotencyKey])
    yield* (this.held.get(name) ?? Deferred.unsafeMake<void>(FiberId.none)).pipe(
      (gate) => this.held.has(name) ? Deferred.await(gate) : Effect.void,
      Effect.onInterrupt(() => this.interrupted(name))
    )
    return this.failing.has(name) ? yield* new Broken({ key: String(key) }) : `<${key}>`
  }).pipe(Effect.withSpan("attempt"))

  private interrupted(name: string): Effect.Effect<void> {
    this.log.push(`${name} cut`)
    const gate = this.lingering.get(name)
    if (gate === undefined) return Effect.void
    return Effect.zipRight(Deferred.await(gate), Effect.sync(() => this.log.push(`${name} let go`)))
  }
}

export const act = (key: string | number) => Do.execute(key)

/** A step whose undo is the step `u-<key>`. */
export const done = (key: string) => Saga.compensate(act(key), () => act(`u-${key}`))

export const fails = new Broken({ key: "body" })

export interface Bodies {
  readonly main?: Body
  readonly kid?: Body
  readonly again?: Body
  readonly held?: Body
}

type Services = Main | Kid | Again | Held | Tempolite.Tempolite

export interface Process {
  readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Effect.Effect<A, E>
  readonly start: Effect.Effect<Workflow.WorkflowInfo<unknown, unknown>>
  /** Starts `Main`, or joins it, and waits for its end. */
  readonly result: Effect.Effect<Exit.Exit<unknown, unknown>>
  /** Closes the engine. */
  readonly close: Effect.Effect<void>
  /** Ends it at once: nothing more is written. */
  readonly kill: Effect.Effect<void>
  /** Returns once it has died after its last commit. */
  readonly died: Effect.Effect<void>
  readonly isDead: () => boolean
  /** What it has committed. */
  readonly commits: ReadonlyArray<Journal.Batch>
}

/** The id of the workflow that `start` and `result` are about. */
export const id = "w"

/** A journal as one process has it, until it dies. */
const journalOf = (inner: Journal.Service, outside: Outside, dieAfter: number) => {
  const died = Deferred.unsafeMake<void>(FiberId.none)
  const commits: Array<Journal.Batch> = []
  let left = dieAfter
  const service: Journal.Service = {
    ...inner,
    // Nobody else wants the lease, and its renewal would be most of what happens in virtual time.
    renew: () => Effect.never,
    commit: (lease, batch) =>
      Effect.suspend(() => {
        if (left-- <= 0) {
          Deferred.unsafeDone(died, Exit.void)
          return new JournalLocked({ holder: "nobody: the process has died" })
        }
        return Effect.tap(inner.commit(lease, batch), () => {
          commits.push(batch)
          for (const row of batch.steps) {
            if (row.seq === null) outside.recorded.delete(`${row.workflowId}/${row.path}`)
            else outside.recorded.add(`${row.workflowId}/${row.path}`)
          }
        })
      })
  }
  return {
    service,
    commits,
    died: Deferred.await(died),
    isDead: () => left < 0,
    kill: () => {
      left = 0
    }
  }
}

/** What JSON does not have is left out of the tests' way. */
const jsonOf = (body: Body = Effect.void): Body => Effect.map(body, (value) => value === undefined ? null : value)

/** Keeps whatever watches for other processes on the ordinary clock: in virtual time it would be all that happens. */
const listen = (journal: Journal.Service) =>
  Effect.gen(function*() {
    const listening = yield* Deferred.make<void>()
    yield* Stream.merge(Bell.stream(journal.requested), journal.committed).pipe(
      Stream.runForEach(() => Deferred.succeed(listening, undefined)),
      Effect.orDie,
      Effect.withClock(Clock.make()),
      Effect.forkScoped
    )
    yield* Deferred.await(listening)
  })

/** A process on the journal, until the scope closes, or before. */
export const open = (
  outside: Outside,
  bodies: Bodies,
  { closeGrace = 0, concurrency = Number.POSITIVE_INFINITY, dieAfter = Number.POSITIVE_INFINITY, layer = Layer.empty }:
    {
      readonly closeGrace?: Duration.DurationInput
      readonly concurrency?: number
      readonly dieAfter?: number
      /** For loggers and tracers. */
      readonly layer?: Layer.Layer<never>
    } = {}
): Effect.Effect<Process, never, Journal.Journal | Scope.Scope> =>
  Effect.gen(function*() {
    const inner = yield* Journal.Journal
    const scope = yield* Scope.fork(yield* Effect.scope, { _tag: "Sequential" })
    yield* Scope.extend(listen(inner), scope)
    const journal = journalOf(inner, outside, dieAfter)
    const supervised = yield* Supervisor.make({ closeGrace, concurrency })
    const workflows = together(
      Main.layer(() => jsonOf(bodies.main)),
      Kid.layer(() => jsonOf(bodies.kid)),
      Again.layer(() => jsonOf(bodies.again)),
      Held.layer(() => jsonOf(bodies.held))
    ).pipe(
      Layer.provide(together(
        Kid.client,
        Again.client,
        Do.layer(() => outside.call),
        Stubborn.layer(() => outside.call),
        Hasty.layer(() => outside.call)
      )),
      Layer.provideMerge(supervised.layer),
      Layer.provide(Layer.succeed(Journal.Journal, journal.service)),
      Layer.provide(layer),
      Layer.orDie
    )
    const context = yield* Layer.buildWithScope(workflows, scope)
    yield* Scope.addFinalizer(scope, supervised.retire)
    const run: Process["run"] = (effect) => Effect.provide(effect, context)
    const close = Scope.close(scope, Exit.void)
    return {
      run,
      start: Effect.orDie(run(Main.start(id))),
      result: Effect.exit(run(Main.execute(id))),
      close,
      kill: Effect.zipRight(Effect.sync(journal.kill), close),
      died: journal.died,
      isDead: journal.isDead,
      commits: journal.commits
    }
  })

/** A client of another process, which has no engine. */
export const client: Effect.Effect<Tempolite.Service, never, Journal.Journal | Scope.Scope> = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  const layer = Layer.provide(Tempolite.layerClient, Layer.succeed(Journal.Journal, journal))
  return Context.get(yield* Effect.orDie(Layer.build(layer)), Tempolite.Tempolite)
})

/** One turn of the host. */
const turn: Effect.Effect<void> = Effect.async<void>((resume) => {
  setImmediate(() => {
    resume(Effect.void)
  })
})

/** Waits, in turns of the host, until it is so. */
export const until = <E, R>(
  what: string | (() => string),
  check: Effect.Effect<boolean, E, R>
): Effect.Effect<void, E, R> =>
  Effect.gen(function*() {
    for (let turns = 0; turns < 2_000; turns++) {
      if (yield* check) return
      yield* turn
    }
    assert.fail(`it never came to be that ${typeof what === "string" ? what : what()}`)
  })

/** Waits until the outside was called so. */
export const called = (outside: Outside, ...names: ReadonlyArray<string>): Effect.Effect<void> =>
  until(
    () => `${names.join(", ")} were called; it was: ${outside.log.join(", ")}`,
    Effect.sync(() => names.every((name) => outside.log.includes(name)))
  )

/** Lets everything happen that needs no time; an engine that has died is there again. */
export const settle: Effect.Effect<void> = Effect.flatMap(Stage.Current, (stage) =>
  Effect.repeatN(turn, 60).pipe(
    Effect.repeat({ while: () => stage.restarting > 0 }),
    Effect.zipRight(stage.hasStruck ? Effect.repeatN(turn, 60) : Effect.void)
  ))

/** The rows of a workflow. */
export const rows = (workflow: string = id): Effect.Effect<Journal.History, never, Journal.Journal> =>
  Effect.gen(function*() {
    const journal = yield* Journal.Journal
    return Option.getOrThrow(yield* Effect.orDie(journal.history(workflow)))
  })

/** The statuses of the steps, by path, in the order in which they were asked for. */
export const statuses = (workflow: string = id) =>
  Effect.map(rows(workflow), ({ steps }) => Object.fromEntries(steps.map(({ path, status }) => [path, status])))

export const statusOf = (workflow: string = id) => Effect.map(rows(workflow), (history) => history.workflow.status)

/** Waits until the workflow is there, and has this status. */
export const hasStatus = (status: Workflow.Status, workflow: string = id) =>
  until(
    `${workflow} is ${status}`,
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      return Option.exists(yield* Effect.orDie(journal.workflow(workflow)), (row) => row.status === status)
    })
  )

/** Why the workflow is suspended, as the journal says. */
export const reason = (workflow: string = id) =>
  Effect.zipRight(
    hasStatus("Suspended", workflow),
    Effect.map(rows(workflow), (history) => history.workflow.reason ?? "")
  )

/** The process dies after each number of commits in turn; another one goes on. */
export interface Crashing {
  readonly bodies: Bodies
  readonly outside: () => Outside
  /** What a client does meanwhile, in each process. */
  readonly meanwhile?: (
    process: Process,
    outside: Outside
  ) => Effect.Effect<void, never, Journal.Journal | Scope.Scope>
  /** What is waited for; the end of the workflow, unless something else is given. */
  readonly result?: (process: Process, outside: Outside) => Effect.Effect<Exit.Exit<unknown, unknown>>
}

export interface Crashed {
  /** After how many commits. */
  readonly commits: number
  readonly outside: Outside
  readonly exit: Exit.Exit<unknown, unknown>
  readonly statuses: Record<string, string>
  readonly description: Workflow.WorkflowDescription
}

/**
 * Every crash between two commits, on a journal of its own each; the last one has none. Of a journal that is slow, one in
 * three.
 */
export const everyCrash = <E>(
  layer: Layer.Layer<Journal.Journal, E>,
  { bodies, meanwhile = () => Effect.void, outside: makeOutside, result = (process) => process.result }: Crashing
): Effect.Effect<ReadonlyArray<Crashed>, E> => {
  const scene = (dieAfter: number) =>
    Effect.gen(function*() {
      const outside = makeOutside()
      const go = (process: Process) =>
        Effect.gen(function*() {
          yield* Effect.forkScoped(meanwhile(process, outside))
          return yield* result(process, outside)
        }).pipe(Effect.scoped)
      const first = yield* open(outside, bodies, { dieAfter })
      const ended = yield* Effect.raceFirst(Effect.asSome(go(first)), Effect.as(first.died, Option.none()))
      const isOver = !first.isDead()
      yield* first.kill
      const exit = isOver && Option.isSome(ended) ? ended.value : yield* Effect.flatMap(open(outside, bodies), go)
      const { describe } = yield* client
      const description = yield* Effect.orDie(describe(id))
      return { isOver, commits: dieAfter, outside, exit, statuses: yield* statuses(), description }
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layer)))
  return Effect.gen(function*() {
    const all: Array<Crashed> = []
    const distance = layer === Journal.layerMemory ? 1 : 3
    for (let dieAfter = 0;; dieAfter += distance) {
      const { isOver, ...crashed } = yield* scene(dieAfter)
      all.push(crashed)
      if (isOver) return all
    }
  })
}

export type Test = (
  name: string,
  body: (outside: Outside) => Effect.Effect<void, unknown, Journal.Journal | Scope.Scope>,
  options?: { readonly except?: Except }
) => void

/** Tests on journals of their own, which outlive what the tests open; in every mode, but for those excepted. */
export const testOn =
  <E>(layer: Layer.Layer<Journal.Journal, E>, of: { readonly except?: Except } = {}): Test =>
  (name, body, { except = {} } = {}) => {
    const scene = Effect.gen(function*() {
      const stage = yield* Stage.Current
      const journal = yield* Stage.watched(yield* Journal.Journal)
      const outside = new Outside()
      yield* Effect.ensuring(body(outside), Effect.sync(() => outside.letAllGo())).pipe(
        Effect.provideService(Journal.Journal, journal)
      )
      yield* settle
      const left = yield* Snapshot.take(journal)
      yield* stage.clear
      return left
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layer)))
    it.live(
      name,
      () => inEveryMode(name, layer === Journal.layerMemory, { ...of.except, ...except }, scene),
      timeoutMillis
    )
  }
