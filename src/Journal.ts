/**
 * The journal: what is durable. It keeps four kinds of rows, one row a workflow, one a workflow execution, one a step
 * and one a step execution, and commits sets of them atomically. It decides nothing: the engine does. Beside them it
 * keeps what is on its way to a workflow: signals, and requests of clients.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Memory from "./internal/memory.ts"
import type { Service } from "./JournalModel.ts"

export * from "./JournalModel.ts"

/**
 * @since 0.1.0
 * @category tags
 */
export class Journal extends Context.Tag("tempolite/Journal")<Journal, Service>() {}

/**
 * A journal in memory, for tests and for workflows that need not outlive the process. It keeps the laws as far as memory
 * can: what was committed is lost with the process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Journal> = Layer.sync(Journal, Memory.make)
