/**
 * Which workflows run in this process: each is taken on once, run execution after execution, and let go when it has
 * ended, is suspended, or the engine closes.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Definition, Ended } from "../Engine.ts"
import { WorkflowUnregistered } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import * as Reason from "../internal/reason.ts"
import type * as Journal from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import { whenReadable } from "./backoff.ts"
import * as Children from "./children.ts"
import * as Execution from "./execution.ts"
import type { Host } from "./parts.ts"
import * as Row from "./rows.ts"
import { Watchers } from "./watchers.ts"

/** How long a workflow waits for its layer to be built before it is suspended as unregistered. */
const registrationGrace = Duration.seconds(1)

/** How many workflows are read from the journal at once. */
export const loadsMax = 32

/** The end of one execution of a workflow. */
interface ExecutionEnd {
  readonly generation: number
  readonly attempt: number
  readonly outcome: Outcome
}

export interface Admission {
  /** Takes a workflow on, unless it is already. Returns once it runs, or was let go. */
  readonly admit: (id: string, known?: Journal.WorkflowRow) => Effect.Effect<void>
  /** Cancels a workflow that has not ended, on behalf of a request or of its parent. */
  readonly cancel: (id: string, request?: number) => void
  /** Runs a suspended workflow again. */
  readonly resume: (id: string) => void
  readonly isActive: (id: string) => boolean
  readonly register: (definition: Definition) => void
  readonly unregister: (definition: Definition) => void
  /** Drops every run at its next rest. */
  readonly close: () => void
  readonly interruptAttempts: () => void
  readonly endings: Watchers<Ended>
  readonly executionEndings: Watchers<ExecutionEnd>
}

/** A workflow that was taken on. */
interface Active {
  run: Execution.Run | undefined
  /** Cancels that came while there was no run. */
  cancels: Array<number | undefined>
  /** A suspended run is to be tried again. */
  resume: boolean
  /** Opens when a cancel, or the end of the engine, cuts a wait between two executions short. */
  readonly hurry: Effect.Latch
  readonly running: Deferred.Deferred<void>
}

export interface Options {
  readonly journal: Journal.Service
  readonly host: Host
  /** Forks what must end before the engine has closed. */
  readonly fork: (effect: Effect.Effect<void>) => void
  /** A request that could not be taken care of stays on record, to be read again. */
  readonly putBack: (request: number) => void
}

export const make = ({ fork, host, journal, putBack }: Options): Admission => {
  const { committer, now, timers } = host
  const definitions = new Map<string, Definition>()
  const registrations = new Watchers<void>()
  const active = new Map<string, Active>()
  const endings = new Watchers<Ended>()
  const executionEndings = new Watchers<ExecutionEnd>()
  const loads = Effect.unsafeMakeSemaphore(loadsMax)
  let closing = false

  /** Lets a workflow go that cannot run here. */
  const leave = (id: string, self: Active) => {
    active.delete(id)
    for (const request of self.cancels) if (request !== undefined) putBack(request)
  }

  /** The row as it is once everything that was put is written. */
  const latest = (id: string): Effect.Effect<Journal.WorkflowRow | undefined> =>
    Effect.map(Effect.zipRight(committer.durable, whenReadable(journal.workflow(id))), Option.getOrUndefined)

  const untilDue = (wakeAt: number | null, self: Active): Effect.Effect<void> =>
    wakeAt === null || wakeAt <= now() || self.cancels.length > 0
      ? Effect.void
      : Effect.raceFirst(
        self.hurry.await,
        Effect.async<void>((resume) =>
          Effect.sync(timers.schedule(wakeAt, () => {
            resume(Effect.void)
          }))
        )
      )

  /** The code of a workflow. If it is not there after a while, the workflow is suspended until it is. */
  const definitionOf = (row: Journal.WorkflowRow): Effect.Effect<Definition | undefined> =>
    Effect.gen(function*() {
      if (!definitions.has(row.name)) {
        yield* Effect.async<void>((resume) =>
          Effect.sync(registrations.watch(row.name, () => {
            resume(Effect.void)
          }))
        ).pipe(Effect.timeoutOption(registrationGrace))
      }
      const definition = definitions.get(row.name)
      if (definition === undefined && !closing) {
        const reason = new WorkflowUnregistered({ workflowId: Key.decode(row.id), name: row.name })
        committer.put({ workflow: { ...row, status: "Suspended", reason: Reason.encode(reason) } })
        yield* Effect.logWarning(`tempolite: ${reason.message}`)
        yield* committer.durable
      }
      return definition
    })

  /** What a workflow that was held for repair goes on with: what is to be asked for again. */
  const repaired = (row: Journal.WorkflowRow, recorded: Journal.Recorded): Journal.Recorded => {
    const reason = Reason.decode(row.reason)
    const failed = Option.isSome(reason) && reason.value._tag === "WorkflowStuck" ? reason.value.failedStep : null
    const again = failed === null ? [] : Row.repair(recorded.steps, failed)
    if (again.length > 0) committer.put({ steps: again })
    const byPath = new Map(again.map((step) => [step.path, step]))
    return { ...recorded, steps: recorded.steps.map((step) => byPath.get(step.path) ?? step) }
  }

  const run = (row: Journal.WorkflowRow, definition: Definition, self: Active): Effect.Effect<Execution.RunEnd> =>
    Effect.gen(function*() {
      const loaded = yield* loads.withPermits(1)(whenReadable(journal.recorded(row.id, row.generation)))
      if (closing) return { _tag: "Dropped" } as const
      const opened = yield* Execution.make(host, definition, row, self.resume ? repaired(row, loaded) : loaded)
      self.resume = false
      self.run = opened
      for (const request of self.cancels.splice(0)) opened.cancel(request)
      self.hurry.unsafeClose()
      Deferred.unsafeDone(self.running, Effect.void)
      return yield* opened.drive
    }).pipe(Effect.ensuring(Effect.sync(() => {
      self.run = undefined
    })))

  /** Runs a workflow until it ends, is suspended or dropped. */
  const supervise = (id: string, self: Active, known: Journal.WorkflowRow | undefined): Effect.Effect<void> =>
    Effect.gen(function*() {
      let fresh = known
      for (;;) {
        const row = fresh ?? (yield* latest(id))
        fresh = undefined
        if (row === undefined || Row.hasEnded(row)) {
          // It ended before the cancel came: there is nothing more to do for whoever asked.
          for (const handled of self.cancels.splice(0)) if (handled !== undefined) committer.put({ handled })
          leave(id, self)
          return
        }
        yield* untilDue(row.wakeAt, self)
        const definition = closing ? undefined : yield* definitionOf(row)
        if (definition === undefined) {
          leave(id, self)
          return
        }
        const end = yield* run(row, definition, self)
        const { attempt, generation } = row
        switch (end._tag) {
          case "Ended": {
            const outcome = end.ended.status === "Cancelled" ? Children.cancelled(id) : end.ended.outcome
            leave(id, self)
            executionEndings.tell(id, { generation, attempt, outcome })
            endings.tell(id, end.ended)
            return
          }
          case "Retry":
            executionEndings.tell(id, { generation, attempt, outcome: end.outcome })
            break
          case "Suspended":
            if (end.again || self.resume || self.cancels.length > 0) break
            leave(id, self)
            return
          case "Dropped":
            leave(id, self)
            return
        }
      }
    }).pipe(
      // A fault of the engine itself: it must not look as if the workflow went on.
      Effect.catchAllDefect((defect) =>
        Effect.logError(`tempolite: the engine failed to run the workflow ${id}; a restart tries again`, defect)
      ),
      Effect.ensuring(Effect.sync(() => {
        if (active.get(id) === self) leave(id, self)
        Deferred.unsafeDone(self.running, Effect.void)
      }))
    )

  const take = (id: string, known?: Journal.WorkflowRow): Active | undefined => {
    const already = active.get(id)
    if (already !== undefined || closing) return already
    const self: Active = {
      run: undefined,
      cancels: [],
      resume: false,
      hurry: Effect.unsafeMakeLatch(false),
      running: Deferred.unsafeMake(FiberId.none)
    }
    active.set(id, self)
    // Not before whoever takes it on has said what for.
    fork(Effect.zipRight(Effect.yieldNow(), supervise(id, self, known)))
    return self
  }

  return {
    endings,
    executionEndings,
    isActive: (id) => active.has(id),
    admit: (id, known) =>
      Effect.suspend(() => {
        const self = take(id, known)
        return self === undefined ? Effect.void : Deferred.await(self.running)
      }),
    cancel: (id, request) => {
      const self = take(id)
      if (self === undefined) {
        if (request !== undefined) putBack(request)
      } else if (self.run === undefined) {
        self.cancels.push(request)
        self.hurry.unsafeOpen()
      } else self.run.cancel(request)
    },
    resume: (id) => {
      const self = take(id)
      // One that runs is not suspended: there is nothing to resume.
      if (self !== undefined && (self.run === undefined || self.run.isSuspended())) self.resume = true
    },
    register: (definition) => {
      definitions.set(definition.name, definition)
      registrations.tell(definition.name, undefined)
    },
    unregister: (definition) => {
      if (definitions.get(definition.name) === definition) definitions.delete(definition.name)
    },
    close: () => {
      closing = true
      for (const { hurry, run } of active.values()) {
        hurry.unsafeOpen()
        run?.close()
      }
    },
    interruptAttempts: () => {
      for (const { run } of active.values()) run?.interruptAttempts()
    }
  }
}
