/**
 * What a caller gives, before anything is asked of the engine.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidPayload } from "../Errors.ts"
import type { Key } from "../Info.ts"
import { invalid, invalidName } from "./key.ts"

type Encoded = Either.Either<string | null, string>

const checked = (name: string, encoded: Encoded): Either.Either<string | null, InvalidPayload> =>
  Option.match(invalidName(name), {
    onNone: () => Either.mapLeft(encoded, (message) => new InvalidPayload({ name, message })),
    onSome: (message) => Either.left(new InvalidPayload({ name, message }))
  })

/** To a step that takes no payload. */
export const named = <A, E, R>(name: string, take: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  toStep(name, Either.right(null), take)

/** To a step, where no error can say that a payload does not fit; `take` is what it is for. */
export const toStep = <A, E, R>(
  name: string,
  encoded: Encoded,
  take: (text: string | null) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Either.match(checked(name, encoded), { onLeft: Effect.die, onRight: take })

/** To the workflow `id`, which must be one that a workflow can have. */
export const toWorkflow = (
  name: string,
  id: Key,
  encoded: Encoded
): Either.Either<string | null, InvalidPayload> =>
  Option.match(invalid(id), {
    onNone: () => checked(name, encoded),
    onSome: (why) => Either.left(new InvalidPayload({ name, message: `the id cannot be used: ${why}` }))
  })
