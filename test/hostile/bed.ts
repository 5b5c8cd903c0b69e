/**
 * Programs run once on an engine, and are then replayed from what the journal holds: what the bodies saw must be the same.
 */
import { it } from "@effect/vitest"
import { Cause, Chunk, Effect, Exit, FastCheck, Layer, Logger, Option, Runtime, Schema } from "effect"
import { isDeepStrictEqual } from "node:util"
import { assert } from "vitest"
import { Journal, Tempolite } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { Testing } from "../../src/testing.ts"
import { file } from "../sqlite/support.ts"

/** An exit as plain values: those of errors and defects are looked at, not their prototypes. */
export const shown = (exit: Exit.Exit<unknown, unknown>): unknown => {
  const seen = (value: unknown) => value instanceof Error ? { name: value.name, message: value.message } : value
  return Exit.match(exit, {
    onSuccess: (value) => ({ success: value }),
    onFailure: (cause) => ({
      failures: Chunk.toReadonlyArray(Cause.failures(cause)).map(seen),
      defects: Chunk.toReadonlyArray(Cause.defects(cause)).map(seen)
    })
  })
}

/** What bodies say that they saw, run after run. */
export class Seen {
  private run = new Map<string | number, unknown>()

  readonly see = (key: string | number, what: unknown): Effect.Effect<void> =>
    Effect.sync(() => {
      this.run.set(key, what)
    })

  get(key: string | number): unknown {
    return this.run.get(key)
  }

  /** What was seen until now; from now on it is another run. */
  next(): ReadonlyMap<string | number, unknown> {
    const { run } = this
    this.run = new Map()
    return run
  }
}

/**
 * Runs `program` on an engine with `live`, closes it, and replays all workflows: each ends as it did, and saw what it saw.
 * Gives how many were replayed.
 */
export const twice = <R, E, A, E2>(
  seen: Seen,
  live: Layer.Layer<R, E, Tempolite.Tempolite>,
  program: Effect.Effect<A, E2, R | Tempolite.Tempolite>
): Effect.Effect<{ readonly value: A; readonly replayed: number }, unknown, Journal.Journal> =>
  Effect.gen(function*() {
    const value = yield* Effect.provide(program, Layer.provideMerge(live, Tempolite.layer({ closeGrace: 0 })))
    const first = seen.next()
    const report = yield* Testing.replayCheck({ workflows: live, filter: {} })
    assert.deepStrictEqual(report.diverging, [], String(report))
    const second = seen.next()
    for (const [key, what] of first) {
      assert.isTrue(isDeepStrictEqual(what, second.get(key)), `what ${JSON.stringify(key)} saw on replay is other`)
    }
    assert.strictEqual(second.size, first.size)
    return { value, replayed: report.verdicts.length }
  })

/** An engine says what it suspends. */
const silent = Logger.remove(Logger.defaultLogger)

const memory = Layer.fresh(Journal.layerMemory)
const sqlite = Layer.unwrapScoped(
  Effect.map(file, (filename) => SqliteJournal.layer({ filename, synchronous: "normal" }))
)

const journals = [["memory", memory], ["SQLite", sqlite]] as const

/** A test on each journal. */
export const onEach = (name: string, test: () => Effect.Effect<void, unknown, Journal.Journal>): void => {
  for (const [journal, layer] of journals) {
    it.live(`${name} (${journal})`, () => Effect.provide(test(), Layer.merge(layer, silent)), 60_000)
  }
}

/** A property on each journal, each run of it on one of its own. */
export const onEachOf = <A>(
  name: string,
  arbitrary: FastCheck.Arbitrary<A>,
  test: (value: A) => Effect.Effect<void, unknown, Journal.Journal>,
  numRuns: number
): void => {
  for (const [journal, layer] of journals) {
    it.live(
      `${name} (${journal})`,
      () =>
        Effect.flatMap(Effect.runtime<never>(), (runtime) =>
          Effect.promise(() =>
            FastCheck.assert(
              FastCheck.asyncProperty(
                arbitrary,
                (value) => Runtime.runPromise(runtime)(Effect.provide(test(value), Layer.merge(layer, silent)))
              ),
              { numRuns, interruptAfterTimeLimit: 40_000 }
            )
          )),
      60_000
    )
  }
}

const hasMessage = Schema.is(Schema.Struct({ message: Schema.String }))

/** What a defect, or the error of a client, says; `None` if the exit has neither. */
export const refusal = (exit: Exit.Exit<unknown, unknown>): Option.Option<string> =>
  Exit.match(exit, {
    onSuccess: () => Option.none(),
    onFailure: (cause) => {
      const [first] = [...Cause.failures(cause), ...Cause.defects(cause)]
      return hasMessage(first) ? Option.some(first.message) : Option.none()
    }
  })
