/**
 * A connection to SQLite: what is asked of it, whoever opened it.
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { JournalError } from "../Errors.ts"

export type Parameter = string | number | null

/** Its text is constant, so that it stays prepared. */
export interface Statement {
  readonly sql: string
  readonly parameters: ReadonlyArray<Parameter>
}

export type Rows = ReadonlyArray<unknown>

/** Runs one statement. */
export type Run = (sql: string, ...parameters: ReadonlyArray<Parameter>) => Effect.Effect<Rows, JournalError>

/** Runs statements one after the other, up to the first that fails. Returns the rows of all. */
export type RunAll = (statements: ReadonlyArray<Statement>) => Effect.Effect<Rows, JournalError>

/** What is done with a connection while nobody else uses it. */
export type Body<A, E> = (run: Run, runAll: RunAll) => Effect.Effect<A, E>

/** In which words a fault is told. */
export type Failure = (cause: unknown) => JournalError

export interface Connection {
  /** Uses it alone. */
  readonly alone: <A, E>(failure: Failure, body: Body<A, E>) => Effect.Effect<A, E | JournalError>
  /** Whether this fiber is in a transaction on this very connection: then it would wait for itself, and uses it so. */
  readonly joined: Effect.Effect<Option.Option<<A, E>(failure: Failure, body: Body<A, E>) => Effect.Effect<A, E>>>
}
