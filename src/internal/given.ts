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

/** The name of what takes no payload. */
export const named = (name: string): Effect.Effect<void> => Effect.asVoid(toStep(name, Either.right(null)))

/** To a step, where no error can say that a payload does not fit. */
export const toStep = (name: string, encoded: Encoded): Effect.Effect<string | null> =>
  Either.match(checked(name, encoded), { onLeft: Effect.die, onRight: Effect.succeed })

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
