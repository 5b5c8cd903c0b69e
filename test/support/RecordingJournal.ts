/**
 * A journal in memory that keeps every batch that was committed, so that each state which a crash may leave can be made
 * again.
 */
import { Context, Effect, Layer, Option } from "effect"
import { Journal } from "../../src/index.ts"

/** One commit, and when it was made. */
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
            Effect.tap(() =>
              Effect.map(Effect.clock, (clock) => {
                commits.push({ at: clock.unsafeCurrentTimeMillis(), batch })
              })
            )
          )
      }
    }
  })

/** The rows of a workflow and of all others, in a form that is the same for what must be the same. */
export const snapshot = (journal: Journal.Service, ids: ReadonlyArray<string>): Effect.Effect<unknown> =>
  Effect.forEach(ids, (id) =>
    Effect.map(Effect.orDie(journal.history(id)), (history) =>
      Option.match(history, {
        onNone: () => ({ id, missing: true }),
        onSome: ({ executions, steps, workflow }) => ({
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
            .sort((x, y) => x.path < y.path ? -1 : 1)
        })
      })))
