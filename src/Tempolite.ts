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
}

/**
 * Runs the workflows of a journal in this process: at most one engine does so at a time. Unfinished workflows continue
 * as soon as their layers are built. When the scope closes, activities end within `closeGrace`, no compensation runs,
 * and the workflows go on at the next start.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<Tempolite, JournalError | JournalLocked, Journal> =>
  Layer.scoped(
    Tempolite,
    Effect.gen(function*() {
      const journal = yield* Journal
      const engine = yield* Engine.make(journal, {
        closeGrace: Duration.decode(options.closeGrace ?? "5 seconds")
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
  Effect.map(Journal, (journal): Service => Client.make(journal, Client.remote(journal)))
)
