import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as fc from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Journal from "../../src/Journal.ts"
import * as JournalSuite from "../JournalSuite.ts"
import { file, open } from "../sqlite/support.ts"
import { anyBatch, anyCreation, anyFilter, anyRequest, anySent, ids } from "../support/journalRows.ts"

type Operation =
  | { readonly _tag: "Commit"; readonly batch: Journal.Batch; readonly ofLast: number }
  | {
    readonly _tag: "Submit"
    readonly request: Omit<Journal.RequestRow, "id">
    readonly created: Option.Option<Journal.Creation>
  }
  | { readonly _tag: "Send"; readonly signal: Journal.Sent }
  | { readonly _tag: "List"; readonly filter: Journal.Filter; readonly after: number; readonly limit: number }
  | { readonly _tag: "Changed"; readonly behind: number; readonly limit: number }
  | { readonly _tag: "Signals"; readonly id: string; readonly after: number }
  | { readonly _tag: "Prune"; readonly before: number; readonly limit: number }
  | { readonly _tag: "Acquire" }
  | { readonly _tag: "Release" }
  | { readonly _tag: "Renew"; readonly ofLast: number }
  | { readonly _tag: "Wait"; readonly millis: number }

/** Mostly of the present lease, sometimes of one before it. */
const ofLast = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, {
  weight: 1,
  arbitrary: fc.integer({ min: 1, max: 2 })
})

const limit = fc.integer({ min: 1, max: 4 })

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ _tag: fc.constant("Commit" as const), batch: anyBatch, ofLast }) },
  {
    weight: 3,
    arbitrary: fc.record({ _tag: fc.constant("Submit" as const), request: anyRequest, created: anyCreation })
  },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Send" as const), signal: anySent }) },
  {
    weight: 2,
    arbitrary: fc.record({ _tag: fc.constant("List" as const), filter: anyFilter, after: fc.nat({ max: 4 }), limit })
  },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Changed" as const), behind: fc.nat({ max: 5 }), limit }) },
  {
    weight: 1,
    arbitrary: fc.record({
      _tag: fc.constant("Signals" as const),
      id: fc.constantFrom(...ids),
      after: fc.nat({ max: 4 })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      _tag: fc.constant("Prune" as const),
      before: fc.oneof(fc.nat({ max: 4 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      limit
    })
  },
  { weight: 3, arbitrary: fc.constant({ _tag: "Acquire" as const }) },
  { weight: 1, arbitrary: fc.constant({ _tag: "Release" as const }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Renew" as const), ofLast }) },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Wait" as const), millis: fc.integer({ min: 0, max: 1500 }) }) }
)

/** Applies the operations one by one; what each answered, and what can be read after it. */
const play = (journal: Journal.Service) =>
  Effect.gen(function*() {
    const held: Array<{ readonly lease: Journal.Lease; readonly scope: Scope.CloseableScope }> = []
    const leaseOf = (ofLast: number) => held.at(-1 - ofLast)?.lease ?? { token: -1 }
    const apply = (operation: Operation): Effect.Effect<unknown> => {
      const tag = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
        Effect.map(Effect.either(effect), Either.mapLeft((error) => error._tag))
      switch (operation._tag) {
        case "Commit":
          return Effect.map(
            tag(journal.commit(leaseOf(operation.ofLast), operation.batch)),
            // Those that exist come in any order.
            Either.map((rows) => [...rows].sort((one, other) => one.id < other.id ? -1 : 1))
          )
        case "Submit":
          return tag(journal.submit(operation.request, operation.created))
        case "Send":
          return tag(journal.send(operation.signal))
        case "List":
          return tag(journal.list(operation))
        case "Changed":
          return tag(Effect.flatMap(journal.lastChange, (last) =>
            journal.changed({ after: Math.max(0, last - operation.behind), limit: operation.limit })))
        case "Signals":
          return tag(journal.signals(operation.id, operation.after))
        case "Prune":
          return tag(journal.prune(operation))
        case "Acquire":
          return Effect.gen(function*() {
            const scope = yield* Scope.make()
            const taken = yield* tag(Scope.extend(journal.acquire(1000), scope))
            if (Either.isRight(taken)) {
              held.push({ lease: taken.right, scope })
            }
            return Either.isRight(taken)
          })
        case "Release":
          return Effect.suspend(() =>
            Option.match(Option.fromNullable(held.at(-1)), {
              onNone: () =>
                Effect.void,
              onSome: ({ scope }) => Scope.close(scope, Exit.void)
            })
          )
        case "Renew":
          return tag(journal.renew(leaseOf(operation.ofLast)))
        case "Wait":
          return Effect.void
      }
    }
    return (operation: Operation) =>
      Effect.all({
        answer: apply(operation),
        state: Effect.provideService(JournalSuite.readAll, Journal.Journal, journal)
      })
  })

describe("the journals in memory and in SQLite", () => {
  it.effect.prop(
    "answer alike, whatever is asked",
    [fc.array(anyOperation, { minLength: 1, maxLength: 25 })],
    ([operations]) =>
      Effect.gen(function*() {
        const memory = yield* play(Context.get(yield* Layer.build(Layer.fresh(Journal.layerMemory)), Journal.Journal))
        const sqlite = yield* play(yield* Effect.flatMap(file, (filename) => open(filename, { synchronous: "normal" })))
        for (const operation of [{ _tag: "Acquire" } as const, ...operations]) {
          if (operation._tag === "Wait") yield* TestClock.adjust(operation.millis)
          assert.deepStrictEqual(yield* sqlite(operation), yield* memory(operation))
        }
      }).pipe(Effect.scoped),
    { timeout: 120_000, fastCheck: { numRuns: 40 } }
  )
})
