/**
 * The engine and its client.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Service, Tempolite } from "./Engine.ts"
import * as Client from "./engine/client.ts"
import * as Engine from "./engine/engine.ts"
import * as Queues from "./engine/queues.ts"
import * as Remote from "./engine/remote.ts"
import type { JournalError, JournalLocked } from "./Errors.ts"
import { Journal } from "./Journal.ts"

export {
  /**
   * The engine of this process, or its client.
   *
   * @since 0.1.0
   * @category tags
   */
  Tempolite
} from "./Engine.ts"
export type { Service } from "./Engine.ts"

/**
 * Options of the engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How long activities that run may go on when the engine closes; then they are interrupted, recorded as lost, and run
   * again at the next start. Five seconds by default.
   */
  readonly closeGrace?: Duration.DurationInput
  /** How many attempts of activities run at once, over all queues. Unbounded by default. */
  readonly concurrency?: number
  /**
   * How long a workflow that waits for a timer, a signal or a sub-workflow, and has no activity running, stays in memory:
   * then it leaves, and comes back by a replay of its body when it is due. Ten seconds by default; where more than a
   * thousand wait, those that have waited longest leave before. `Duration.infinity` keeps all. Finalizers of a body run
   * whenever it leaves, as they do when the engine closes. Who sleeps, or waits for a signal, for longer than six times
   * this is forgotten meanwhile: the journal knows it, and an engine that starts does not replay it.
   *
   * @since 0.2.0
   */
  readonly parkAfter?: Duration.DurationInput
  /** The queues that the `queue` of workflows and activities names. */
  readonly queues?: Readonly<Record<string, QueueOptions>>
  /**
   * When a body is replayed from its first line: when `needed` (the default), which is after a restart; or `always`,
   * whenever it has waited. Slow, and made for tests: a body that would not survive a replay is suspended at once, with
   * the reason, rather than after the first crash in production.
   *
   * @since 0.2.0
   */
  readonly replay?: "always" | "needed"
}

/**
 * A bound for what names the queue: workflows, from their start to their end, and attempts of activities. First come,
 * first served; a sub-workflow, or an activity, may use the place of a workflow above it, which waits for it.
 *
 * @since 0.2.0
 * @category models
 */
export interface QueueOptions {
  /** How many run at once. Unbounded by default. */
  readonly concurrency?: number
  /** How many start in any span of this length, counted from the start of the engine. */
  readonly rate?: { readonly limit: number; readonly per: Duration.DurationInput }
}

const queueOf = ({ concurrency = Number.POSITIVE_INFINITY, rate }: QueueOptions): Queues.QueueOptions => ({
  concurrency,
  ...(rate === undefined ? {} : { rate: { limit: rate.limit, per: Duration.decode(rate.per) } })
})

/**
 * Runs the workflows of a journal in this process: at most one engine does so at a time. Unfinished workflows continue as
 * soon as their layers are built. When the scope closes, activities end within `closeGrace`, no compensation runs, and
 * the workflows go on at the next start. Dies with `InvalidQueue` if a queue cannot work.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<Tempolite, JournalError | JournalLocked, Journal> =>
  Layer.scoped(
    Tempolite,
    Effect.gen(function*() {
      const journal = yield* Journal
      const concurrency = options.concurrency ?? Number.POSITIVE_INFINITY
      const queues = new Map(
        Object.entries(options.queues ?? {}).map(([name, queue]) => [name, queueOf(queue)] as const)
      )
      for (const [name, queue] of [["concurrency", { concurrency }] as const, ...queues]) {
        const fault = Queues.invalid(name, queue)
        if (fault !== undefined) return yield* Effect.die(fault)
      }
      const engine = yield* Engine.make(journal, {
        closeGrace: Duration.decode(options.closeGrace ?? "5 seconds"),
        concurrency,
        queues,
        parkAfter: Duration.decode(options.parkAfter ?? "10 seconds"),
        replaysAlways: options.replay === "always"
      })
      return Client.make(journal, engine)
    })
  )

/**
 * Starts, watches and cancels workflows that the engine of another process runs (or will run) on the same journal.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient: Layer.Layer<Tempolite, JournalError, Journal> = Layer.effect(
  Tempolite,
  Effect.map(Journal, (journal): Service => Client.make(journal, Remote.make(journal)))
)
