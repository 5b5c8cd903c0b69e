/**
 * Everything that the engine writes goes through here, in one order. What is put while a commit is under way becomes
 * durable together in the next one (group commit); of several rows with the same identity only the last is written.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { JournalError, JournalLocked } from "../Errors.ts"
import type * as Journal from "../Journal.ts"
import { backoff } from "./backoff.ts"
import { gatherAfter } from "./breathe.ts"
import { Wake } from "./wake.ts"

/** Rows to be written together. */
export interface Rows {
  readonly workflow?: Journal.WorkflowRow
  readonly execution?: Journal.WorkflowExecutionRow
  readonly steps?: ReadonlyArray<Journal.StepRow>
  readonly stepExecutions?: ReadonlyArray<Journal.StepExecutionRow>
  /** What the last of `steps` sends. */
  readonly signals?: ReadonlyArray<Journal.Sent>
  /** The id of a signal that was taken. */
  readonly taken?: number
  /** A generation that is over. */
  readonly over?: { readonly workflowId: string; readonly generation: number }
  readonly handled?: number
}

export interface Committer {
  /**
   * Queues rows. They become durable in the order of the calls, and those of one call together. `whenDurable` is called,
   * later, once they and all before them are; never once the lease is lost.
   */
  readonly put: (rows: Rows, whenDurable?: () => void) => void
  /** Waits until everything that was put before is durable. Never returns once the lease is lost. */
  readonly durable: Effect.Effect<void>
  /** Creates a workflow; answers with the row that has its id already. Fails with the first fault of the journal. */
  readonly create: (
    row: Journal.WorkflowRow
  ) => Effect.Effect<Option.Option<Journal.WorkflowRow>, JournalError | JournalLocked>
  /** Appends a signal to the buffer of its workflow; returns once it is durable, or with the first fault of the journal. */
  readonly send: (signal: Journal.Sent) => Effect.Effect<void, JournalError | JournalLocked>
  /** Waits until another engine has taken the lease. Nothing is written from then on. */
  readonly lost: Effect.Effect<JournalLocked>
  /** Says that another engine has it. */
  readonly lose: (error: JournalLocked) => void
}

interface Creation {
  readonly row: Journal.WorkflowRow
  readonly done: (existing: Exit.Exit<Option.Option<Journal.WorkflowRow>, JournalError | JournalLocked>) => void
}

/** A signal that a client waits for. */
interface Sending {
  readonly signal: Journal.Sent
  readonly done: (sent: Exit.Exit<void, JournalError | JournalLocked>) => void
}

/** A signal that a step has sent. */
interface SentByStep {
  readonly signal: Journal.Sent
  readonly sender: Journal.StepRow | undefined
}

/** What will be one commit. The maps are keyed by what identifies a row. */
class Pending {
  readonly created = new Map<string, Array<Creation>>()
  readonly workflows = new Map<string, Journal.WorkflowRow>()
  readonly executions = new Map<string, Journal.WorkflowExecutionRow>()
  readonly steps = new Map<string, Journal.StepRow>()
  readonly stepExecutions = new Map<string, Journal.StepExecutionRow>()
  signals: Array<SentByStep> = []
  readonly sending: Array<Sending> = []
  readonly taken: Array<number> = []
  readonly over: Array<{ readonly workflowId: string; readonly generation: number }> = []
  readonly handled = new Set<number>()
  private readonly waiting: Array<() => void> = []

  add(rows: Rows): void {
    if (rows.workflow !== undefined) this.workflows.set(rows.workflow.id, rows.workflow)
    const { execution } = rows
    if (execution !== undefined) {
      this.executions.set(`${execution.attempt} ${execution.generation} ${execution.workflowId}`, execution)
    }
    for (const step of rows.steps ?? []) this.steps.set(identity(step), step)
    for (const attempt of rows.stepExecutions ?? []) {
      this.stepExecutions.set(`${attempt.attempt} ${identity(attempt)}`, attempt)
    }
    for (const signal of rows.signals ?? []) this.signals.push({ signal, sender: rows.steps?.at(-1) })
    if (rows.taken !== undefined) this.taken.push(rows.taken)
    if (rows.over !== undefined) this.over.push(rows.over)
    if (rows.handled !== undefined) this.handled.add(rows.handled)
  }

  create(creation: Creation): void {
    const same = this.created.get(creation.row.id)
    if (same === undefined) this.created.set(creation.row.id, [creation])
    else same.push(creation)
  }

  batch(): Journal.Batch {
    return {
      // What is written by the way is there already.
      created: [...this.created].flatMap(([id, [first]]) => first && !this.workflows.has(id) ? [first.row] : []),
      workflows: [...this.workflows.values()],
      executions: [...this.executions.values()],
      steps: [...this.steps.values()],
      stepExecutions: [...this.stepExecutions.values()],
      signals: [...this.signals, ...this.sending].map(({ signal }) => signal),
      taken: this.taken,
      over: this.over,
      handled: [...this.handled]
    }
  }

  /** Returns once it is written. */
  readonly done: Effect.Effect<void> = Effect.async((resume) => {
    this.whenWritten(() => {
      resume(Effect.void)
    })
  })

  whenWritten(go: () => void): void {
    this.waiting.push(go)
  }

  written(): void {
    for (const go of this.waiting) go()
  }

  /** Answers those who wait. Of several creations of one id only the first can be the one that made it. */
  answer(existing: ReadonlyArray<Journal.WorkflowRow>): void {
    for (const { done } of this.sending) done(Exit.void)
    const found = new Map(existing.map((row) => [row.id, row]))
    for (const [id, creations] of this.created) {
      creations.forEach((creation, index) => {
        const row = this.workflows.get(id) ?? found.get(id) ?? (index === 0 ? undefined : creations[0]?.row)
        creation.done(Exit.succeed(Option.fromNullable(row)))
      })
    }
  }

  /** Takes out what clients wait for: a call fails rather than wait for the journal to come back. */
  refuse(error: JournalError | JournalLocked): void {
    for (const { done } of this.sending.splice(0)) done(Exit.fail(error))
    for (const { done } of [...this.created.values()].flat()) done(Exit.fail(error))
    this.created.clear()
  }

  get isEmpty(): boolean {
    return this.created.size + this.workflows.size + this.executions.size + this.steps.size +
        this.stepExecutions.size + this.signals.length + this.sending.length + this.taken.length + this.over.length +
        this.handled.size === 0
  }
}

const identity = (row: { readonly workflowId: string; readonly generation: number; readonly path: string }): string =>
  `${row.generation} ${row.workflowId.length} ${row.workflowId}${row.path}`

/**
 * Runs until its scope closes; what was put before is then written, or given up when the journal fails.
 */
export const make = (
  journal: Journal.Service,
  lease: Journal.Lease
): Effect.Effect<Committer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const work = new Wake()
    const lost = yield* Deferred.make<JournalLocked>()
    let pending = new Pending()
    let writing: Pending | undefined = undefined
    /** Nothing is written any more, and nobody may think that it was. */
    let isLost = false

    /** Whether a step's outcome is on record. */
    const isRecorded = ({ generation, path, seq, workflowId }: Journal.StepRow) =>
      Effect.gen(function*() {
        const row = yield* journal.workflow(workflowId)
        // The steps of a generation that is over are forgotten.
        if (Option.exists(row, (row) => row.generation > generation)) return true
        const { steps } = yield* journal.recorded(workflowId, generation)
        return steps.some((step) => step.path === path && step.seq === seq)
      })

    /**
     * A commit that failed may be written all the same, with its answer lost. To write a row again changes nothing; a
     * signal would be sent twice.
     */
    const withoutSent = (batch: Pending) =>
      Effect.filter(
        batch.signals,
        ({ sender }) => sender === undefined ? Effect.succeed(true) : Effect.negate(isRecorded(sender))
      ).pipe(Effect.map((signals) => {
        batch.signals = signals
      }))

    const commit = (batch: Pending): Effect.Effect<void, JournalError | JournalLocked> =>
      Effect.map(journal.commit(lease, batch.batch()), (existing) => {
        batch.answer(existing)
      })

    /** What is done about a commit that failed: it is repeated for as long as that takes. */
    const repeated = (batch: Pending, first: JournalError): Effect.Effect<void, JournalError | JournalLocked> => {
      const failed = (error: JournalError) =>
        Effect.zipRight(
          Effect.sync(() => {
            batch.refuse(error)
          }),
          Effect.logError("tempolite: a commit failed; the workflows wait until it succeeds", error)
        )
      let attempt: Effect.Effect<void, JournalError | JournalLocked> = Effect.fail(first)
      return Effect.suspend(() => attempt).pipe(
        Effect.tapErrorTag("JournalError", failed),
        Effect.tapError(() =>
          Effect.sync(() => {
            attempt = Effect.zipRight(
              withoutSent(batch),
              Effect.suspend(() => batch.isEmpty ? Effect.void : Effect.uninterruptible(commit(batch)))
            )
          })
        ),
        Effect.retry({ schedule: backoff, while: (error) => error._tag === "JournalError" })
      )
    }

    const failed = (batch: Pending, error: JournalError | JournalLocked): Effect.Effect<void> =>
      // Apart, since a schedule costs as much as a commit.
      Effect.catchAll(error._tag === "JournalError" ? repeated(batch, error) : error, (error) =>
        // The backoff has no end: what is left is the lock.
        Effect.sync(() => {
          batch.refuse(error)
          if (error._tag === "JournalLocked") Deferred.unsafeDone(lost, Exit.succeed(error))
          isLost = true
        }))

    const writePending = (): Effect.Effect<void> => {
      work.reset()
      const batch = pending
      pending = new Pending()
      writing = batch
      const done = () => {
        if (!isLost) batch.written()
        writing = undefined
      }
      if (batch.isEmpty) return Effect.sync(done)
      return Effect.matchEffect(Effect.uninterruptible(commit(batch)), {
        onFailure: (error) => Effect.map(failed(batch, error), done),
        onSuccess: () => Effect.sync(done)
      })
    }
    // Whatever happens in this turn of the host shares the commit.
    const turn = Effect.flatMap(gatherAfter(work, clock), writePending)
    yield* Effect.forkScoped(Effect.whileLoop({ while: () => true, body: () => turn, step: () => {} }))

    return {
      put: (rows, whenDurable) => {
        pending.add(rows)
        if (whenDurable !== undefined) pending.whenWritten(whenDurable)
        work.ring()
      },
      durable: Effect.suspend(() => {
        if (isLost) return Effect.never
        if (!pending.isEmpty) return pending.done
        return writing === undefined ? Effect.void : writing.done
      }),
      create: (row) =>
        Effect.async((done) => {
          pending.create({ row, done })
          work.ring()
        }),
      send: (signal) =>
        Effect.async((done) => {
          pending.sending.push({ signal, done })
          work.ring()
        }),
      lost: Deferred.await(lost),
      lose: (error) => {
        Deferred.unsafeDone(lost, Exit.succeed(error))
      }
    }
  })
