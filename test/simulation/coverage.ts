/**
 * What a number of simulations were about: a generator that never makes what breaks an engine proves nothing.
 */
import type { Journal } from "../../src/index.ts"
import type { Prediction, Verdict } from "./judge.ts"
import { everyPart, type Generations, type Tag } from "./program.ts"
import type { FaultKind, Schedule } from "./schedule.ts"
import type { Run } from "./simulate.ts"

/** What may be under way when a process ends. */
type Moment = "an undo" | "a sub-workflow" | "a retry" | "a timer" | "a wait for a signal" | "a second generation"

export type Feature =
  | `program: ${Tag}`
  | `program: ${"generations" | "a saga in a saga" | "an undo that fails" | "a race of compensated steps"}`
  | `fault: ${FaultKind}`
  | `command: ${"cancel" | "pause" | "resume" | "signal"}`
  | `death during ${Moment}`
  | `end: ${"Completed" | "Failed" | "Cancelled"}`
  | `replay: ${Schedule["replay"]}`
  | `prediction: ${Prediction}`
  | "two deaths and more"

/** Every feature, and in how many of a thousand simulations it is to be seen at least. */
const wanted: Readonly<Record<Feature, number>> = {
  "program: Activity": 900,
  "program: SideEffect": 100,
  "program: Sleep": 100,
  "program: Delay": 100,
  "program: Version": 50,
  "program: Sequence": 900,
  "program: All": 200,
  "program: Race": 100,
  "program: Timeout": 100,
  "program: Fork": 100,
  "program: Catch": 100,
  "program: Saga": 200,
  "program: Compensate": 400,
  "program: Child": 100,
  "program: StartChild": 100,
  "program: Detach": 50,
  "program: Await": 100,
  "program: Send": 50,
  "program: generations": 50,
  "program: a saga in a saga": 20,
  "program: an undo that fails": 50,
  "program: a race of compensated steps": 10,
  "fault: crash before": 50,
  "fault: crash after": 50,
  "fault: fail": 20,
  "fault: fail after commit": 20,
  "fault: delay": 20,
  "fault: close": 20,
  "command: cancel": 40,
  "command: pause": 50,
  "command: resume": 50,
  "command: signal": 200,
  "death during an undo": 8,
  "death during a sub-workflow": 20,
  "death during a retry": 4,
  "death during a timer": 20,
  "death during a wait for a signal": 2,
  "death during a second generation": 1,
  "two deaths and more": 20,
  "end: Completed": 100,
  "end: Failed": 100,
  "end: Cancelled": 25,
  "replay: needed": 500,
  "replay: always": 100,
  "replay: parked": 100,
  "prediction: exact": 300,
  "prediction: exact but for ties": 0,
  "prediction: the end": 100,
  "prediction: the laws": 100
}

const momentsOf = (row: Journal.StepRow): ReadonlyArray<Moment> => [
  ...(row.undo ? ["an undo" as const] : []),
  ...(row.kind === "Workflow" ? ["a sub-workflow" as const] : []),
  ...(row.status === "Retrying" ? ["a retry" as const] : []),
  ...(row.kind === "Timer" && row.status === "Waiting" ? ["a timer" as const] : []),
  ...(row.kind === "Signal" && row.status === "Waiting" ? ["a wait for a signal" as const] : []),
  ...(row.generation > 1 ? ["a second generation" as const] : [])
]

const featuresOf = (
  generations: Generations,
  { commands, replay }: Schedule,
  { ends, faults, status }: Run,
  { prediction }: Verdict
): ReadonlySet<Feature> => {
  const parts = generations.flatMap(everyPart)
  const features = new Set<Feature>([`replay: ${replay}`, `prediction: ${prediction}`])
  for (const part of parts) {
    features.add(`program: ${part._tag}`)
    const inside = everyPart(part).slice(1)
    if (part._tag === "Saga" && inside.some(({ _tag }) => _tag === "Saga")) features.add("program: a saga in a saga")
    if (part._tag === "Race" && inside.some(({ _tag }) => _tag === "Compensate")) {
      features.add("program: a race of compensated steps")
    }
    if (part._tag === "Compensate" && part.undo._tag === "Activity" && part.undo.failures > 2) {
      features.add("program: an undo that fails")
    }
  }
  if (generations.length > 1) features.add("program: generations")
  for (const { kind } of faults) features.add(`fault: ${kind}`)
  for (const { what } of commands) {
    features.add(what === "Red" || what === "Blue" ? "command: signal" : `command: ${what}`)
  }
  for (const moment of ends.flatMap(({ open }) => open.flatMap(momentsOf))) features.add(`death during ${moment}`)
  if (ends.length > 1) features.add("two deaths and more")
  if (status === "Completed" || status === "Failed" || status === "Cancelled") features.add(`end: ${status}`)
  return features
}

export class Coverage {
  simulations = 0
  readonly counts = new Map<Feature, number>()

  see(generations: Generations, schedule: Schedule, run: Run, verdict: Verdict): void {
    this.simulations++
    for (const feature of featuresOf(generations, schedule, run, verdict)) {
      this.counts.set(feature, (this.counts.get(feature) ?? 0) + 1)
    }
  }

  /** Features that were seen less often than they are to be. */
  get missing(): ReadonlyArray<string> {
    return Object.entries(wanted).flatMap(([feature, perThousand]) => {
      const count = Array.from(this.counts).find(([name]) => name === feature)?.[1] ?? 0
      const least = Math.floor((perThousand * this.simulations) / 1_000)
      return count >= least ? [] : [`${feature}: ${count}, and at least ${least} were wanted`]
    })
  }
}
