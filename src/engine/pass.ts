/**
 * One pass of a body: from its first line, through what the journal has, and on. Every fiber of the body lives on the
 * scheduler of the pass; when all of them wait, `replay.decide` says what happens next, and the pass does it. A pass
 * writes no end: it says which.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Definition, Ended } from "../Engine.ts"
import { NonDeterminism, type SuspendReason, WorkflowStuck } from "../Errors.ts"
import * as CauseText from "../internal/cause.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import type { SignalRow } from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import * as Body from "./body.ts"
import { breathe } from "./breathe.ts"
import type { Flights } from "./flights.ts"
import { place } from "./frame.ts"
import type { Gate } from "./gate.ts"
import * as Ids from "./ids.ts"
import type { Ledger } from "./ledger.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Continuation, Host } from "./parts.ts"
import { decide, type Decision } from "./replay.ts"
import * as Retry from "./retry.ts"
import * as Sagas from "./sagas.ts"
import { type Fault, WorkflowScheduler } from "./scheduler.ts"
import { Steps } from "./steps.ts"
import type { Wake } from "./wake.ts"

/** What becomes of the workflow after a pass. */
export type PassEnd = Data.TaggedEnum<{
  Finish: { readonly status: Ended["status"]; readonly outcome: Outcome }
  /** The execution has failed, and the next one is due at this time. */
  Retry: { readonly cause: string; readonly at: number }
  ContinueAsNew: { readonly payload: string | null }
  Suspend: { readonly reason: SuspendReason }
  /** It waits, and nothing of it runs: until this time, unless something else happens. */
  Park: { readonly until: number }
  /** The engine closes. */
  Drop: object
  /** It has waited, and is to be done once more from the first line. */
  Replay: object
}>
export const PassEnd = Data.taggedEnum<PassEnd>()

type Phase =
  /** The body runs. */
  | { readonly _tag: "Body" }
  /** The body has ended; what it left behind is interrupted and ends. */
  | { readonly _tag: "Leftovers" }
  /** The workflow fails or is cancelled, and its compensations run. */
  | { readonly _tag: "Compensating"; readonly cause: Cause.Cause<unknown> }
  | { readonly _tag: "Compensated"; readonly cause: Cause.Cause<unknown>; readonly undoFailed: boolean }

/** What outlives a pass. */
export interface Run {
  readonly host: Host
  readonly definition: Definition
  readonly ledger: Ledger
  readonly flights: Flights
  readonly mailbox: Mailbox
  readonly gate: Gate
  /** Opens when something may have changed while the body waits. */
  readonly wake: Wake
  readonly isClosing: () => boolean
  readonly isOver: () => boolean
  /** Whether it is asked to leave memory, unless there is something to do. */
  isAskedToPark: boolean
  /** Waits until something may have changed. */
  readonly waits: Effect.Effect<void>
  /** A cancel lets go on what is held, once it is delivered; until then nothing starts. */
  freeing: boolean
  /** The paths of the steps that the pass before this one took. */
  asked: ReadonlyMap<string, unknown>
}

export interface Pass {
  readonly steps: Steps
  /** Runs to an end; call once, and then `leave`. */
  readonly drive: Effect.Effect<PassEnd>
  /** Ends every fiber of the body without a trace. What the body's own finalizers do, they do. */
  readonly leave: Effect.Effect<void>
}

export const make = (run: Run): Pass => {
  const { definition, flights, gate, host, isClosing, isOver, ledger, mailbox, wake } = run
  const { now } = host
  const workflowId = Key.decode(ledger.workflow.id)
  const scheduler = new WorkflowScheduler(wake.ring)
  const steps = new Steps(ledger, flights, scheduler, wake.ring)
  let phase: Phase = { _tag: "Body" }
  let dropped = false
  let cancelDelivered = false
  let hasWaited = false
  /** What fibers of the body have asked to continue with: the first counts. */
  const continuations: Array<Continuation> = []
  const interrupted = new WeakSet<Fiber.RuntimeFiber<unknown, unknown>>()

  const body = Body.make({
    host,
    ledger,
    flights,
    scheduler,
    steps,
    definition,
    gate,
    continueAsNew: (asked) => {
      if (phase._tag !== "Body" || cancelDelivered) asked.leave(Effect.interrupt)
      else continuations.push(asked)
    },
    isDropped: () => dropped,
    isOver,
    isClosing
  })

  const stuck = (message: string, failedStep: string | null = null) =>
    PassEnd.Suspend({ reason: new WorkflowStuck({ workflowId, message, failedStep }) })

  const faulty = (fault: Fault): PassEnd => {
    switch (fault._tag) {
      case "ForeignWakeUp": {
        const span = fault.fiber?.currentSpan
        const where = span?._tag === "Span" ? ` (in the span "${span.name}")` : ""
        return PassEnd.Suspend({
          reason: new NonDeterminism({
            workflowId,
            key: null,
            message:
              `a fiber of the body${where} was woken by something that is no step: a promise, a callback, or a ` +
              "Deferred, Queue or Semaphore shared with the outside. A replay cannot wake it again: put what it waits " +
              "for into an activity"
          })
        })
      }
      case "NeverRests":
        return stuck(
          "the body never rests: it polls. Wait for a Deferred, a step or a sleep instead of asking again and again"
        )
      case "TaskThrew":
        return stuck(`a callback in the body threw: ${Json.thrown(fault.error)}`)
    }
  }

  const leave = Effect.suspend(() => {
    dropped = true
    const left = scheduler.close(() => {
      for (const fiber of [...scheduler.fibers]) fiber.unsafeInterruptAsFork(FiberId.none)
      steps.drop()
    })
    return left.length === 0
      ? Effect.void
      : Effect.logWarning(
        `tempolite: ${left.length} fibers of the workflow ${ledger.workflow.id} wait uninterruptibly and are let go`
      )
  })

  /** When the next execution is due, if the policy of the workflow allows one. */
  const retryAt = (cause: string): Effect.Effect<Option.Option<number>> =>
    Option.match(definition.retry, {
      onNone: () => Effect.succeedNone,
      onSome: (policy) =>
        Retry.next(
          policy,
          [...ledger.failedExecutions, { at: now(), cause }],
          Ids.workflowExecution(ledger.workflow.id, ledger.workflow.generation, 0)
        )
    })

  const compensate = (cause: Cause.Cause<unknown>) => {
    phase = { _tag: "Compensating", cause }
    body.compensate(cause, (failures) => {
      phase = { _tag: "Compensated", cause: Sagas.both(cause, failures), undoFailed: !Cause.isEmpty(failures) }
      wake.ring()
    })
  }

  /** The body and all that it left behind have ended: what becomes of the workflow? `None` goes on. */
  const afterBody = (): Effect.Effect<Option.Option<PassEnd>> => {
    const [continuation] = continuations
    if (continuation !== undefined) {
      return Effect.succeedSome(PassEnd.ContinueAsNew({ payload: continuation.payload }))
    }
    const ended = body.exit() ?? Exit.interrupt(FiberId.none)
    if (cancelDelivered) {
      compensate(Exit.isFailure(ended) ? ended.cause : Cause.interrupt(FiberId.none))
      return Effect.succeedNone
    }
    // Nobody asked for it: an interruption of its own making is no cancel.
    const exit = Exit.isFailure(ended) && Cause.isInterruptedOnly(ended.cause)
      ? Exit.die(new Error("the body interrupted itself"))
      : ended
    const outcome = definition.encode(exit)
    if (outcome._tag === "Success") return Effect.succeedSome(PassEnd.Finish({ status: "Completed", outcome }))
    const cause = Exit.isFailure(exit) ? exit.cause : Cause.die(outcome.cause)
    return Effect.map(retryAt(outcome.cause), (due) => {
      if (Option.isSome(due)) return Option.some(PassEnd.Retry({ cause: outcome.cause, at: due.value }))
      const holds = Option.exists(definition.suspendOn, (on) => on === "failure" || Cause.isDie(cause))
      if (holds && ledger.workflow.cancelSeq === null) {
        return Option.some(stuck(
          `it failed, and is held for repair (suspendOn): ${CauseText.pretty(cause, outcome.cause)}`,
          ledger.lastFailedStep
        ))
      }
      // A body that is held would fail again before the cancel is delivered, and never end.
      cancelDelivered = holds
      compensate(cause)
      return Option.none()
    })
  }

  /** Every fiber has ended: the end of the pass, or `None` when there is more to do. */
  const afterFibers: Effect.Effect<Option.Option<PassEnd>> = Effect.suspend(() => {
    switch (phase._tag) {
      case "Leftovers":
        return afterBody()
      case "Compensated": {
        const outcome = definition.encode(Exit.failCause(phase.cause))
        const status = cancelDelivered && !phase.undoFailed ? "Cancelled" : "Failed"
        return Effect.succeedSome(PassEnd.Finish({ status, outcome }))
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
    return Effect.map(host.signals.read(ledger.workflow.id, mailbox.readUpTo), (signals) => {
      mailbox.add(signals)
    })
  })

  const free = () => {
    run.freeing = false
    gate.open()
    host.children.free(ledger.workflow.id)
  }

  /** What a replay would do in this place; what is there to be delivered comes first. */
  const decideNext = (): readonly [Decision, SignalRow | undefined, overdueAt: number] => {
    const isNext = steps.next !== undefined
    const overdueAt = isNext ? Infinity : steps.overdueAt(now())
    const taken = nextSignal(overdueAt)
    const decision = decide({
      paused: gate.isClosed && !run.freeing,
      unread: mailbox.unread && (steps.listens || overdueAt < Infinity),
      signal: taken !== undefined,
      next: steps.next,
      cancel: phase._tag === "Body" && !cancelDelivered ? ledger.workflow.cancelSeq ?? undefined : undefined,
      ended: phase._tag !== "Body" && scheduler.fibers.size === 0 && flights.endingChildren === 0,
      startable: isNext ? 0 : steps.startable,
      ending: flights.ending,
      pending: flights.size
    })
    return [decision, taken, overdueAt]
  }

  /** The code is the same as in the pass before: is there a step that it took then, and not now? */
  const notAskedAgain = (): PassEnd | undefined => {
    for (const path of run.asked.keys()) {
      if (steps.asked.has(path)) continue
      return PassEnd.Suspend({
        reason: new NonDeterminism({
          workflowId,
          key: path,
          message:
            `the body took the step ${path}, and did not when it was replayed. Whatever decides which steps are ` +
            "taken must be the same in every replay: record what varies as a side effect"
        })
      })
    }
    return undefined
  }

  /** Waits, and then goes on. */
  const goOnAfter = (wait: Effect.Effect<void>): Effect.Effect<PassEnd> => Effect.flatMap(wait, goOn)

  /** Every fiber waits, or has ended: the rest of the pass, unless there is more to be done at once. */
  const rest = (): Effect.Effect<PassEnd> | undefined => {
    if (run.freeing && (cancelDelivered || phase._tag !== "Body")) free()
    const [next, taken, overdueAt] = decideNext()
    // Nothing is delivered to a body that is held: it would not get in a replay to where it is.
    const isHeld = gate.isClosed && !run.freeing
    if (hasWaited && !isHeld && next !== "Wait" && next !== "Read") return Effect.succeed(PassEnd.Replay())
    const left = isHeld || next === "Deliver" || next === "Cancel" || next === "End" ? undefined : notAskedAgain()
    if (left !== undefined) return Effect.succeed(left)
    const parks = run.isAskedToPark && !isHeld
    run.isAskedToPark = false
    switch (next) {
      case "Deliver":
        body.deliver()
        return undefined
      case "Cancel":
        cancelDelivered = true
        run.freeing = true
        body.cancel()
        return undefined
      case "Read":
        return goOnAfter(readSignals)
      case "Take":
        if (taken !== undefined) {
          mailbox.take(taken)
          steps.give(taken)
        }
        return undefined
      case "Start":
        body.live()
        // After a time in which nothing ran, timers come first, in the order in which they would have fired; those that
        // came due after a signal was sent come after who is to hear it.
        steps.startDue(now(), mailbox.nextAfter(overdueAt))
        host.timers.fireDue()
        if (steps.next === undefined) steps.start()
        return undefined
      case "End":
        return Effect.flatMap(
          afterFibers,
          Option.match({ onNone: goOn, onSome: (end) => Effect.succeed(notAskedAgain() ?? end) })
        )
      case "Wait":
        if (!gate.isClosed) body.live()
        if (parks && flights.quietUntil !== undefined) {
          return Effect.succeed(PassEnd.Park({ until: flights.quietUntil }))
        }
        hasWaited = host.replaysAlways
        return goOnAfter(run.waits)
      case "Stuck":
        return Effect.succeed(stuck(
          "the body waits for nothing that the journal can deliver: no step, sleep or sub-workflow is under way. " +
            "It waits for ever, or for a promise or a Deferred from outside: put that into an activity"
        ))
    }
  }

  /** Once the body, or the compensation, has ended, nothing of it may go on: what its finalizers fork neither. */
  const interruptLeftovers = (): boolean => {
    if (phase._tag === "Body" || phase._tag === "Compensating") return false
    // A saga that what is left behind was in is undone first.
    const left = [...scheduler.fibers].filter((fiber) =>
      !interrupted.has(fiber) &&
      !(scheduler.undoing > 0 && Option.exists(fiber.getFiberRef(place), ({ compensating }) => compensating))
    )
    scheduler.enter(() => {
      for (const fiber of left) {
        interrupted.add(fiber)
        fiber.unsafeInterruptAsFork(FiberId.none)
      }
    })
    return left.length > 0
  }

  /** Ends the fibers that have asked to continue as new: as a success, for the sagas that they are in. */
  const leaveAsNew = () => {
    if (continuations.length === 0) return
    scheduler.enter(() => {
      for (const asked of continuations) asked.leave(Effect.die(Sagas.leaving))
    })
    while (!scheduler.drain()) continue
  }

  /** Without a generator, or anything else that a step would pay for: it comes through here twice. */
  const goOn = (): Effect.Effect<PassEnd> => {
    for (;;) {
      wake.reset()
      if (!scheduler.drain()) return goOnAfter(breathe)
      if (isClosing()) return Effect.succeed(PassEnd.Drop())
      if (flights.fault !== undefined) return Effect.succeed(PassEnd.Suspend({ reason: flights.fault }))
      if (scheduler.fault !== undefined) return Effect.succeed(faulty(scheduler.fault))
      const exit = body.exit()
      if (phase._tag === "Body" && (exit !== undefined || continuations.length > 0)) {
        phase = { _tag: "Leftovers" }
        leaveAsNew()
        if (exit !== undefined) continuations.length = 0
      }
      if (interruptLeftovers()) continue
      const next = rest()
      if (next !== undefined) return next
    }
  }

  const drive = Effect.suspend(() =>
    Either.match(body.start(), {
      onLeft: (message) =>
        Effect.succeed(PassEnd.Suspend({
          reason: new NonDeterminism({
            workflowId,
            key: null,
            message: `the recorded payload does not fit the workflow's schema any more: ${message}`
          })
        })),
      onRight: goOn
    })
  )

  return { steps, drive, leave }
}
