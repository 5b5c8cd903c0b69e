/**
 * The workflows that have left memory while they wait, and what brings them back.
 */
import { forever } from "../Journal.ts"
import type { Place } from "./queues.ts"
import type { Timers } from "./timers.ts"

interface Entry {
  /** Its place in the queue of its workflows, which it keeps. */
  readonly place: Place | undefined
  readonly cancel: () => void
}

const nothing = () => {}

export class Parked {
  private readonly entries = new Map<string, Entry>()
  private readonly timers: Timers
  private readonly wake: (id: string) => void

  /** `wake` is called for one whose time has come. It is the same for all: what each had in memory must be gone. */
  constructor(timers: Timers, wake: (id: string) => void) {
    this.timers = timers
    this.wake = wake
  }

  has(id: string): boolean {
    return this.entries.has(id)
  }

  /** Until its time has come, or it is removed. */
  add(id: string, at: number, place: Place | undefined): void {
    const cancel = at >= forever ? nothing : this.timers.schedule(at, () => {
      this.wake(id)
    })
    this.entries.set(id, { place, cancel })
  }

  /** It is back. Gives its place in the queue. */
  remove(id: string): Place | undefined {
    const entry = this.entries.get(id)
    this.entries.delete(id)
    entry?.cancel()
    return entry?.place
  }
}
