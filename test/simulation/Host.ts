/**
 * A host that is simulated whole: its turns, its timers, its time, and processes that are killed in the middle of what
 * they do. All of it takes place in one synchronous call, in the same order each time.
 *
 * As on Node, tasks run until there are none; then one callback of `setImmediate`; and only when there is none of these
 * either does time move, to the next instant at which somebody wakes.
 */
import { Clock, Duration, Effect, type Fiber, FiberRef, HashSet, Random, Runtime, Scheduler } from "effect"
import { globalValue } from "effect/GlobalValue"
import { Heap } from "../../src/engine/heap.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

interface Entry {
  readonly process: Process
  readonly run: () => void
  isOver: boolean
}

interface Sleeper extends Entry {
  readonly at: number
  readonly order: number
}

/** Which of those wakes first that sleep until the same instant: the least, given when each lay down. */
export type Rank = (order: number) => number

/** A drive ends because what it waited for came, or because nothing will happen any more, or too much does. */
export type Rest = "over" | "idle" | "endless"

/** So many tasks between two moves of the clock are a loop. */
const tasksMax = 200_000

/** So many moves of the clock are one, too. */
const movesMax = 20_000

/** The fibers that nobody supervises. What is killed never leaves them by itself, and would be kept for ever. */
const roots = globalValue(Symbol.for("effect/FiberScope/Global"), (): { readonly roots: Set<AnyFiber> } => {
  throw new Error("effect keeps its root fibers elsewhere")
}).roots

/** Whose fibers live and die together: a scheduler and a clock of their own. */
export class Process implements Scheduler.Scheduler, Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  /** Those of its fibers that live. */
  readonly fibers = new Set<AnyFiber>()
  isAlive = true
  private readonly host: Host
  private readonly random: Random.Random

  constructor(host: Host, seed: number) {
    this.host = host
    this.random = Random.make(seed)
  }

  shouldYield(fiber: AnyFiber): number | false {
    return Scheduler.defaultScheduler.shouldYield(fiber)
  }

  scheduleTask(task: Scheduler.Task, _priority: number, fiber?: AnyFiber): void {
    if (fiber !== undefined && !this.fibers.has(fiber)) {
      this.fibers.add(fiber)
      fiber.addObserver(() => this.fibers.delete(fiber))
    }
    this.host.push({ process: this, run: task, isOver: false })
  }

  unsafeCurrentTimeMillis(): number {
    return this.host.now
  }
  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.host.now)) * 1_000_000n
  }
  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const cancel = this.host.wakeAt(this, this.host.now + Duration.toMillis(duration), () => resume(Effect.void))
      return Effect.sync(cancel)
    })
  }

  /** From now on nothing of it runs, no finalizer either. */
  kill(): void {
    this.isAlive = false
  }

  run<A, E>(effect: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> {
    return Runtime.runFork(Runtime.defaultRuntime)(
      effect.pipe(
        Effect.withClock(this),
        Effect.withRandom(this.random),
        Effect.withTracerEnabled(false),
        Effect.locally(FiberRef.currentLoggers, HashSet.empty())
      ),
      { scheduler: this, immediate: false }
    )
  }
}

export class Host {
  now: number
  private tasks: Array<Entry> = []
  private immediates: Array<Entry> = []
  private readonly sleepers: Heap<Sleeper>
  private order = 0
  private current: Process | undefined

  constructor(now: number, rank: Rank = (order) => order) {
    this.now = now
    this.sleepers = new Heap<Sleeper>((one, other) => one.at - other.at || rank(one.order) - rank(other.order))
  }

  push(task: Entry): void {
    this.tasks.push(task)
  }

  wakeAt(process: Process, at: number, run: () => void): () => void {
    const sleeper: Sleeper = { process, at, order: this.order++, run, isOver: false }
    if (at < Number.POSITIVE_INFINITY) this.sleepers.push(sleeper)
    return () => {
      sleeper.isOver = true
    }
  }

  /** Lets everything happen, and time pass, until `isOver`, which is asked whenever nobody runs. */
  drive(isOver: () => boolean): Rest {
    for (let moves = 0; moves < movesMax; moves++) {
      if (!this.settle()) return "endless"
      if (isOver()) return "over"
      if (!this.advance()) return "idle"
    }
    return "endless"
  }

  /** Lets everything happen that happens at this instant. */
  settle(): boolean {
    for (let turns = 0; turns < tasksMax; turns++) {
      if (!this.turn()) return false
      const next = this.immediates.shift()
      if (next === undefined) return true
      this.perform(next)
    }
    return false
  }

  immediate(run: () => void): Entry {
    if (this.current === undefined) throw new Error("nobody runs")
    const entry = { process: this.current, run, isOver: false }
    this.immediates.push(entry)
    return entry
  }

  private turn(): boolean {
    for (let done = 0; this.tasks.length > 0;) {
      const tasks = this.tasks
      this.tasks = []
      for (const task of tasks) this.perform(task)
      done += tasks.length
      if (done > tasksMax) return false
    }
    return true
  }

  private perform(entry: Entry): void {
    if (entry.isOver || !entry.process.isAlive) return
    entry.isOver = true
    this.current = entry.process
    entry.run()
  }

  /** Moves the clock to the next instant at which somebody wakes; `false` if nobody will. */
  advance(): boolean {
    for (let next = this.sleepers.pop(); next !== undefined; next = this.sleepers.pop()) {
      if (next.isOver || !next.process.isAlive) continue
      this.now = Math.max(this.now, next.at)
      this.perform(next)
      return true
    }
    return false
  }
}

/** Runs `play` with a host in place of the real one, and forgets all that it leaves behind. */
export const simulated = <A>(host: Host, play: () => A): A => {
  const before = new Set(roots)
  const { clearImmediate, setImmediate } = globalThis
  Object.assign(globalThis, {
    setImmediate: (run: () => void) => host.immediate(run),
    clearImmediate: (entry: Entry) => {
      entry.isOver = true
    }
  })
  try {
    return play()
  } finally {
    Object.assign(globalThis, { setImmediate, clearImmediate })
    for (const fiber of roots) if (!before.has(fiber)) roots.delete(fiber)
  }
}
