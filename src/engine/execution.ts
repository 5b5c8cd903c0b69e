/**
 * One run of a workflow execution: passes of its body, as many as it takes, and the end that they come to. What it is
 * told from outside goes through here.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Definition, Ended } from "../Engine.ts"
import * as Reason from "../internal/reason.ts"
import type * as Journal from "../Journal.ts"
import { Failure, type Outcome } from "../Outcome.ts"
import { Flights } from "./flights.ts"
import { Gate } from "./gate.ts"
import { Ledger } from "./ledger.ts"
import { Mailbox } from "./mailbox.ts"
import type { Host } from "./parts.ts"
import * as Pass from "./pass.ts"
import * as Row from "./rows.ts"
import { Wake } from "./wake.ts"

/** How a run ended. Except for `Ended`, the workflow goes on at another time. */
export type RunEnd =
  | { readonly _tag: "Ended"; readonly ended: Ended }
  | { readonly _tag: "Retry"; readonly outcome: Outcome }
  /** The next generation is on record. */
  | { readonly _tag: "Continued" }
  /** `again`: a cancel came while it was being suspended, and is to be delivered. */
  | { readonly _tag: "Suspended"; readonly again: boolean }
  /** It waits until this time, unless it is told of something before; `isOnRecord`: so the journal says, too. */
  | { readonly _tag: "Parked"; readonly until: number; readonly isOnRecord: boolean }
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
  /** Whether it only ends, to go on at another time: what is asked of it is for then. */
  readonly isLeaving: () => boolean
  /**
   * Asks it to leave memory, if it waits and will do so until the time `until`, as far as is known. Whether it does,
   * unless something happens first.
   */
  readonly park: (until: number) => boolean
  /** Drops the run at the next rest: nothing is started or delivered any more. Attempts that run may end. */
  readonly close: () => void
  /** Interrupts the attempts that still run; they are recorded as lost. */
  readonly interruptAttempts: () => void
}

/** Opens a run on what the journal has recorded. `onRest` is called whenever it waits. */
export const make = (
  host: Host,
  definition: Definition,
  workflow: Journal.WorkflowRow,
  recorded: Journal.Recorded,
  onRest: () => void
): Effect.Effect<Run> =>
  Effect.sync(() => {
    const { committer, now } = host
    const wake = new Wake()
    const ledger = new Ledger(workflow, recorded, { put: committer.put, now })
    const flights = new Flights(ledger)
    const mailbox = new Mailbox()
    const gate = new Gate()
    let isOver = false
    let closing = false
    let isLeaving = false
    let cancelledSince = false

    const run: Pass.Run = {
      host,
      definition,
      ledger,
      flights,
      mailbox,
      gate,
      wake,
      isClosing: () => closing,
      isOver: () => isOver || closing,
      isAskedToPark: false,
      waits: Effect.async((resume) => {
        wake.sleep(() => {
          resume(Effect.void)
        })
        onRest()
      }),
      freeing: false,
      asked: new Map()
    }
    let pass = Pass.make(run)

    /** Ends the body; attempts that are under way may end, and nothing else goes on. */
    const drop = Effect.suspend(() => {
      isOver = true
      return Effect.zipRight(
        pass.leave,
        Effect.sync(() => {
          flights.release()
        })
      )
    })

    /** Waits until the attempts that were under way have ended, and what they ended with is durable. */
    const settled: Effect.Effect<void> = Effect.suspend(() => {
      wake.reset()
      return flights.size === 0 ? committer.durable : Effect.zipRight(wake.wait, settled)
    })

    /** Drops the run, waits until all of it is `written`, and then says how it ended. */
    const ended = (written: Effect.Effect<void>, how: () => RunEnd): Effect.Effect<RunEnd> =>
      Effect.map(Effect.zipRight(drop, written), how)

    const end = (passed: Exclude<Pass.PassEnd, { readonly _tag: "Replay" }>): Effect.Effect<RunEnd> => {
      switch (passed._tag) {
        case "Drop":
          return ended(settled, () => ({ _tag: "Dropped" }))
        case "Park": {
          const { until } = passed
          // It keeps a place in a queue, and what it is told of another workflow, only where it is known.
          const isOnRecord = host.isFar(until) && Option.isNone(definition.queue) && !flights.watches
          isLeaving = true
          if (isOnRecord) ledger.sleep(until)
          return ended(settled, () => ({ _tag: "Parked", until, isOnRecord }))
        }
        case "Suspend": {
          const { reason } = passed
          isLeaving = true
          ledger.suspend(Reason.encode(reason))
          return Effect.zipLeft(
            ended(settled, () => ({ _tag: "Suspended", again: cancelledSince })),
            Effect.logWarning(`tempolite: the workflow ${workflow.id} is suspended: ${reason.message}`)
          )
        }
        case "Finish": {
          const { outcome, status } = passed
          const text = outcome._tag === "Success" ? outcome.value : outcome.cause
          ledger.end(status, status === "Failed" ? text : null, { status, outcome: text, finishedAt: now() })
          return ended(committer.durable, () => ({ _tag: "Ended", ended: { status, outcome } }))
        }
        case "Retry": {
          const next = { attempt: ledger.workflow.attempt + 1, wakeAt: passed.at }
          ledger.end("Failed", passed.cause, next, ledger.reset())
          return ended(committer.durable, () => ({ _tag: "Retry", outcome: Failure({ cause: passed.cause }) }))
        }
        case "ContinueAsNew": {
          // The next generation begins with nothing but its payload.
          const { generation } = ledger.workflow
          const next = Row.continued(ledger.workflow, passed.payload)
          ledger.end("ContinuedAsNew", null, next, [], { workflowId: workflow.id, generation })
          return ended(committer.durable, () => ({ _tag: "Continued" }))
        }
      }
    }

    const passes: Effect.Effect<RunEnd> = Effect.suspend(() =>
      Effect.flatMap(pass.drive, (passed) =>
        passed._tag === "Replay"
          ? Effect.flatMap(pass.leave, () => {
            ledger.rewind()
            run.asked = pass.steps.asked
            pass = Pass.make(run)
            return passes
          })
          : end(passed))
    )

    const drive = Effect.suspend(() => {
      ledger.open()
      return passes
    })

    return {
      // Interrupted, or at a fault of its own, it must not leave fibers behind.
      drive: Effect.onError(drive, () => drop),
      cancel: () => {
        ledger.cancel()
        cancelledSince = isLeaving
        run.freeing = true
        wake.ring()
      },
      pause: () => {
        run.freeing = false
        gate.close()
        ledger.pause(true)
      },
      resume: () => {
        ledger.pause(false)
      },
      proceed: () => {
        gate.open()
        wake.ring()
      },
      isPaused: () => ledger.workflow.status === "Paused",
      queue: definition.queue,
      skip: (path, value, done) => {
        pass.steps.skip(path, value, done)
      },
      signalled: () => {
        mailbox.arrived()
        wake.ring()
      },
      hasEnded: () => Row.hasEnded(ledger.workflow),
      isLeaving: () => isLeaving,
      park: (until) => {
        const quiet = flights.quietUntil
        if (isOver || !wake.isAwaited || gate.isClosed || quiet === undefined || quiet < until) return false
        run.isAskedToPark = true
        wake.ring()
        return true
      },
      close: () => {
        closing = true
        wake.ring()
      },
      interruptAttempts: () => {
        flights.interruptAll()
      }
    }
  })
