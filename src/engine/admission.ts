/**
 * Which workflows run in this process: each is taken on once, run execution after execution, and let go when it has
 * ended, is suspended or held, or the engine closes. What is asked of a workflow meanwhile goes to its run, or, where it
 * has none, is done to its row.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Definition, Ended } from "../Engine.ts"
import * as Reason from "../internal/reason.ts"
import type * as Journal from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import * as Active from "./active.ts"
import { whenReadable } from "./backoff.ts"
import * as Children from "./children.ts"
import type { Asked } from "./commands.ts"
import * as Commands from "./commands.ts"
import { Definitions } from "./definitions.ts"
import * as Execution from "./execution.ts"
import { lineage } from "./lineage.ts"
import * as Orders from "./orders.ts"
import { Parked } from "./parked.ts"
import type { Host } from "./parts.ts"
import { type Resident, Residents } from "./residents.ts"
import * as Row from "./rows.ts"
import * as Sleepers from "./sleepers.ts"
import * as Waits from "./waits.ts"
import { Watchers } from "./watchers.ts"

/** How many workflows are read from the journal at once. */
export const loadsMax = 32

/**
 * How near its time is when a workflow is known to this process again: it is read from the journal, which takes its time
 * when there are many.
 */
const nearOf = (parkMillis: number): number => 6 * parkMillis

/** The end of one execution of a workflow; there is no outcome where it continued as new. */
interface ExecutionEnd {
  readonly generation: number
  readonly attempt: number
  readonly outcome: Option.Option<Outcome>
}

export interface Admission {
  /**
   * Takes a workflow on, unless it is already. Returns once it waits, be it for its turn, or was let go. One that is
   * `known` was only just created.
   */
  readonly admit: (id: string, known?: Journal.WorkflowRow) => Effect.Effect<void>
  /** Takes on a workflow that was only just created. */
  readonly start: (row: Journal.WorkflowRow) => void
  /** Does what was asked, to the workflow and, where that is meant, to its sub-workflows. */
  readonly command: (id: string, asked: Asked) => void
  /** There may be a new signal for a workflow. */
  readonly signalled: (id: string) => void
  /** Whether it was taken on, be it in memory or not. */
  readonly isActive: (id: string) => boolean
  /** Whether it was taken on to run, and so will be told of among the endings once it has ended. */
  readonly isToEnd: (id: string) => boolean
  /** Whether it has a run, which has not ended. */
  readonly isRunning: (id: string) => boolean
  readonly isPaused: (id: string) => boolean
  /** A workflow that was taken on, and those above it, the nearest first. */
  readonly above: (id: string) => ReadonlyArray<string>
  readonly register: (definition: Definition) => void
  readonly unregister: (definition: Definition) => void
  readonly sleepers: Sleepers.Sleepers
  /** Says that everything which was there when the engine started has been taken on. */
  readonly recovered: () => void
  /** Drops every run at its next rest. */
  readonly close: () => void
  readonly interruptAttempts: () => void
  readonly endings: Watchers<Ended>
  readonly executionEndings: Watchers<ExecutionEnd>
}

export interface Options {
  readonly parkMillis: number
  readonly journal: Journal.Service
  readonly host: Host
  readonly recovery: Waits.Recovery
  /** Forks what must end before the engine has closed. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

export const make = ({ fork, host, journal, parkMillis, recovery }: Options): Admission => {
  const { committer, now, timers } = host
  const definitions = new Definitions()
  const active = new Map<string, Active.Active>()
  /** Those that this engine has tried, and which wait for somebody to mend them. */
  const suspended = new Set<string>()
  const parked = new Parked(timers, (id) => {
    wake(id)
  })
  const sleepers = Sleepers.make({
    journal,
    timers,
    now,
    nearMillis: nearOf(parkMillis),
    fork,
    closed: Effect.suspend(() => closed.await),
    tell: (id, until) => {
      if (!active.has(id) && !parked.has(id)) parked.add(id, until, undefined)
    }
  })
  /** Those for which something came before it was known who is there. */
  const called = new Set<string>()
  const residents = new Residents({ parkMillis, timers, now })
  const endings = new Watchers<Ended>()
  const executionEndings = new Watchers<ExecutionEnd>()
  const loads = Effect.unsafeMakeSemaphore(loadsMax)
  const closed = Effect.unsafeMakeLatch(false)
  let closing = false
  const waits = Waits.make({ host, definitions, recovery, isClosing: () => closing })

  /** Lets a workflow go. */
  const leave = (id: string, self: Active.Active) => {
    active.delete(id)
    self.place?.leave()
    for (const asked of [...self.commands.splice(0), ...self.cancels.splice(0)]) asked.putBack()
  }

  /** The row as it is once everything that was put is written. */
  const latest = (id: string): Effect.Effect<Journal.WorkflowRow | undefined> =>
    Effect.map(Effect.zipRight(committer.durable, whenReadable(journal.workflow(id))), Option.getOrUndefined)

  /**
   * What was recorded of a workflow. One that cannot be read holds up nobody else: it waits on its own until it can be, or
   * until the engine closes, and then there is none.
   */
  const load = (row: Journal.WorkflowRow, self: Active.Active): Effect.Effect<Option.Option<Journal.Recorded>> => {
    const read = Effect.asSome(loads.withPermits(1)(journal.recorded(row.id, row.generation)))
    return Effect.catchAll(read, () => {
      Deferred.unsafeDone(self.running, Effect.void)
      const later = Effect.annotateLogs(whenReadable(read), "workflow", row.id)
      return Effect.raceFirst(later, Effect.as(closed.await, Option.none()))
    })
  }

  const above = (id: string): ReadonlyArray<string> => [id, ...(active.get(id)?.above ?? [])]

  /** Whether it was held, and is to go on: in this process, or in one that died before it ran. */
  const isResumed = ({ reason, status }: Journal.WorkflowRow): boolean => reason !== null && status !== "Suspended"

  /** What a workflow that was held for repair goes on with: what is to be asked for again. */
  const repaired = (row: Journal.WorkflowRow, recorded: Journal.Recorded): Journal.Recorded => {
    const reason = Reason.decode(row.reason)
    const failed = Option.isSome(reason) && reason.value._tag === "WorkflowStuck" ? reason.value.failedStep : null
    const again = failed === null ? [] : Row.repair(recorded.steps, failed)
    if (again.length > 0) committer.put({ steps: again })
    const byPath = new Map(again.map((step) => [step.path, step]))
    return { ...recorded, steps: recorded.steps.map((step) => byPath.get(step.path) ?? step) }
  }

  const running = Effect.fnUntraced(function*(
    row: Journal.WorkflowRow,
    definition: Definition,
    self: Active.Active,
    isNew: boolean,
    resident: Resident
  ): Effect.fn.Return<Execution.RunEnd> {
    const loaded = isNew ? Option.some(Commands.nothingRecorded) : yield* load(row, self)
    if (Option.isNone(loaded) || closing) return { _tag: "Dropped" }
    const recorded = isResumed(row) ? repaired(row, loaded.value) : loaded.value
    const opened: Execution.Run = yield* Execution.make(host, definition, row, recorded, () => {
      Deferred.unsafeDone(self.running, Effect.void)
      for (const asked of self.atRest.splice(0)) tell(row.id, self, opened, asked)
      resident.rests()
    })
    self.run = opened
    self.isBack = false
    for (const asked of self.cancels.splice(0)) tell(row.id, self, opened, asked)
    self.hurry.unsafeClose()
    for (const asked of self.commands.splice(0)) tell(row.id, self, opened, asked)
    return yield* opened.drive
  })

  const run = (
    row: Journal.WorkflowRow,
    definition: Definition,
    self: Active.Active,
    isNew: boolean
  ): Effect.Effect<Execution.RunEnd> => {
    const resident = residents.enter((until) => {
      if (self.run?.park(until) !== true) return false
      self.isStirred = false
      return true
    })
    return Effect.ensuring(
      running(row, definition, self, isNew, resident),
      Effect.sync(() => {
        self.run = undefined
        self.commands.unshift(...self.atRest.splice(0))
        resident.leave()
      })
    )
  }

  /** Does what was asked to a workflow that has no run; gives its row as it is then. */
  const apply = Effect.fnUntraced(
    function*(row: Journal.WorkflowRow, self: Active.Active): Effect.fn.Return<Journal.WorkflowRow> {
      let changed = row
      if (!closing) self.hurry.unsafeClose()
      for (let asked = self.commands[0]; asked !== undefined; asked = self.commands[0]) {
        const { command } = asked
        if (command._tag === "Pause" && self.isBack && changed.status === "Running") {
          // Its timers go on while it is held, and are recorded when they come due.
          self.atRest.push(asked)
          self.commands.shift()
          continue
        }
        if (command._tag === "Cancel" && !Row.hasEnded(changed)) {
          // A run gives it its place in the order.
          self.cancels.push(asked)
          self.commands.shift()
          self.isWanted = true
          suspended.delete(row.id)
          if (changed.status === "Paused") changed = { ...changed, status: "Running" }
          continue
        }
        const recorded = Commands.needsSteps(command)
          ? yield* load(changed, self)
          : Option.some(Commands.nothingRecorded)
        // The next engine does it.
        if (Option.isNone(recorded)) return changed
        const effect = Commands.toRow(command, changed, recorded.value, now())
        if (effect !== undefined) {
          changed = effect.workflow
          committer.put(effect)
          if (changed.status === "Suspended") {
            // Mended by hand, it waits to be resumed, also where it was about to be tried once more.
            self.isWanted = false
            suspended.add(row.id)
          } else {
            suspended.delete(row.id)
            if (command._tag === "Resume" || command._tag === "Retry") self.isWanted = true
          }
        }
        // Not before: whatever goes wrong, somebody waits to hear of it.
        self.commands.shift()
        orders.done(row.id, asked)
        yield* committer.durable
      }
      return changed
    }
  )

  /** Does what was asked to a run. */
  const tell = (id: string, self: Active.Active, run: Execution.Run, asked: Asked): void => {
    const { command } = asked
    switch (command._tag) {
      case "Cancel":
        run.cancel()
        break
      case "Pause":
        if (run.isPaused()) break
        run.pause()
        self.place?.leave()
        self.place = undefined
        break
      case "Resume":
        if (!run.isPaused()) break
        run.resume()
        proceed(id, self, run)
        break
      case "Skip":
        run.skip(command.path, command.value, asked.done)
        return
      case "Retry":
        break
    }
    orders.done(id, asked)
  }

  /** Lets a run go on that was held, once it has its place in the queue again. */
  const proceed = (id: string, self: Active.Active, run: Execution.Run): void => {
    const queue = run.queue
    if (Option.isNone(queue)) run.proceed()
    else self.place = host.queues.forWorkflow(queue.value, id, above(id).slice(1), run.proceed)
  }

  const command = (id: string, asked: Asked): void => {
    const self = take(id)
    if (self === undefined) asked.putBack()
    else if (self.run === undefined || self.run.isLeaving() || self.run.hasEnded()) {
      self.commands.push(asked)
      self.hurry.unsafeOpen()
    } else tell(id, self, self.run, asked)
  }

  const orders = Orders.make({ journal, durable: committer.durable, latest, fork, command })

  /** Whether a workflow of this row is to run now. */
  const isToRun = (row: Journal.WorkflowRow, self: Active.Active): boolean =>
    row.status === "Pending" || row.status === "Running" || (row.status === "Suspended" && self.isWanted)

  /** Runs a workflow until it ends, is suspended, held or dropped. */
  const supervise = Effect.fnUntraced(
    function*(
      id: string,
      self: Active.Active,
      known: Journal.WorkflowRow | undefined
    ): Effect.fn.Return<void> {
      let fresh = known
      while (!closing) {
        const found = fresh ?? (yield* latest(id))
        // Nothing is on record of what was only just created.
        const isNew = fresh !== undefined && self.commands.length === 0
        fresh = undefined
        if (found === undefined) {
          for (const asked of self.commands.splice(0)) asked.done()
          return
        }
        self.above ??= found.parentId === null
          ? []
          : yield* lineage(journal, found.parentId, (id) => active.get(id)?.above)
        // When an engine starts, a pause that was asked for before comes before everything.
        if (found.sleepsUntil !== null && recovery.isOver) self.isBack = true
        // Whatever is written of it from here on, it sleeps no more.
        const row = yield* apply({ ...found, sleepsUntil: null }, self)
        self.isToEnd = isToRun(row, self)
        if (!self.isToEnd) return
        const definition = closing ? undefined : definitions.get(row.name) ?? (yield* waits.forDefinition(row, self))
        if (self.commands.length > 0) continue
        if (definition === undefined) return
        if (isNew) yield* waits.untilRecovered(definition.queue, self)
        // Before it is due: between two executions it keeps its place, after a restart, too.
        yield* waits.untilPlaced(id, definition.queue, self)
        if (self.commands.length > 0 || closing) continue
        yield* waits.untilDue(row.wakeAt, self)
        if (self.commands.length > 0 || closing) continue
        const end = yield* run(row, definition, self, isNew)
        const { attempt, generation } = row
        const tellEnd = (outcome: Option.Option<Outcome>) => {
          executionEndings.tell(id, { generation, attempt, outcome })
        }
        switch (end._tag) {
          case "Ended": {
            const isRetried = self.commands.length > 0
            if (!isRetried) leave(id, self)
            tellEnd(Option.some(end.ended.status === "Cancelled" ? Children.cancelled(id) : end.ended.outcome))
            endings.tell(id, end.ended)
            if (row.parentId !== null) wake(row.parentId)
            if (isRetried) break
            return
          }
          case "Continued":
            tellEnd(Option.none())
            break
          case "Retry":
            tellEnd(Option.some(end.outcome))
            if (row.parentId !== null) wake(row.parentId)
            break
          case "Suspended":
            self.isWanted = end.again
            if (!end.again) suspended.add(id)
            break
          case "Parked":
            if (self.commands.length > 0 || self.isStirred || closing) break
            active.delete(id)
            if (end.isOnRecord) sleepers.add(id, end.until)
            else parked.add(id, end.until, self.place)
            return
          case "Dropped":
            return
        }
      }
    },
    (supervised, id, self) =>
      supervised.pipe(
        // A fault of the engine itself: it must not look as if the workflow went on.
        Effect.catchAllDefect((defect) =>
          Effect.logError(`tempolite: the engine failed to run the workflow ${id}; a restart tries again`, defect)
        ),
        Effect.ensuring(Effect.sync(() => {
          if (active.get(id) === self) leave(id, self)
          Deferred.unsafeDone(self.running, Effect.void)
        }))
      )
  )

  const take = (id: string, known?: Journal.WorkflowRow): Active.Active | undefined => {
    const already = active.get(id)
    if (already !== undefined || closing) return already
    const self = Active.make()
    self.isToEnd = known !== undefined
    self.isBack = parked.has(id)
    self.place = parked.remove(id)
    active.set(id, self)
    // Not before whoever takes it on has said what for.
    fork(Effect.zipRight(Effect.yieldNow(), supervise(id, self, known)))
    return self
  }

  /** Something has come for it: back into memory, if it had left. */
  const wake = (id: string): void => {
    const self = active.get(id)
    if (self !== undefined) self.isStirred = true
    else if (recovery.isOver || parked.has(id)) take(id)
    else called.add(id)
  }

  /** Takes a workflow on that is to run. */
  const admit = (id: string, known?: Journal.WorkflowRow): Active.Active | undefined => {
    if (suspended.has(id)) return undefined
    const self = take(id, known)
    if (self !== undefined) self.isWanted = true
    return self
  }

  return {
    endings,
    executionEndings,
    above,
    isActive: (id) => active.has(id) || parked.has(id),
    isToEnd: (id) => active.get(id)?.isToEnd === true,
    isRunning: (id) => active.get(id)?.run?.hasEnded() === false,
    isPaused: (id) => active.get(id)?.run?.isPaused() ?? false,
    admit: (id, known) =>
      Effect.suspend(() => {
        const self = admit(id, known)
        return self === undefined ? Effect.void : Deferred.await(self.running)
      }),
    start: (row) => {
      admit(row.id, row)
    },
    command: orders.give,
    signalled: (id) => {
      wake(id)
      active.get(id)?.run?.signalled()
    },
    register: (definition) => {
      definitions.register(definition)
    },
    unregister: (definition) => {
      definitions.unregister(definition)
    },
    sleepers,
    recovered: () => {
      for (const id of called) wake(id)
      called.clear()
    },
    close: () => {
      closing = true
      closed.unsafeOpen()
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
