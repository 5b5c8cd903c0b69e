/**
 * The lease on the workflows of a file: one row, whose token grows with each holder. Every write of a holder begins with
 * a look at it, in a transaction that lets nobody else write, so that nothing is written once another has taken over.
 */
import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { JournalLocked } from "../Errors.ts"
import type { Lease } from "../JournalModel.ts"
import { fail, run, type Script } from "./connection.ts"
import type { Database } from "./database.ts"
import * as Holder from "./holder.ts"
import * as Tables from "./tables.ts"

const statements = {
  read: `${Tables.lease.select} WHERE partition = 0`,
  /** A row, if the lease is held and more than half of its time is left. */
  held: "SELECT token FROM tempolite_lease WHERE partition = 0 AND token = ? AND expires_at - ? > lease_millis / 2",
  /** A row, if it is held. */
  renew: "UPDATE tempolite_lease SET expires_at = ? + lease_millis WHERE partition = 0 AND token = ? RETURNING token",
  /** A row, unless somebody else has taken or renewed it since it was read. */
  take:
    "UPDATE tempolite_lease SET token = token + 1, lease_millis = ?, expires_at = ?, acquired_at = ?, engine = ?, " +
    "pid = ?, process_start = ?, boot = ?, pid_space = ?, host = ? " +
    "WHERE partition = 0 AND token = ? AND expires_at = ? RETURNING token",
  release: "UPDATE tempolite_lease SET token = token + 1, expires_at = 0, acquired_at = NULL, engine = NULL, " +
    "pid = NULL, process_start = NULL, boot = NULL, pid_space = NULL, host = NULL WHERE partition = 0 AND token = ?"
}

const taking = "take the lease of"

function* read(): Script<Tables.LeaseRow | undefined> {
  const [row] = yield* Tables.lease.read(yield* run(statements.read))
  return row
}

const holderOf = ({ boot, host, pid, pidSpace, processStart }: Tables.LeaseRow): Holder.Holder | undefined =>
  pid === null || host === null ? undefined : { pid, processStart, boot, pidSpace, host }

const describe = (row: Tables.LeaseRow | undefined): string => {
  const holder = row === undefined ? undefined : holderOf(row)
  if (row === undefined || holder === undefined) return "nobody any more, the lease was given back"
  const since = DateTime.formatIso(DateTime.unsafeMake(row.acquiredAt ?? 0))
  return `process ${holder.pid} on host ${JSON.stringify(holder.host)} (engine ${row.engine}, since ${since})`
}

const locked = (row: Tables.LeaseRow | undefined) => new JournalLocked({ holder: describe(row) })

/** Renews the lease, or fails if it is another's. */
export function* renew(lease: Lease, clock: Clock.Clock): Script<void, JournalLocked> {
  const renewed = yield* run(statements.renew, clock.unsafeCurrentTimeMillis(), lease.token)
  if (renewed.length === 0) yield* fail(locked(yield* read()))
}

/**
 * Begins the transactions of a holder: fails if the lease is another's. It is renewed only when half of it is over, as
 * that writes one page more.
 */
export function* fence(lease: Lease, clock: Clock.Clock): Script<void, JournalLocked> {
  const held = yield* run(statements.held, lease.token, clock.unsafeCurrentTimeMillis())
  if (held.length === 0) yield* renew(lease, clock)
}

const take = (database: Database, leaseMillis: number) =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const self = yield* Holder.here
    const engine = yield* Effect.map(Random.nextIntBetween(0, 0x1000000), (id) => id.toString(16).padStart(6, "0"))
    const row = yield* database.query(taking, read)
    if (row === undefined) return yield* locked(row)
    const holder = holderOf(row)
    const isFree = holder === undefined || row.expiresAt <= clock.unsafeCurrentTimeMillis() ||
      (yield* Holder.isDead(holder, self))
    if (!isFree) return yield* locked(row)
    return yield* database.transact(taking, function*(): Script<Lease, JournalLocked> {
      const now = clock.unsafeCurrentTimeMillis()
      const taken = yield* run(
        statements.take,
        leaseMillis,
        now + leaseMillis,
        now,
        engine,
        self.pid,
        self.processStart,
        self.boot,
        self.pidSpace,
        self.host,
        row.token,
        row.expiresAt
      )
      return taken.length === 0 ? yield* fail(locked(yield* read())) : { token: row.token + 1 }
    })
  })

/** Takes the lease for as long as the scope is open. */
export const acquire = (database: Database, leaseMillis: number) =>
  Effect.acquireRelease(
    take(database, leaseMillis),
    (lease) =>
      database.transact("give back the lease of", () => run(statements.release, lease.token)).pipe(
        Effect.catchAll((error) => Effect.logWarning("The lease was not given back, it will run out", error))
      )
  )
