/**
 * A connection to SQLite: what is asked of it, whoever opened it.
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { JournalError } from "../Errors.ts"

export type Parameter = string | number | null

/** Runs one statement. Its text is constant, so that it stays prepared. */
export type Run = (
  sql: string,
  ...parameters: ReadonlyArray<Parameter>
) => Effect.Effect<ReadonlyArray<unknown>, JournalError>

/** In which words a fault is told. */
export type Failure = (cause: unknown) => JournalError

export interface Connection {
  /** Uses it while nobody else does. */
  readonly alone: <A, E>(
    failure: Failure,
    use: (run: Run) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | JournalError>
  /** For a fiber that is in a transaction on this very connection: it would wait for itself. */
  readonly joined: (failure: Failure) => Effect.Effect<Option.Option<Run>>
}
