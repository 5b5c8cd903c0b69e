/**
 * How the engine meets a journal that fails: it waits where it is, without end, and asks again every five seconds at
 * last. A body never sees it.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { JournalError } from "../Errors.ts"

export const backoff = Schedule.exponential("50 millis").pipe(
  Schedule.union(Schedule.spaced("5 seconds")),
  Schedule.jittered
)

/** Reads for the engine itself. */
export const whenReadable = <A>(read: Effect.Effect<A, JournalError>): Effect.Effect<A> =>
  read.pipe(
    Effect.tapError((error) => Effect.logError("tempolite: the journal cannot be read; trying again", error)),
    Effect.retry(backoff),
    // The schedule has no end.
    Effect.orDie
  )
