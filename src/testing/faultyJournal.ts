/**
 * A journal that fails as it is told.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { JournalError } from "../Errors.ts"
import * as Journal from "../Journal.ts"

/**
 * What happens to a write: nothing is written, and it fails; it is written, and fails; it takes longer.
 *
 * @since 0.2.0
 * @category models
 */
export type Fault = "fail" | "fail after commit" | { readonly delay: Duration.DurationInput }

/**
 * A fault, and when it comes. Repetitions of a call that failed are calls, too.
 *
 * @since 0.2.0
 * @category models
 */
export interface JournalFault {
  /** Commits are what an engine writes (the default); clients without an engine submit requests and send signals. */
  readonly on?: "commit" | "submit" | "send"
  /** The number of the call, of its kind and from 1 on; or how likely each call is hit, by a generator with a seed. */
  readonly at: number | { readonly probability: number; readonly seed: string | number }
  readonly fault: Fault
}

/**
 * A fault that came.
 *
 * @since 0.2.0
 * @category models
 */
export interface Injected {
  readonly on: "commit" | "submit" | "send"
  readonly call: number
  readonly fault: Fault
}

/** Decides for each call, in their order. */
const chooser = ({ at }: JournalFault): (call: number) => Effect.Effect<boolean> => {
  if (typeof at === "number") return (call) => Effect.succeed(call === at)
  const random = Random.make(at.seed)
  return () => Effect.map(random.next, (drawn) => drawn < at.probability)
}

const inject = <A, E>(
  fault: Fault,
  { call, on }: Injected,
  self: Effect.Effect<A, E>
): Effect.Effect<A, E | JournalError> => {
  const error = (what: string) => new JournalError({ message: `injected: ${on} ${call} ${what}` })
  switch (fault) {
    case "fail":
      return error("failed, and nothing was written")
    case "fail after commit":
      return Effect.zipRight(self, error("was written, and failed"))
    default:
      return Effect.delay(self, fault.delay)
  }
}

/**
 * The journal below it, with faults. An engine repeats what failed, and its workflows notice nothing; a client sees a
 * `JournalError`.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Journal } from "tempolite"
 * import { Testing } from "tempolite/testing"
 *
 * const JournalLive = Testing.faultyJournal([
 *   { at: 3, fault: "fail after commit" },
 *   { at: { probability: 0.05, seed: 1 }, fault: { delay: "10 seconds" } }
 * ]).pipe(Layer.provide(Journal.layerMemory))
 * ```
 *
 * @since 0.2.0
 * @category faults
 */
export const faultyJournal = (
  faults: ReadonlyArray<JournalFault>,
  options: {
    /** Is told of each fault as it comes, before the call. */
    readonly onFault?: (injected: Injected) => Effect.Effect<void>
  } = {}
): Layer.Layer<Journal.Journal, never, Journal.Journal> =>
  Layer.effect(
    Journal.Journal,
    Effect.map(Journal.Journal, (journal): Journal.Service => {
      const choosers = faults.map((one) => ({ on: one.on ?? "commit", fault: one.fault, chooses: chooser(one) }))
      const calls = { commit: 0, submit: 0, send: 0 }
      const faulty = <A, E>(on: Injected["on"], self: Effect.Effect<A, E>): Effect.Effect<A, E | JournalError> =>
        Effect.gen(function*() {
          const call = ++calls[on]
          let hit: Effect.Effect<A, E | JournalError> = self
          for (const { chooses, fault, ...meant } of choosers) {
            if (meant.on !== on || !(yield* chooses(call))) continue
            const injected = { on, call, fault }
            if (options.onFault !== undefined) yield* options.onFault(injected)
            hit = inject(fault, injected, hit)
          }
          return yield* hit
        })
      return {
        ...journal,
        commit: (lease, batch) => faulty("commit", journal.commit(lease, batch)),
        submit: (request, created) => faulty("submit", journal.submit(request, created)),
        send: (signal) => faulty("send", journal.send(signal))
      }
    })
  )
