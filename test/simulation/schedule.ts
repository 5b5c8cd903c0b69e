/**
 * What happens to a program from outside, at random: what clients ask, and what goes wrong.
 */
import type { SignalName } from "./program.ts"

/** When every simulation begins. */
export const begin = 1_700_000_000_000

/** What a client does, `at` so many milliseconds after the begin. */
export interface Command {
  readonly at: number
  readonly what: "cancel" | "pause" | "resume" | SignalName
  /** Of its own, by which a signal is known. */
  readonly n: number
}

export type FaultKind =
  /** The process is killed just before, or after, it commits. */
  | "crash before"
  | "crash after"
  /** Nothing is written, or all of it, and the call fails. */
  | "fail"
  | "fail after commit"
  /** The commit takes time. */
  | "delay"
  /** The process closes, and ends what runs. */
  | "close"

export interface Fault {
  /** How many commits after the fault before it (or the begin), from 1. */
  readonly commits: number
  /** Whether only those count that have to do with what is undone. */
  readonly undoing: boolean
  readonly kind: FaultKind
  /** How long the commit takes, or until the next process is there. */
  readonly millis: number
}

export interface Schedule {
  /** Whether each wait is followed by a replay, or each that is for nothing that runs, out of memory. */
  readonly replay: "needed" | "always" | "parked"
  readonly commands: ReadonlyArray<Command>
  readonly faults: ReadonlyArray<Fault>
}

/** Later than anything takes: when whoever is held goes on, and when whoever still waits is told to end. */
const latest = 1_000_000_000

/** All that clients ask: in the end, that everything ends. */
export const allCommands = ({ commands }: Schedule): ReadonlyArray<Command> => [
  ...commands,
  { at: latest, what: "resume", n: 0 },
  { at: 2 * latest, what: "cancel", n: 0 }
]

const showCommand = ({ at, n, what }: Command): string => {
  switch (what) {
    case "cancel":
    case "pause":
    case "resume":
      return `${at} ms: ${what}`
    default:
      return `${at} ms: ${what}.send(root, ${n})`
  }
}

const showFault = ({ commits, kind, millis, undoing }: Fault): string => {
  const when = `commit ${commits} ${undoing ? "of an undo " : ""}after that`
  switch (kind) {
    case "crash before":
    case "crash after":
      return `${when}: ${kind} it, and ${millis} ms of downtime`
    case "close":
      return `${when}: close, and ${millis} ms of downtime`
    case "delay":
      return `${when}: takes ${millis} ms`
    default:
      return `${when}: ${kind}`
  }
}

export const show = ({ commands, faults, replay }: Schedule): string =>
  [...(replay === "needed" ? [] : [`replay: ${replay}`]), ...commands.map(showCommand), ...faults.map(showFault)]
    .join("\n") || "nothing happens from outside"
