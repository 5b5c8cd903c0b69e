/**
 * What clients of this process ask of the engine: to start a workflow, to send it a signal, and to be told of its end.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Ended, Engine } from "../Engine.ts"
import type { JournalLocked, WorkflowEnded, WorkflowNotFound } from "../Errors.ts"
import { JournalError } from "../Errors.ts"
import type { WorkflowId } from "../Info.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import type { Admission } from "./admission.ts"
import { whenReadable } from "./backoff.ts"
import * as Children from "./children.ts"
import type { Committer } from "./committer.ts"
import { conflict, endOf, endUnlessRetried, existing } from "./lookup.ts"

export interface Calls extends Pick<Engine, "start" | "send" | "ended"> {
  /** Another engine has the journal: nobody is to wait here any more. */
  readonly lose: (error: JournalLocked) => void
}

export interface Options {
  readonly journal: Journal.Service
  readonly committer: Committer
  readonly admission: Admission
  /** Forks what must end before the engine has closed. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly now: () => number
  /** Why a signal cannot be sent to a workflow, if so. */
  readonly refusal: (id: WorkflowId) => Effect.Effect<Option.Option<WorkflowNotFound | WorkflowEnded>, JournalError>
  /** Waits until those that were there when the engine started have been taken on. */
  readonly recovered: Effect.Effect<void>
  /** Waits until the engine closes. */
  readonly closed: Effect.Effect<void>
}

const lockLost = (error: JournalLocked): JournalError =>
  new JournalError({ message: `this engine has lost the journal: ${error.message}`, cause: error })

type End = Exit.Exit<Ended, JournalError>

/** An end that somebody waits for. It may be told before. */
class Awaited {
  private end: End | undefined
  private resume: (end: End) => void = () => {}

  tell(end: End): void {
    this.end ??= end
    this.resume(this.end)
  }

  /** For one to wait. */
  readonly wait: Effect.Effect<Ended, JournalError> = Effect.async((resume) => {
    if (this.end === undefined) this.resume = resume
    else resume(this.end)
  })
}

export const make = (
  { admission, closed, committer, fork, journal, now, recovered, refusal }: Options
): Calls => {
  const awaited = new Set<Awaited>()
  let lostTo: JournalError | undefined = undefined

  /**
   * A call that failed may be written all the same, with its answer lost; what it asked for is then done, as it would be
   * by the next engine.
   */
  const inDoubt = (id: string): Effect.Effect<void> =>
    Effect.gen(function*() {
      yield* committer.durable
      const row = yield* Effect.raceFirst(
        whenReadable(journal.workflow(id)),
        Effect.as(closed, Option.none<Journal.WorkflowRow>())
      )
      admission.signalled(id)
      // What is held goes on when somebody says so.
      if (!Option.exists(row, ({ status }) => status === "Pending" || status === "Running")) return
      yield* Effect.raceFirst(recovered, closed)
      yield* admission.admit(id)
    })

  const writing = <A>(
    id: string,
    write: Effect.Effect<A, JournalError | JournalLocked>
  ): Effect.Effect<A, JournalError> =>
    write.pipe(
      Effect.tapErrorTag("JournalError", () =>
        Effect.sync(() => {
          fork(inDoubt(id))
        })),
      Effect.catchTag("JournalLocked", (error) => lockLost(error))
    )

  return {
    lose: (error) => {
      lostTo = lockLost(error)
      for (const end of awaited) end.tell(Exit.fail(lostTo))
    },
    start: ({ id, name, payload }) =>
      Effect.suspend(() => {
        const row = Children.row({ id: Key.encode(id), name, payload, parent: null, createdAt: now() })
        return Effect.flatMap(writing(row.id, committer.create(row)), (found) => {
          if (Option.isSome(found)) return Option.getOrElse(conflict({ name, payload }, found.value), () => Effect.void)
          admission.start(row)
          return Effect.void
        })
      }),
    send: ({ name, payload, workflowId }) =>
      Effect.gen(function*() {
        const refused = yield* refusal(workflowId)
        if (Option.isSome(refused)) return yield* refused.value
        const id = Key.encode(workflowId)
        const signal = { workflowId: id, name, payload, at: now() }
        yield* writing(id, committer.send(signal))
        admission.signalled(id)
      }),
    ended: (id) =>
      Effect.suspend(() => {
        const workflowId = Key.encode(id)
        const end = new Awaited()
        const unwatch = admission.endings.watch(workflowId, (ended) => {
          end.tell(Exit.succeed(ended))
        })
        awaited.add(end)
        const wait = Effect.suspend(() => lostTo ?? end.wait)
        const recorded = Effect.flatMap(
          existing(journal, id),
          (row) => Option.isNone(endOf(row)) ? Effect.succeedNone : endUnlessRetried(journal, id)
        )
        return Effect.ensuring(
          admission.isToEnd(workflowId)
            ? wait
            : Effect.flatMap(recorded, Option.match({ onNone: () => wait, onSome: Effect.succeed })),
          Effect.sync(() => {
            unwatch()
            awaited.delete(end)
          })
        )
      })
  }
}
