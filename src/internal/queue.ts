/**
 * The queues that definitions name, which a workflow's layer finds in the services around it.
 */
import type * as Context from "effect/Context"
import * as Predicate from "effect/Predicate"

/** On the opaque service of a definition: the queues that it needs. */
export const QueuesTypeId: unique symbol = Symbol("tempolite/queues")

/** A service that needs queues. */
export interface Queued {
  readonly [QueuesTypeId]: ReadonlySet<string>
}

const isQueued = (service: unknown): service is Queued => Predicate.hasProperty(service, QueuesTypeId)

/** The name of a queue, if there is one, as those that are needed. */
export const named = (queue: string | undefined): ReadonlySet<string> => new Set(queue === undefined ? [] : [queue])

/** Those that the services of `context` need. */
export const around = (context: Context.Context<never>): ReadonlySet<string> =>
  new Set([...context.unsafeMap.values()].filter(isQueued).flatMap((service) => [...service[QueuesTypeId]]))
