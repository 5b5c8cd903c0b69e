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

/** The end of a script that fails. */
export interface Failed<out E> {
  readonly error: E
}

/**
 * What is done with a connection while nobody else uses it: statements, each with the rows of the one before. It is no
 * effect, as most of what a commit takes beside SQLite would then be the fiber that runs it.
 */
export type Script<A, E = never> = Generator<Statement | Failed<E | JournalError>, A, Rows>

/** One statement. */
export function* run(sql: string, ...parameters: ReadonlyArray<Parameter>): Script<Rows> {
  return yield { sql, parameters }
}

/** Statements one after the other; gives the rows of all. */
export function* runAll(statements: ReadonlyArray<Statement>): Script<Rows> {
  const all: Array<unknown> = []
  for (const statement of statements) all.push(...yield statement)
  return all
}

/** Nothing of the script is done after this. */
export function* fail<E>(error: E): Generator<Failed<E>, never, Rows> {
  yield { error }
  // Whoever runs a script ends it there.
  return yield* fail(error)
}

/** In which words a fault is told. */
export type Failure = (cause: unknown) => JournalError

/** How a transaction begins, if a script is one: it is committed when it ends, and taken back when it fails. */
export type Begin = "BEGIN" | "BEGIN IMMEDIATE" | undefined

export type Perform = <A, E = never>(
  failure: Failure,
  begin: Begin,
  script: () => Script<A, E>
) => Effect.Effect<A, E | JournalError>

export interface Connection {
  /** Uses it alone. */
  readonly alone: Perform
  /** Whether this fiber is in a transaction on this very connection: then it would wait for itself, and uses it so. */
  readonly joined: Effect.Effect<Option.Option<Perform>>
}
