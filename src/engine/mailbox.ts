/**
 * The signals of one workflow as its run knows them: read from the journal when a step waits for one, and taken one at
 * a time.
 */
import type { SignalRow } from "../Journal.ts"

export class Mailbox {
  private readonly signals = new Map<number, SignalRow>()
  private isUnread = true

  /** Up to which signal it has read. */
  readUpTo = 0

  /** Whether there may be signals that it does not know. */
  get unread(): boolean {
    return this.isUnread
  }

  /** There may be a new one. */
  arrived(): void {
    this.isUnread = true
  }

  /** About to be read: what arrives from now on may be missing. */
  reading(): void {
    this.isUnread = false
  }

  add(signals: ReadonlyArray<SignalRow>): void {
    for (const signal of signals) {
      if (signal.id <= this.readUpTo) continue
      this.signals.set(signal.id, signal)
      this.readUpTo = signal.id
    }
  }

  /** The first that somebody wants, by its name. */
  first(isWanted: (name: string) => boolean): SignalRow | undefined {
    for (const signal of this.signals.values()) if (isWanted(signal.name)) return signal
    return undefined
  }

  /** When the next one after this time was sent, wanted or not. */
  nextAfter(at: number): number {
    let next = Infinity
    for (const signal of this.signals.values()) if (signal.at > at) next = Math.min(next, signal.at)
    return next
  }

  take(signal: SignalRow): void {
    this.signals.delete(signal.id)
  }
}
