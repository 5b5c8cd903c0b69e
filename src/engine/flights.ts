/**
 * What is under way for the steps of one run: attempts, timers, sub-workflows. It outlives the pass of the body that has
 * started it.
 */
import * as Option from "effect/Option"
import type { SuspendReason } from "../Errors.ts"
import type { StepRow } from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import type { Flight } from "./attempts.ts"
import type { Ledger } from "./ledger.ts"

interface UnderWay {
  readonly flight: Flight
  readonly isChild: boolean
  interrupted: boolean
  /** What an operator has given it for an outcome, once it has ended, and who is to be told of that. */
  skip: Option.Option<{ readonly outcome: Outcome; readonly done: () => void }>
}

export class Flights {
  /** Why the run is at fault. Once it is set, nothing of the run is written or started any more. */
  fault: SuspendReason | undefined = undefined
  /** Interrupted activities that have not ended. */
  ending = 0
  /** Interrupted sub-workflows that have not ended: compensations wait for them. */
  endingChildren = 0
  /** Told of the end of each, with the row that has its outcome, if there is one. */
  onEnd: (row: StepRow | undefined) => void = () => {}

  /** By the path of their steps. */
  private readonly underWay = new Map<string, UnderWay>()
  /** The steps whose sub-workflows were interrupted and have ended: nobody has to look for these again. */
  private readonly over = new Set<string>()
  private readonly ledger: Ledger

  constructor(ledger: Ledger) {
    this.ledger = ledger
  }

  /** How many will end by themselves. */
  get size(): number {
    return this.underWay.size
  }

  /** Until when all that is under way is quiet; none if something runs. */
  get quietUntil(): number | undefined {
    if (this.ending > 0 || this.endingChildren > 0) return undefined
    let least = Infinity
    for (const { flight } of this.underWay.values()) {
      const until = flight.quietUntil()
      if (until === undefined) return undefined
      least = Math.min(least, until)
    }
    return least
  }

  /** Whether any of it waits for another workflow, of which it is told only in memory. */
  get watches(): boolean {
    for (const { flight } of this.underWay.values()) if (flight.watches) return true
    return false
  }

  get paths(): Iterable<string> {
    return this.underWay.keys()
  }

  get(path: string): UnderWay | undefined {
    return this.underWay.get(path)
  }

  /** Whether its sub-workflow was interrupted, and has ended since. */
  isOver(path: string): boolean {
    return this.over.has(path)
  }

  /** Starts what is given the function to call when it has ended. */
  begin(path: string, isChild: boolean, start: (onEnd: (row: StepRow | undefined) => void) => Flight): void {
    // What ends at once, ends before it is known to be under way.
    let ended = false
    const flight = start((row) => {
      ended = true
      this.end(path, row)
    })
    if (!ended) this.underWay.set(path, { flight, isChild, interrupted: false, skip: Option.none() })
  }

  /** Asks it to end, because nobody waits for it any more. */
  interrupt(under: UnderWay): void {
    if (under.interrupted) return
    under.interrupted = true
    if (under.isChild) this.endingChildren++
    else this.ending++
    under.flight.interrupt()
  }

  /** The run is over: whatever would go on by itself ends, without a trace. An attempt that runs may end. */
  release(): void {
    for (const { flight } of [...this.underWay.values()]) flight.release()
  }

  interruptAll(): void {
    for (const { flight } of [...this.underWay.values()]) flight.interrupt()
  }

  private end(path: string, row: StepRow | undefined): void {
    const under = this.underWay.get(path)
    this.underWay.delete(path)
    if (under?.interrupted === true) {
      if (under.isChild) {
        this.endingChildren--
        this.over.add(path)
      } else this.ending--
    }
    const skip = Option.getOrUndefined(under?.skip ?? Option.none())
    const before = this.ledger.step(path)
    this.onEnd(
      row === undefined && skip !== undefined && before !== undefined ? this.ledger.skip(before, skip.outcome) : row
    )
    skip?.done()
  }
}
