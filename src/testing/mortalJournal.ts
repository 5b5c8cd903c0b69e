/**
 * A journal as one process has it, until the process dies.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { JournalError, JournalLocked } from "../Errors.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../JournalModel.ts"

/** Where a process dies: just before, or just after, what it commits as the `commit`-th, from 1. */
export interface CrashPoint {
  readonly when: "before" | "after"
  readonly commit: number
}

/** What was written at once. What clients write is kept in the same form. */
export type Write = Partial<Journal.Batch> & { readonly request?: Omit<Journal.RequestRow, "id"> }

/** What the journal holds, as far as it matters while processes run. */
export class Witness {
  private readonly rows = new Map<string, Journal.WorkflowRow>()

  see({ created = [], workflows = [] }: Write): void {
    for (const row of created) if (!this.rows.has(row.id)) this.rows.set(row.id, row)
    for (const row of workflows) this.rows.set(row.id, row)
  }

  hasEnded(id: string): boolean {
    const row = this.rows.get(id)
    return row !== undefined && isEnded(row.status)
  }

  get suspended(): ReadonlyArray<Journal.WorkflowRow> {
    return Array.from(this.rows.values()).filter(({ status }) => status === "Suspended")
  }
}

export interface Mortal {
  readonly service: Journal.Service
  /** What the process has written. */
  readonly writes: ReadonlyArray<Write>
  /** What it wrote last, or would have, once it is dead. */
  readonly fatal: () => Write | undefined
  /** Takes the lease from it, as from a process that is known to be dead. */
  readonly release: Effect.Effect<void>
  /** Answers to what it still asks: nothing of that is written. */
  readonly refuse: () => void
}

const dead = { holder: "nobody: the process has died" }
const locked = new JournalLocked(dead)
const lost = new JournalError({ message: "the process has died" })

export const make = (options: {
  readonly inner: Journal.Service
  readonly witness: Witness
  readonly crash: CrashPoint | undefined
  /** Called in the middle of the write that the process dies at. */
  readonly onDeath: () => void
}): Effect.Effect<Mortal> =>
  Effect.map(Scope.make(), (leased) => {
    const { crash, inner, onDeath, witness } = options
    const writes: Array<Write> = []
    const waiting = new Set<() => void>()
    let fatal: Write | undefined
    let refused = false

    /** Dies, and waits for an answer that comes when nobody needs it any more. */
    const die = <E>(write: Write, error: E): Effect.Effect<never, E> =>
      Effect.async((resume) => {
        fatal = write
        waiting.add(() => {
          resume(Effect.fail(error))
        })
        onDeath()
      })

    const writing = <A, E>(
      write: Write,
      error: E,
      self: Effect.Effect<A, E>,
      /** Whether it wrote anything, given the answer. */
      isWritten: (answer: A) => boolean = () => true
    ): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        if (refused || fatal !== undefined) return Effect.fail(error)
        const diesNow = crash?.commit === writes.length + 1 ? crash.when : undefined
        if (diesNow === "before") return die(write, error)
        return Effect.flatMap(self, (answer) => {
          if (!isWritten(answer)) return Effect.succeed(answer)
          writes.push(write)
          witness.see(write)
          return diesNow === "after" ? die(write, error) : Effect.succeed(answer)
        })
      })

    return {
      writes,
      fatal: () => fatal,
      // On a fiber of its own: who runs the finalizers of others keeps what their fibers had in their fiber refs, and a
      // thousand of these are slow.
      release: Effect.flatMap(Effect.forkDaemon(Scope.close(leased, Exit.void)), Fiber.await),
      refuse: () => {
        refused = true
        for (const answer of waiting) answer()
        waiting.clear()
      },
      service: {
        ...inner,
        acquire: (leaseMillis) => Scope.extend(inner.acquire(leaseMillis), leased),
        // It holds the lease for as long as it lives, however far time is moved.
        renew: () => Effect.async<void>(() => {}),
        commit: (lease, batch) => writing(batch, locked, inner.commit(lease, batch)),
        submit: (request, creation) => {
          const creations = Option.toArray(creation)
          return writing(
            {
              request,
              created: creations.map(({ workflow }) => workflow),
              steps: creations.flatMap(({ steps }) => steps)
            },
            lost,
            inner.submit(request, creation),
            Either.isRight
          )
        },
        send: (signal) =>
          writing(
            { signals: [signal] },
            lost,
            inner.send(signal),
            Option.exists(({ status }) => !isEnded(status))
          ),
        prune: (pruned) => writing({}, lost, inner.prune(pruned), (count) => count > 0)
      }
    }
  })
