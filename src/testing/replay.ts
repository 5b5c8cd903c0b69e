/**
 * Replays one recorded workflow, and says what became of it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Definition } from "../Engine.ts"
import type { Rows } from "../engine/committer.ts"
import * as Execution from "../engine/execution.ts"
import { NonDeterminism, type SuspendReason, WorkflowUnregistered } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import * as Reason from "../internal/reason.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../JournalModel.ts"
import * as ReplayHost from "./replayHost.ts"
import * as Show from "./show.ts"
import type { VirtualTime } from "./virtualTime.ts"

/** How a workflow goes on, or what it ends with, once everything on record has been delivered. */
export type Next = "Waits" | "Completes" | "Fails" | "IsCancelled" | "IsRetried" | "ContinuesAsNew" | "IsHeld"

export interface Replayed {
  readonly fault: Option.Option<SuspendReason>
  readonly next: Next
  /** The paths of the steps that it would take next and that are not on record yet. */
  readonly starts: ReadonlyArray<string>
}

/** The rows as they were while the last execution of a workflow that has ended still ran. */
const reopened = (
  row: Journal.WorkflowRow,
  recorded: Journal.Recorded
): readonly [Journal.WorkflowRow, Journal.Recorded] => [
  { ...row, status: "Running", reason: null, outcome: isEnded(row.status) ? null : row.outcome, finishedAt: null },
  {
    ...recorded,
    executions: recorded.executions.map((execution) =>
      execution.attempt === row.attempt
        ? { ...execution, status: "Running", finishedAt: null, error: null }
        : execution
    )
  }
]

/** A body that never rests is found out long before. */
const tasksMax = 10_000_000

/** What a run has written: the last of it says how it ended. */
class Written {
  workflow: Journal.WorkflowRow | undefined
  execution: Journal.WorkflowExecutionRow | undefined
  /** Whether the body has ended so that its workflow is held for repair. */
  isHeld = false
  private readonly known: ReadonlySet<string>
  private readonly begun = new Set<string>()

  constructor(recorded: Journal.Recorded) {
    this.known = new Set(recorded.steps.map(({ path }) => path))
  }

  readonly put = ({ execution, steps = [], workflow }: Rows): void => {
    this.workflow = workflow ?? this.workflow
    this.execution = execution ?? this.execution
    for (const { kind, path, seq, status } of steps) {
      if (kind === "Saga" || this.known.has(path)) continue
      if (seq === null && status !== "Cancelled") this.begun.add(path)
      else this.begun.delete(path)
    }
  }

  get starts(): ReadonlyArray<string> {
    return Array.from(this.begun)
  }

  get next(): Next {
    switch (this.execution?.status) {
      case "Completed":
        return "Completes"
      case "Failed":
        return this.workflow !== undefined && isEnded(this.workflow.status) ? "Fails" : "IsRetried"
      case "Cancelled":
        return "IsCancelled"
      case "ContinuedAsNew":
        return "ContinuesAsNew"
      default:
        return "Waits"
    }
  }
}

/** Why a workflow that has ended ends in another way, if so. */
const otherEnd = (row: Journal.WorkflowRow, written: Written): Option.Option<SuspendReason> => {
  const now = written.workflow
  if (!isEnded(row.status)) return Option.none()
  const diverged = (message: string) =>
    Option.some(new NonDeterminism({ workflowId: Key.decode(row.id), key: null, message }))
  const ended = `it ended ${row.status}`
  if (now === undefined || !isEnded(now.status)) {
    const steps = written.starts.length === 0 ? "" : `: it takes the steps ${written.starts.join(", ")}`
    return diverged(`${ended}, and does not end with what is on record any more${steps}`)
  }
  const show = row.status === "Completed" ? Show.recorded : Show.cause
  const [here, there] = [show(now.outcome), show(row.outcome)]
  return now.status === row.status && here === there
    ? Option.none()
    : diverged(`${ended} with ${Show.short(there)}, and now ends ${now.status} with ${Show.short(here)}`)
}

/** Replays a workflow as far as the journal knows it. Without a definition there is nothing to replay. */
export const replay = (
  time: VirtualTime,
  definition: Definition | undefined,
  row: Journal.WorkflowRow,
  recorded: Journal.Recorded
): Effect.Effect<Replayed> => {
  if (definition === undefined) {
    const fault = new WorkflowUnregistered({ workflowId: Key.decode(row.id), name: row.name })
    return Effect.succeed({ fault: Option.some(fault), next: "Waits", starts: [] })
  }
  return Effect.gen(function*() {
    const written = new Written(recorded)
    const observed: Definition = {
      ...definition,
      encode: (exit) => {
        written.isHeld = Exit.isFailure(exit) &&
          Option.exists(definition.suspendOn, (on) => on === "failure" || Cause.isDie(exit.cause))
        return definition.encode(exit)
      }
    }
    const driver = yield* time.fork(
      time.outside,
      Effect.gen(function*() {
        const host = yield* ReplayHost.make(yield* Effect.clock, written.put)
        const run = yield* Execution.make(host, observed, ...reopened(row, recorded), () => {})
        yield* run.drive
      })
    )
    yield* time.settle(tasksMax)
    const exit = driver.unsafePoll()
    if (exit !== null) yield* exit
    yield* Effect.zipRight(Effect.forkDaemon(Fiber.interrupt(driver)), time.settle(tasksMax))
    const reason = Reason.decode(written.workflow?.reason ?? null)
    if (Option.isNone(reason)) return { fault: otherEnd(row, written), next: written.next, starts: written.starts }
    return written.isHeld && reason.value._tag === "WorkflowStuck"
      ? { fault: Option.none(), next: "IsHeld", starts: [] }
      : { fault: reason, next: "Waits", starts: written.starts }
  })
}
