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
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import { InvalidPayload } from "../Errors.ts"
import type { Attempt, Limit, Work } from "../Execution.ts"
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
  /**
   * Until when nothing comes of it but what others tell of, a signal or the end of a workflow, `Infinity` if it is only
   * that; none if it runs.
   */
  readonly quietUntil: () => number | undefined
  /** Whether it waits for another workflow, of which it is told only in memory. */
  readonly watches: boolean
}

/** What was over as soon as it began. */
export const over: Flight = { interrupt: () => {}, release: () => {}, quietUntil: () => undefined, watches: false }

/** Called once, when something under way has really ended: with the row that has its outcome, if it has one. */
export type OnEnd = (ended: StepRow | undefined) => void

/** Starts a fiber, which tells of its end and can be interrupted. */
export type Fork = <A>(
  effect: Effect.Effect<A>
) => Pick<Fiber.RuntimeFiber<A>, "addObserver" | "unsafeInterruptAsFork">

export interface Options {
  readonly ledger: Ledger
  readonly timers: Timers
  /** The time of the ordinary clock, in milliseconds since the epoch. */
  readonly now: () => number
  readonly fork: Fork
  /**
   * Calls `enter` when an attempt may run: nobody holds the workflow, and there is a place in the queue. It is given what
   * makes room for the next. Returns what gives the wait up.
   */
  readonly turn: (work: Work, enter: (leave: () => void) => void) => () => void
  /** Whether no attempt may be started any more; one that runs may end. */
  readonly isStopped: () => boolean
  /** Whether an interruption is the end of the process rather than of the step. */
  readonly isClosing: () => boolean
}

/** What an attempt that interrupted itself ended with. */
const interruptedItself = Outcome.Failure({
  cause: CauseText.encode(Cause.die(new Error("the attempt interrupted itself")), Either.right)
})

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

/** One attempt, within the limits that it has; `onTimeout` gives its outcome when one of them is over. */
const limited = (
  work: Work,
  run: Effect.Effect<Outcome.Outcome>,
  pulse: Pulse,
  onTimeout: (limit: Limit) => Outcome.Outcome
): Effect.Effect<Outcome.Outcome> => {
  const timed = Option.match(work.timeout, {
    onNone: () => run,
    onSome: (limit) =>
      Effect.timeoutTo(run, {
        duration: limit.duration,
        onSuccess: identity,
        onTimeout: () => onTimeout(limit)
      })
  })
  return Option.match(work.heartbeatTimeout, {
    onNone: () => timed,
    onSome: (limit) =>
      Effect.raceFirst(
        timed,
        Effect.map(pulse.silence(Duration.toMillis(limit.duration)), () => onTimeout(limit))
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

  /** Gives the step up: it has no outcome, and its attempt, if it had begun, ended without one. */
  const giveUp = (execution?: StepExecutionRow) => {
    const status = execution !== undefined && options.isClosing() ? "Lost" : "Cancelled"
    if (status === "Cancelled") row = { ...row, status, wakeAt: null }
    const ended = execution && Row.executionEnded(execution, status, now(), null)
    ledger.put(row, ended)
    onEnd(undefined)
  }

  /** It failed: when is it tried again, if at all? */
  const afterFailure = (outcome: Outcome.Outcome, cause: string, ended: StepExecutionRow, at: number) => {
    const over = () => {
      onEnd(ledger.record(row, outcome, ended))
    }
    if (Option.isNone(work.retry)) {
      over()
      return
    }
    const failures = [...ledger.failures(row.path), { at, cause }]
    const id = Ids.stepExecution(row.workflowId, row.generation, row.path, 0)
    options.fork(Effect.map(Retry.next(work.retry.value, failures, id), (due) => {
      if (Option.isNone(due)) {
        over()
        return
      }
      row = { ...row, status: interrupted ? "Cancelled" : "Retrying", wakeAt: due.value }
      ledger.put(row, ended)
      if (interrupted || options.isStopped()) onEnd(undefined)
      else sleepUntil(due.value)
    }))
  }

  const settle = (execution: StepExecutionRow, exit: Exit.Exit<Outcome.Outcome>, timedOut: boolean) => {
    if (Exit.isFailure(exit) && interrupted) {
      giveUp(execution)
      return
    }
    const outcome = Exit.isSuccess(exit) ? exit.value : interruptedItself
    const at = now()
    if (outcome._tag === "Success") {
      onEnd(ledger.record(row, outcome, Row.executionEnded(execution, "Completed", at, null)))
    } else {afterFailure(
        outcome,
        outcome.cause,
        Row.executionEnded(execution, timedOut ? "TimedOut" : "Failed", at, outcome.cause),
        at
      )}
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
    let timedOut = false
    const run = limited(work, work.run(describe(number, pulse, lastBeat)), pulse, ({ onTimeout }) => {
      timedOut = true
      return onTimeout(number)
    })
    const end = (exit: Exit.Exit<Outcome.Outcome>) => {
      pulse.end()
      leave()
      settle(pulse.execution, exit, timedOut)
    }
    let isGivenUp = false
    release = () => {}
    stop = () => {
      isGivenUp = true
      leave()
      giveUp(pulse.execution)
    }
    const begin = () => {
      if (isGivenUp) return
      const fiber = options.fork(run)
      stop = () => {
        fiber.unsafeInterruptAsFork(FiberId.none)
      }
      // It is told of every end, also of that of a fiber which was interrupted before it had begun.
      fiber.addObserver(end)
    }
    // Write before act: with its own row every outcome that was delivered before is durable. A side effect only reads:
    // nothing outside depends on what was not written yet.
    if (work.kind === "Activity") ledger.put(row, pulse.execution, begin)
    else {
      ledger.put(row, pulse.execution)
      begin()
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
      giveUp()
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
      giveUp()
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
    },
    quietUntil: () => row.status === "Retrying" ? row.wakeAt ?? undefined : undefined,
    watches: false
  }
}
