/**
 * What can be asked of a journal from outside, with or without an engine in this process.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Ended, Engine, Service } from "../Engine.ts"
import { JournalError, WorkflowConflict, WorkflowNotFound } from "../Errors.ts"
import type { WorkflowId, WorkflowStatus } from "../Info.ts"
import * as Codec from "../internal/codec.ts"
import { makeInfo } from "../internal/info.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import { Failure, Success } from "../Outcome.ts"
import * as Children from "./children.ts"
import { describe } from "./describe.ts"

/** How the workflow ended, if it has. */
export const endOf = (row: Journal.WorkflowRow): Option.Option<Ended> => {
  switch (row.status) {
    case "Completed":
      return Option.some({ status: row.status, outcome: Success({ value: row.outcome }) })
    case "Failed":
    case "Cancelled":
      return Option.some({ status: row.status, outcome: Failure({ cause: row.outcome ?? "{\"_tag\":\"Empty\"}" }) })
    default:
      return Option.none()
  }
}

/** Whether a start may join what is on record under its id. */
export const conflict = (
  asked: { readonly name: string; readonly payload: string | null },
  found: Journal.WorkflowRow
): Option.Option<WorkflowConflict> => {
  if (found.name === asked.name && found.payload === asked.payload) return Option.none()
  const reason = found.name === asked.name
    ? `it was started with the payload ${found.payload ?? "nothing"}, and this asks for ${asked.payload ?? "nothing"}`
    : `it is a workflow ${JSON.stringify(found.name)}, and this asks for ${JSON.stringify(asked.name)}`
  return Option.some(new WorkflowConflict({ workflowId: Key.decode(found.id), reason }))
}

/** Reads a workflow that must exist. */
export const existing = (
  journal: Journal.Service,
  id: WorkflowId
): Effect.Effect<Journal.WorkflowRow, WorkflowNotFound | JournalError> =>
  Effect.flatMap(
    journal.workflow(Key.encode(id)),
    Option.match({
      onNone: () => Effect.fail(new WorkflowNotFound({ workflowId: id })),
      onSome: Effect.succeed
    })
  )

/** The statuses of a workflow as they are committed, to the last. */
const changes = (
  journal: Journal.Service,
  id: WorkflowId
): Stream.Stream<WorkflowStatus, WorkflowNotFound | JournalError> =>
  journal.committed.pipe(
    Stream.mapEffect(() => existing(journal, id)),
    Stream.map((row) => row.status),
    Stream.changes,
    Stream.takeUntil((status) => status === "Completed" || status === "Failed" || status === "Cancelled")
  )

/** The client on an engine. Requests go through the journal, whichever process the engine is in. */
export const make = (journal: Journal.Service, engine: Engine): Service => {
  const request = (kind: Journal.RequestRow["kind"]) => (id: WorkflowId) =>
    Effect.gen(function*() {
      yield* existing(journal, id)
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      yield* journal.submit({ workflowId: Key.encode(id), kind, payload: null, at }, Option.none())
    })

  const service: Service = {
    info: (id) => Effect.as(existing(journal, id), makeInfo(service, id, Codec.untyped)),
    describe: (id) =>
      Effect.flatMap(
        journal.history(Key.encode(id)),
        Option.match({
          onNone: () => Effect.fail(new WorkflowNotFound({ workflowId: id })),
          onSome: (history) => Effect.succeed(describe(history))
        })
      ),
    changes: (id) => changes(journal, id),
    cancel: request("Cancel"),
    resume: request("Resume"),
    engine
  }
  return service
}

/** The engine of a process that has none: it leaves workflows to the engine of another process. */
export const remote = (journal: Journal.Service): Engine => ({
  register: (definition) =>
    Effect.dieMessage(
      `the layer of the workflow ${
        JSON.stringify(definition.name)
      } needs an engine, and \`Tempolite.layerClient\` has ` +
        "none. Use its `client` layer here, or `Tempolite.layer`"
    ),
  start: ({ id, name, payload }) =>
    Effect.gen(function*() {
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const row = Children.row({ id: Key.encode(id), name, payload, parent: null, createdAt: at })
      const found = yield* journal.submit({ workflowId: row.id, kind: "Start", payload: null, at }, Option.some(row))
      const taken = Option.flatMap(found, (existing) => conflict({ name, payload }, existing))
      if (Option.isSome(taken)) return yield* taken.value
    }),
  ended: (id) =>
    journal.committed.pipe(
      Stream.mapEffect(() => existing(journal, id)),
      Stream.filterMap(endOf),
      Stream.runHead,
      Effect.flatMap(Option.match({
        onNone: () => Effect.fail(new JournalError({ message: "the journal was closed" })),
        onSome: Effect.succeed
      }))
    ),
  nameOf: (id) => Effect.map(existing(journal, id), (row) => row.name)
})
