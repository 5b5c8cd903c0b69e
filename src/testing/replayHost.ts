/**
 * What a run is given in place of an engine when it is only to be replayed: nothing that it writes is kept, nothing that
 * it starts begins, and nothing that is not on record comes.
 *
 * Why no handler can run: the attempts of activities and side effects, those of inline ones too, run on fibers that
 * `Host.fork` starts, and nowhere else; this one starts none. Beyond that, no attempt of an activity gets a place in a
 * queue, and no timer, signal or sub-workflow ever answers.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import type { Rows } from "../engine/committer.ts"
import type { Host } from "../engine/parts.ts"
import { type Place, Queues } from "../engine/queues.ts"
import type { Timers } from "../engine/timers.ts"

const nothing = () => {}

const timers: Timers = { schedule: () => nothing, fireDue: nothing }

/** Queues of any name, in which nobody ever has a place. */
class Closed extends Queues {
  override has(): boolean {
    return true
  }
  override forWorkflow(): Place {
    return { leave: nothing }
  }
  override forAttempt(): Place {
    return { leave: nothing }
  }
}

/** `put` is told what the run would write. */
export const make = (clock: Clock.Clock, put: (rows: Rows) => void): Effect.Effect<Host> =>
  Effect.gen(function*() {
    const now = () => Math.floor(clock.unsafeCurrentTimeMillis())
    const runtime = yield* Effect.runtime<never>()
    const never = Effect.async<never>(nothing)
    const watch = { release: nothing, isWatched: () => false }
    return {
      committer: {
        put: (rows) => {
          put(rows)
        },
        durable: Effect.void,
        create: () => never,
        send: () => never,
        lost: never,
        lose: nothing
      },
      timers,
      clock,
      now,
      isFar: () => false,
      fork: () => ({ addObserver: nothing, unsafeInterruptAsFork: nothing }),
      forkBody: (effect, scheduler, updateRefs) =>
        Runtime.runFork(runtime)(effect, { scheduler, updateRefs, immediate: false }),
      children: {
        start: () => ({ ...watch, cancel: nothing }),
        detach: nothing,
        free: nothing,
        watchExecution: () => watch
      },
      signals: { find: nothing, sent: nothing, read: () => Effect.succeed([]) },
      queues: new Closed({ concurrency: 0, queues: new Map() }, timers, now),
      replaysAlways: false,
      above: (id) => [id]
    }
  })
