/**
 * The workflows that have left memory while they wait, and what brings them back.
 */
import type { Place } from "./queues.ts"
import type { Timers } from "./timers.ts"

interface Entry {
  /** Its place in the queue of its workflows, which it keeps. */
  readonly place: Place | undefined
  readonly cancel: () => void
}

export class Parked {
  private readonly entries = new Map<string, Entry>()
  private readonly timers: Timers

  constructor(timers: Timers) {
    this.timers = timers
  }

  has(id: string): boolean {
    return this.entries.has(id)
  }

  /** Calls `wake` once `at` has come, if it is still there. */
  add(id: string, at: number, place: Place | undefined, wake: () => void): void {
    this.entries.set(id, { place, cancel: at === Infinity ? () => {} : this.timers.schedule(at, wake) })
  }

  /** It is back. Gives its place in the queue. */
  remove(id: string): Place | undefined {
    const entry = this.entries.get(id)
    this.entries.delete(id)
    entry?.cancel()
    return entry?.place
  }
}
