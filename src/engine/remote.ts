/**
 * The engine of a process that has none: it leaves workflows to the engine of another process.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Engine } from "../Engine.ts"
import { JournalError } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import * as Children from "./children.ts"
import { conflict, endUnlessRetried, existing, unsendable } from "./lookup.ts"

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

export const make = (journal: Journal.Service): Engine => ({
  register: (definition) =>
    Effect.dieMessage(
      `the layer of the workflow ${
        JSON.stringify(definition.name)
      } needs an engine, and \`Tempolite.layerClient\` has ` +
        "none. Use its `client` layer here, or `Tempolite.layer`"
    ),
  start: ({ id, name, payload }) =>
    Effect.gen(function*() {
      const at = yield* now
      const workflow = Children.row({ id: Key.encode(id), name, payload, parent: null, createdAt: at })
      const request = { workflowId: workflow.id, kind: "Start", payload: null, at } as const
      const submitted = yield* journal.submit(request, Option.some({ workflow, steps: [] }))
      const taken = Option.flatMap(Either.getLeft(submitted), (existing) => conflict({ name, payload }, existing))
      if (Option.isSome(taken)) return yield* taken.value
    }),
  send: ({ name, payload, workflowId }) =>
    Effect.gen(function*() {
      const at = yield* now
      const row = yield* journal.send({ workflowId: Key.encode(workflowId), name, payload, at })
      const refused = unsendable(workflowId, row)
      if (Option.isSome(refused)) return yield* refused.value
    }),
  handled: () => Effect.void,
  ended: (id) =>
    journal.committed.pipe(
      Stream.mapEffect(() => endUnlessRetried(journal, id)),
      Stream.filterMap(identity),
      Stream.runHead,
      Effect.flatMap(Option.match({
        onNone: () => Effect.fail(new JournalError({ message: "the journal was closed" })),
        onSome: Effect.succeed
      }))
    ),
  nameOf: (id) => Effect.map(existing(journal, id), (row) => row.name)
})
