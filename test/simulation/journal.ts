/**
 * The journal as a process has it: with faults, and dead when the process is.
 */
import { Effect, Exit, Scope } from "effect"
import { JournalError } from "../../src/Errors.ts"
import type { Journal } from "../../src/index.ts"
import type { Process } from "./Host.ts"
import type { Fault } from "./schedule.ts"

const injected = new JournalError({ message: "injected" })

/** Decides which commits go wrong, over all processes. */
export class Faults {
  private left: ReadonlyArray<Fault>
  private commits = 0
  /** Those that came. */
  readonly met: Array<Fault> = []

  constructor(faults: ReadonlyArray<Fault>) {
    this.left = faults
  }

  /** The fault of the next commit, if it has one. */
  next({ steps }: Journal.Batch): Fault | undefined {
    const [fault] = this.left
    if (fault === undefined || (fault.undoing && !steps.some(({ undo }) => undo))) return undefined
    if (++this.commits < fault.commits) return undefined
    this.commits = 0
    this.left = this.left.slice(1)
    this.met.push(fault)
    return fault
  }
}

export interface Watch {
  /** Called with every batch that was written. */
  readonly written: (batch: Journal.Batch) => void
  /** Called in the middle of a commit that the process does not survive. */
  readonly crashed: (fault: Fault) => void
  readonly closes: (fault: Fault) => void
  /** A process that is dead asks for something to be written. */
  readonly undead: () => void
}

export interface Owned {
  readonly service: Journal.Service
  /** Takes the lease from it, as from a process that is known to be dead. */
  readonly release: () => void
}

const forever = Effect.async<never>(() => {})

/** `inner`, as `process` has it. */
export const of = (inner: Journal.Service, process: Process, faults: Faults, watch: Watch): Owned => {
  const leased = Effect.runSync(Scope.make())
  const commit: Journal.Service["commit"] = (lease, batch) =>
    Effect.suspend(() => {
      if (!process.isAlive) watch.undead()
      const fault = faults.next(batch)
      const write = Effect.tap(inner.commit(lease, batch), () => Effect.sync(() => watch.written(batch)))
      const crash = (fault: Fault) => Effect.zipRight(Effect.sync(() => watch.crashed(fault)), forever)
      switch (fault?.kind) {
        case undefined:
          return write
        case "crash before":
          return crash(fault)
        case "crash after":
          return Effect.zipRight(write, crash(fault))
        case "fail":
          return injected
        case "fail after commit":
          return Effect.zipRight(write, injected)
        case "delay":
          return Effect.delay(write, fault.millis)
        case "close":
          return Effect.tap(write, () => Effect.sync(() => watch.closes(fault)))
      }
    })
  return {
    service: {
      ...inner,
      acquire: (millis) => Scope.extend(inner.acquire(millis), leased),
      // Real time does not pass here. It holds the lease for as long as it lives.
      renew: () => forever,
      commit
    },
    release: () => Effect.runSync(Scope.close(leased, Exit.void))
  }
}
