import { SqliteClient } from "@effect/sql-sqlite-node"
import { file } from "../files.ts"

/** What is outside of the shop has a file of its own: it goes on when the shop's process ends. */
export const DatabaseLive = SqliteClient.layerConfig({ filename: file("provider.db") })
