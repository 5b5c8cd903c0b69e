/**
 * Running work: the attempts of activities and side effects, their places in queues, timeouts, heartbeats and retries,
 * and their interruption.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import { InvalidPayload } from "../Errors.ts"
import type { Attempt, Work } from "../Execution.ts"
import * as CauseText from "../internal/cause.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import type { StepExecutionRow, StepRow } from "../Journal.ts"
import * as Outcome from "../Outcome.ts"
import * as Ids from "./ids.ts"
import type { Ledger } from "./ledger.ts"
import * as Retry from "./retry.ts"
import * as Row from "./rows.ts"
import type { Timers } from "./timers.ts"

/** Something under way for a step: it ends by itself, or is interrupted. */
export interface Flight {
  /** Asks it to end, because nobody waits for it any more. Never waits itself. */
  readonly interrupt: () => void
  /** The execution was dropped: whatever would go on by itself ends, without a trace. An attempt that runs may end. */
  readonly release: () => void
}

/** Called once, when something under way has really ended: with the row that has its outcome, if it has one. */
export type OnEnd = (ended: StepRow | undefined) => void

export interface Options {
  readonly ledger: Ledger
  readonly timers: Timers
  /** The time of the ordinary clock, in milliseconds since the epoch. */
  readonly now: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /**
   * Calls `enter` when an attempt may run: nobody holds the workflow, and there is a place in the queue. It is given what
   * makes room for the next. Returns what gives the wait up.
   */
  readonly turn: (work: Work, enter: (leave: () => void) => void) => () => void
  /** Waits until every outcome that was delivered, and this attempt, are durable: the barrier before anything outside is touched. */
  readonly durable: Effect.Effect<void>
  /** Whether no attempt may be started any more; one that runs may end. */
  readonly isStopped: () => boolean
  /** Whether an interruption is the end of the process rather than of the step. */
  readonly isClosing: () => boolean
}

/** What an attempt that interrupted itself ended with. */
const interruptedItself = Outcome.Failure({
  cause: CauseText.encode(Cause.die(new Error("the attempt interrupted itself")), Either.right)
})

interface Ended {
  readonly outcome: Outcome.Outcome
  readonly timedOut: boolean
}

/** How often the details of heartbeats are written while an attempt runs. */
const beatMillis = 5_000

/** The heartbeats of one attempt. */
class Pulse {
  /** The row of the attempt, with the details of the last beat. */
  execution: StepExecutionRow
  private lastAt: number
  private writtenAt = Number.NEGATIVE_INFINITY
  private isOver = false
  private readonly options: Options

  constructor(options: Options, execution: StepExecutionRow) {
    this.options = options
    this.execution = execution
    this.lastAt = execution.startedAt
  }

  readonly beat = (details?: unknown): Effect.Effect<void> =>
    Effect.suspend(() => {
      const checked = Json.check(details)
      if (Either.isLeft(checked)) {
        return Effect.die(new InvalidPayload({ name: "heartbeat", message: checked.left }))
      }
      if (this.isOver) return Effect.void
      this.lastAt = this.options.now()
      this.execution = { ...this.execution, heartbeat: Json.stringify(details) ?? this.execution.heartbeat }
      if (this.lastAt - this.writtenAt >= beatMillis) {
        this.writtenAt = this.lastAt
        this.options.ledger.beat(this.execution)
      }
      return Effect.void
    })

  /** Returns once there was no beat for so long. */
  silence(millis: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      let cancel = () => {}
      const watch = () => {
        const due = this.lastAt + millis
        if (due <= this.options.now()) resume(Effect.void)
        else cancel = this.options.timers.schedule(due, watch)
      }
      this.lastAt = this.options.now()
      watch()
      return Effect.sync(() => {
        cancel()
      })
    })
  }

  end(): void {
    this.isOver = true
  }
}

/** `run`, within the limits that an attempt has. */
const limited = (work: Work, attempt: number, pulse: Pulse, run: Effect.Effect<Ended>): Effect.Effect<Ended> => {
  const timed = Option.match(work.timeout, {
    onNone: () => run,
    onSome: ({ duration, onTimeout }) =>
      Effect.timeoutTo(run, {
        duration,
        onSuccess: (done) => done,
        onTimeout: (): Ended => ({ outcome: onTimeout(attempt), timedOut: true })
      })
  })
  return Option.match(work.heartbeatTimeout, {
    onNone: () => timed,
    onSome: ({ duration, onTimeout }) =>
      Effect.raceFirst(
        timed,
        Effect.map(
          pulse.silence(Duration.toMillis(duration)),
          (): Ended => ({ outcome: onTimeout(attempt), timedOut: true })
        )
      )
  })
}

/** Starts `work`, or goes on with it where an earlier process left it. */
export const start = (
  options: Options,
  work: Work,
  asked: StepRow,
  onEnd: OnEnd
): Flight => {
  const { ledger, now } = options
  let row = asked
  let interrupted = false
  let stop: () => void = () => {}
  let release: () => void = () => {}

  const describe = (attempt: number, pulse: Pulse, lastBeat: string | null): Attempt => ({
    workflowId: Key.decode(row.workflowId),
    workflowExecutionId: Ids.workflowExecution(row.workflowId, row.generation, ledger.workflow.attempt),
    activityId: Ids.step(row.workflowId, row.generation, row.path),
    executionId: Ids.stepExecution(row.workflowId, row.generation, row.path, attempt),
    key: work.key,
    attempt,
    idempotencyKey: Ids.idempotencyKey(ledger.workflow, row),
    heartbeat: pulse.beat,
    lastHeartbeat: Effect.sync(() => Either.getOrElse(Json.parse(lastBeat), () => undefined))
  })

  /** Gives the step up: it has no outcome, and its attempt ended as `status`. */
  const giveUp = (execution: StepExecutionRow | undefined, status: "Cancelled" | "Lost") => {
    if (status === "Cancelled") row = { ...row, status, wakeAt: null }
    const ended = execution && Row.executionEnded(execution, status, now(), null)
    ledger.put(row, ended)
    onEnd(undefined)
  }

  /** It failed: when is it tried again, if at all? */
  const afterFailure = (
    outcome: Outcome.Outcome,
    cause: string,
    ended: StepExecutionRow,
    at: number
  ): Effect.Effect<void> => {
    const over = () => {
      onEnd(ledger.record(row, outcome, ended))
    }
    if (Option.isNone(work.retry)) return Effect.sync(over)
    const failures = [...ledger.failures(row.path), { at, cause }]
    const id = Ids.stepExecution(row.workflowId, row.generation, row.path, 0)
    return Effect.map(Retry.next(work.retry.value, failures, id), (due) => {
      if (Option.isNone(due)) {
        over()
        return
      }
      row = { ...row, status: interrupted ? "Cancelled" : "Retrying", wakeAt: due.value }
      ledger.put(row, ended)
      if (interrupted || options.isStopped()) onEnd(undefined)
      else sleepUntil(due.value)
    })
  }

  const settle = (execution: StepExecutionRow, exit: Exit.Exit<Ended>): Effect.Effect<void> => {
    if (Exit.isFailure(exit) && interrupted) {
      giveUp(execution, options.isClosing() ? "Lost" : "Cancelled")
      return Effect.void
    }
    const { outcome, timedOut } = Exit.isSuccess(exit) ? exit.value : { outcome: interruptedItself, timedOut: false }
    const at = now()
    if (Outcome.is("Success")(outcome)) {
      onEnd(ledger.record(row, outcome, Row.executionEnded(execution, "Completed", at, null)))
      return Effect.void
    }
    const ended = Row.executionEnded(execution, timedOut ? "TimedOut" : "Failed", at, outcome.cause)
    return afterFailure(outcome, outcome.cause, ended, at)
  }

  const attempt = (leave: () => void) => {
    const number = row.attempts + 1
    const pulse = new Pulse(options, {
      workflowId: row.workflowId,
      generation: row.generation,
      path: row.path,
      attempt: number,
      workflowAttempt: ledger.workflow.attempt,
      status: "Running",
      startedAt: now(),
      finishedAt: null,
      error: null,
      heartbeat: null
    })
    const lastBeat = ledger.lastBeat(row.path)
    row = { ...row, status: "Running", attempts: number, wakeAt: null }
    ledger.put(row, pulse.execution)
    const done = Effect.map(
      work.run(describe(number, pulse, lastBeat)),
      (outcome): Ended => ({ outcome, timedOut: false })
    )
    const timed = limited(work, number, pulse, done)
    // Write before act. A side effect only reads: nothing outside depends on what was not written yet.
    const self = work.kind === "Activity" ? Effect.zipRight(options.durable, timed) : timed
    const end = (exit: Exit.Exit<Ended>) => {
      pulse.end()
      leave()
      return settle(pulse.execution, exit)
    }
    let isAsked = false
    let isRunning = false
    const fiber = options.fork(
      Effect.suspend(() => {
        isRunning = true
        return Effect.uninterruptibleMask((restore) =>
          Effect.matchCauseEffect(isAsked ? Effect.interrupt : restore(self), {
            onFailure: (cause) => end(Exit.failCause(cause)),
            onSuccess: (ended) => end(Exit.succeed(ended))
          })
        )
      })
    )
    release = () => {}
    stop = () => {
      // A fiber that is interrupted before it has begun never begins, and would not say that it has ended.
      isAsked = true
      if (isRunning) fiber.unsafeInterruptAsFork(FiberId.none)
    }
  }

  /** Runs the next attempt when it is its turn. */
  const queueUp = () => {
    let isIn = false
    const giveWaitUp = options.turn(work, (leave) => {
      isIn = true
      attempt(leave)
    })
    if (isIn) return
    if (row.status === "Pending") ledger.put(row)
    release = () => {
      giveWaitUp()
      onEnd(undefined)
    }
    stop = () => {
      giveWaitUp()
      giveUp(undefined, "Cancelled")
    }
  }

  const sleepUntil = (at: number) => {
    const cancel = options.timers.schedule(at, queueUp)
    release = () => {
      cancel()
      onEnd(undefined)
    }
    stop = () => {
      cancel()
      giveUp(undefined, "Cancelled")
    }
  }

  // A retry that was pending when an earlier process ended keeps its time.
  if (asked.wakeAt === null) queueUp()
  else {
    row = { ...row, status: "Retrying" }
    sleepUntil(asked.wakeAt)
  }

  return {
    interrupt: () => {
      if (interrupted) return
      interrupted = true
      stop()
    },
    release: () => {
      release()
    }
  }
}
