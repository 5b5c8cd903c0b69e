/**
 * A journal in memory that keeps every batch that was committed, so that each state which a crash may leave can be made
 * again.
 */
import { Context, Effect, Either, Layer, Option } from "effect"
import { Journal } from "../../src/index.ts"
import { empty } from "./journalRows.ts"

/** One commit, and when it was made. What clients write, but for requests, is kept in the same form. */
export interface Commit {
  readonly at: number
  readonly batch: Journal.Batch
}

export interface RecordingJournal {
  readonly service: Journal.Service
  /** Every commit from the first on, those of the past included. */
  readonly commits: Array<Commit>
}

/**
 * A journal that holds `past`, and records what is committed from now on. Each commit takes the time that `latency` says
 * for its number, and is lost if the process ends before.
 */
export const make = (
  past: ReadonlyArray<Commit>,
  latency: (commit: number) => number = () => 0
): Effect.Effect<RecordingJournal> =>
  Effect.gen(function*() {
    // A fresh memory for each: layers are shared within one build only.
    const inner = Context.get(yield* Effect.scoped(Layer.build(Layer.fresh(Journal.layerMemory))), Journal.Journal)
    yield* Effect.scoped(Effect.gen(function*() {
      const lease = yield* Effect.orDie(inner.acquire(1))
      for (const { batch } of past) yield* Effect.orDie(inner.commit(lease, batch))
    }))
    const commits = [...past]
    const record = (batch: Journal.Batch) =>
      Effect.map(Effect.clock, (clock) => {
        commits.push({ at: clock.unsafeCurrentTimeMillis(), batch })
      })
    return {
      commits,
      service: {
        ...inner,
        // Nobody else wants the lease, and its renewal would be most of what happens in virtual time.
        renew: () => Effect.never,
        commit: (lease, batch) =>
          Effect.suspend(() => {
            const millis = latency(commits.length)
            return millis === 0 ? Effect.void : Effect.sleep(millis)
          }).pipe(
            Effect.zipRight(inner.commit(lease, batch)),
            Effect.tap(() => record(batch))
          ),
        submit: (request, created) =>
          Effect.tap(inner.submit(request, created), (answer) =>
            Option.isSome(created) && Either.isRight(answer)
              ? record({ ...empty, created: [created.value.workflow], steps: created.value.steps })
              : Effect.void),
        send: (signal) =>
          Effect.tap(inner.send(signal), (row) =>
            Option.exists(row, ({ status }) =>
                !["Completed", "Failed", "Cancelled"].includes(status))
              ? record({ ...empty, signals: [signal] })
              : Effect.void)
      }
    }
  })

/** The rows of a workflow and of all others, in a form that is the same for what must be the same. */
export const snapshot = (journal: Journal.Service, ids: ReadonlyArray<string>): Effect.Effect<unknown> =>
  Effect.forEach(ids, (id) =>
    Effect.map(Effect.orDie(journal.history(id)), (history) =>
      Option.match(history, {
        onNone: () => ({ id, missing: true }),
        onSome: ({ executions, signals, steps, workflow }) => ({
          workflow: { ...workflow, createdAt: 0, startedAt: 0 },
          executions: executions.map(({ attempt, error, finishedAt, status }) => ({
            attempt,
            error,
            finishedAt,
            status
          })),
          // Attempts differ where one was lost; what was asked, its outcome and its place in the order do not.
          steps: steps.map(({ attempts: _, firstAttempt: __, outcome, ...row }) => ({
            ...row,
            outcome: outcome?.replace(/("ActivityTimeout".*)?"attempt":\d+/, "$1") ?? null
          }))
            .sort((x, y) => x.path < y.path ? -1 : 1),
          signals: signals.map(({ name, payload }) => ({ name, payload }))
        })
      })))
