/**
 * The steps of one pass of a body: which are waited for, which have an outcome to deliver, and which are to be started.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as RuntimeFlags from "effect/RuntimeFlags"
import { DuplicateKey, InvalidKey, NonDeterminism, type SuspendReason } from "../Errors.ts"
import type { Key, WorkflowId } from "../Info.ts"
import * as KeyCodec from "../internal/key.ts"
import type { SignalRow, StepRow } from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import type { Flight, OnEnd } from "./attempts.ts"
import type { Flights } from "./flights.ts"
import { anchor, type Place, place } from "./frame.ts"
import { Heap } from "./heap.ts"
import type { Ledger } from "./ledger.ts"
import type { Asked } from "./replay.ts"
import * as Row from "./rows.ts"
import type { WorkflowScheduler } from "./scheduler.ts"

/** How a step is named, and how it is started when the journal has no outcome of it. */
export interface Request {
  /** The developer's key, to be checked, or `None` for a step of the engine's own. */
  readonly key: Option.Option<Key>
  /** Given the fiber's place, the path. */
  readonly path: (at: Place) => string
  readonly asked: Asked
  /** Whether it may be asked for more than once. */
  readonly shared: boolean
  /** Whether what it starts lives on by itself, and must be found again to be ended. */
  readonly outlives: boolean
  /** The name of the signal that it waits for, if it does. */
  readonly signal: Option.Option<string>
  readonly begin: (row: StepRow, onEnd: OnEnd) => Flight
}

/** A step that the body has asked for. */
interface Taken {
  /** Those who wait for it, and are active: more than one only where it is shared. */
  waiters: ReadonlyArray<Waiter>
}

interface Waiter {
  readonly taken: Taken
  readonly path: string
  readonly request: Request
  readonly at: Place
  readonly order: number
  resume: (effect: Effect.Effect<Outcome>) => void
  /** Until it is resumed or interrupted. */
  active: boolean
}

export class Steps {
  private dropped = false
  private order = 0
  /** By their paths. */
  readonly asked = new Map<string, Taken>()
  private readonly ready = new Heap<{ readonly seq: number; readonly waiter: Waiter }>(
    (x, y) => x.seq - y.seq || x.waiter.order - y.waiter.order
  )
  /** Those without an outcome that were not started, in the order in which they asked. */
  private readonly missing = new Set<Waiter>()
  /** Those that wait for a signal, by its name, in the order in which they asked. */
  private readonly listening = new Map<string, Set<Waiter>>()
  private readonly workflowId: WorkflowId
  private readonly ledger: Ledger
  private readonly flights: Flights
  private readonly scheduler: WorkflowScheduler
  /** Wakes the driver. */
  private readonly signal: () => void

  constructor(ledger: Ledger, flights: Flights, scheduler: WorkflowScheduler, signal: () => void) {
    this.workflowId = KeyCodec.decode(ledger.workflow.id)
    this.ledger = ledger
    this.flights = flights
    this.scheduler = scheduler
    this.signal = signal
    flights.onEnd = (row) => {
      if (row !== undefined) this.recorded(row)
      this.signal()
    }
  }

  /** Takes a step: suspends the fiber, and resumes it with the outcome in the order of the journal. */
  readonly take = (request: Request): Effect.Effect<Outcome> =>
    Effect.withFiberRuntime((fiber, { runtimeFlags }) => {
      if (this.dropped) return Effect.interrupt
      const at = fiber.getFiberRef(place)
      if (Option.isNone(at)) return Effect.dieMessage("a step was taken outside of a workflow")
      const path = request.path(at.value)
      const taken = this.check(request, path, at.value, fiber)
      return this.wait(request, taken, path, at.value, RuntimeFlags.interruption(runtimeFlags))
    })

  private wait(
    request: Request,
    taken: Taken,
    path: string,
    at: Place,
    isInterruptible: boolean
  ): Effect.Effect<Outcome> {
    const waiter: Waiter = { taken, path, request, at, order: this.order++, resume: () => {}, active: true }
    const resumed = Effect.async<Outcome>((resume) => {
      waiter.resume = resume
      taken.waiters = [...taken.waiters, waiter]
      this.register(waiter)
    })
    if (!isInterruptible) return resumed
    // What `Effect.async` does for a canceller, without what it does to find out what is known here, and without a part in
    // what is delivered.
    return Effect.uninterruptible(
      Effect.catchAllCause(Effect.interruptible(resumed), (cause) => {
        this.abandon(waiter)
        return Effect.failCause(cause)
      })
    )
  }

  /** Puts the run at fault; the first reason stays. */
  readonly diverge = (reason: SuspendReason): void => {
    this.flights.fault ??= reason
    this.scheduler.halt()
    this.signal()
  }

  /** Claims the path of a saga, whose row is kept here though nothing waits for it. */
  claim(request: Pick<Request, "key" | "asked" | "shared">, path: string, at: Place, fiber: AnyFiber): void {
    this.check(request, path, at, fiber)
    const answer = this.ledger.look(path, request.asked)
    if (answer._tag === "Diverged") this.diverge(this.divergence(path, answer.message))
  }

  /** The smallest `seq` that is to be delivered. */
  get next(): number | undefined {
    for (let first = this.ready.peek(); first !== undefined; first = this.ready.peek()) {
      if (first.waiter.active) return first.seq
      this.ready.pop()
    }
    return undefined
  }

  /** How many steps may be started now. */
  get startable(): number {
    let count = 0
    for (const waiter of this.missing) if (this.mayStart(waiter)) count++
    return count
  }

  /** Whether any step waits for a signal. */
  get listens(): boolean {
    return this.listening.size > 0
  }

  /** The step that takes the next signal of this name, if any does. */
  private listenerTo(name: string): Waiter | undefined {
    for (const waiter of this.listening.get(name) ?? []) {
      if (this.flights.get(waiter.path) !== undefined || this.mayStart(waiter)) return waiter
    }
    return undefined
  }

  wants(name: string): boolean {
    return this.listenerTo(name) !== undefined
  }

  /** Gives a signal to the step that has waited longest for one of its name: its outcome, which is the next to deliver. */
  give(signal: SignalRow): void {
    const waiter = this.listenerTo(signal.name)
    if (waiter === undefined) return
    const before = this.ledger.step(waiter.path)
    const under = this.flights.get(waiter.path)
    under?.flight.release()
    const row = under === undefined || before === undefined ? this.rowOf(waiter) : before
    this.recorded(this.ledger.record(row, Row.taken(signal.payload), undefined, { taken: signal.id }))
  }

  /** Whether the code that ran before this had got further: the journal has steps that nobody has asked for yet. */
  get isBehind(): boolean {
    return this.ledger.hasOther((path) => this.asked.has(path))
  }

  /** Records the outcome of a step by hand, once whatever is under way for it has ended, unless it has one by then. */
  skip(path: string, value: string | null, done: () => void): void {
    const row = this.ledger.step(path)
    const under = this.flights.get(path)
    if (row === undefined || !Row.isSkippable(row, false) || under?.interrupted === true) {
      done()
      return
    }
    const outcome = Row.skippedWith(row, value)
    if (under === undefined) {
      this.recorded(this.ledger.skip(row, outcome))
      this.signal()
      done()
    } else {
      under.skip = Option.some({ outcome, done })
      this.flights.interrupt(under)
    }
  }

  /** When the first of the timers fires that came due while nothing ran. */
  overdueAt(now: number): number {
    let least = Infinity
    for (const waiter of this.missing) least = Math.min(least, this.dueAt(waiter))
    return least <= now ? least : Infinity
  }

  /** When the first of the timers fires that are under way and late: the process stood still, or is busy. */
  lateAt(now: number): number {
    let least = Infinity
    for (const path of this.flights.paths) {
      const row = this.ledger.step(path)
      if (row?.status === "Waiting" && row.wakeAt !== null) least = Math.min(least, row.wakeAt)
    }
    return least <= now ? least : Infinity
  }

  /** Resumes the waiter with the smallest `seq`; tells `onDelivery` when its outcome was recorded. */
  deliver(onDelivery: (at: number) => void): void {
    const waiter = this.ready.pop()?.waiter
    const row = waiter && this.ledger.deliver(waiter.path)
    if (waiter === undefined || row === undefined) return
    onDelivery(row.at ?? 0)
    this.retire(waiter)
    waiter.at.steps?.add(waiter.path)
    this.scheduler.delivered()
    const outcome = Row.outcomeOf(row)
    this.scheduler.enter(() => {
      waiter.resume(
        Option.isSome(waiter.request.key)
          ? FiberRef.modify(anchor, () => [outcome, waiter.path])
          : Effect.succeed(outcome)
      )
    })
  }

  /**
   * Goes on with the timers that came due before the time `end` while nothing ran; whoever fires them must do so before
   * anything else starts. A timer that the code does not ask for any more is left alone: it must not take the place of
   * another one.
   */
  startDue(now: number, end: number): void {
    const due = [...this.missing].filter((waiter) => this.dueAt(waiter) <= now && this.dueAt(waiter) < end)
    for (const waiter of due.sort((x, y) => this.dueAt(x) - this.dueAt(y))) this.begin(waiter)
  }

  /** Starts what waits without an outcome, in order of registration. */
  start(): void {
    for (const waiter of [...this.missing]) if (this.mayStart(waiter)) this.begin(waiter)
  }

  /** Resumes every waiting fiber with an interrupt; from now on steps refuse. What is under way goes on. */
  drop(): void {
    this.dropped = true
    for (const taken of this.asked.values()) {
      for (const waiter of taken.waiters) waiter.resume(Effect.interrupt)
      taken.waiters = []
    }
  }

  private check(
    request: Pick<Request, "key" | "shared">,
    path: string,
    at: Place,
    fiber: AnyFiber
  ): Taken {
    const { workflowId } = this
    if (fiber.currentScheduler !== this.scheduler) {
      this.diverge(
        new NonDeterminism({
          workflowId,
          key: path,
          message: `the step ${path} was taken on a fiber of another scheduler. Do not use \`Effect.withScheduler\` ` +
            "or a runtime from outside in a body"
        })
      )
    }
    if (Option.isSome(request.key)) {
      const key = request.key.value
      const invalid = Option.orElse(KeyCodec.invalid(key), () => at.frame.invalidKey(key))
      if (Option.isSome(invalid)) {
        this.diverge(new InvalidKey({ workflowId, key: path, message: invalid.value }))
      }
    }
    const before = this.asked.get(path)
    if (before !== undefined) {
      if (!request.shared) this.diverge(new DuplicateKey({ workflowId, key: path }))
      return before
    }
    const taken: Taken = { waiters: [] }
    this.asked.set(path, taken)
    return taken
  }

  private divergence(path: string, message: string): NonDeterminism {
    return new NonDeterminism({
      workflowId: this.workflowId,
      key: path,
      message: `the step ${path} does not agree with the journal: ${message}`
    })
  }

  private register(waiter: Waiter): void {
    if (this.flights.fault !== undefined) return
    const answer = this.ledger.look(waiter.path, waiter.request.asked)
    switch (answer._tag) {
      case "Recorded":
        this.ready.push({ seq: answer.seq, waiter })
        break
      case "Missing":
        this.missing.add(waiter)
        if (Option.isSome(waiter.request.signal)) this.listen(waiter, waiter.request.signal.value)
        break
      case "Diverged":
        this.diverge(this.divergence(waiter.path, answer.message))
        break
    }
  }

  private listen(waiter: Waiter, name: string): void {
    const listening = this.listening.get(name)
    if (listening === undefined) this.listening.set(name, new Set([waiter]))
    else listening.add(waiter)
  }

  private unlisten(waiter: Waiter): void {
    if (Option.isNone(waiter.request.signal)) return
    const name = waiter.request.signal.value
    const listening = this.listening.get(name)
    listening?.delete(waiter)
    if (listening?.size === 0) this.listening.delete(name)
  }

  private dueAt(waiter: Waiter): number {
    const row = this.ledger.step(waiter.path)
    return row?.status === "Waiting" && row.payload === waiter.request.asked.payload && row.wakeAt !== null
      ? row.wakeAt
      : Infinity
  }

  private retire(waiter: Waiter): void {
    waiter.active = false
    this.missing.delete(waiter)
    this.unlisten(waiter)
    waiter.taken.waiters = waiter.taken.waiters.filter((other) => other !== waiter)
  }

  private mayStart(waiter: Waiter): boolean {
    return !waiter.at.compensating || this.flights.endingChildren === 0
  }

  private begin(waiter: Waiter): void {
    const { path, request } = waiter
    this.missing.delete(waiter)
    if (this.flights.get(path) !== undefined) return
    const row = this.rowOf(waiter)
    this.flights.begin(path, request.outlives, (onEnd) => request.begin(row, onEnd))
  }

  private rowOf({ at, path, request }: Waiter): StepRow {
    return Row.stepAsked(this.ledger.workflow, path, request.asked, at.compensating, this.ledger.step(path))
  }

  /** An outcome is on record: it is to be delivered to those who wait for it. */
  private recorded({ path, seq }: StepRow): void {
    if (seq === null) return
    for (const waiter of this.asked.get(path)?.waiters ?? []) {
      // It need not have been started.
      this.missing.delete(waiter)
      this.unlisten(waiter)
      this.ready.push({ seq, waiter })
    }
  }

  /** The fiber that waited was interrupted. */
  private abandon(waiter: Waiter): void {
    if (this.dropped || !waiter.active) return
    this.retire(waiter)
    if (waiter.taken.waiters.length > 0) return
    const under = this.flights.get(waiter.path)
    if (under !== undefined) this.flights.interrupt(under)
    else this.cancelLeftover(waiter)
  }

  /** A step that an earlier process had started, and that lost its race before it was started again in this one. */
  private cancelLeftover(waiter: Waiter): void {
    const row = this.ledger.step(waiter.path)
    if (row === undefined || row.seq !== null || this.flights.fault !== undefined) return
    if (waiter.request.outlives && row.status !== "Pending" && !this.flights.isOver(waiter.path)) {
      this.begin(waiter)
      const under = this.flights.get(waiter.path)
      if (under !== undefined) this.flights.interrupt(under)
    } else if (row.status !== "Cancelled") {
      this.ledger.put({ ...row, status: "Cancelled", wakeAt: null })
    }
  }
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>
