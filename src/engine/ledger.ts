/**
 * What one execution knows of its journal: the rows as they will be once everything that was put is durable. All
 * writes of an execution go through its ledger, in one order, and outcomes get their `seq` here.
 */
import type { WorkflowExecutionStatus } from "../Info.ts"
import * as Journal from "../Journal.ts"
import type { Outcome } from "../Outcome.ts"
import type { Committer, Rows } from "./committer.ts"
import { type Answer, type Asked, look } from "./replay.ts"
import type { Failure } from "./retry.ts"
import * as Row from "./rows.ts"

/** What is known of a step. */
interface Known {
  row: Journal.StepRow
  isDelivered: boolean
}

/** What becomes durable together with an outcome. */
type Along = Pick<Rows, "signals" | "taken">

export class Ledger {
  workflow: Journal.WorkflowRow
  /** Silent once the execution was dropped: then nothing of it may be written. */
  private readonly steps = new Map<string, Known>()
  /** The attempts that failed, of steps that are to be retried. */
  private readonly failed = new Map<string, Array<Failure>>()
  /** Attempts that ran when the process before this one ended. */
  private readonly lost: Array<Journal.StepExecutionRow> = []
  /** The details of the last heartbeat of each step that is to be tried again. */
  private readonly beats = new Map<string, string>()
  /** The path of the step whose failure was delivered last. */
  lastFailedStep: string | null = null
  /** How many outcomes were on record when the body began: until they are delivered it is a replay. */
  private recordedCount = 0
  private deliveredCount = 0
  private lastSeq = 0
  private readonly executions: ReadonlyArray<Journal.WorkflowExecutionRow>
  private execution: Journal.WorkflowExecutionRow
  private readonly write: Committer["put"]
  private readonly now: () => number

  constructor(
    workflow: Journal.WorkflowRow,
    recorded: Journal.Recorded,
    options: { readonly put: Committer["put"]; readonly now: () => number }
  ) {
    this.workflow = workflow
    this.write = options.put
    this.now = options.now
    this.executions = recorded.executions
    this.execution = recorded.executions.find((row) => row.attempt === workflow.attempt) ?? {
      workflowId: workflow.id,
      generation: workflow.generation,
      attempt: workflow.attempt,
      status: "Running",
      startedAt: options.now(),
      finishedAt: null,
      error: null
    }
    this.lastSeq = workflow.cancelSeq ?? 0
    for (const row of recorded.steps) {
      this.set(row)
      this.lastSeq = Math.max(this.lastSeq, row.seq ?? 0)
    }
    this.rewind()
    for (const row of recorded.openStepExecutions) {
      if (row.status === "Running") this.lost.push(row)
      const step = this.step(row.path)
      if (step !== undefined && row.attempt >= step.firstAttempt) this.addFailure(row)
      this.addBeat(row)
    }
  }

  /** The body begins at its first line: all that is on record is to be delivered. */
  rewind(): void {
    this.deliveredCount = 0
    this.lastFailedStep = null
    this.recordedCount = 0
    for (const known of this.steps.values()) {
      known.isDelivered = false
      if (known.row.seq !== null) this.recordedCount++
    }
  }

  step(path: string): Journal.StepRow | undefined {
    return this.steps.get(path)?.row
  }

  /** What the journal answers for `path`. */
  look(path: string, asked: Asked): Answer {
    return look(this.step(path), asked, this.workflow.attempt)
  }

  /** The number of the first attempt that a step has, or will have, when it is asked for so. */
  firstAttempt(path: string, asked: Asked): number {
    const row = this.step(path)
    const answer = this.look(path, asked)
    return answer._tag === "Missing" && answer.again ? (row?.attempts ?? 0) + 1 : row?.firstAttempt ?? 1
  }

  /**
   * Opens the execution: it runs from now on; whatever ran in a process before this one is lost. It is written by the
   * way: what is not on record is opened again.
   */
  open(): void {
    const { startedAt } = this.execution
    this.workflow = {
      ...this.workflow,
      // It may have been held since it was read.
      status: this.workflow.status === "Paused" ? "Paused" : "Running",
      reason: null,
      wakeAt: null,
      sleepsUntil: null,
      startedAt: this.workflow.startedAt ?? startedAt
    }
    const now = this.now()
    this.write({
      workflow: this.workflow,
      execution: this.execution,
      stepExecutions: this.lost.map((row) => Row.executionEnded(row, "Lost", now, null))
    })
  }

  /**
   * Replaces the row of a step that has no outcome (and, with it, a row of its attempts). `whenDurable` is called once that
   * and every outcome that was delivered before is durable.
   */
  put(row: Journal.StepRow, attempt?: Journal.StepExecutionRow, whenDurable?: () => void): void {
    this.set(row)
    this.write(this.rowsOf(row, attempt), whenDurable)
  }

  /** Records an outcome, the next in the order; what is given `along` becomes durable with it. */
  record(
    row: Journal.StepRow,
    outcome: Outcome,
    attempt?: Journal.StepExecutionRow,
    along?: Along
  ): Journal.StepRow {
    const ended = Row.stepEnded(row, outcome, ++this.lastSeq, this.now())
    this.set(ended)
    this.write(this.rowsOf(ended, attempt, along))
    this.failed.delete(row.path)
    this.beats.delete(row.path)
    return ended
  }

  /** Records an outcome that an operator has given. */
  skip(row: Journal.StepRow, outcome: Outcome): Journal.StepRow {
    return this.record({ ...row, origin: "Skipped" }, outcome)
  }

  /** Keeps a heartbeat of an attempt that runs. Nothing waits for it to be durable. */
  beat(attempt: Journal.StepExecutionRow): void {
    this.addBeat(attempt)
    this.write({ stepExecutions: [attempt] })
  }

  /** The details (JSON) of the last heartbeat of a step. */
  lastBeat(path: string): string | null {
    return this.beats.get(path) ?? null
  }

  /** Replaces rows as an operator wants them. */
  repair(rows: ReadonlyArray<Journal.StepRow>): void {
    for (const row of rows) this.set(row)
    this.write({ steps: rows })
  }

  /** Whether the journal has a step, begun by the body before now, that `isKnown` does not know. */
  hasOther(isKnown: (path: string) => boolean): boolean {
    for (const { row: { kind, path, status } } of this.steps.values()) {
      if (kind !== "Version" && status !== "Pending" && !isKnown(path)) return true
    }
    return false
  }

  /** Holds the workflow, or lets it go on; its execution goes on, too. */
  pause(paused: boolean): void {
    this.workflow = { ...this.workflow, status: paused ? "Paused" : "Running" }
    this.write({ workflow: this.workflow })
  }

  /** Marks steps as undone; their outcomes stay. */
  compensated(paths: Iterable<string>): void {
    for (const path of paths) {
      const row = this.step(path)
      if (row?.status === "Completed") this.put({ ...row, status: "Compensated" })
    }
  }

  /** Takes a cancel into the order. Only the first counts, and none once the workflow has ended. */
  cancel(): void {
    if (this.workflow.cancelSeq === null && !Row.hasEnded(this.workflow)) {
      this.workflow = { ...this.workflow, cancelSeq: ++this.lastSeq, cancelAt: this.now() }
    }
    // What is held has to go on to be undone.
    if (this.workflow.status === "Paused") this.workflow = { ...this.workflow, status: "Running" }
    this.workflow = { ...this.workflow, sleepsUntil: null }
    this.write({ workflow: this.workflow })
  }

  /** Counts the outcome of a step as used. */
  deliver(path: string): Journal.StepRow | undefined {
    const known = this.steps.get(path)
    if (known === undefined) return undefined
    if (!known.isDelivered) this.deliveredCount++
    known.isDelivered = true
    if (known.row.status === "Failed") this.lastFailedStep = path
    return known.row
  }

  /** Whether everything that was on record when the ledger was opened has been delivered. */
  get isReplayed(): boolean {
    return this.deliveredCount >= this.recordedCount
  }

  /** Whether the body has come to a step before. */
  get hasRecorded(): boolean {
    for (const { row: { attempt, seq, status } } of this.steps.values()) {
      if (seq !== null || (status !== "Pending" && attempt === this.workflow.attempt)) return true
    }
    return false
  }

  /** The executions before this one that failed. */
  get failedExecutions(): ReadonlyArray<Failure> {
    return this.executions.flatMap((row) =>
      row.attempt >= this.workflow.firstAttempt && row.error !== null && row.finishedAt !== null
        ? [{ at: row.finishedAt, cause: row.error }]
        : []
    )
  }

  failures(path: string): ReadonlyArray<Failure> {
    return this.failed.get(path) ?? []
  }

  /** Ends the execution, and with `workflow` the resource or what else becomes of it; `steps` go with it. */
  end(
    status: WorkflowExecutionStatus,
    error: string | null,
    workflow: Partial<Journal.WorkflowRow>,
    steps: ReadonlyArray<Journal.StepRow> = [],
    over?: Rows["over"]
  ): void {
    const unusedOutcomes = Array.from(this.steps.values())
      .filter(({ isDelivered, row }) => row.seq !== null && row.kind !== "Saga" && !isDelivered).length
    this.workflow = { ...this.workflow, unusedOutcomes, ...workflow }
    // A cancel that comes until this is durable is one of the next generation, whose order begins anew.
    if (over !== undefined) this.lastSeq = this.workflow.cancelSeq ?? 0
    for (const row of steps) this.set(row)
    this.write({
      workflow: this.workflow,
      steps,
      execution: { ...this.execution, status, error, finishedAt: this.now() },
      ...(over === undefined ? {} : { over })
    })
  }

  /** Holds the resource without ending its execution. */
  suspend(reason: string): void {
    this.workflow = { ...this.workflow, status: "Suspended", reason }
    this.write({ workflow: this.workflow })
  }

  /** It goes on when that time has come, or something else has; the process may be another. */
  sleep(until: number): void {
    this.workflow = { ...this.workflow, sleepsUntil: Math.min(until, Journal.forever) }
    this.write({ workflow: this.workflow })
  }

  /** What the next execution does not keep. */
  reset(): ReadonlyArray<Journal.StepRow> {
    return Row.reset(Array.from(this.steps.values(), ({ row }) => row))
  }

  private set(row: Journal.StepRow): void {
    const known = this.steps.get(row.path)
    if (known === undefined) this.steps.set(row.path, { row, isDelivered: false })
    else known.row = row
  }

  private rowsOf(row: Journal.StepRow, attempt: Journal.StepExecutionRow | undefined, along: Along = {}): Rows {
    if (attempt !== undefined) {
      this.addFailure(attempt)
      this.addBeat(attempt)
    }
    return { steps: [row], stepExecutions: attempt === undefined ? [] : [attempt], ...along }
  }

  private addBeat({ heartbeat, path, status }: Journal.StepExecutionRow): void {
    // What was done is done: if it is to be done anew, it begins at its beginning.
    if (status === "Completed") this.beats.delete(path)
    else if (heartbeat !== null) this.beats.set(path, heartbeat)
  }

  private addFailure(row: Journal.StepExecutionRow): void {
    if ((row.status !== "Failed" && row.status !== "TimedOut") || row.error === null || row.finishedAt === null) return
    const failures = this.failed.get(row.path) ?? []
    failures.push({ at: row.finishedAt, cause: row.error })
    this.failed.set(row.path, failures)
  }
}
