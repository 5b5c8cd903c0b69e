/**
 * The outcome of a step by an operator's hand, by who knows its schema.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Schema from "effect/Schema"
import { Tempolite } from "../Engine.ts"
import type { InvalidStatus, JournalError, StepNotFound, WorkflowNotFound } from "../Errors.ts"
import { InvalidPayload } from "../Errors.ts"
import type { Key, WorkflowId } from "../Info.ts"
import { encodeSuccess } from "./codec.ts"

/** Records `value` as the success of the step, once it is known to fit the schema of `what`. */
export const skip = <A>(kind: "Activity" | "SideEffect", options: {
  readonly name: string
  readonly what: string
  readonly success: Schema.Schema<A, unknown>
}): (
  id: WorkflowId,
  key: Key | ReadonlyArray<Key>,
  value: unknown
) => Effect.Effect<
  void,
  WorkflowNotFound | StepNotFound | InvalidStatus | InvalidPayload | JournalError,
  Tempolite
> => {
  const { name } = options
  const encode = encodeSuccess(options.what, options.success)
  return (id, key, value) =>
    Effect.gen(function*() {
      const service = yield* Tempolite
      const encoded = yield* Either.mapLeft(encode(value), (message) => new InvalidPayload({ name, message }))
      yield* service.skip(id, key, encoded, { kind, name })
    }).pipe(Effect.withSpan(`${kind}.skip`, { attributes: { name, id } }))
}
