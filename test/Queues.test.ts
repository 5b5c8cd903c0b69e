import { describe } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Journal } from "../src/index.ts"
import { SqliteJournal } from "../src/sqlite.ts"
import { promised } from "./engine-suite/bench.ts"
import { queues } from "./engine-suite/queues.ts"
import { file } from "./sqlite/support.ts"

// Nobody else writes to the file; asking would be most of what happens in virtual time.
const sqlite = Layer.unwrapScoped(
  Effect.map(file, (filename) => SqliteJournal.layer({ filename, synchronous: "normal", pollInterval: "1000 days" }))
)

describe("queues (memory)", () => queues(promised(Journal.layerMemory)))
describe("queues (sqlite)", () => queues(promised(sqlite)))
