/**
 * News of writes: of this connection at once, of others by asking SQLite whether anybody else has written.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { JournalError } from "../Errors.ts"
import * as Bell from "../internal/bell.ts"
import { run } from "./connection.ts"
import type { Database } from "./database.ts"
import * as Tables from "./tables.ts"

export interface Changes {
  /** This connection may have written a request. */
  readonly announceRequest: Effect.Effect<void>
  /** This connection may have written anything else. */
  readonly announceCommit: Effect.Effect<void>
  readonly requested: Effect.Effect<Effect.Effect<void, JournalError>, JournalError, Scope.Scope>
  readonly committed: Stream.Stream<void, JournalError>
}

const readVersion = Tables.reader("data_version", Schema.Struct({ data_version: Schema.Number }))

/** Asks every `interval` of real time, and only while somebody listens. */
export const make = (
  database: Database,
  interval: Duration.DurationInput
): Effect.Effect<Changes, never, Scope.Scope> =>
  Effect.gen(function*() {
    const [requested, committed] = [Bell.make<JournalError>(), Bell.make<JournalError>()]
    // Other processes go by the real time, whatever that of this fiber does.
    const pause = Effect.withClock(Effect.sleep(interval), Clock.make())
    // A number that changes when another connection has written.
    const version = Effect.flatMap(
      database.query("watch", function*() {
        return yield* readVersion(yield* run("PRAGMA data_version"))
      }),
      // Nobody is to wait for what is written elsewhere.
      ([row]) => database.misplaced("watch") ?? Effect.succeed(row?.data_version)
    )
    const watch = (before: number | undefined): Effect.Effect<void> =>
      Effect.zipRight(pause, version).pipe(
        Effect.match({
          onFailure: (error) => {
            requested.fail(error)
            committed.fail(error)
            return before
          },
          onSuccess: (now) => {
            if (now !== before) {
              requested.ring()
              committed.ring()
            }
            return now
          }
        }),
        Effect.flatMap(watch)
      )
    const watcher = yield* RcRef.make({
      // The version is read before anybody listens, so that no write falls between.
      acquire: Effect.flatMap(version, (now) => Effect.forkScoped(watch(now)))
    })
    const watched = (bell: Bell.Bell<JournalError>) => Effect.zipRight(RcRef.get(watcher), bell.listen)
    return {
      announceRequest: Effect.sync(() => {
        requested.ring()
        committed.ring()
      }),
      announceCommit: Effect.sync(committed.ring),
      requested: watched(requested),
      committed: Bell.stream(watched(committed))
    }
  })
