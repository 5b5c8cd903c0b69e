/**
 * Virtual time that moves one sleeper at a time: what sleeps until the same instant wakes in the order in which it went
 * to sleep.
 */
import { Clock, Duration, Effect } from "effect"

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly wake: () => void
}

export class SimClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  now: number
  /** Counts what was done with this clock: it stands still when nothing goes on. */
  activity = 0
  private sleepers: Array<Sleeper> = []
  private order = 0

  constructor(now: number) {
    this.now = now
  }

  unsafeCurrentTimeMillis(): number {
    return this.now
  }
  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.now * 1_000)) * 1_000n
  }
  readonly currentTimeMillis = Effect.sync(() => this.now)
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return this.sleepUntil(this.now + Duration.toMillis(duration))
  }

  sleepUntil(at: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const sleeper = { at, order: this.order++, wake: () => resume(Effect.void) }
      this.activity++
      this.sleepers.push(sleeper)
      return Effect.sync(() => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper)
      })
    })
  }

  /** The instant at which something wakes next. */
  get next(): number | undefined {
    return this.sleepers.reduce<number | undefined>((least, { at }) => Math.min(least ?? at, at), undefined)
  }

  /** Wakes the next sleeper; `false` if there is none, or none until `limit`. */
  advance(limit = Number.POSITIVE_INFINITY): boolean {
    const next = this.sleepers.toSorted((x, y) => x.at - y.at || x.order - y.order)[0]
    if (next === undefined || next.at > limit) return false
    this.sleepers = this.sleepers.filter((other) => other !== next)
    this.now = Math.max(this.now, next.at)
    this.activity++
    next.wake()
    return true
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Lets the process run until nothing happens any more but by the passing of time. */
export const settle = async (activity: () => number): Promise<void> => {
  for (let quiet = 0, before = activity(); quiet < 6;) {
    await turn()
    const after = activity()
    quiet = after === before ? quiet + 1 : 0
    before = after
  }
}
