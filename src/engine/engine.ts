/**
 * The engine of a process: holds the lease, takes on what is unfinished, takes care of what clients ask, and closes
 * cleanly.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Ended, Engine } from "../Engine.ts"
import type { JournalLocked } from "../Errors.ts"
import { JournalError } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import * as Admission from "./admission.ts"
import { backoff, whenReadable } from "./backoff.ts"
import { breathe } from "./breathe.ts"
import * as Children from "./children.ts"
import { conflict, endOf, existing } from "./client.ts"
import * as Committer from "./committer.ts"
import type { Host } from "./parts.ts"
import * as SubWorkflows from "./subWorkflows.ts"
import * as Timers from "./timers.ts"

export interface Options {
  /** How long running activities may go on when the engine closes, before they are interrupted and recorded as lost. */
  readonly closeGrace: Duration.Duration
}

/** How long the lease outlives an engine that does not renew it; it is renewed three times in that time. */
const lease = Duration.seconds(15)
const renewal = Duration.seconds(5)

/** How long closing waits for the journal to take the last rows. */
const lastCommit = Duration.seconds(5)

/** How many unfinished workflows are listed at a time. */
const recoveryPage = 500

const lockLost = (error: JournalLocked): JournalError =>
  new JournalError({ message: `this engine has lost the journal: ${error.message}`, cause: error })

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
    const supervisors = yield* FiberSet.make<void>()
    const attempts = yield* FiberSet.make<void>()
    // A layer may be built uninterruptibly; what runs here must not be so for that.
    const captured = yield* Effect.runtime<never>()
    const runFork = Runtime.runFork(Runtime.make({
      context: captured.context,
      fiberRefs: captured.fiberRefs,
      runtimeFlags: Runtime.defaultRuntimeFlags
    }))
    const forkIn = (set: FiberSet.FiberSet<void>) => (effect: Effect.Effect<void>) => {
      const fiber = runFork(effect)
      FiberSet.unsafeAdd(set, fiber)
      return fiber
    }
    const fork = forkIn(supervisors)
    /** Requests that were read, and are being taken care of. */
    const taken = new Set<number>()
    const scan = yield* Effect.makeLatch(true)
    let closing = false

    const host: Host = {
      committer,
      timers,
      clock,
      now,
      fork: forkIn(attempts),
      forkBody: (effect, scheduler) => runFork(effect, { scheduler, immediate: false }),
      children: SubWorkflows.make({ journal, committer, fork, admission: () => admission })
    }
    const admission = Admission.make({ journal, host, fork, putBack: (request) => taken.delete(request) })

    /** Takes on, by degrees, every workflow that has not ended. */
    const recover = (after: Option.Option<string>): Effect.Effect<void> =>
      Effect.gen(function*() {
        const page = yield* whenReadable(journal.unfinished({ after, limit: recoveryPage }))
        const waiting = page.filter((row) => !admission.isActive(row.id))
        yield* Effect.forEach(waiting, (row) => admission.admit(row.id), {
          concurrency: Admission.loadsMax,
          discard: true
        })
        const last = page.at(-1)
        if (last !== undefined && page.length === recoveryPage) yield* recover(Option.some(last.id))
      })

    const handleRequests = Effect.gen(function*() {
      const requests = yield* whenReadable(journal.requests)
      const present = new Set(requests.map((request) => request.id))
      for (const id of taken) if (!present.has(id)) taken.delete(id)
      for (const { id, kind, workflowId } of requests) {
        if (taken.has(id) || closing) continue
        taken.add(id)
        switch (kind) {
          case "Cancel":
            admission.cancel(workflowId, id)
            break
          case "Resume":
            admission.resume(workflowId)
            committer.put({ handled: id })
            break
          case "Start":
            fork(admission.admit(workflowId))
            committer.put({ handled: id })
            break
        }
      }
    })

    const lost = yield* Deferred.make<JournalLocked>()
    const background = Effect.all([
      // Layers that are built in one turn are recovered in one pass.
      Effect.forever(scan.await.pipe(
        Effect.zipRight(breathe),
        Effect.zipRight(Effect.suspend(() => {
          scan.unsafeClose()
          return recover(Option.none())
        })),
        // Those for workflows whose code was not here.
        Effect.zipRight(handleRequests)
      )),
      journal.requested.pipe(
        Stream.runForEach(() => handleRequests),
        Effect.tapError((error) => Effect.logError("tempolite: requests of clients cannot be read", error)),
        Effect.retry(backoff)
      ),
      journal.renew(leased).pipe(
        Effect.tapErrorTag("JournalError", (error) => Effect.logError("tempolite: the lease was not renewed", error)),
        Effect.catchTags({
          JournalError: () => Effect.void,
          JournalLocked: (error) =>
            Effect.sync(() => {
              committer.lose(error)
            })
        }),
        Effect.repeat(Schedule.spaced(renewal))
      )
    ], { concurrency: "unbounded", discard: true })
    yield* Effect.forkScoped(Effect.catchAll(background, Effect.die))

    // Another engine has the journal: nothing that runs here may go on, and nothing of it can be written.
    yield* Effect.forkScoped(Effect.gen(function*() {
      const error = yield* committer.lost
      yield* Effect.logError("tempolite: another engine has taken the journal over; this one stops", error)
      closing = true
      admission.close()
      yield* Deferred.succeed(lost, error)
      yield* FiberSet.clear(attempts)
      yield* FiberSet.clear(supervisors)
    }))

    /** Lets attempts that run end, or ends them, and then has the last rows written. */
    const close = Effect.gen(function*() {
      closing = true
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

    const ended = (id: string | number): ReturnType<Engine["ended"]> =>
      Effect.gen(function*() {
        const end = yield* Deferred.make<Ended>()
        const unwatch = admission.endings.watch(Key.encode(id), (value) => {
          Deferred.unsafeDone(end, Effect.succeed(value))
        })
        return yield* existing(journal, id).pipe(
          Effect.flatMap((row) =>
            Option.match(endOf(row), {
              onNone: () =>
                Effect.raceFirst(Deferred.await(end), Effect.flatMap(Deferred.await(lost), (error) => lockLost(error))),
              onSome: Effect.succeed
            })
          ),
          Effect.ensuring(Effect.sync(unwatch))
        )
      })

    return {
      register: (definition) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            admission.register(definition)
            scan.unsafeOpen()
          }),
          () =>
            Effect.sync(() => {
              admission.unregister(definition)
            })
        ),
      start: ({ id, name, payload }) =>
        Effect.gen(function*() {
          const row = Children.row({
            id: Key.encode(id),
            name,
            payload,
            parent: null,
            createdAt: now()
          })
          const found = yield* Effect.catchTag(committer.create(row), "JournalLocked", (error) => lockLost(error))
          if (Option.isNone(found)) fork(admission.admit(row.id, row))
          else {
            const taken = conflict({ name, payload }, found.value)
            if (Option.isSome(taken)) return yield* taken.value
          }
        }),
      ended,
      nameOf: (id) => Effect.map(existing(journal, id), (row) => row.name)
    }
  })
