/**
 * Two journals that are asked the same: whatever an engine asks of one, the other is asked too, and must answer alike; and
 * after each commit both must hold the same rows.
 */
import { Effect, Either, Option } from "effect"
import { isDeepStrictEqual } from "node:util"
import type { Journal } from "../../src/index.ts"
import { everything } from "../support/journalRows.ts"

export interface Mirror {
  /** Answers what the second journal answers. */
  readonly service: Journal.Service
  /** In what they differed. */
  readonly differences: ReadonlyArray<string>
  /** How many commits both have taken, and how many answers of theirs were compared. */
  readonly counts: { readonly commits: number; readonly answers: number }
}

/** All that a journal holds of these workflows, and of the order of all. */
const snapshot = (journal: Journal.Service, ids: ReadonlyArray<string>) =>
  Effect.all({
    list: journal.list({ filter: everything, after: 0, limit: 1_000 }),
    changed: journal.changed({ after: 0, limit: 1_000 }),
    lastChange: journal.lastChange,
    requests: journal.requests,
    histories: Effect.forEach(ids, (id) => Effect.all([journal.history(id), journal.children(id)]))
  })

const byId = (rows: ReadonlyArray<Journal.WorkflowRow>) => [...rows].sort((one, other) => one.id < other.id ? -1 : 1)

const shown = (value: unknown): string => JSON.stringify(value, null, 1)

export const make = (first: Journal.Service, second: Journal.Service): Mirror => {
  const differences: Array<string> = []
  const ids = new Set<string>()
  const leases = new Map<number, Journal.Lease>()
  const counts = { commits: 0, answers: 0 }

  /** Asks both; what the second answers counts. An error is known by its name: each journal has words of its own. */
  const both = <A, E extends { readonly _tag: string }>(
    what: string,
    ask: (journal: Journal.Service) => Effect.Effect<A, E>,
    canonical: (answer: A) => unknown = (answer) => answer
  ): Effect.Effect<A, E> =>
    Effect.uninterruptible(Effect.gen(function*() {
      const [one, other] = yield* Effect.all([Effect.either(ask(first)), Effect.either(ask(second))])
      counts.answers++
      const [was, is] = [one, other].map((answer) =>
        Either.match(answer, { onLeft: (error): unknown => error._tag, onRight: canonical })
      )
      if (!isDeepStrictEqual(was, is)) {
        differences.push(`${what} after ${counts.commits} commits: ${shown(was)} and ${shown(is)}`)
      }
      return yield* other
    }))

  const compareAll = Effect.suspend(() => both("all", (journal) => snapshot(journal, [...ids])))
  const compared = <A, E>(self: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.tap(self, () => Effect.ignore(compareAll))

  const service: Journal.Service = {
    acquire: (leaseMillis) =>
      Effect.gen(function*() {
        const lease = yield* first.acquire(leaseMillis)
        leases.set(lease.token, yield* Effect.orDie(second.acquire(leaseMillis)))
        return lease
      }),
    renew: first.renew,
    commit: (lease, batch) => {
      for (const { id } of [...batch.created, ...batch.workflows]) ids.add(id)
      return compared(Effect.tap(
        both(
          "commit",
          (journal) => journal.commit(journal === first ? lease : leases.get(lease.token) ?? lease, batch),
          byId
        ),
        () => {
          counts.commits++
          return Effect.void
        }
      ))
    },
    submit: (request, created) => {
      Option.map(created, ({ workflow }) => ids.add(workflow.id))
      return compared(both("submit", (journal) => journal.submit(request, created)))
    },
    send: (signal) => compared(both("send", (journal) => journal.send(signal))),
    requests: Effect.suspend(() => both("requests", (journal) => journal.requests)),
    requested: first.requested,
    committed: first.committed,
    workflow: (id) => both(`workflow ${id}`, (journal) => journal.workflow(id)),
    list: (options) => both("list", (journal) => journal.list(options)),
    changed: (options) => both("changed", (journal) => journal.changed(options)),
    asleep: (options) => both("asleep", (journal) => journal.asleep(options)),
    lastChange: Effect.suspend(() => both("lastChange", (journal) => journal.lastChange)),
    children: (id) => both(`children ${id}`, (journal) => journal.children(id)),
    recorded: (id, generation) => both(`recorded ${id}`, (journal) => journal.recorded(id, generation)),
    history: (id) => both(`history ${id}`, (journal) => journal.history(id)),
    signals: (id, after) => both(`signals ${id}`, (journal) => journal.signals(id, after)),
    prune: (options) => compared(both("prune", (journal) => journal.prune(options)))
  }
  return { service, differences, counts }
}
