/**
 * What an engine runs on whose process may die: nothing of it runs then, no finalizer, no `catchAll`.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import type { Journal } from "../../../src/index.ts"
import * as Bell from "../../../src/internal/bell.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export class MortalScheduler implements Scheduler.Scheduler {
  private isDead = false
  private readonly held: Array<readonly [task: Scheduler.Task, priority: number]> = []

  shouldYield(fiber: AnyFiber): number | false {
    return Scheduler.defaultScheduler.shouldYield(fiber)
  }

  scheduleTask(task: Scheduler.Task, priority: number): void {
    if (this.isDead) {
      this.held.push([task, priority])
      return
    }
    Scheduler.defaultScheduler.scheduleTask(() => {
      if (this.isDead) this.held.push([task, priority])
      else task()
    }, priority)
  }

  kill(): void {
    this.isDead = true
  }

  /** Lets it go on, to be cleared away. */
  revive(): void {
    this.isDead = false
    for (const [task, priority] of this.held.splice(0)) this.scheduleTask(task, priority)
  }
}

/**
 * Runs what a process asks of something that outlives it: not on the fibers of the process, which would hold the locks of
 * that for ever if they stood still.
 */
export const elsewhere = (runtime: Runtime.Runtime<never>) => <A, E>(self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.async((resume) => {
    const fiber = Runtime.runFork(runtime)(self, { scheduler: Scheduler.defaultScheduler })
    fiber.addObserver((exit) => {
      resume(exit)
    })
    return Effect.asVoid(Fiber.interrupt(fiber))
  })

type Elsewhere = ReturnType<typeof elsewhere>

/** A journal that outlives the process. */
export const journal = (runtime: Runtime.Runtime<never>, inner: Journal.Service): Journal.Service => {
  const run = elsewhere(runtime)
  const stream = <E>(self: Stream.Stream<void, E>): Stream.Stream<void, E> =>
    Stream.asyncPush<void, E>((emit) =>
      Effect.acquireRelease(
        Effect.sync(() =>
          Runtime.runFork(runtime)(
            Stream.runForEach(self, () => Effect.sync(() => emit.single(undefined))).pipe(
              Effect.catchAllCause((cause) =>
                Effect.sync(() => {
                  emit.halt(cause)
                })
              )
            ),
            { scheduler: Scheduler.defaultScheduler }
          )
        ),
        Fiber.interrupt
      )
    )
  return {
    ...inner,
    renew: (lease) => run(inner.renew(lease)),
    commit: (lease, batch) => run(inner.commit(lease, batch)),
    submit: (request, created) => run(inner.submit(request, created)),
    send: (signal) => run(inner.send(signal)),
    requests: run(inner.requests),
    requested: Effect.map(
      Stream.toPull(stream(Bell.stream(inner.requested))),
      Effect.mapBoth({ onFailure: Option.getOrThrow, onSuccess: () => undefined })
    ),
    committed: stream(inner.committed),
    workflow: (id) => run(inner.workflow(id)),
    list: (options) => run(inner.list(options)),
    changed: (options) => run(inner.changed(options)),
    lastChange: run(inner.lastChange),
    children: (id) => run(inner.children(id)),
    recorded: (id, generation) => run(inner.recorded(id, generation)),
    history: (id) => run(inner.history(id)),
    signals: (id, after) => run(inner.signals(id, after)),
    prune: (options) => run(inner.prune(options))
  }
}

/** What the engine waits for, at the least and at the most, before it asks a journal again that has failed once. */
const firstDelay = { min: 40, max: 60 }

/**
 * A clock that outlives the process, and on which nobody waits for a journal that has failed once: virtual time would
 * have to be moved for that alone.
 */
export const clock = (run: Elsewhere, inner: Clock.Clock, hasFailed: () => boolean): Clock.Clock => {
  const sleep = (duration: Duration.Duration): Effect.Effect<void> =>
    Effect.suspend(() => {
      const millis = Duration.toMillis(duration)
      return hasFailed() && millis >= firstDelay.min && millis <= firstDelay.max
        ? Effect.void
        : run(inner.sleep(duration))
    })
  // Whatever else it can do, it still can: a `TestClock` is known by that.
  return new Proxy(inner, {
    get: (target, name): unknown => name === "sleep" ? sleep : Reflect.get(target, name, target)
  })
}
