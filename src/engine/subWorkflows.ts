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
import type { Command } from "./commands.ts"
import type { Committer } from "./committer.ts"
import { conflict, endOf } from "./lookup.ts"

export interface Options {
  readonly journal: Journal.Service
  readonly committer: Committer
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly admission: () => Admission
}

const isSame = (asked: Journal.WorkflowRow, found: Journal.WorkflowRow): boolean =>
  found.parentId === asked.parentId && found.parentPath === asked.parentPath && Option.isNone(conflict(asked, found))

/** An execution of a workflow, among all that it has had. */
interface Execution {
  readonly generation: number
  readonly attempt: number
}

/** The first execution after one that continued as new. */
const afterIt = ({ generation }: Execution): Execution => ({ generation: generation + 1, attempt: 1 })

/** The execution that the journal knows to be the last of those that continued from `first`, and how it ended, if so. */
const followed = (history: Journal.History, first: Execution): readonly [Execution, Option.Option<Outcome>] => {
  const row = history.executions.find((one) => one.generation === first.generation && one.attempt === first.attempt)
  switch (row?.status) {
    case undefined:
    case "Running":
      return [first, Option.none()]
    case "ContinuedAsNew":
      return followed(history, afterIt(first))
    case "Cancelled":
      return [first, Option.some(Children.cancelled(history.workflow.id))]
    case "Completed":
    case "Failed":
      return [
        first,
        row?.error == null
          ? Option.map(endOf(history.workflow), (end) => end.outcome)
          : Option.some(Failure({ cause: row.error }))
      ]
  }
}

const cancel: Command = { _tag: "Cancel" }
const pause: Command = { _tag: "Pause" }
const resume: Command = { _tag: "Resume" }

export const make = ({ admission, committer, fork, journal }: Options): Children.ChildHost => {
  /** The row that was there before, or `None` for a new one; a lost lease ends everything anyway. */
  const create = (row: Journal.WorkflowRow) =>
    whenReadable(Effect.catchTag(committer.create(row), "JournalLocked", () => Effect.never))

  /** What nobody waits for. */
  const order = (id: string, command: Command) => {
    admission().command(id, { command, done: () => {}, putBack: () => {} })
  }

  return {
    detach: (row, tell) => {
      fork(Effect.gen(function*() {
        const found = yield* create(row)
        if (Option.isSome(found) && !isSame(row, found.value)) tell.conflict(found.value)
        else {
          tell.started()
          if (Option.isNone(Option.flatMap(found, endOf))) {
            yield* admission().admit(row.id, Option.isNone(found) ? row : undefined)
          }
        }
      }))
    },
    start: (row, tell) => {
      let released = false
      let cancelled = false
      let created = false
      let isWatched = false
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
        isWatched = true
        if (cancelled) order(row.id, cancel)
        // Its parent was held before it was there to be held, too.
        else if (row.parentId !== null && admission().isPaused(row.parentId)) order(row.id, pause)
        yield* admission().admit(row.id, Option.isNone(found) ? row : undefined)
      }))
      return {
        cancel: () => {
          cancelled = true
          if (created) order(row.id, cancel)
        },
        release: () => {
          released = true
          unwatch()
        },
        isWatched: () => isWatched
      }
    },
    free: (parentId) => {
      fork(Effect.gen(function*() {
        yield* committer.durable
        const children = yield* whenReadable(journal.children(parentId))
        for (const child of children) if (child.status === "Paused") order(child.id, resume)
      }))
    },
    watchExecution: (id, generation, attempt, tell) => {
      let told = false
      let isWatched = false
      let watched: Execution = { generation, attempt }
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
        if (end.generation !== watched.generation || end.attempt !== watched.attempt) return
        if (Option.isSome(end.outcome)) once(end.outcome.value)
        else watched = afterIt(watched)
      })
      // It may have ended before.
      fork(Effect.map(whenReadable(journal.history(id)), (history) => {
        isWatched = true
        if (told || Option.isNone(history)) return
        const [last, outcome] = followed(history.value, watched)
        watched = last
        Option.map(outcome, once)
      }))
      return { release: stop, isWatched: () => isWatched }
    }
  }
}
