/**
 * Workflows whose journal is damaged while no engine runs, or under one that does.
 */
import { Effect, Exit, Layer, Logger, Option, Schema, Scope } from "effect"
import { Activity, Signal, Tempolite, Workflow } from "../../../src/index.ts"
import { SqliteJournal } from "../../../src/sqlite.ts"
import * as Processes from "../../process/processes.ts"
import { program } from "../support.ts"

const Approved = Signal.make("Approved", { payload: { by: Schema.String } })

class Charge extends Activity.Tag<Charge>()("Charge", { success: Schema.String }) {}
class Pack extends Activity.Tag<Pack>()("Pack", { success: Schema.String }) {}

export class Work extends Workflow.Tag<Work>()("Work", { payload: { sku: Schema.String }, success: Schema.String }) {}

export const payload = { sku: "a" }

const WorkLive = Work.layer(Effect.fnUntraced(function*({ sku }) {
  const receipt = yield* Charge.execute("charge")
  yield* Pack.execute("pack")
  const { by } = yield* Approved.await("approval")
  return `${sku} ${receipt} ${by}`
}))

/** How `Work` ends that "ann" has approved. */
export const done = "a receipt ann"

export interface Engine {
  readonly run: <A, E>(effect: Effect.Effect<A, E, Tempolite.Tempolite | Work>) => Effect.Effect<A, E>
  readonly close: Effect.Effect<void>
  /** What was logged: message and error. */
  readonly log: ReadonlyArray<string>
  /** The keys of the calls to activities. */
  readonly calls: ReadonlyArray<string>
}

/** An engine of this process. Where it `isHeld`, nothing is ever packed. */
export const start = (filename: string, { isHeld = false } = {}): Effect.Effect<Engine, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const log: Array<string> = []
    const calls: Array<string> = []
    const noting = Logger.make(({ message }) => {
      log.push([message].flat().map((part) => part instanceof Error ? part.message : String(part)).join(": "))
    })
    const call = (answer: string) =>
      Effect.flatMap(
        Activity.Execution,
        ({ key, workflowId }) => Effect.as(Effect.sync(() => calls.push(`${workflowId}/${key}`)), answer)
      )
    const layer = WorkLive.pipe(
      Layer.provide(Charge.layer(() => call("receipt"))),
      Layer.provide(
        Pack.layer(() => Effect.zipRight(call("parcel"), isHeld ? Effect.never : Effect.succeed("parcel")))
      ),
      Layer.provideMerge(Tempolite.layer({ closeGrace: 10 })),
      Layer.provide(SqliteJournal.layer({ filename })),
      Layer.provide(Logger.replace(Logger.defaultLogger, noting))
    )
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const context = yield* Layer.buildWithScope(layer, scope)
    return {
      run: (effect) => Effect.provide(effect, context),
      close: Scope.close(scope, Exit.void),
      log,
      calls
    }
  })

/** Asks until there is an answer. */
export const eventually = <A, E, R>(engine: Engine, ask: Effect.Effect<Option.Option<A>, E, R>) =>
  Processes.eventually(() => `what did not come; logged was ${engine.log.join("\n")}`, ask)

/** Waits until something was logged that fits. */
export const logged = (engine: Engine, sign: RegExp) =>
  eventually(engine, Effect.sync(() => Option.fromNullable(engine.log.find((line) => sign.test(line)))))

/** Waits until the workflow has the status. */
export const hasStatus = (engine: Engine, id: string, status: string) =>
  eventually(
    engine,
    engine.run(Effect.map(
      Effect.flatMap(Work.info(id), (info) => info.status),
      (now) => now === status ? Option.some(now) : Option.none()
    ))
  )

export const approve = (engine: Engine, id: string) => engine.run(Approved.send(id, { by: "ann" }))

export const result = (engine: Engine, id: string) => engine.run(Effect.flatMap(Work.info(id), ({ result }) => result))

/** Everything that the file holds of a workflow, its row aside where `isWithRow` is false. */
export const rowsOf = (filename: string, id: string, { isWithRow = true } = {}) =>
  Effect.scoped(Effect.flatMap(program(filename), (other) =>
    Effect.forEach([
      ...isWithRow ? [`SELECT * FROM tempolite_workflow WHERE id = '${id}'`] : [],
      ...["step", "step_execution", "signal"].map((table) =>
        `SELECT * FROM tempolite_${table} WHERE workflow_id = '${id}' ORDER BY 1`
      )
    ], (statement) => other(statement))))
