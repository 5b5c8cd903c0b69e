/**
 * The workflows that are measured, and what they run on. They do nothing outside: what is left is the engine.
 */
import type { Context } from "effect"
import { Array, Duration, Effect, Layer, Schema, type Scope } from "effect"
import { Activity, Journal, Tempolite, Workflow } from "../src/index.ts"
import { SqliteJournal } from "../src/sqlite.ts"

/** What survives a power cut; `memory` is the journal that survives nothing. */
export const Durability = Schema.Literal("full", "normal", "memory")
export type Durability = typeof Durability.Type

const counted = { payload: { n: Schema.Int }, success: Schema.Int }

class Double extends Activity.Tag<Double>()("Double", counted) {}
/** As many activities as its payload says, one after the other. */
export class Sequence extends Workflow.Tag<Sequence>()("Sequence", counted) {}

/** The sum of the first `n` doubles. */
export const sumOfDoubles = (n: number): number => n * (n - 1)

export const of = (length: number): ReadonlyArray<number> => Array.makeBy(length, (index) => index)

export const DoubleLive = Double.layer(({ n }) => Effect.succeed(2 * n))

export const steps = (count: number) =>
  Effect.gen(function*() {
    let sum = 0
    for (let n = 0; n < count; n++) sum += yield* Double.execute(`step-${n}`, { n })
    return sum
  })

export const SequenceLive = Sequence.layer(({ n }) => steps(n)).pipe(Layer.provide(DoubleLive))

export const journal = (filename: string, durability: Durability) =>
  durability === "memory" ? Journal.layerMemory : SqliteJournal.layer({ filename, synchronous: durability })

/** Opens the journal, the engine and the workflows, until the scope closes; says how long that took. */
export const open = <R>(
  workflows: Layer.Layer<R, never, Tempolite.Tempolite>,
  journal: Layer.Layer<Journal.Journal, unknown>
): Effect.Effect<
  { readonly openMillis: number; readonly context: Context.Context<R | Tempolite.Tempolite> },
  unknown,
  Scope.Scope
> =>
  Effect.map(
    timed(Layer.build(workflows.pipe(
      Layer.provideMerge(Tempolite.layer({ closeGrace: 0 })),
      Layer.provide(journal)
    ))),
    ([openMillis, context]) => ({ openMillis, context })
  )

/** How long something takes, in milliseconds, and what comes of it. */
export const timed = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<readonly [number, A], E, R> =>
  Effect.map(Effect.timed(self), ([duration, value]) => [Duration.toMillis(duration), value])

/** A figure of wrong results is none. */
export const expect = <A, E, R>(self: Effect.Effect<A, E, R>, expected: A): Effect.Effect<void, E, R> =>
  Effect.flatMap(self, (actual) =>
    actual === expected
      ? Effect.void
      : Effect.dieMessage(`the result is ${String(actual)}, and should be ${String(expected)}`))
