/**
 * A bench for the engine: one journal that outlives any number of engines, in time that passes only when a test says so.
 */
import { assert, it } from "@effect/vitest"
import { Context, DateTime, Deferred, Duration, Effect, Exit, Layer, Logger, Option, Schema, Scope } from "effect"
import { Journal, JournalError, JournalLocked, SuspendReason, Tempolite, type Workflow } from "../../src/index.ts"
import { settle, SimClock } from "../support/SimClock.ts"
import * as Matrix from "./modes/matrix.ts"
import * as Snapshot from "./modes/snapshot.ts"
import * as Stage from "./modes/stage.ts"
import * as Supervisor from "./modes/supervisor.ts"

/** When every test begins. */
export const begin = 1_700_000_000_000

/** One engine, and the services of its layers. */
interface Engine<R> {
  /** Runs an effect as the application would. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, R | Tempolite.Tempolite>) => Effect.Effect<A, E>
  /** Ends its scope: a clean close. */
  readonly close: Effect.Effect<void>
  /** Its process is gone: nothing that is not durable yet will ever be, and its lock is free. */
  readonly crash: Effect.Effect<void>
}

export interface Bench {
  readonly clock: SimClock
  /** The journal itself, without what the test does to it. */
  readonly journal: Journal.Service
  /** The journal as an engine sees it, with the faults below. */
  readonly faulty: Layer.Layer<Journal.Journal>
  readonly commits: Array<Journal.Batch>
  /** The log lines of engines and bodies. */
  readonly logs: Array<string>
  /** How often `recorded` was called. */
  replays: number
  /** How many of the commits to come fail. */
  failingCommits: number
  /** The next commit that fits is written, and fails all the same. */
  loseAnswer: ((batch: Journal.Batch) => boolean) | undefined
  /** How many of the reads to come fail. */
  failingReads: number
  /** While it is there, commits wait for it. */
  held: Deferred.Deferred<void> | undefined
  /** Lets everything happen that needs no time. */
  readonly settle: Effect.Effect<void>
  /** Lets time pass, from one event to the next. */
  readonly pass: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Runs to its end, letting time pass where nothing else can happen. */
  readonly wait: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Starts an engine that runs the workflows of `live`, until it is closed or the test ends. */
  readonly start: <R, E>(
    live: Layer.Layer<R, E, Tempolite.Tempolite>,
    options?: { readonly grace?: Duration.DurationInput }
  ) => Effect.Effect<Engine<R>, E | JournalLocked | JournalError, Scope.Scope>
  readonly describe: (id: string | number) => Effect.Effect<Workflow.WorkflowDescription>
}

const daysMax = 400

/** How long an engine that closes may wait for its journal. */
const lastCommitMillis = 5_000

const crashed = new JournalLocked({ holder: "the process has crashed" })

const make = (journal: Journal.Service, clock: SimClock, stage: Stage.Stage): Bench => {
  let reads = 0
  let closing = 0

  /** The journal of one engine. */
  const seen = (
    bench: Bench,
    process: { crashed: boolean; lease: Scope.CloseableScope | undefined }
  ): Journal.Service => {
    const reading = <A>(read: Effect.Effect<A, JournalError>): Effect.Effect<A, JournalError> =>
      Effect.suspend(() => {
        reads++
        if (bench.failingReads === 0) return read
        bench.failingReads--
        return new JournalError({ message: "disk I/O error" })
      })
    return {
      ...journal,
      acquire: (leaseMillis) =>
        Effect.gen(function*() {
          const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
          process.lease = scope
          return yield* Scope.extend(journal.acquire(leaseMillis), scope)
        }),
      // It would be most of what happens in virtual time.
      renew: () => Effect.never,
      commit: (lease, batch) =>
        Effect.gen(function*() {
          reads++
          if (bench.held !== undefined) yield* Deferred.await(bench.held)
          if (process.crashed) return yield* crashed
          if (bench.failingCommits > 0) {
            bench.failingCommits--
            return yield* new JournalError({ message: "database or disk is full" })
          }
          const existing = yield* journal.commit(lease, batch)
          bench.commits.push(batch)
          if (bench.loseAnswer?.(batch) === true) {
            bench.loseAnswer = undefined
            return yield* new JournalError({ message: "the connection is lost" })
          }
          return existing
        }),
      requests: reading(journal.requests),
      workflow: (id) => reading(journal.workflow(id)),
      list: (options) => reading(journal.list(options)),
      signals: (id, after) => reading(journal.signals(id, after)),
      children: (id) => reading(journal.children(id)),
      history: (id) => reading(journal.history(id)),
      recorded: (id, generation) =>
        Effect.zipRight(
          Effect.sync(() => {
            bench.replays++
          }),
          reading(journal.recorded(id, generation))
        )
    }
  }

  const quiet = Effect.promise(() => settle(() => reads + clock.activity)).pipe(
    Effect.repeat({ while: () => stage.restarting > 0 })
  )

  const wait = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(effect)
      for (let turns = 0;; turns++) {
        yield* quiet
        const exit = fiber.unsafePoll()
        if (exit !== null) return yield* exit
        assert.isBelow(turns, 10_000, "it never ends")
        if (!clock.advance(begin + Duration.toMillis(Duration.days(daysMax)))) {
          assert.fail("nothing will happen any more")
        }
      }
    })

  const bench: Bench = {
    clock,
    journal,
    commits: [],
    logs: [],
    replays: 0,
    failingCommits: 0,
    loseAnswer: undefined,
    failingReads: 0,
    held: undefined,
    settle: quiet,
    wait,
    pass: (duration) =>
      Effect.gen(function*() {
        const until = clock.now + Duration.toMillis(duration)
        yield* quiet
        while (clock.advance(until)) yield* quiet
        clock.now = until
        yield* quiet
      }),
    faulty: Layer.suspend(() => Layer.succeed(Journal.Journal, seen(bench, { crashed: false, lease: undefined }))),
    start: <R, E>(
      live: Layer.Layer<R, E, Tempolite.Tempolite>,
      options: { readonly grace?: Duration.DurationInput } = {}
    ) =>
      Effect.gen(function*() {
        const process: { crashed: boolean; lease: Scope.CloseableScope | undefined } = {
          crashed: false,
          lease: undefined
        }
        const scope = yield* Scope.make()
        const grace = Duration.toMillis(options.grace ?? 0)
        const end = Effect.gen(function*() {
          const fiber = yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
          const from = clock.now
          for (let turns = 0; turns < 100; turns++) {
            yield* quiet
            if (fiber.unsafePoll() !== null) return
            clock.advance(from + grace + lastCommitMillis)
          }
          closing++
          assert.fail("the engine does not close")
        })
        yield* Effect.addFinalizer(() => closing > 0 ? Effect.void : end)
        const supervised = yield* Supervisor.make({ closeGrace: Duration.millis(grace) })
        const context = yield* live.pipe(
          Layer.provideMerge(supervised.layer),
          Layer.provide(Layer.succeed(Journal.Journal, seen(bench, process))),
          Layer.buildWithScope(scope)
        )
        yield* Scope.addFinalizer(scope, supervised.retire)
        return {
          run: (effect) => Effect.provide(effect, context),
          close: end,
          crash: Effect.gen(function*() {
            process.crashed = true
            if (bench.held !== undefined) yield* Deferred.succeed(bench.held, undefined)
            if (process.lease !== undefined) yield* Scope.close(process.lease, Exit.void)
            yield* end
          })
        }
      }),
    describe: (id) =>
      Tempolite.Tempolite.pipe(
        Effect.flatMap((client) => client.describe(id)),
        Effect.provide(Layer.provide(Tempolite.layerClient, Layer.succeed(Journal.Journal, journal))),
        Effect.orDie
      )
  }
  return bench
}

const logger = (logs: Array<string>, stage: Stage.Stage) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => {
      const said = String(message)
      if (!stage.isOfFault(said)) logs.push(said)
    })
  )

/** A test of a promise of the engine. */
export type Promised = (
  title: string,
  body: (bench: Bench) => Effect.Effect<void, unknown, Scope.Scope>,
  options?: { readonly except?: Matrix.Except }
) => void

/** The tests on one journal layer, each in every mode, but for those excepted. */
export const promised =
  <E>(layer: Layer.Layer<Journal.Journal, E>): Promised => (title, body, { except = {} } = {}) => {
    const scene = Effect.suspend(() => {
      const clock = new SimClock(begin)
      return Effect.gen(function*() {
        const stage = yield* Stage.Current
        const journal = yield* Stage.watched(Context.get(yield* Layer.build(Layer.fresh(layer)), Journal.Journal))
        const bench = make(journal, clock, stage)
        return yield* Effect.gen(function*() {
          yield* body(bench)
          yield* bench.settle
          return yield* Snapshot.take(journal)
        }).pipe(Effect.scoped, Effect.zipLeft(stage.clear), Effect.provide(logger(bench.logs, stage)))
      }).pipe(Effect.withClock(clock))
    }).pipe(Effect.scoped)
    it.live(title, () => Matrix.inEveryMode(title, layer === Journal.layerMemory, except, scene), Matrix.timeoutMillis)
  }

/** The first step of a workflow. */
export const theStep = (bench: Bench, id: string): Effect.Effect<Workflow.StepDescription> =>
  Effect.map(bench.describe(id), ({ steps }) => steps[0]!)

/** When each attempt at a step began, in milliseconds from the begin of the test. */
export const startsOf = (step: Workflow.StepDescription): ReadonlyArray<number> =>
  step.executions.map((execution) => DateTime.toEpochMillis(execution.startedAt) - begin)

/** What became of each attempt at a step. */
export const statusesOf = (step: Workflow.StepDescription): ReadonlyArray<Workflow.StepExecutionStatus> =>
  step.executions.map((execution) => execution.status)

const isReason = Schema.is(SuspendReason)

/** Why a workflow is suspended, which it must be. */
export const suspension = (bench: Bench, id: string): Effect.Effect<SuspendReason> =>
  Effect.gen(function*() {
    const { finishedAt, reason, status } = yield* bench.describe(id)
    assert.strictEqual(status, "Suspended")
    assert.isTrue(Option.isNone(finishedAt))
    // With its message: whoever describes the workflow must be told what to do.
    return yield* Effect.succeed(Option.getOrThrow(reason)).pipe(
      Effect.filterOrDieMessage(isReason, "this is no reason of a suspension")
    )
  })
