import { Effect, Layer } from "effect"
import { Journal } from "../src/index.ts"
import { SqliteJournal } from "../src/sqlite.ts"
import * as EngineSuite from "./EngineSuite.ts"
import { file } from "./sqlite/support.ts"

EngineSuite.suite("memory", Journal.layerMemory)
EngineSuite.suite(
  "sqlite",
  Layer.unwrapScoped(Effect.map(file, (filename) =>
    // Nobody else writes to the file; asking would be most of what happens in virtual time.
    SqliteJournal.layer({ filename, synchronous: "normal", pollInterval: "1000 days" })))
)
