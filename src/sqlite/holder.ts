/**
 * Which process holds a lease, and whether it still lives.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Process from "node:process"

/** A process. What the system does not tell (only Linux has `/proc`) is `null`. */
export interface Holder {
  readonly pid: number
  /** When it started: another process that was given the same number started at another time. */
  readonly processStart: string | null
  /** The run of the system's kernel: after a restart no process of before lives. */
  readonly boot: string | null
  /** Where the number counts: a container has numbers of its own. */
  readonly pidSpace: string | null
  readonly host: string
}

const read = (path: string): Effect.Effect<Option.Option<string>> =>
  Effect.option(Effect.try(() => Fs.readFileSync(path, "utf8")))

/** State and start of a process, from the text of its `stat`, in which the program's name may hold anything but `)`. */
const parseStat = (stat: string): { readonly state: string | undefined; readonly start: string | undefined } => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { state: fields[0], start: fields[19] }
}

/** This process. */
export const here: Effect.Effect<Holder> = Effect.gen(function*() {
  const stat = yield* read("/proc/self/stat")
  const boot = yield* read("/proc/sys/kernel/random/boot_id")
  const pidSpace = yield* Effect.option(Effect.try(() => Fs.readlinkSync("/proc/self/ns/pid")))
  return {
    pid: Process.pid,
    processStart: Option.match(stat, { onNone: () => null, onSome: (text) => parseStat(text).start ?? null }),
    boot: Option.match(boot, { onNone: () => null, onSome: (text) => text.trim() }),
    pidSpace: Option.getOrNull(pidSpace),
    host: Os.hostname()
  }
})

/** Whether no process of that number runs here, or one that started at another time, or one that has ended already. */
const hasEnded = (pid: number, processStart: string | null): Effect.Effect<boolean> =>
  Effect.try(() => Process.kill(pid, 0)).pipe(
    Effect.as(false),
    // Not `EPERM`: that is a living process of another user.
    Effect.catchAll(({ error }) => Effect.succeed(Predicate.hasProperty(error, "code") && error.code === "ESRCH")),
    Effect.flatMap((isMissing) =>
      isMissing ? Effect.succeed(true) : Effect.map(
        read(`/proc/${pid}/stat`),
        Option.exists((text) => {
          const { start, state } = parseStat(text)
          return state === "Z" || state === "X" ||
            (processStart !== null && start !== undefined && start !== processStart)
        })
      )
    )
  )

/**
 * Whether `holder` is known to be dead, as seen from the process `self`. Of a process on another machine, or in another
 * container, nothing is known.
 */
export const isDead = (holder: Holder, self: Holder): Effect.Effect<boolean> => {
  if (holder.boot !== self.boot) {
    return Effect.succeed(holder.host === self.host && holder.boot !== null && self.boot !== null)
  }
  const isNear = holder.pidSpace === self.pidSpace && (self.boot !== null || holder.host === self.host)
  return isNear ? hasEnded(holder.pid, holder.processStart) : Effect.succeed(false)
}
