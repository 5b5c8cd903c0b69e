/**
 * Queues: each bounds how many workflows and attempts of activities run at once, and how many start in a time. First
 * come, first served.
 *
 * A workflow that has a place lends it to what runs below it, one at a time: the two count as one. So nothing that a
 * workflow waits for can wait for the workflow, however small the queue.
 */
import * as Duration from "effect/Duration"
import { InvalidQueue } from "../Errors.ts"
import type { Timers } from "./timers.ts"

export interface QueueOptions {
  /** How many may run at once. */
  readonly concurrency: number
  /** How many may start in any span of this length. Counted in this process. */
  readonly rate?: { readonly limit: number; readonly per: Duration.Duration }
}

/** A place in a queue, or the wait for one. */
export interface Place {
  /** Gives it back, or the wait up. */
  readonly leave: () => void
}

/** Where nothing is bounded. */
const anywhere: Place = { leave: () => {} }

interface Ticket {
  /** The workflow whose place it is to be, to lend; none for an attempt. */
  readonly owner: string | undefined
  /** Who may lend it a place: the nearest first. */
  readonly lenders: ReadonlyArray<string>
  readonly enter: (place: Place) => void
  readonly place: Place
  state: "Waiting" | "Own" | "Borrowed" | "Left"
  lender: Ticket | undefined
  borrower: Ticket | undefined
}

export class Queue {
  /** In order of arrival. */
  private readonly waiting = new Set<Ticket>()
  /** The same, by who may lend. */
  private readonly hoping = new Map<string, Set<Ticket>>()
  private readonly owners = new Map<string, Ticket>()
  private used = 0
  /** When the last ones started, as many as the rate counts. */
  private starts: Array<number> = []
  private alarm: (() => void) | undefined
  private readonly options: QueueOptions
  private readonly timers: Timers
  private readonly now: () => number

  constructor(options: QueueOptions, timers: Timers, now: () => number) {
    this.options = options
    this.timers = timers
    this.now = now
  }

  /** Asks for a place; `enter` is called once it is there, maybe at once. */
  take(options: Pick<Ticket, "owner" | "lenders" | "enter">): Place {
    const place: Place = {
      leave: () => {
        this.leave(ticket)
      }
    }
    const ticket: Ticket = { ...options, place, state: "Waiting", lender: undefined, borrower: undefined }
    if (this.borrow(ticket)) return place
    if (this.waiting.size === 0 && this.hasRoom) this.own(ticket)
    else this.wait(ticket)
    return place
  }

  /** How many wait for a place. */
  get length(): number {
    return this.waiting.size
  }

  private get hasRoom(): boolean {
    return this.used < this.options.concurrency && this.mayStart()
  }

  private wait(ticket: Ticket): void {
    this.waiting.add(ticket)
    for (const lender of ticket.lenders) {
      const hoping = this.hoping.get(lender)
      if (hoping === undefined) this.hoping.set(lender, new Set([ticket]))
      else hoping.add(ticket)
    }
    this.admit()
  }

  /** Gives the free places to those who came first. */
  private admit(): void {
    for (const ticket of this.waiting) {
      if (!this.hasRoom) return
      this.own(ticket)
    }
  }

  private own(ticket: Ticket): void {
    this.used++
    this.enter(ticket, "Own")
  }

  /** Gives `ticket` the place of a workflow above it, if one has a place that it has not lent. */
  private borrow(ticket: Ticket): boolean {
    for (const id of ticket.lenders) {
      const lender = this.owners.get(id)
      if (lender !== undefined && lender.borrower === undefined && this.mayStart()) {
        ticket.lender = lender
        lender.borrower = ticket
        this.enter(ticket, "Borrowed")
        return true
      }
    }
    return false
  }

  private enter(ticket: Ticket, state: "Own" | "Borrowed"): void {
    this.forget(ticket)
    ticket.state = state
    if (this.options.rate !== undefined) this.starts.push(this.now())
    if (ticket.owner !== undefined) this.owners.set(ticket.owner, ticket)
    ticket.enter(ticket.place)
    this.lend(ticket)
  }

  /** Lends the place of `ticket` to the first below it. */
  private lend(ticket: Ticket): void {
    if (ticket.owner === undefined || ticket.borrower !== undefined) return
    const [first] = this.hoping.get(ticket.owner) ?? []
    if (first !== undefined) this.borrow(first)
  }

  private leave(ticket: Ticket): void {
    const { borrower, lender, state } = ticket
    if (state === "Left") return
    ticket.state = "Left"
    if (ticket.owner !== undefined && this.owners.get(ticket.owner) === ticket) this.owners.delete(ticket.owner)
    if (state === "Waiting") this.forget(ticket)
    else if (borrower !== undefined) {
      // Whoever has it goes on with it, as if it had been given to them.
      borrower.state = state
      borrower.lender = lender
      if (lender !== undefined) lender.borrower = borrower
    } else if (lender !== undefined) {
      lender.borrower = undefined
      this.lend(lender)
    } else {
      this.used--
      this.admit()
    }
  }

  private forget(ticket: Ticket): void {
    if (!this.waiting.delete(ticket)) return
    for (const lender of ticket.lenders) {
      const hoping = this.hoping.get(lender)
      hoping?.delete(ticket)
      if (hoping?.size === 0) this.hoping.delete(lender)
    }
  }

  /** Whether one more may start now. If not, those who wait are looked at again when it may, and nobody before them. */
  private mayStart(): boolean {
    const { rate } = this.options
    if (rate === undefined) return true
    if (this.alarm !== undefined) return false
    const from = this.now() - Duration.toMillis(rate.per)
    this.starts = this.starts.filter((at) => at > from)
    const [first] = this.starts
    if (first === undefined || this.starts.length < rate.limit) return true
    this.alarm = this.timers.schedule(first + Duration.toMillis(rate.per), () => {
      this.alarm = undefined
      for (const ticket of this.waiting) {
        if (!this.mayStart()) return
        if (!this.borrow(ticket) && this.used < this.options.concurrency) this.own(ticket)
      }
    })
    return false
  }
}

/** Places in several queues, asked for one after the other, in an order that is the same for all. */
const takeAll = (
  queues: ReadonlyArray<Queue>,
  lenders: ReadonlyArray<string>,
  enter: (place: Place) => void
): Place => {
  const held: Array<Place> = []
  let isOver = false
  const place: Place = {
    leave: () => {
      isOver = true
      for (const one of held.splice(0)) one.leave()
    }
  }
  const next = (index: number): void => {
    const queue = queues[index]
    if (isOver) return
    if (queue === undefined) enter(place)
    else {
      const one = queue.take({
        owner: undefined,
        lenders,
        enter: (entered) => {
          held.push(entered)
          next(index + 1)
        }
      })
      // What waits is given up as what is held.
      if (isOver) one.leave()
      else if (!held.includes(one)) held.push(one)
    }
  }
  next(0)
  return place
}

/** All queues of an engine. */
export class Queues {
  private readonly named: ReadonlyMap<string, Queue>
  /** Bounds the attempts of all activities together, if anything does. */
  private readonly all: Queue | undefined

  constructor(
    options: { readonly concurrency: number; readonly queues: ReadonlyMap<string, QueueOptions> },
    timers: Timers,
    now: () => number
  ) {
    this.named = new Map(Array.from(options.queues, ([name, queue]) => [name, new Queue(queue, timers, now)]))
    this.all = options.concurrency === Number.POSITIVE_INFINITY
      ? undefined
      : new Queue({ concurrency: options.concurrency }, timers, now)
  }

  get names(): Iterable<string> {
    return this.named.keys()
  }

  has(name: string): boolean {
    return this.named.has(name)
  }

  /** A place for a workflow, which then lends it to what runs below it. */
  forWorkflow(name: string, id: string, lenders: ReadonlyArray<string>, enter: () => void): Place {
    return this.named.get(name)?.take({ owner: id, lenders, enter }) ?? anywhere
  }

  /** A place for an attempt of an activity; `lenders` gives its workflow and those above it, the nearest first. */
  forAttempt(name: string | undefined, lenders: () => ReadonlyArray<string>, enter: (place: Place) => void): Place {
    const queue = name === undefined ? undefined : this.named.get(name)
    if (queue === undefined && this.all === undefined) {
      enter(anywhere)
      return anywhere
    }
    return takeAll([queue, this.all].filter((queue) => queue !== undefined), lenders(), enter)
  }
}

const fault = (queue: string, message: string) => new InvalidQueue({ queue, message })

/** What is wrong with the options of a queue, if anything. */
export const invalid = (queue: string, { concurrency, rate }: QueueOptions): InvalidQueue | undefined => {
  const name = JSON.stringify(queue)
  if (concurrency !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    return fault(queue, `the concurrency of the queue ${name} is ${concurrency}: give a whole number from 1 on`)
  }
  if (rate === undefined) return undefined
  if (!(Number.isSafeInteger(rate.limit) && rate.limit > 0)) {
    return fault(queue, `the rate limit of the queue ${name} is ${rate.limit}: give a whole number from 1 on`)
  }
  return Duration.isFinite(rate.per) && Duration.toMillis(rate.per) > 0
    ? undefined
    : fault(queue, `the rate of the queue ${name} is per ${Duration.format(rate.per)}: give a span that has a length`)
}

/** What is said of a queue that nobody declared. */
export const undeclared = (queue: string, known: Iterable<string>): InvalidQueue => {
  const names = Array.from(known, (name) => JSON.stringify(name)).join(", ")
  return fault(
    queue,
    `the queue ${JSON.stringify(queue)} is not declared; ${names === "" ? "there are none" : `there are ${names}`}. ` +
      "Declare it: `Tempolite.layer({ queues: { … } })`"
  )
}
