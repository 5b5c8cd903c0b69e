/**
 * The scheduler of one workflow execution: a FIFO of tasks that is drained until it is empty. Then every fiber of the
 * execution waits, and the order in which they are woken decides everything that follows.
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** What the scheduler could not let pass; the execution is at fault and must be dropped. */
export type Fault =
  /** A task was scheduled while nothing of the execution ran: something that is no step woke a fiber. */
  | { readonly _tag: "ForeignWakeUp"; readonly fiber: AnyFiber | undefined }
  /** The budget of one drain is spent: the body polls. */
  | { readonly _tag: "NeverRests" }
  /** A task threw, which no fiber does. */
  | { readonly _tag: "TaskThrew"; readonly error: unknown }

/** The priority that marks a forced yield. No user of effect has it. */
const forced = Number.NEGATIVE_INFINITY

/** How many operations a fiber runs before it gives way to the host. Not visible to its siblings, so free to change. */
const opsBeforeYield = 2048

/** One task costs 1, a forced yield the time of some hundred: a slice takes a few milliseconds. */
const forcedCost = 50
const sliceCost = 2_000
const drainCost = 5_000_000

/**
 * Rules, with the case that breaks without each:
 *
 * - A forced yield (too many operations) gives way to the host, never to a sibling: it goes on a stack in front of the
 *   FIFO. Otherwise the interleaving of two computing fibers would depend on operation counts, which differ between a
 *   first run and a replay.
 * - A task that is scheduled while the execution is not entered is foreign (a promise, a callback, a `Deferred` shared
 *   with the outside): its place in the order is recorded nowhere.
 * - A drain that does not end within its budget belongs to a body that polls.
 */
export class WorkflowScheduler implements Scheduler.Scheduler {
  /** Every live fiber that was ever scheduled here: daemons and the workers of `forEach` too. */
  readonly fibers = new Set<AnyFiber>()
  fault: Fault | undefined = undefined
  /** How many undos run. */
  undoing = 0

  private fifo: Array<Scheduler.Task> = []
  private head = 0
  private front: Array<Scheduler.Task> = []
  private entered = false
  private closed = false
  private halted = false
  private spent = 0
  private readonly onForeign: () => void

  /** `onForeign` is told of a foreign wake-up, which finds everybody asleep. */
  constructor(onForeign: () => void) {
    this.onForeign = onForeign
  }

  shouldYield(fiber: AnyFiber): number | false {
    return fiber.currentOpCount > opsBeforeYield ? forced : false
  }

  scheduleTask(task: Scheduler.Task, priority: number, fiber?: AnyFiber): void {
    if (this.closed) return
    if (!this.entered) {
      this.fault ??= { _tag: "ForeignWakeUp", fiber }
      // Nobody schedules the fiber again: without its task it could not even be interrupted.
      this.fifo.push(task)
      this.onForeign()
      return
    }
    if (fiber !== undefined && !this.fibers.has(fiber)) {
      this.fibers.add(fiber)
      fiber.addObserver(() => this.fibers.delete(fiber))
    }
    if (priority === forced) this.front.push(task)
    else this.fifo.push(task)
  }

  /** Runs `act`, which may wake fibers of this execution. Nothing else may. */
  enter<A>(act: () => A): A {
    this.entered = true
    const result = act()
    this.entered = false
    return result
  }

  /** Stops where it is: the execution is at fault, and no task of it may run any more. */
  halt(): void {
    this.halted = true
  }

  /** Starts a new budget: something of the journal was delivered. */
  delivered(): void {
    this.spent = 0
  }

  /** Runs tasks until none is left (`true`: quiescent) or the slice is over (`false`: give way to the host, go on). */
  drain(): boolean {
    this.entered = true
    let slice = sliceCost
    while (slice > 0 && this.spent < drainCost && this.fault === undefined && !this.halted) {
      const task = this.take()
      if (task === undefined) break
      const cost = this.wasForced ? forcedCost : 1
      slice -= cost
      this.spent += cost
      try {
        task()
      } catch (error) {
        this.fault ??= { _tag: "TaskThrew", error }
      }
    }
    this.entered = false
    if (this.spent >= drainCost) this.fault ??= { _tag: "NeverRests" }
    return this.fault !== undefined || this.halted || this.isEmpty
  }

  /**
   * Ends every fiber: `release` must make every waiting step resume with an interrupt. Returns the fibers that are left,
   * because an uninterruptible region of theirs waits for something else; they are let go.
   */
  close(release: () => void): ReadonlyArray<AnyFiber> {
    this.fault = undefined
    this.halted = false
    this.spent = 0
    this.enter(release)
    while (!this.drain()) continue
    this.closed = true
    this.fifo = []
    this.front = []
    return [...this.fibers]
  }

  private wasForced = false

  private take(): Scheduler.Task | undefined {
    const first = this.front.pop()
    if (first !== undefined) {
      this.wasForced = true
      return first
    }
    this.wasForced = false
    if (this.head === this.fifo.length) return undefined
    const task = this.fifo[this.head++]
    // Free what has run as we go: a long drain must not keep its past alive.
    if (this.head === 1024) {
      this.fifo = this.fifo.slice(this.head)
      this.head = 0
    }
    return task
  }

  private get isEmpty(): boolean {
    return this.front.length === 0 && this.head === this.fifo.length
  }
}
