/**
 * Recorded workflows against the present code: what to run before a deploy.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Definition } from "../Engine.ts"
import * as Client from "../engine/client.ts"
import * as Listing from "../engine/listing.ts"
import * as Remote from "../engine/remote.ts"
import { JournalError, type SuspendReason } from "../Errors.ts"
import { type WorkflowFilter, type WorkflowId, WorkflowStatus } from "../Info.ts"
import * as Key from "../internal/key.ts"
import { isEnded } from "../internal/status.ts"
import * as Journal from "../Journal.ts"
import { Tempolite } from "../Tempolite.ts"
import { type Next, replay } from "./replay.ts"
import { inRealTime, VirtualTime } from "./virtualTime.ts"

interface Checked {
  readonly workflowId: WorkflowId
  readonly name: string
  /** As the journal says. */
  readonly status: WorkflowStatus
}

/**
 * What becomes of a recorded workflow under the present code.
 *
 * `Replays`: it takes every outcome that is on record and asked for, and then goes on as `next` says, with the steps
 * `starts` (by path) that the journal does not know yet; a signal that it would send is not among these.
 *
 * `Diverges`: it would be suspended for `reason`, whose message says what to do. `key` is the path of the step at which
 * it does not agree with the journal, or `None` where it is not one step: the recorded payload does not decode, the body
 * waits for a promise, its workflow is not among `workflows`, or it has ended and would now end in another way.
 *
 * @since 0.2.0
 * @category models
 */
export type Verdict = Data.TaggedEnum<{
  Replays: Checked & { readonly next: Next; readonly starts: ReadonlyArray<string> }
  Diverges: Checked & { readonly key: Option.Option<string>; readonly reason: SuspendReason }
}>

const { $is: is, Diverges, Replays } = Data.taggedEnum<Verdict>()

/**
 * What `replayCheck` found.
 *
 * @since 0.2.0
 * @category models
 */
export class ReplayReport extends Data.Class<{ readonly verdicts: ReadonlyArray<Verdict> }> {
  /** Those that cannot go on under the present code. */
  get diverging(): ReadonlyArray<Data.TaggedEnum.Value<Verdict, "Diverges">> {
    return this.verdicts.filter(is("Diverges"))
  }

  /** For a person: which workflows diverge, where, and why. */
  override toString(): string {
    const lines = this.diverging.map(({ key, name, reason, workflowId }) =>
      `${name} ${JSON.stringify(workflowId)}${
        Option.match(key, { onNone: () => "", onSome: (key) => `, at ${key}` })
      }: ` +
      reason.message
    )
    return [`${lines.length} of ${this.verdicts.length} workflows would not replay`, ...lines].join("\n  - ")
  }
}

const refused = Effect.fail(new JournalError({ message: "a replay check writes nothing" }))

/** Reads are as they are; nothing is written. */
const readOnly = (journal: Journal.Service): Journal.Service => ({
  ...journal,
  acquire: () => refused,
  renew: () => refused,
  commit: () => refused,
  submit: () => refused,
  send: () => refused,
  prune: () => refused
})

/** Takes definitions, and runs none. What is asked of it from outside cannot be done, or never ends. */
const collecting = (journal: Journal.Service, definitions: Map<string, Definition>): Tempolite["Type"] =>
  Client.make(journal, {
    ...Remote.make(journal),
    register: (definition) =>
      Effect.sync(() => {
        definitions.set(definition.name, definition)
      })
  })

const unfinished = WorkflowStatus.literals.filter((status) => !isEnded(status))

const keyOf = (reason: SuspendReason): Option.Option<string> =>
  "key" in reason ? Option.fromNullable(reason.key) : Option.none()

/**
 * Replays recorded workflows against the code in `workflows`, and tells of each whether it would go on, or be suspended:
 * at which key, and why. By default it takes those that have not ended; with a `filter`, those that fit. One that has
 * ended must also end as it did.
 *
 * Nothing is executed: bodies run, handlers of activities and side effects never do, and a replay stops where the journal
 * knows nothing more. Nothing is written either, so a file may be opened read-only (with
 * `SqliteClient.layer({ filename, readonly: true })` under `SqliteJournal.layerSqlClient`), and an engine may run
 * meanwhile. The layer `workflows` is built; where that connects to anything, give it doubles. A body that waits for a
 * promise beside its steps is found out when the promise comes, so not if that takes long.
 *
 * @example
 * ```ts
 * import { Console, Effect, Layer, Schema } from "effect"
 * import { Activity, Workflow } from "tempolite"
 * import { SqliteJournal } from "tempolite/sqlite"
 * import { Testing } from "tempolite/testing"
 *
 * class Charge extends Activity.Tag<Charge>()("Charge", { success: Schema.String }) {}
 * class Order extends Workflow.Tag<Order>()("Order", { success: Schema.String }) {}
 * const OrderLive = Order.layer(() => Charge.execute("charge"))
 *
 * // In CI, on a copy of the journal of production.
 * const check = Testing.replayCheck({
 *   workflows: OrderLive.pipe(Layer.provide(Testing.double(Charge, [])))
 * }).pipe(
 *   Effect.tap((report) => Console.log(String(report))),
 *   Effect.filterOrDieMessage((report) => report.diverging.length === 0, "this code must not be deployed"),
 *   Effect.provide(SqliteJournal.layer({ filename: "orders.db" }))
 * )
 * ```
 *
 * @since 0.2.0
 * @category replays
 */
export const replayCheck = <R, E, RIn = never>(options: {
  readonly workflows: Layer.Layer<R, E, RIn>
  readonly filter?: WorkflowFilter
}): Effect.Effect<ReplayReport, E | JournalError, Journal.Journal | Exclude<RIn, Tempolite>> =>
  Effect.gen(function*() {
    const journal = readOnly(yield* Journal.Journal)
    const definitions = new Map<string, Definition>()
    yield* Layer.build(Layer.provide(options.workflows, Layer.succeed(Tempolite, collecting(journal, definitions))))
    const time = new VirtualTime((yield* Effect.clock).unsafeCurrentTimeMillis())
    const statuses = options.filter === undefined ? unfinished : WorkflowStatus.literals
    const verdicts = yield* Listing.each(journal, options.filter ?? {}, statuses).pipe(
      Stream.mapEffect((row) =>
        Effect.gen(function*() {
          const recorded = yield* journal.recorded(row.id, row.generation)
          const { fault, next, starts } = yield* inRealTime(replay(time, definitions.get(row.name), row, recorded))
          const checked: Checked = { workflowId: Key.decode(row.id), name: row.name, status: row.status }
          return Option.match(fault, {
            onNone: () => Replays({ ...checked, next, starts }),
            onSome: (reason) => Diverges({ ...checked, key: keyOf(reason), reason })
          })
        })
      ),
      Stream.runCollect
    )
    return new ReplayReport({ verdicts: Array.from(verdicts) })
  }).pipe(Effect.scoped)
