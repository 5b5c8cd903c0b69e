/**
 * The engine of a process: holds the lease, takes on what is unfinished, takes care of what clients ask, and closes
 * cleanly.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type { Engine } from "../Engine.ts"
import type { JournalError, JournalLocked, WorkflowEnded, WorkflowNotFound } from "../Errors.ts"
import type { WorkflowId } from "../Info.ts"
import * as Key from "../internal/key.ts"
import * as Journal from "../Journal.ts"
import * as Admission from "./admission.ts"
import { backoff, whenReadable } from "./backoff.ts"
import { gather } from "./breathe.ts"
import * as Calls from "./calls.ts"
import * as Committer from "./committer.ts"
import { existing, unsendable } from "./lookup.ts"
import type { Host } from "./parts.ts"
import { type QueueOptions, Queues, undeclared } from "./queues.ts"
import * as Requests from "./requests.ts"
import * as SubWorkflows from "./subWorkflows.ts"
import * as Timers from "./timers.ts"
import type * as Waits from "./waits.ts"

export interface Options {
  /** How long running activities may go on when the engine closes, before they are interrupted and recorded as lost. */
  readonly closeGrace: Duration.Duration
  /** How many attempts of activities may run at once. */
  readonly concurrency: number
  readonly queues: ReadonlyMap<string, QueueOptions>
  /** How long a workflow waits in memory. */
  readonly parkAfter: Duration.Duration
  /** Whether a body begins at its first line whenever it has waited: for tests. */
  readonly replaysAlways: boolean
}

/** How long the lease outlives an engine that does not renew it; it is renewed three times in that time. */
const lease = Duration.seconds(15)
const renewal = Duration.seconds(5)

/** What other processes see passes by the real clock, also where a test moves another one by a year. */
const realClock = Clock.make()

/** How long closing waits for the journal to take the last rows. */
const lastCommit = Duration.seconds(5)

/** What continues when an engine starts, unless it sleeps. */
const unfinished: Journal.Filter = { ...Journal.everything, statuses: ["Pending", "Running", "Suspended"] }

/** How many unfinished workflows are listed at a time. */
const recoveryPage = 500

/**
 * The default scheduler, with one queue for all fibers, and a look at how long a fiber has run at every 64th operation
 * only. By itself it keeps a queue for each fiber, in a `WeakMap`: with a fiber for every attempt, a good part of the time
 * would go to the garbage collector.
 */
const oneQueue: Scheduler.Scheduler = {
  shouldYield: (fiber) => fiber.currentOpCount % 64 === 0 && Scheduler.defaultScheduler.shouldYield(fiber),
  scheduleTask: (task, priority) => {
    Scheduler.defaultScheduler.scheduleTask(task, priority)
  }
}

const sharingOneQueue = (refs: FiberRefs.FiberRefs): FiberRefs.FiberRefs =>
  FiberRefs.getOrDefault(refs, FiberRef.currentScheduler) === Scheduler.defaultScheduler
    ? FiberRefs.updateAs(refs, { fiberId: FiberId.none, fiberRef: FiberRef.currentScheduler, value: oneQueue })
    : refs

export const make = (
  journal: Journal.Service,
  options: Options
): Effect.Effect<Engine, JournalLocked | JournalError, Scope.Scope> =>
  Effect.gen(function*() {
    const leased = yield* journal.acquire(Duration.toMillis(lease))
    const committer = yield* Committer.make(journal, leased)
    const timers = yield* Timers.make
    const clock = yield* Effect.clock
    const now = () => Math.floor(clock.unsafeCurrentTimeMillis())
    const supervisors = yield* FiberSet.make<unknown>()
    const attempts = yield* FiberSet.make<unknown>()
    // A layer may be built uninterruptibly; what runs here must not be so for that.
    const captured = yield* Effect.runtime<never>()
    const runFork = Runtime.runFork(Runtime.make({
      context: captured.context,
      fiberRefs: sharingOneQueue(captured.fiberRefs),
      runtimeFlags: Runtime.defaultRuntimeFlags
    }))
    // Never at once: what is started side by side has all begun before the first of it runs.
    const forkIn = (set: FiberSet.FiberSet<unknown>) => <A>(effect: Effect.Effect<A>) => {
      const fiber = runFork(effect, { immediate: false })
      FiberSet.unsafeAdd(set, fiber)
      return fiber
    }
    const fork = forkIn(supervisors)
    const closed = yield* Deferred.make<void>()
    const queues = new Queues(options, timers, now)
    const scan = yield* Effect.makeLatch(true)
    let closing = false

    /** Why a signal cannot be sent to a workflow, if so. */
    const refusal = (id: WorkflowId): Effect.Effect<Option.Option<WorkflowNotFound | WorkflowEnded>, JournalError> =>
      admission.isRunning(Key.encode(id))
        ? Effect.succeedNone
        : Effect.map(journal.workflow(Key.encode(id)), (row) => unsendable(id, row))

    const host: Host = {
      committer,
      timers,
      clock,
      now,
      fork: forkIn(attempts),
      forkBody: (effect, scheduler, updateRefs) => runFork(effect, { scheduler, updateRefs, immediate: false }),
      queues,
      replaysAlways: options.replaysAlways,
      above: (id) => admission.above(id),
      isFar: (until) => admission.sleepers.isFar(until),
      children: SubWorkflows.make({ journal, committer, fork, admission: () => admission }),
      signals: {
        find: (id, tell) => {
          // A sub-workflow that is started in the same turn is there then.
          fork(gather.pipe(
            Effect.zipRight(committer.durable),
            Effect.zipRight(whenReadable(refusal(id))),
            Effect.map(tell)
          ))
        },
        sent: (id) => {
          fork(Effect.map(committer.durable, () => {
            admission.signalled(id)
          }))
        },
        read: (id, after) => whenReadable(journal.signals(id, after))
      }
    }
    const recovery: Waits.Recovery = { isOver: false, over: Effect.unsafeMakeLatch(false) }
    const parkMillis = Duration.toMillis(options.parkAfter)
    const admission = Admission.make({ journal, host, recovery, fork, parkMillis })
    const requests = Requests.make({
      journal,
      committer,
      admission,
      fork,
      isClosing: () => closing,
      closed: Deferred.await(closed)
    })
    const calls = Calls.make({
      journal,
      committer,
      admission,
      fork,
      now,
      refusal,
      recovered: recovery.over.await,
      closed: Deferred.await(closed)
    })

    /** Takes on, by degrees and in order of creation, every workflow that has not ended and that nobody holds. */
    const recover = (after: number): Effect.Effect<void> =>
      Effect.gen(function*() {
        const filter = { ...unfinished, awakeAt: admission.sleepers.toldUntil() }
        const page = yield* whenReadable(journal.list({ filter, after, limit: recoveryPage }))
        const waiting = page.filter(({ workflow }) => !admission.isActive(workflow.id))
        yield* Effect.forEach(waiting, ({ workflow }) => admission.admit(workflow.id), {
          concurrency: Admission.loadsMax,
          discard: true
        })
        const last = page.at(-1)
        if (last !== undefined && page.length === recoveryPage) yield* recover(last.place)
      })

    const lost = yield* Deferred.make<JournalLocked>()
    /** Takes on what is unfinished, and then what was asked for and may be possible now. */
    const pass = Effect.suspend(() => {
      scan.unsafeClose()
      return recover(0)
    }).pipe(Effect.zipRight(Effect.suspend(() => {
      recovery.isOver = true
      recovery.over.unsafeOpen()
      admission.recovered()
      admission.sleepers.start()
      return requests.handleAgain
    })))
    // Layers that are built in one turn are recovered in one pass.
    const passes = Effect.zipRight(
      pass,
      Effect.forever(scan.await.pipe(Effect.zipRight(gather), Effect.zipRight(pass)))
    )
    const requested = journal.requested.pipe(
      Effect.flatMap((next) => Effect.forever(Effect.zipRight(next, requests.handle))),
      Effect.scoped,
      Effect.tapError((error) => Effect.logError("tempolite: requests of clients cannot be read", error)),
      Effect.retry(backoff)
    )
    const renewing = journal.renew(leased).pipe(
      Effect.tapErrorTag("JournalError", (error) => Effect.logError("tempolite: the lease was not renewed", error)),
      Effect.catchTags({
        JournalError: () => Effect.void,
        JournalLocked: (error) =>
          Effect.sync(() => {
            committer.lose(error)
          })
      }),
      Effect.zipRight(Effect.withClock(Effect.sleep(renewal), realClock)),
      Effect.forever
    )
    yield* Effect.forkScoped(Effect.orDie(renewing))
    yield* Effect.forkScoped(Effect.gen(function*() {
      yield* requests.heed
      yield* gather
      yield* Effect.fork(Effect.orDie(requested))
      yield* passes
    }))

    // Another engine has the journal: nothing that runs here may go on, and nothing of it can be written.
    yield* Effect.forkScoped(Effect.gen(function*() {
      const error = yield* committer.lost
      yield* Effect.logError("tempolite: another engine has taken the journal over; this one stops", error)
      closing = true
      admission.close()
      yield* Deferred.succeed(closed, undefined)
      calls.lose(error)
      yield* Deferred.succeed(lost, error)
      yield* FiberSet.clear(attempts)
      yield* FiberSet.clear(supervisors)
    }))

    /** Lets attempts that run end, or ends them, and then has the last rows written. */
    const close = Effect.gen(function*() {
      closing = true
      yield* Deferred.succeed(closed, undefined)
      admission.close()
      const inTime = yield* Effect.timeoutOption(FiberSet.awaitEmpty(supervisors), options.closeGrace)
      if (Option.isNone(inTime)) {
        admission.interruptAttempts()
        yield* FiberSet.awaitEmpty(attempts)
      }
      // Of a journal that fails, nobody can wait for the end.
      yield* Effect.timeoutOption(Effect.zipRight(FiberSet.awaitEmpty(supervisors), committer.durable), lastCommit)
    })
    // A finalizer is uninterruptible, and what loses a race in it would be waited for; and of a fiber that was interrupted
    // nothing interruptible runs any more. So it closes on a fiber of its own.
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(
        Effect.forkDaemon(Effect.interruptible(Effect.raceFirst(close, Deferred.await(lost)))),
        Fiber.await
      )
    )

    return {
      register: (definition) =>
        Effect.acquireRelease(
          Effect.suspend(() => {
            for (const queue of definition.queues) {
              if (!queues.has(queue)) return Effect.die(undeclared(queue, queues.names))
            }
            admission.register(definition)
            scan.unsafeOpen()
            return Effect.void
          }),
          () =>
            Effect.sync(() => {
              admission.unregister(definition)
            })
        ),
      start: calls.start,
      send: calls.send,
      handled: requests.handled,
      ended: calls.ended,
      nameOf: (id) => Effect.map(existing(journal, id), (row) => row.name)
    }
  })
