/**
 * What the laws of `Journal` are told with.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Journal from "../../src/Journal.ts"
import { empty } from "../support/journalRows.ts"

export const leaseMillis = 10_000

/** Tells one law, on a journal of its own. */
export type Test = <A, E>(law: string, effect: Effect.Effect<A, E, Journal.Journal | Scope.Scope>) => void

/** The journal, and how to commit to it. */
export const held = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  const lease = yield* journal.acquire(leaseMillis)
  return { journal, commit: (batch: Partial<Journal.Batch>) => journal.commit(lease, { ...empty, ...batch }) }
})
