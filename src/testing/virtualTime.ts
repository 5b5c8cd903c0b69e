/**
 * Virtual time, and processes in it that can be ended as by `kill -9`.
 *
 * It is a scheduler and a clock at once, and nothing runs on it but while it is driven. Every fiber belongs to a process:
 * to the one that ran last when the fiber was first seen, which is that of who forked it. As it sees every task, it knows
 * when nothing happens any more but by the passing of time; only then `drive` moves the clock, to the next instant at
 * which somebody wakes. A process that is killed runs no further step: no finalizer, no `catchAll`, nothing. It stands
 * still in the middle of whatever it did, until it is cleared away, when nobody looks any more.
 *
 * What it does not see is real I/O: a promise, a socket, a timer of the host. While somebody sleeps in virtual time, it
 * does not wait for these (unless `io` says for how long); where nobody sleeps, it waits for as long as `patience`
 * allows.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import { breathe } from "../engine/breathe.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Whose fibers live and die together. */
export class Process {
  private isDead = false
  private held: Array<Scheduler.Task> = []

  get isAlive(): boolean {
    return !this.isDead
  }

  /** From now on nothing of it runs. */
  kill(): void {
    this.isDead = true
  }

  /** Lets it go on, to be cleared away. Gives what was held. */
  revive(): ReadonlyArray<Scheduler.Task> {
    this.isDead = false
    return this.held.splice(0)
  }

  perform(task: Scheduler.Task): void {
    if (this.isDead) this.held.push(task)
    else task()
  }
}

interface Sleeper {
  readonly at: number
  readonly order: number
  readonly process: Process
  readonly wake: () => void
}

/** Time that stands still until it is moved, to wake one sleeper: of those of one instant, the first that lay down. */
class VirtualClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  now: number
  private readonly sleepers = new Set<Sleeper>()
  private order = 0
  private readonly ownerOf: (fiber: AnyFiber) => Process

  constructor(now: number, ownerOf: (fiber: AnyFiber) => Process) {
    this.now = now
    this.ownerOf = ownerOf
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
    return Effect.withFiberRuntime<void>((fiber) =>
      Effect.async<void>((resume) => {
        const sleeper: Sleeper = {
          at: this.now + Duration.toMillis(duration),
          order: this.order++,
          process: this.ownerOf(fiber),
          wake: () => {
            resume(Effect.void)
          }
        }
        this.sleepers.add(sleeper)
        return Effect.sync(() => this.sleepers.delete(sleeper))
      })
    )
  }

  /** Wakes the next sleeper that lives; `false` if there is none. */
  advance(): boolean {
    let next: Sleeper | undefined
    for (const sleeper of this.sleepers) {
      const isFirst = next === undefined || sleeper.at < next.at ||
        (sleeper.at === next.at && sleeper.order < next.order)
      if (sleeper.process.isAlive && sleeper.at < Number.POSITIVE_INFINITY && isFirst) next = sleeper
    }
    if (next === undefined) return false
    this.sleepers.delete(next)
    this.now = Math.max(this.now, next.at)
    next.wake()
    return true
  }
}

/** How a drive ended: what was waited for came, nothing happens any more, or more happened than is allowed. */
export type Rest = "Over" | "Idle" | "Endless"

export interface Patience {
  /** In real time: for how long nothing has to happen, where nobody sleeps, before nothing will. */
  readonly patience: Duration.Duration
  /** In real time: how long to wait for I/O before each move of the clock. */
  readonly io: Duration.Duration
  /** How often the clock may be moved. */
  readonly movesMax: number
  /** How many tasks fibers may take without a rest. */
  readonly tasksMax: number
}

const realClock = Clock.make()

/** For what drives: `breathe` and `sleep` are real there, also under the clock of a test. */
export const inRealTime: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.withClock(realClock)

/** After so many turns of the host in which no fiber ran, none waits for a turn. */
const quietTurns = 2

/** After so many tasks the host has a turn: what fibers wait for may come from there. */
const tasksPerTurn = 2_048

export class VirtualTime implements Scheduler.Scheduler {
  readonly clock: VirtualClock
  /** The process of what is in none: it is never killed. */
  readonly outside = new Process()
  private readonly owners = new Map<AnyFiber, Process>()
  private readonly random = Random.make("tempolite")
  private readonly queue = new Scheduler.PriorityBuckets()
  private current = this.outside
  private performed = 0

  constructor(now: number) {
    this.clock = new VirtualClock(now, (fiber) => this.ownerOf(fiber))
  }

  shouldYield(fiber: AnyFiber): number | false {
    return Scheduler.defaultScheduler.shouldYield(fiber)
  }

  scheduleTask(task: Scheduler.Task, priority: number, fiber?: AnyFiber): void {
    const process = fiber === undefined ? this.current : this.ownerOf(fiber)
    this.queue.scheduleTask(() => {
      this.performed++
      this.current = process
      process.perform(task)
    }, priority)
  }

  /** Starts a fiber of `process`: it sees this time, its own random numbers, and no logger. */
  fork<A, E>(process: Process, self: Effect.Effect<A, E>): Effect.Effect<Fiber.RuntimeFiber<A, E>> {
    return Effect.map(Effect.runtime<never>(), ({ context, fiberRefs }) => {
      this.current = process
      const runFork = Runtime.runFork(
        Runtime.make({ context, fiberRefs, runtimeFlags: Runtime.defaultRuntimeFlags })
      )
      const within = self.pipe(
        Effect.withClock(this.clock),
        Effect.withRandom(this.random),
        Effect.locally(FiberRef.currentLoggers, HashSet.empty())
      )
      return runFork(within, { scheduler: this, immediate: false })
    })
  }

  /** Lets time pass in which nothing runs. */
  pass(duration: Duration.Duration): void {
    this.clock.now += Duration.toMillis(duration)
  }

  /** Lets a process that was killed go on, to its end: each of its fibers is interrupted wherever it was. */
  clear(process: Process): void {
    const held = process.revive()
    for (const [fiber, owner] of this.owners) {
      if (owner === process && fiber.unsafePoll() === null) fiber.unsafeInterruptAsFork(FiberId.none)
    }
    for (const task of held) this.scheduleTask(task, 0)
  }

  /** Lets everything happen until nothing does but by the passing of time; `false` if that is not so after `tasksMax`. */
  settle(tasksMax: number): Effect.Effect<boolean> {
    return Effect.gen(this, function*() {
      const until = this.performed + tasksMax
      this.drain()
      for (let quiet = 0; quiet < quietTurns;) {
        if (this.performed > until) return false
        yield* breathe
        quiet = this.drain() ? 0 : quiet + 1
      }
      return true
    })
  }

  private isStill(): boolean {
    return this.queue.buckets.length === 0
  }

  /** Runs what can run in one turn of the host; `false` if there was nothing. */
  private drain(): boolean {
    const before = this.performed
    while (!this.isStill() && this.performed - before < tasksPerTurn) {
      for (const [, tasks] of this.queue.buckets.splice(0)) for (const task of tasks) task()
    }
    return this.performed > before
  }

  /** Waits until something happens; `false` if nothing does for so long. */
  private stir(patience: Duration.Duration): Effect.Effect<boolean> {
    return Effect.gen(this, function*() {
      const until = (yield* realClock.currentTimeMillis) + Duration.toMillis(patience)
      while (this.isStill()) {
        if ((yield* realClock.currentTimeMillis) >= until) {
          // A host that was held up itself has not looked yet what came meanwhile.
          yield* breathe
          return !this.isStill()
        }
        yield* Effect.sleep("1 millis")
      }
      return true
    })
  }

  /** Lets everything happen, and time pass, until `isOver` whenever nothing happens. Takes place in real time. */
  drive(isOver: () => boolean, { io, movesMax, patience, tasksMax }: Patience): Effect.Effect<Rest> {
    return Effect.gen(this, function*() {
      for (let moves = 0;;) {
        const isQuiet = yield* this.settle(tasksMax)
        if (isOver()) return "Over"
        if (!isQuiet) return "Endless"
        if (Duration.greaterThan(io, Duration.zero) && (yield* this.stir(io))) continue
        if (this.clock.advance()) {
          if (++moves >= movesMax) return "Endless"
        } else if (!(yield* this.stir(patience))) return "Idle"
      }
    })
  }

  private ownerOf(fiber: AnyFiber): Process {
    const known = this.owners.get(fiber)
    if (known !== undefined) return known
    this.owners.set(fiber, this.current)
    return this.current
  }
}
