/**
 * Sub-workflows: each is a workflow of its own, found again by the id that its parent's step gives it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Ended } from "../Engine.ts"
import type * as Journal from "../Journal.ts"
import { Failure, type Outcome } from "../Outcome.ts"
import type { Admission } from "./admission.ts"
import { whenReadable } from "./backoff.ts"
import * as Children from "./children.ts"
import { conflict, endOf } from "./client.ts"
import type { Committer } from "./committer.ts"

export interface Options {
  readonly journal: Journal.Service
  readonly committer: Committer
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly admission: () => Admission
}

const isSame = (asked: Journal.WorkflowRow, found: Journal.WorkflowRow): boolean =>
  found.parentId === asked.parentId && found.parentPath === asked.parentPath && Option.isNone(conflict(asked, found))

/** How the execution ended, if the journal says so. */
const executionEnd = (history: Journal.History, generation: number, attempt: number): Option.Option<Outcome> =>
  Option.fromNullable(history.executions.find((row) => row.generation === generation && row.attempt === attempt)).pipe(
    Option.filter((row) => row.status !== "Running"),
    Option.flatMap((row) =>
      row.status === "Cancelled"
        ? Option.some(Children.cancelled(history.workflow.id))
        : row.error === null
        ? Option.map(endOf(history.workflow), (end) => end.outcome)
        : Option.some(Failure({ cause: row.error }))
    )
  )

export const make = ({ admission, committer, fork, journal }: Options): Children.ChildHost => {
  /** The row that was there before, or `None` for a new one; a lost lease ends everything anyway. */
  const create = (row: Journal.WorkflowRow) =>
    whenReadable(Effect.catchTag(committer.create(row), "JournalLocked", () => Effect.never))

  return {
    start: (row, tell) => {
      let released = false
      let cancelled = false
      let created = false
      let told = false
      // It may end while it is looked up, and so be heard of twice.
      const tellEnd = (end: Ended) => {
        unwatch()
        if (!told) tell.ended(end)
        told = true
      }
      const unwatch = admission().endings.watch(row.id, tellEnd)
      fork(Effect.gen(function*() {
        const found = yield* create(row)
        created = true
        // Its parent was dropped meanwhile, and will find it again.
        if (released) return yield* admission().admit(row.id)
        if (Option.isSome(found) && !isSame(row, found.value)) {
          unwatch()
          tell.conflict(found.value)
          return
        }
        const end = Option.flatMap(found, endOf)
        if (Option.isSome(end)) {
          tellEnd(end.value)
          return
        }
        if (cancelled) admission().cancel(row.id)
        yield* admission().admit(row.id, Option.isNone(found) ? row : undefined)
      }))
      return {
        cancel: () => {
          cancelled = true
          if (created) admission().cancel(row.id)
        },
        release: () => {
          released = true
          unwatch()
        }
      }
    },
    watchExecution: (id, generation, attempt, tell) => {
      let told = false
      const stop = () => {
        told = true
        unwatch()
      }
      const once = (outcome: Outcome) => {
        if (told) return
        stop()
        tell(outcome)
      }
      const unwatch = admission().executionEndings.watch(id, (end) => {
        if (end.generation === generation && end.attempt === attempt) once(end.outcome)
      })
      // It may have ended before.
      fork(Effect.map(whenReadable(journal.history(id)), (history) => {
        Option.map(Option.flatMap(history, (rows) => executionEnd(rows, generation, attempt)), once)
      }))
      return stop
    }
  }
}
