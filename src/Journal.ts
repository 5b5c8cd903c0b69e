/**
 * The journal: what is durable. It keeps four kinds of rows, one row a workflow, one a workflow execution, one a step
 * and one a step execution, and commits sets of them atomically. It decides nothing: the engine does. Beside them it
 * keeps what is on its way to a workflow: signals, and requests of clients.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { JournalError } from "./Errors.ts"
import type { Key, WorkflowId } from "./Info.ts"
import * as Check from "./internal/check.ts"
import * as KeyText from "./internal/key.ts"
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

/**
 * Something that is wrong with a workflow as it is on record. `path` is the list of keys from the workflow down to the
 * step, or `None` where it is not about a step. `law` is what is broken:
 *
 * - `readable`: a row cannot be read.
 * - `workflow-status`, `agreement`: a workflow has an end, an outcome, a reason as its status says, and its execution agrees.
 * - `generations`, `executions`: these are numbered without a gap; only the last may run.
 * - `order`: the outcomes of a generation, and a cancel, have places of their own in one order.
 * - `outcomes`, `wake-ups`, `pairs`: a step has an outcome, its place and its time, or a time to wake up, as its status says.
 * - `attempts`: these are numbered without a gap; what was completed has one that succeeded, and it is the last.
 * - `json`: payloads, outcomes and causes are JSON.
 * - `times`: nothing ends before it begins. That is no damage if the clock of the machine was set back.
 *
 * @since 0.2.0
 * @category models
 */
export class Violation extends Data.Class<{
  readonly workflowId: WorkflowId
  readonly path: Option.Option<ReadonlyArray<Key>>
  readonly law: string
  readonly message: string
}> {
  /** For a person. */
  override toString(): string {
    const where = Option.match(this.path, { onNone: () => "", onSome: (path) => `, at ${path.join(" / ")}` })
    return `${JSON.stringify(this.workflowId)}${where}: ${this.message} (${this.law})`
  }
}

/**
 * Looks for damage: emits what is wrong with the workflows of the journal, one after the other in order of creation. An
 * engine leaves nothing that is wrong, wherever its process is killed; a row that was changed by hand, or by a fault of
 * the disk, may be.
 *
 * It only reads, so it works on a file that is opened read-only (with `SqliteClient.layer({ filename, readonly: true })`
 * under `SqliteJournal.layerSqlClient`), and an engine may run meanwhile. It keeps one workflow in memory at a time. A
 * workflow whose own row cannot be read is left out by the journal, which logs that.
 *
 * @example
 * ```ts
 * import { Console, Effect, Stream } from "effect"
 * import { Journal } from "tempolite"
 * import { SqliteJournal } from "tempolite/sqlite"
 *
 * const program = Journal.check.pipe(
 *   Stream.tap((violation) => Console.error(String(violation))),
 *   Stream.runCount,
 *   Effect.flatMap((count) => Console.log(`${count} faults`)),
 *   Effect.provide(SqliteJournal.layer({ filename: "orders.db" }))
 * )
 * ```
 *
 * @since 0.2.0
 * @category checks
 */
export const check: Stream.Stream<Violation, JournalError, Journal> = Stream.unwrap(
  Effect.map(
    Journal,
    (journal) =>
      Stream.map(Check.check(journal), ({ law, message, path, workflowId }) =>
        new Violation({
          workflowId: KeyText.decode(workflowId),
          path: Option.map(Option.fromNullable(path), (text) => KeyText.segments(text).map(KeyText.decode)),
          law,
          message
        }))
  )
)
