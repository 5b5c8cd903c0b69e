/**
 * The workflows that are in memory. One that waits, and for nothing that runs, leaves it after a while, or earlier when
 * there are very many; it comes back by a replay.
 */
import type { Timers } from "./timers.ts"

export interface Resident {
  /** It waits from now on. */
  readonly rests: () => void
  /** It has ended. */
  readonly leave: () => void
}

interface Options {
  /** How long it waits in memory; `Infinity` keeps it there. */
  readonly parkMillis: number
  readonly timers: Timers
  readonly now: () => number
}

/** Who is due within this time stays. */
const leadMillis = 1_000

/** So many wait in memory, however short they have. */
const residentsMax = 1_000

export class Residents {
  /** Those that may be asked to leave: who was asked before, and stays, comes after all others. */
  private readonly inside = new Set<Guest>()
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  /**
   * `park` asks it to leave, if it waits and will do so until a time, as far as is known. Whether it does, unless something
   * happens first.
   */
  enter(park: (until: number) => boolean): Resident {
    return new Guest(this.options, park, this.inside)
  }
}

class Guest implements Resident {
  private restedAt = 0
  /** It doubles each time that it cannot leave, until it moves. */
  private patience = 0
  private askedAt = Infinity
  private giveUp: (() => void) | undefined
  private readonly options: Options
  private readonly park: (until: number) => boolean
  private readonly inside: Set<Guest>

  constructor(options: Options, park: (until: number) => boolean, inside: Set<Guest>) {
    this.options = options
    this.park = park
    this.inside = inside
  }

  rests(): void {
    const { now, parkMillis } = this.options
    if (parkMillis === Infinity) return
    this.restedAt = now()
    this.patience = Math.max(parkMillis, leadMillis)
    this.inside.add(this)
    if (this.askedAt > this.restedAt + this.patience) this.askAt(this.restedAt + this.patience)
    if (parkMillis === 0) this.ask()
    // Two for each that comes to rest: so they become fewer, however many cannot leave.
    for (let tries = 0; tries < 2 && this.inside.size > residentsMax; tries++) {
      const [first] = this.inside
      first?.ask()
    }
  }

  leave(): void {
    this.inside.delete(this)
    this.giveUp?.()
    this.giveUp = undefined
    this.askedAt = Infinity
  }

  private askAt(at: number): void {
    this.giveUp?.()
    this.askedAt = at
    this.giveUp = this.options.timers.schedule(at, () => {
      this.askedAt = Infinity
      if (at < this.restedAt + this.patience) this.askAt(this.restedAt + this.patience)
      else if (!this.ask()) {
        this.patience *= 2
        this.askAt(at + this.patience)
      }
    })
  }

  /** Asks it to leave; whether it does. */
  private ask(): boolean {
    this.inside.delete(this)
    if (this.park(this.options.now() + leadMillis)) {
      this.leave()
      return true
    }
    this.inside.add(this)
    return false
  }
}
