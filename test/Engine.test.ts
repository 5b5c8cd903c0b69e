import * as SqlClient from "@effect/sql/SqlClient"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Journal } from "../src/index.ts"
import { SqliteJournal } from "../src/sqlite.ts"
import { promised } from "./engine-suite/bench.ts"
import { Act, counting, Main, main } from "./engine-suite/domain.ts"
import * as EngineSuite from "./EngineSuite.ts"
import { client, file } from "./sqlite/support.ts"

EngineSuite.suite("memory", Journal.layerMemory)
EngineSuite.suite(
  "sqlite",
  Layer.unwrapScoped(Effect.map(file, (filename) =>
    // Nobody else writes to the file; asking would be most of what happens in virtual time.
    SqliteJournal.layer({ filename, synchronous: "normal", pollInterval: "1000 days" })))
)

/** The statements that the journal below was asked to run. */
const statements: Array<string> = []

const counted = SqliteJournal.layerSqlClient.pipe(
  Layer.provide(Layer.scoped(
    SqlClient.SqlClient,
    Effect.map(Effect.flatMap(file, client), (sql) =>
      Object.assign(sql.withoutTransforms(), {
        reserve: Effect.map(sql.reserve, (connection) => ({
          ...connection,
          execute: (...[statement, ...parameters]: Parameters<typeof connection.execute>) => {
            statements.push(statement)
            return connection.execute(statement, ...parameters)
          }
        }))
      }))
  )),
  Layer.orDie
)

promised(counted)(
  "a replay reads its rows with as many statements for 10 steps as for 1,000",
  (bench) =>
    Effect.gen(function*() {
      const counts: Array<number> = []
      for (const length of [10, 1_000]) {
        const calls: Array<string> = []
        const live = main(
          () =>
            Effect.forEach(Array.from({ length }, (_, index) => index), (key) => Act.execute(key, {}), {
              discard: true
            }),
          (execution, arg) =>
            Effect.zipRight(
              counting(calls)(execution, arg),
              execution.key === length - 1 ? Effect.sleep(10) : Effect.void
            )
        )
        const first = yield* bench.start(live)
        yield* first.run(Main.start(length, {}))
        while (calls.length < length) yield* bench.settle
        yield* first.crash
        const second = yield* bench.start(live)
        statements.length = 0
        yield* bench.settle
        assert.deepStrictEqual(calls.slice(length - 1), [`${length - 1}#1`, `${length - 1}#2`])
        // Not those that the bench itself asks, which look at all generations.
        counts.push(statements.filter((one) => one.startsWith("SELECT") && one.includes("generation = ?")).length)
        yield* bench.wait(second.run(Main.execute(length, {})))
        yield* second.close
      }
      assert.strictEqual(counts[0], counts[1])
      assert.isAbove(counts[0] ?? 0, 2)
    })
)
