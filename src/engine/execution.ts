/**
 * One run of a workflow execution: replay what the journal has, then go on. Every fiber of the body lives on the run's
 * own scheduler; when all of them wait, `replay.decide` says what happens next, and the driver does it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Definition, Ended } from "../Engine.ts"
import { NonDeterminism, type SuspendReason, WorkflowStuck } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import * as Reason from "../internal/reason.ts"
import type * as Journal from "../Journal.ts"
import type { SignalRow } from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import * as Body from "./body.ts"
import { breathe } from "./breathe.ts"
import { Gate } from "./gate.ts"
import * as Ids from "./ids.ts"
import { Ledger } from "./ledger.ts"
import { Mailbox } from "./mailbox.ts"
import type { Continuation, Host } from "./parts.ts"
import { decide } from "./replay.ts"
import * as Retry from "./retry.ts"
import * as Row from "./rows.ts"
import * as Sagas from "./sagas.ts"
import { type Fault, WorkflowScheduler } from "./scheduler.ts"
import { Steps } from "./steps.ts"

/** How a run ended. Except for `Ended`, the workflow goes on at another time. */
export type RunEnd =
  | { readonly _tag: "Ended"; readonly ended: Ended }
  | { readonly _tag: "Retry"; readonly outcome: Outcome }
  /** The next generation is on record. */
  | { readonly _tag: "Continued" }
  /** `again`: a cancel came while it was being suspended, and is to be delivered. */
  | { readonly _tag: "Suspended"; readonly again: boolean }
  | { readonly _tag: "Dropped" }

export interface Run {
  /** Runs to an end; call once. What it ended with is durable. */
  readonly drive: Effect.Effect<RunEnd>
  /** Takes a cancel into the order of the journal. A workflow that is held goes on, to be undone. */
  readonly cancel: () => void
  /** Holds the workflow: nothing is started or delivered until `resume`. What runs may end, and is recorded. */
  readonly pause: () => void
  /** Records that it goes on; it does so once `proceed` is called. */
  readonly resume: () => void
  readonly proceed: () => void
  readonly isPaused: () => boolean
  /** The queue of its workflows. */
  readonly queue: Option.Option<string>
  /** Records the outcome of a step by hand, unless it has one; `done` is called once that is put. */
  readonly skip: (path: string, value: string | null, done: () => void) => void
  /** There may be a new signal. */
  readonly signalled: () => void
  /** Whether its end is on its way to the journal. */
  readonly hasEnded: () => boolean
  /** Whether it has been suspended, and only waits for attempts to end. */
  readonly isSuspended: () => boolean
  /** Drops the run at the next rest: nothing is started or delivered any more. Attempts that run may end. */
  readonly close: () => void
  /** Interrupts the attempts that still run; they are recorded as lost. */
  readonly interruptAttempts: () => void
}

type Phase =
  /** The body runs. */
  | { readonly _tag: "Body" }
  /** The body has ended; what it left behind is interrupted and ends. */
  | { readonly _tag: "Leftovers" }
  /** The workflow fails or is cancelled, and its compensations run. */
  | { readonly _tag: "Compensating"; readonly cause: Cause.Cause<unknown> }
  | { readonly _tag: "Compensated"; readonly cause: Cause.Cause<unknown>; readonly undoFailed: boolean }

/** Opens a run on what the journal has recorded. `execution` is on record unless the execution is a new one. */
export const make = (
  host: Host,
  definition: Definition,
  workflow: Journal.WorkflowRow,
  recorded: Journal.Recorded
): Effect.Effect<Run> =>
  Effect.gen(function*() {
    const { committer, now } = host
    const wake = yield* Effect.makeLatch(false)
    const signal = () => {
      wake.unsafeOpen()
    }
    const ledger = new Ledger(workflow, recorded, { put: committer.put, now })
    const scheduler = new WorkflowScheduler(signal)
    const steps = new Steps(ledger, scheduler, signal)
    const mailbox = new Mailbox()
    const gate = new Gate()
    const workflowId = Key.decode(workflow.id)
    let phase: Phase = { _tag: "Body" }
    let dropped = false
    let closing = false
    let cancelDelivered = false
    let suspended = false
    let cancelledSince = false
    /** A cancel lets go on what is held, once it is delivered; until then nothing starts. */
    let freeing = false
    /** What fibers of the body have asked to continue with: the first counts. */
    const continuations: Array<Continuation> = []
    const interrupted = new WeakSet<Fiber.RuntimeFiber<unknown, unknown>>()

    const body = Body.make({
      host,
      ledger,
      scheduler,
      steps,
      definition,
      gate,
      continueAsNew: (asked) => {
        if (phase._tag !== "Body" || cancelDelivered) asked.leave(Effect.interrupt)
        else continuations.push(asked)
      },
      isDropped: () => dropped,
      isClosing: () => closing
    })

    const stuck = (message: string, failedStep: string | null = null) =>
      new WorkflowStuck({ workflowId, message, failedStep })

    const reasonOf = (fault: Fault): SuspendReason => {
      switch (fault._tag) {
        case "ForeignWakeUp": {
          const span = fault.fiber?.currentSpan
          const where = span?._tag === "Span" ? ` (in the span "${span.name}")` : ""
          return new NonDeterminism({
            workflowId,
            key: null,
            message:
              `a fiber of the body${where} was woken by something that is no step: a promise, a callback, or a ` +
              "Deferred, Queue or Semaphore shared with the outside. A replay cannot wake it again: put what it waits " +
              "for into an activity"
          })
        }
        case "NeverRests":
          return stuck(
            "the body never rests: it polls. Wait for a Deferred, a step or a sleep instead of asking again and again"
          )
        case "TaskThrew":
          return stuck(`a callback in the body threw: ${String(fault.error)}`)
      }
    }

    /** Ends every fiber of the body without a trace. What the body's own finalizers do, they do. */
    const drop = Effect.suspend(() => {
      dropped = true
      const left = scheduler.close(() => {
        for (const fiber of [...scheduler.fibers]) fiber.unsafeInterruptAsFork(FiberId.none)
        steps.drop()
      })
      return left.length === 0
        ? Effect.void
        : Effect.logWarning(
          `tempolite: ${left.length} fibers of the workflow ${workflow.id} wait uninterruptibly and are let go`
        )
    })

    /** Waits until the attempts that were under way have ended, and what they ended with is durable. */
    const settled: Effect.Effect<void> = Effect.suspend(() => {
      wake.unsafeClose()
      return steps.pending === 0 ? committer.durable : Effect.zipRight(wake.await, settled)
    })

    const suspend = (reason: SuspendReason): Effect.Effect<RunEnd> =>
      Effect.gen(function*() {
        suspended = true
        ledger.suspend(Reason.encode(reason))
        yield* drop
        yield* settled
        yield* Effect.logWarning(`tempolite: the workflow ${workflow.id} is suspended: ${reason.message}`)
        return { _tag: "Suspended", again: cancelledSince }
      })

    const finish = (status: Ended["status"], outcome: Outcome): Effect.Effect<RunEnd> =>
      Effect.gen(function*() {
        const text = outcome._tag === "Success" ? outcome.value : outcome.cause
        ledger.end(status, status === "Failed" ? text : null, {
          status,
          outcome: text,
          finishedAt: now()
        })
        yield* drop
        yield* committer.durable
        return { _tag: "Ended", ended: { status, outcome } }
      })

    /** Goes on with the next generation, which begins with nothing but its payload. */
    const continueWith = (payload: string | null): Effect.Effect<RunEnd> =>
      Effect.gen(function*() {
        const { generation } = ledger.workflow
        const next = Row.continued(ledger.workflow, payload)
        ledger.end("ContinuedAsNew", null, next, [], { workflowId: workflow.id, generation })
        yield* drop
        yield* committer.durable
        return { _tag: "Continued" }
      })

    /** When the next execution is due, if the policy of the workflow allows one. */
    const retryAt = (cause: string): Effect.Effect<Option.Option<number>> =>
      Option.match(definition.retry, {
        onNone: () => Effect.succeedNone,
        onSome: (policy) =>
          Retry.next(
            policy,
            [...ledger.failedExecutions, { at: now(), cause }],
            Ids.workflowExecution(workflow.id, workflow.generation, 0)
          )
      })

    const compensate = (cause: Cause.Cause<unknown>) => {
      phase = { _tag: "Compensating", cause }
      body.compensate(cause, (failures) => {
        phase = { _tag: "Compensated", cause: Sagas.both(cause, failures), undoFailed: !Cause.isEmpty(failures) }
        signal()
      })
    }

    /** The body and all that it left behind have ended: what becomes of the workflow? `None` goes on. */
    const afterBody: Effect.Effect<Option.Option<RunEnd>> = Effect.gen(function*() {
      const [continuation] = continuations
      if (continuation !== undefined) return Option.some(yield* continueWith(continuation.payload))
      const ended = body.exit() ?? Exit.interrupt(FiberId.none)
      if (cancelDelivered) {
        compensate(Exit.isFailure(ended) ? ended.cause : Cause.interrupt(FiberId.none))
        return Option.none()
      }
      // Nobody asked for it: an interruption of its own making is no cancel.
      const exit = Exit.isFailure(ended) && Cause.isInterruptedOnly(ended.cause)
        ? Exit.die(new Error("the body interrupted itself"))
        : ended
      const outcome = definition.encode(exit)
      if (outcome._tag === "Success") return Option.some(yield* finish("Completed", outcome))
      const cause = Exit.isFailure(exit) ? exit.cause : Cause.die(outcome.cause)
      const due = yield* retryAt(outcome.cause)
      if (Option.isSome(due)) {
        const next = { attempt: ledger.workflow.attempt + 1, wakeAt: due.value }
        ledger.end("Failed", outcome.cause, next, ledger.reset())
        yield* drop
        yield* committer.durable
        return Option.some<RunEnd>({ _tag: "Retry", outcome })
      }
      const holds = Option.exists(definition.suspendOn, (on) => on === "failure" || Cause.isDie(cause))
      if (holds && ledger.workflow.cancelSeq === null) {
        return Option.some(
          yield* suspend(stuck(
            `it failed, and is held for repair (suspendOn): ${Cause.pretty(cause)}`,
            ledger.lastFailedStep
          ))
        )
      }
      // A body that is held would fail again before the cancel is delivered, and never end.
      cancelDelivered = holds
      compensate(cause)
      return Option.none()
    })

    /** Every fiber waits, or has ended: the end of the run, or `None` when there is more to do. */
    const afterFibers: Effect.Effect<Option.Option<RunEnd>> = Effect.suspend(() => {
      switch (phase._tag) {
        case "Leftovers":
          return afterBody
        case "Compensated": {
          const outcome = definition.encode(Exit.failCause(phase.cause))
          const status = cancelDelivered && !phase.undoFailed ? "Cancelled" : "Failed"
          return Effect.map(finish(status, outcome), Option.some)
        }
        default:
          return Effect.succeedNone
      }
    })

    /** The signal that is to be taken now: none while a timer that came due before it has not fired. */
    const nextSignal = (overdueAt: number): SignalRow | undefined => {
      const signal = steps.listens ? mailbox.first((name) => steps.wants(name)) : undefined
      if (signal === undefined) return undefined
      return signal.at <= Math.min(overdueAt, steps.lateAt(now())) ? signal : undefined
    }

    const readSignals: Effect.Effect<void> = Effect.suspend(() => {
      mailbox.reading()
      return Effect.map(host.signals.read(workflow.id, mailbox.readUpTo), (signals) => {
        mailbox.add(signals)
      })
    })

    const free = () => {
      freeing = false
      gate.open()
      host.children.free(workflow.id)
    }

    const rest: Effect.Effect<Option.Option<RunEnd>> = Effect.suspend(() => {
      if (freeing && (cancelDelivered || phase._tag !== "Body")) free()
      // What is there to be delivered comes first.
      const overdueAt = steps.next === undefined ? steps.overdueAt(now()) : Infinity
      const taken = nextSignal(overdueAt)
      const next = decide({
        paused: gate.isClosed && !freeing,
        unread: mailbox.unread && (steps.listens || overdueAt < Infinity),
        signal: taken !== undefined,
        next: steps.next,
        cancel: phase._tag === "Body" && !cancelDelivered ? ledger.workflow.cancelSeq ?? undefined : undefined,
        ended: phase._tag !== "Body" && scheduler.fibers.size === 0 && steps.endingChildren === 0,
        startable: steps.startable,
        ending: steps.ending,
        pending: steps.pending
      })
      switch (next) {
        case "Deliver":
          body.deliver()
          return Effect.succeedNone
        case "Cancel":
          cancelDelivered = true
          freeing = true
          body.cancel()
          return Effect.succeedNone
        case "Read":
          return Effect.as(readSignals, Option.none())
        case "Take":
          if (taken !== undefined) {
            mailbox.take(taken)
            steps.give(taken)
          }
          return Effect.succeedNone
        case "Start":
          body.live()
          // After a time in which nothing ran, timers come first, in the order in which they would have fired; those that
          // came due after a signal was sent come after who is to hear it.
          steps.startDue(now(), mailbox.nextAfter(overdueAt))
          host.timers.fireDue()
          if (steps.next === undefined) steps.start()
          return Effect.succeedNone
        case "End":
          return afterFibers
        case "Wait":
          if (!gate.isClosed) body.live()
          return Effect.as(wake.await, Option.none())
        case "Stuck":
          return Effect.map(
            suspend(stuck(
              "the body waits for nothing that the journal can deliver: no step, sleep or sub-workflow is under way. " +
                "It waits for ever, or for a promise or a Deferred from outside: put that into an activity"
            )),
            Option.some
          )
      }
    })

    /** Once the body, or the compensation, has ended, nothing of it may go on: what its finalizers fork neither. */
    const interruptLeftovers = (): boolean => {
      if (phase._tag === "Body" || phase._tag === "Compensating") return false
      const left = [...scheduler.fibers].filter((fiber) => !interrupted.has(fiber))
      scheduler.enter(() => {
        for (const fiber of left) {
          interrupted.add(fiber)
          fiber.unsafeInterruptAsFork(FiberId.none)
        }
      })
      return left.length > 0
    }

    /** Ends the fibers that have asked to continue as new: as a success, for the sagas that they are in. */
    const leave = () => {
      if (continuations.length === 0) return
      scheduler.enter(() => {
        for (const asked of continuations) asked.leave(Effect.die(Sagas.leaving))
      })
      while (!scheduler.drain()) continue
    }

    const loop: Effect.Effect<RunEnd> = Effect.gen(function*() {
      for (;;) {
        wake.unsafeClose()
        while (!scheduler.drain()) yield* breathe
        if (closing) {
          yield* drop
          yield* settled
          return { _tag: "Dropped" }
        }
        const fault = steps.fault ?? (scheduler.fault && reasonOf(scheduler.fault))
        if (fault !== undefined) return yield* suspend(fault)
        const exit = body.exit()
        if (phase._tag === "Body" && (exit !== undefined || continuations.length > 0)) {
          phase = { _tag: "Leftovers" }
          leave()
          if (exit !== undefined) continuations.length = 0
        }
        if (interruptLeftovers()) continue
        const end = yield* rest
        if (Option.isSome(end)) return end.value
      }
    })

    const drive = Effect.gen(function*() {
      ledger.open()
      const started = body.start()
      if (Either.isLeft(started)) {
        return yield* suspend(
          new NonDeterminism({
            workflowId,
            key: null,
            message: `the recorded payload does not fit the workflow's schema any more: ${started.left}`
          })
        )
      }
      return yield* loop
    })

    return {
      // Interrupted, or at a fault of its own, it must not leave fibers behind.
      drive: Effect.onError(drive, () => drop),
      cancel: () => {
        ledger.cancel()
        cancelledSince = suspended
        freeing = true
        signal()
      },
      pause: () => {
        freeing = false
        gate.close()
        ledger.pause(true)
      },
      resume: () => {
        ledger.pause(false)
      },
      proceed: () => {
        gate.open()
        signal()
      },
      isPaused: () => ledger.workflow.status === "Paused",
      queue: definition.queue,
      skip: (path, value, done) => {
        steps.skip(path, value, done)
      },
      signalled: () => {
        mailbox.arrived()
        signal()
      },
      hasEnded: () => Row.hasEnded(ledger.workflow),
      isSuspended: () => suspended,
      close: () => {
        closing = true
        signal()
      },
      interruptAttempts: () => {
        steps.interruptAll()
      }
    }
  })
