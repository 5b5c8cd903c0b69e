/**
 * The pure core of replay: what the journal answers when a step is asked for, and what happens next when every fiber
 * of an execution waits. Without Effect, without time.
 */
import * as Data from "effect/Data"
import type { StepKind } from "../Info.ts"
import type { StepRow } from "../Journal.ts"

/** What the code asks for under a path. */
export interface Asked {
  readonly kind: StepKind
  readonly name: string
  readonly payload: string | null
}

/** What the journal answers. */
export type Answer = Data.TaggedEnum<{
  /** The outcome is there, at this place of the order. */
  Recorded: { readonly seq: number }
  /** There is none: the step is to be started. `again`: a completed outcome is given up for that. */
  Missing: { readonly again: boolean }
  /** The journal holds something else under this path. */
  Diverged: { readonly message: string }
}>
export const Answer = Data.taggedEnum<Answer>()

const shown = (payload: string | null): string => {
  const text = payload ?? "nothing"
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text
}

/** Whether `row` is one of the engine's implicit timers, which are recognised by place and duration. */
export const isImplicitTimer = (row: { readonly path: string }): boolean => row.path.startsWith("~sleep/")

/** Looks up a step. `attempt` is the workflow execution that asks. */
export const look = (row: StepRow | undefined, asked: Asked, attempt: number): Answer => {
  if (row === undefined) return Answer.Missing({ again: false })
  if (row.kind !== asked.kind || row.name !== asked.name) {
    return Answer.Diverged({
      message: `recorded was ${row.kind} "${row.name}", asked for is ${asked.kind} "${asked.name}". ` +
        "Give the new step a key of its own"
    })
  }
  if (row.payload === asked.payload) {
    return row.seq === null ? Answer.Missing({ again: false }) : Answer.Recorded({ seq: row.seq })
  }
  // A timer that has not fired may be given another duration, and a wait another deadline: it is a new one.
  if (row.seq === null && (row.kind === "Timer" || row.kind === "Signal" || row.status === "Pending")) {
    return Answer.Missing({ again: false })
  }
  // An outcome of an older execution answers only the same question.
  if (row.attempt < attempt) return Answer.Missing({ again: row.seq !== null })
  return Answer.Diverged({
    message: `it was recorded with the payload ${shown(row.payload)} and is asked for with ${shown(asked.payload)}. ` +
      "A body must compute the same payload on every replay: record what varies (time, random numbers, readings) " +
      "as a side effect, or give the step another key"
  })
}

/** What an execution sees of itself when it is quiescent. */
export interface Quiescent {
  /** Whether an operator holds it: then nothing is delivered or started. */
  readonly paused: boolean
  /** The smallest `seq` among the outcomes that are recorded and waited for. */
  readonly next: number | undefined
  /** The place of a cancel that is not delivered yet. */
  readonly cancel: number | undefined
  /** Whether a step waits for a signal, or timers are overdue, while it is not known which signals there are. */
  readonly unread: boolean
  /** Whether a signal is there for a step that waits, and is older than every timer that is overdue. */
  readonly signal: boolean
  /** Whether the body has ended, and every fiber of it. */
  readonly ended: boolean
  /** Steps that wait without an outcome and were not started. */
  readonly startable: number
  /** Interrupted activities that have not ended: nothing starts before they have. */
  readonly ending: number
  /** What will come by itself: running attempts, timers, sub-workflows. */
  readonly pending: number
}

/** What is to be done next. */
export type Decision = "Deliver" | "Cancel" | "Read" | "Take" | "End" | "Start" | "Wait" | "Stuck"

/**
 * What is held delivers and starts nothing; outcomes are recorded as they come, and so is a signal that will be the next
 * to be delivered: it came in time, whatever timers come due until somebody lets go.
 */
const whilePaused = ({ cancel, next, signal, unread }: Quiescent): Decision => {
  if (next !== undefined || cancel !== undefined) return "Wait"
  return unread ? "Read" : signal ? "Take" : "Wait"
}

/**
 * The order of things. Delivery comes first, one at a time, the smallest `seq` first, a cancel in the same order; a
 * step starts only when there is nothing to deliver and every interrupted activity has really ended.
 *
 * A signal is taken, and so gets its place in the order, only when it can be delivered at once: were it recorded when it
 * arrives, a step that loses a race meanwhile would have taken it for nothing.
 */
export const decide = (state: Quiescent): Decision => {
  if (state.paused) return whilePaused(state)
  if (state.cancel !== undefined && (state.next === undefined || state.cancel < state.next)) return "Cancel"
  if (state.next !== undefined) return "Deliver"
  if (state.unread) return "Read"
  if (state.signal) return "Take"
  if (state.ending > 0) return "Wait"
  if (state.ended) return "End"
  if (state.startable > 0) return "Start"
  return state.pending > 0 ? "Wait" : "Stuck"
}
