/**
 * A workflow of the model: the same Effect as on the engine, where a step is nothing but a wait in virtual time.
 */
import { Cause, Clock, Duration, Effect, Exit, Fiber, FiberRef, Option } from "effect"
import type { Host } from "./Host.ts"
import { Process, type Rank } from "./Host.ts"
import { Broken, interpret, type Steps } from "./interpret.ts"
import * as Saga from "./ModelSaga.ts"
import type { Event } from "./observed.ts"
import {
  type Activity,
  type Generations,
  type Program,
  retries,
  retryMillis,
  type SignalName,
  timeoutMillis
} from "./program.ts"

/** What happens first of what happens at one instant, which no program may depend on. */
export interface Order {
  readonly rank: Rank
  /** Who hears a signal that several wait for. */
  readonly hears: "the first" | "the last"
  /** Whether workflows take turns, or parents come before their sub-workflows. */
  readonly together: boolean
  /** Whether the `count`-th of what takes no time is over at once, or after all else of that instant. */
  readonly isPrompt: (count: number) => boolean
}

/** What the workflows of one run share. */
export interface Stage {
  readonly workflows: Array<Workflow>
  readonly events: Array<Event>
  readonly host: Host
  /** What is of no workflow. */
  readonly process: Process
  readonly order: Order
}

interface Waiter {
  readonly isUndo: boolean
  readonly signal: SignalName | undefined
  /** Starts what it waits for, which calls `end` once. Returns what gives it up. */
  readonly start: (end: (exit: Exit.Exit<unknown, Broken>) => void) => () => void
  readonly resume: (exit: Exit.Exit<unknown, Broken>) => void
  isOver: boolean
  giveUp: (() => void) | undefined
}

/** What is to be delivered: an outcome, or a cancel. */
type Delivery = { readonly waiter: Waiter; readonly exit: Exit.Exit<unknown, Broken> } | "cancel"

export class Workflow {
  status = "Running"
  exit: Exit.Exit<string, Broken> = Exit.die("it has not ended")
  endedAt = 0
  private readonly stage: Stage
  private readonly process: Process
  private readonly generations: Generations
  private readonly onEnd: () => void
  private waiting: Array<Waiter> = []
  private deliveries: Array<Delivery> = []
  private readonly mailbox: Array<{ readonly signal: SignalName; readonly n: number }> = []
  private readonly children = new Set<Workflow>()
  /** Sub-workflows that were given up, and have not ended. */
  private ending = 0
  private whenNoneEnds: Array<() => void> = []
  private main: Fiber.RuntimeFiber<unknown, unknown> | undefined
  private isCancelled = false
  /** Whether a cancel came when the body had ended: it is for the next generation, if there is one. */
  private cancelsNext = false
  /** How many steps have taken no time. */
  private instants = 0
  private isPaused = false
  /** Attempts whose time came while it was paused. */
  private held: Array<() => void> = []

  constructor(stage: Stage, generations: Generations, onEnd: () => void) {
    this.stage = stage
    this.generations = generations
    this.onEnd = onEnd
    stage.workflows.push(this)
    this.process = new Process(stage.host, 0)
    stage.process.run(this.live(0))
  }

  get isOver(): boolean {
    return this.status !== "Running"
  }

  cancel(): void {
    if (this.isOver) return
    if (this.cancelsNext) {
      // It lets go what is held, also a second time.
      this.resume()
      return
    }
    if (!this.deliveries.includes("cancel")) this.deliveries.push("cancel")
    this.isPaused = false
  }

  pause(): void {
    if (this.isOver) return
    this.isPaused = true
    for (const child of this.children) child.pause()
  }

  resume(): void {
    for (const child of this.children) child.resume()
    this.isPaused = false
    for (const attempt of this.held.splice(0)) attempt()
  }

  hear(signal: SignalName, n: number): void {
    if (!this.isOver) this.mailbox.push({ signal, n })
  }

  /** Does the next thing, now that every fiber waits; `false` if there is nothing to do. */
  act(): boolean {
    while (this.deliveries[0] !== undefined && this.deliveries[0] !== "cancel" && this.deliveries[0].waiter.isOver) {
      this.deliveries.shift()
    }
    if (this.deliveries.length === 0 && this.listen()) return true
    if (this.isPaused) return false
    const next = this.deliveries.shift()
    if (next === "cancel") {
      this.deliverCancel()
      return true
    }
    if (next !== undefined) {
      next.waiter.isOver = true
      next.waiter.resume(next.exit)
      return true
    }
    const startable = this.waiting.filter((waiter) => this.mayStart(waiter))
    this.waiting = this.waiting.filter((waiter) => !waiter.isOver && !startable.includes(waiter))
    for (const waiter of startable) {
      this.start(waiter)
    }
    return startable.length > 0
  }

  private start(waiter: Waiter): void {
    let hasEnded = false
    const giveUp = waiter.start((exit) => {
      hasEnded = true
      waiter.giveUp = () => {}
      this.waiting = this.waiting.filter((other) => other !== waiter)
      this.deliveries.push({ waiter, exit })
    })
    if (hasEnded) return
    waiter.giveUp = giveUp
    if (waiter.signal !== undefined) this.waiting.push(waiter)
  }

  private mayStart(waiter: Waiter): boolean {
    return !waiter.isOver && waiter.giveUp === undefined && !(waiter.isUndo && this.ending > 0)
  }

  /** Takes the first signal that somebody waits for. */
  private listen(): boolean {
    for (const [index, { n, signal }] of this.mailbox.entries()) {
      const listeners = this.waiting.filter((waiter) => !waiter.isOver && waiter.signal === signal)
      const waiter = this.stage.order.hears === "the first" ? listeners[0] : listeners.at(-1)
      if (waiter === undefined) continue
      this.mailbox.splice(index, 1)
      waiter.giveUp?.()
      this.waiting = this.waiting.filter((other) => other !== waiter)
      this.deliveries.push({ waiter, exit: Exit.succeed(Option.some(n)) })
      return true
    }
    return false
  }

  private deliverCancel(): void {
    this.resume()
    if (this.main === undefined) {
      this.cancelsNext = true
      return
    }
    this.isCancelled = true
    this.main.unsafeInterruptAsFork(this.main.id())
  }

  private live(index: number): Effect.Effect<void> {
    return Effect.gen(this, function*() {
      const frame = new Saga.Frame(undefined)
      const program = this.generations[index]
      const body = program === undefined ? Effect.dieMessage("no program") : interpret(this.steps, program)
      const continues = index + 1 < this.generations.length
      const whole = continues ? Effect.zipLeft(body, this.leave) : body
      const main = this.run(Effect.locally(whole, Saga.current, frame))
      this.main = main
      const exit = yield* Fiber.await(main)
      this.main = undefined
      yield* this.rest
      if (Exit.isSuccess(exit) && !this.isCancelled) {
        if (continues) {
          this.waiting = []
          this.deliveries = this.deliveries.filter((delivery) => delivery === "cancel")
          if (this.cancelsNext) this.deliveries.unshift("cancel")
          this.cancelsNext = false
          return yield* this.live(index + 1)
        }
        return this.end("Completed", exit)
      }
      const failures = yield* Fiber.join(this.run(Saga.undoAll(frame)))
      yield* this.rest
      const cause = Exit.isFailure(exit) ? exit.cause : Cause.interrupt(main.id())
      const isCancelled = this.isCancelled && Cause.isEmpty(failures)
      this.end(isCancelled ? "Cancelled" : "Failed", Exit.failCause(Cause.sequential(cause, failures)))
    })
  }

  private end(status: string, exit: Exit.Exit<string, Broken>): void {
    this.status = status
    this.exit = exit
    this.endedAt = this.stage.host.now
    this.onEnd()
  }

  private run<A, E>(effect: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> {
    return this.process.run(Effect.suspend(() => Effect.withClock(effect, this.clock)))
  }

  /** Continues as new: everybody else is interrupted at once, and waited for later. A cancel is from now on for the next. */
  private readonly leave: Effect.Effect<void> = Effect.withFiberRuntime((self) => {
    this.main = undefined
    for (const fiber of this.process.fibers) if (fiber !== self) fiber.unsafeInterruptAsFork(self.id())
    return Effect.void
  })

  /** Ends all that still goes on. */
  private readonly rest: Effect.Effect<void> = Effect.suspend(() =>
    Effect.zipRight(Fiber.interruptAll(this.process.fibers), this.noneEnds)
  )

  private readonly noneEnds = Effect.async<void>((resume) => {
    if (this.ending === 0) resume(Effect.void)
    else this.whenNoneEnds.push(() => resume(Effect.void))
  })

  private take<A>(
    start: Waiter["start"],
    read: (value: unknown) => A,
    signal?: SignalName
  ): Effect.Effect<A, Broken> {
    return Effect.flatMap(FiberRef.get(Saga.current), ({ isUndoing }) =>
      Effect.async<unknown, Broken>((resume) => {
        const waiter: Waiter = { isUndo: isUndoing, signal, start, resume, isOver: false, giveUp: undefined }
        this.waiting.push(waiter)
        return Effect.sync(() => {
          if (waiter.isOver) return
          waiter.isOver = true
          waiter.giveUp?.()
        })
      })).pipe(Effect.map(read))
  }

  /** A wait for `millis`. */
  private wait(millis: number): Effect.Effect<void> {
    const { host } = this.stage
    return Effect.orDie(this.take(
      (end) => host.wakeAt(this.process, host.now + millis, () => end(Exit.void)),
      () => undefined
    ))
  }

  private get clock(): Clock.Clock {
    const { process } = this
    return {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: () => process.unsafeCurrentTimeMillis(),
      unsafeCurrentTimeNanos: () => process.unsafeCurrentTimeNanos(),
      currentTimeMillis: process.currentTimeMillis,
      currentTimeNanos: process.currentTimeNanos,
      sleep: (duration) => this.wait(Duration.toMillis(duration))
    }
  }

  private startActivity(activity: Activity): Waiter["start"] {
    const { events, host } = this.stage
    const see = (what: Event["what"]) => {
      events.push({ at: host.now, name: activity.name, what })
    }
    return (end) => {
      let giveUp = () => {}
      const later = (millis: number, act: () => void) => {
        giveUp = host.wakeAt(this.process, host.now + millis, act)
      }
      const fail = (attempt: number, step: string) => {
        if (attempt <= retries[activity.policy]) later(retryMillis, () => begin(attempt + 1))
        else end(Exit.fail(new Broken({ step })))
      }
      const begin = (attempt: number) => {
        if (this.isPaused) {
          const held = () => begin(attempt)
          this.held.push(held)
          giveUp = () => {
            this.held = this.held.filter((other) => other !== held)
          }
          return
        }
        see("start")
        const fails = attempt <= activity.failures
        const isLate = fails && activity.policy === "hasty"
        later(isLate ? timeoutMillis : activity.millis, () => {
          if (isLate) {
            see("cut")
            fail(attempt, `${activity.name} timed out`)
          } else if (fails) {
            see("fail")
            fail(attempt, activity.name)
          } else if (activity.dies) {
            see("die")
            end(Exit.die(new Error(activity.name)))
          } else {
            see("ok")
            end(Exit.succeed(activity.name))
          }
        })
        const stop = giveUp
        giveUp = () => {
          stop()
          see("cut")
        }
      }
      begin(1)
      return () => giveUp()
    }
  }

  private startChild(part: Program): Waiter["start"] {
    return (end) => {
      let isGivenUp = false
      const child: Workflow = new Workflow(this.stage, [part], () => {
        this.children.delete(child)
        if (!isGivenUp) {
          end(child.exit)
          return
        }
        this.ending--
        if (this.ending === 0) { for (const resume of this.whenNoneEnds.splice(0)) resume() }
      })
      this.children.add(child)
      return () => {
        if (isGivenUp || child.isOver) return
        isGivenUp = true
        this.ending++
        child.cancel()
      }
    }
  }

  private readonly steps: Steps = {
    activity: (activity) => this.take(this.startActivity(activity), String),
    sideEffect: (_key, name) => Effect.orDie(this.take((end) => this.soon(() => end(Exit.succeed(name))), String)),
    sleep: (_key, millis) => this.wait(millis),
    version: () => Effect.orDie(this.take(endsWith(2), Number)),
    fork: Effect.fork,
    saga: (_key, self) => Saga.scoped(self, this.process.fibers),
    compensate: Saga.compensate,
    child: (_key, _name, part) => this.take(this.startChild(part), String),
    startChild: (_key, _name, part) =>
      Effect.forkDaemon(Effect.interruptible(this.take(this.startChild(part), String))).pipe(
        // It is asked for before whatever comes next.
        Effect.zipLeft(Effect.yieldNow()),
        Effect.map(Fiber.join)
      ),
    detach: (_key, _name, part) =>
      Effect.orDie(this.take((end) => {
        new Workflow(this.stage, [part], () => {})
        return this.soon(() => end(Exit.void))
      }, () => undefined)),
    await: (_key, signal, within) => {
      const { host } = this.stage
      return Effect.orDie(this.take(
        (end) =>
          within === null
            ? () => {}
            : host.wakeAt(this.process, host.now + within, () => end(Exit.succeed(Option.none()))),
        (heard) => Option.isOption(heard) ? Option.map(heard, Number) : Option.none(),
        signal
      ))
    },
    send: (_key, signal) =>
      this.take(
        (end) =>
          this.soon(() => {
            const [root] = this.stage.workflows
            if (root === undefined || root.isOver) end(Exit.fail(new Broken({ step: "nobody hears" })))
            else {
              // It is on its way, and may arrive after what the sender does next.
              this.soon(() => root.hear(signal, 0))
              end(Exit.void)
            }
          }),
        () => undefined
      )
  }

  /** At this instant, be it after all else that is known to happen then. */
  private soon(act: () => void): () => void {
    if (this.stage.order.isPrompt(this.instants++)) {
      act()
      return () => {}
    }
    return this.stage.host.wakeAt(this.process, this.stage.host.now, act)
  }
}

const endsWith = (value: unknown): Waiter["start"] => (end) => {
  end(Exit.succeed(value))
  return () => {}
}
