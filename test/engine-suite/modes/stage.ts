/**
 * One run of a test: what is to go wrong in it, unseen by the test, and what was found in it.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type { Journal, Tempolite } from "../../../src/index.ts"
import * as Invariants from "../../../src/internal/invariants.ts"
import { Calls } from "./calls.ts"

/**
 * What befalls a write: the process dies just before it, or just after it; or it is written, and fails all the same.
 */
export type Fault = "crash before" | "crash after" | "answer lost"

/** What is to go wrong: with the `at`-th write, from 1. */
export interface Plan {
  readonly fault?: { readonly what: Fault; readonly at: number }
  /** Of the engines. */
  readonly options?: Tempolite.Options
}

export class Stage {
  readonly plan: Plan
  /** How many commits there were. */
  commits = 0
  /** How many of them the fault has seen. */
  private writes = 0
  /** Whether the fault has come. */
  hasStruck = false
  /** How many engines are about to be started again. */
  restarting = 0
  /** Clears away what processes that died have left. */
  readonly remains: Array<Effect.Effect<void>> = []
  /** Fails with what must not be. */
  readonly violated = Deferred.unsafeMake<never, Cause.RuntimeException>(FiberId.none)
  readonly calls = new Calls((what) => {
    this.object([what])
  })

  constructor(plan: Plan) {
    this.plan = plan
  }

  /** Whether it is only the fault that an engine says this of. */
  isOfFault(message: string): boolean {
    return this.plan.fault?.what === "answer lost" && message.startsWith("tempolite: a commit failed")
  }

  /** Counts a write; what befalls it. */
  strike(): Fault | undefined {
    this.writes++
    const { fault } = this.plan
    if (fault === undefined || fault.at !== this.writes) return undefined
    this.hasStruck = true
    return fault.what
  }

  /** Clears away what goes on without end. */
  readonly clear: Effect.Effect<void> = Effect.suspend(() => {
    this.calls.end()
    return Effect.all(this.remains.splice(0), { discard: true })
  })

  object(violations: ReadonlyArray<string>): void {
    if (violations.length === 0) return
    Deferred.unsafeDone(this.violated, Effect.fail(new Cause.RuntimeException(violations.join("\n"))))
  }
}

/** The run that takes place; undisturbed where nobody says otherwise. */
export class Current extends Context.Reference<Current>()("test/Stage", { defaultValue: () => new Stage({}) }) {}

/** The workflows that a batch changes. */
const touched = (batch: Journal.Batch): ReadonlySet<string> =>
  new Set([
    ...[...batch.created, ...batch.workflows].map(({ id }) => id),
    ...[...batch.executions, ...batch.steps, ...batch.stepExecutions, ...batch.signals, ...batch.over].map(
      ({ workflowId }) => workflowId
    )
  ])

/** How many commits of a run are looked at: to read what there is costs more with each. */
const watchedMax = 300

/** The journal, of which each commit is looked at. What is seen of it does not show the attempts that only faults made. */
export const watched = (journal: Journal.Service): Effect.Effect<Journal.Service> =>
  Effect.map(Current, (stage) => ({
    ...journal,
    history: (id) => Effect.map(journal.history(id), Option.map((history) => stage.calls.view(history))),
    commit: (lease, batch) =>
      Effect.gen(function*() {
        const ids = stage.commits++ < watchedMax ? touched(batch) : new Set<string>()
        const read = Effect.forEach(ids, (id) => Effect.orDie(journal.history(id)))
        const before = yield* read
        const existing = yield* journal.commit(lease, batch)
        const after = yield* read
        after.forEach((history, index) => {
          if (Option.isNone(history)) return
          const was = before[index] ?? Option.none()
          const violations = [
            ...Invariants.ofHistory(history.value),
            ...Option.match(was, { onNone: () => [], onSome: (was) => Invariants.ofChange(was, history.value) })
          ]
          stage.object(
            violations.map(({ law, message, path, workflowId }) => `${law}: ${workflowId} ${path ?? ""}: ${message}`)
          )
        })
        stage.calls.written(batch, existing)
        return existing
      })
  }))
