/**
 * A journal that looks, after each commit, whether the rows of every workflow in it keep the laws.
 */
import { Effect, Option } from "effect"
import type { Journal } from "../../src/index.ts"
import * as Invariants from "../../src/internal/invariants.ts"

interface LawfulJournal {
  readonly service: Journal.Service
  /** What was broken, and after how many commits. */
  readonly broken: ReadonlyArray<string>
}

const idsOf = (batch: Journal.Batch): ReadonlySet<string> =>
  new Set([
    ...[...batch.created, ...batch.workflows].map(({ id }) => id),
    ...[...batch.executions, ...batch.steps, ...batch.stepExecutions, ...batch.signals, ...batch.over]
      .map(({ workflowId }) => workflowId)
  ])

/**
 * Bodies here undo the step `x` with the step `u-x`, so they can be held to what rows alone do not tell: that only what was
 * done is undone, and, where one code has run all of it, in the reverse order of the outcomes.
 */
const undoneInReverse = ({ steps }: Journal.History): ReadonlyArray<string> => {
  const places = new Map(steps.map(({ path, seq }) => [path, seq]))
  const last = new Map<string, number>()
  return steps.filter(({ seq, undo }) => undo && seq !== null)
    .sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0))
    .flatMap(({ path }) => {
      const [, saga = "", key = ""] = /^(.*\/)?u-([^/]+)$/.exec(path) ?? []
      const place = places.get(`${saga}${key}`)
      if (place === undefined) return []
      if (place === null) return [`${path} has undone what was not done`]
      const before = last.get(saga) ?? Infinity
      last.set(saga, place)
      return place < before ? [] : [`${path} has undone what was done after that which was undone before`]
    })
}

/** Where one code has run all of it, no step is left in the middle. */
const leftInTheMiddle = ({ steps, workflow }: Journal.History): ReadonlyArray<string> =>
  workflow.finishedAt === null
    ? []
    : steps.flatMap(({ path, status }) =>
      ["Running", "Waiting", "Retrying", "Compensating"].includes(status)
        ? [`${path} is ${status}, and the workflow has ended`]
        : []
    )

/** `past` has written what the journal holds already, maybe by other code. */
export const make = (journal: Journal.Service, past: ReadonlyArray<Journal.Batch>): Effect.Effect<LawfulJournal> =>
  Effect.gen(function*() {
    const seen = new Map<string, Journal.History>()
    const broken: Array<string> = []
    let commits = past.length
    const look = (ids: Iterable<string>) =>
      Effect.forEach(ids, (id) =>
        Effect.map(Effect.orDie(journal.history(id)), (found) => {
          if (Option.isNone(found)) return
          const [before, history] = [seen.get(id), found.value]
          seen.set(id, history)
          const violations = [
            ...Invariants.ofHistory(history),
            ...before === undefined ? [] : Invariants.ofChange(before, history)
          ]
          const faults = [
            ...violations.map(({ law, message, path }) => `${path === null ? "" : `${path}: `}${message} (${law})`),
            ...past.length > 0 ? [] : [...undoneInReverse(history), ...leftInTheMiddle(history)]
          ]
          broken.push(...faults.map((fault) => `${id}, after ${commits} commits: ${fault}`))
        }), { discard: true })
    yield* look(new Set(past.flatMap((batch) => [...idsOf(batch)])))
    return {
      broken,
      service: {
        ...journal,
        commit: (lease, batch) =>
          Effect.tap(journal.commit(lease, batch), () => {
            commits++
            return look(idsOf(batch))
          })
      }
    }
  })
