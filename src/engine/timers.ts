/**
 * The timers of an engine: one fiber that sleeps until the first of them, on the ordinary clock.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { Heap } from "./heap.ts"

interface Entry {
  readonly at: number
  readonly order: number
  /** None once it has fired or was given up: what is left of it in the heap must not keep anything else. */
  fire: (() => void) | undefined
}

export interface Timers {
  /** Calls `fire` once `at` (ms since the epoch) has come, never synchronously. Returns the cancellation. */
  readonly schedule: (at: number, fire: () => void) => () => void
  /** Fires now whatever is due: after the process stood still, timers come before everything else, in their order. */
  readonly fireDue: () => void
}

/** Platform timers hold 31 bits of milliseconds; a longer sleep is made of several. */
const sleepMillisMax = 2 ** 31 - 1

export const make: Effect.Effect<Timers, never, Scope.Scope> = Effect.gen(function*() {
  const clock = yield* Effect.clock
  const captured = yield* Effect.runtime<never>()
  // A layer may be built uninterruptibly.
  const runFork = Runtime.runFork(Runtime.make({ ...captured, runtimeFlags: Runtime.defaultRuntimeFlags }))
  const heap = new Heap<Entry>((x, y) => x.at - y.at || x.order - y.order)
  let sleeping: Fiber.RuntimeFiber<void> | undefined = undefined
  /** It goes on sleeping until then, also where the timer that it slept for was given up. */
  let sleepsUntil = Infinity
  let isClosed = false
  let order = 0
  let cancelled = 0

  const fireDue = () => {
    const now = clock.unsafeCurrentTimeMillis()
    for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
      const { fire } = first
      if (fire !== undefined && first.at > now) return
      heap.pop()
      first.fire = undefined
      if (fire === undefined) cancelled--
      else fire()
    }
  }

  const stop = () => {
    sleeping?.unsafeInterruptAsFork(FiberId.none)
    sleeping = undefined
    sleepsUntil = Infinity
  }

  const untilThen: Effect.Effect<void> = Effect.suspend(() => {
    const millis = sleepsUntil - clock.unsafeCurrentTimeMillis()
    return millis > 0 ? clock.sleep(Duration.millis(Math.min(millis, sleepMillisMax))) : Effect.void
  })

  /** Sleeps until the first of them is due. How long that is, is seen once the fiber runs: until then time passes, too. */
  const sleep = () => {
    stop()
    const first = heap.peek()
    if (first === undefined || isClosed) return
    sleepsUntil = first.at
    sleeping = runFork(
      Effect.map(untilThen, () => {
        sleeping = undefined
        sleepsUntil = Infinity
        fireDue()
        sleep()
      }),
      { immediate: false }
    )
  }

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      stop()
    })
  )

  return {
    fireDue,
    schedule: (at, fire) => {
      const entry: Entry = { at, order: order++, fire }
      heap.push(entry)
      if (at < sleepsUntil) sleep()
      return () => {
        if (entry.fire === undefined) return
        entry.fire = undefined
        // Most timers are timeouts that never fire: they must not pile up until they would have.
        if (++cancelled > 1_000 && cancelled > heap.size / 2) {
          heap.keep((kept) => kept.fire !== undefined)
          cancelled = 0
        }
      }
    }
  }
})
