/**
 * The laws of how the rows of one workflow change from one commit to the next.
 */
import type { History, StepRow, WorkflowExecutionRow } from "../JournalModel.ts"
import type { Finding } from "./rowLaws.ts"
import { isEnded } from "./status.ts"

/** What executions of workflows and of steps have in common. */
interface Ran extends Pick<WorkflowExecutionRow, "startedAt" | "finishedAt" | "error"> {
  readonly status: string
}

interface Change {
  readonly before: History
  readonly after: History
  /** Whether there is another execution, in the same generation or the next. */
  readonly again: boolean
  readonly sameGeneration: boolean
  /** Whether the workflow waited to be repaired: then an operator may have what failed asked for again. */
  readonly held: boolean
}

export const change = (before: History, after: History): Change => {
  const sameGeneration = before.workflow.generation === after.workflow.generation
  return {
    before,
    after,
    sameGeneration,
    again: !sameGeneration || before.workflow.attempt < after.workflow.attempt,
    held: before.workflow.reason !== null
  }
}

/** Those of `fields` in which two rows differ. */
const differing = <Row, Field extends keyof Row & string>(
  before: Row,
  after: Row,
  fields: ReadonlyArray<Field>
): ReadonlyArray<Field> => fields.filter((field) => before[field] !== after[field])

/** Whether an execution has another begin, or, once it has ended, another end. */
const isRewritten = (before: Ran, after: Ran): boolean =>
  differing(before, after, before.finishedAt === null ? ["startedAt"] : ["startedAt", "finishedAt", "status", "error"])
    .length > 0

/** Rows of both, by what identifies them; `undefined` is gone. */
const paired = <Row>(
  before: ReadonlyArray<Row>,
  after: ReadonlyArray<Row>,
  identity: (row: Row) => string
): ReadonlyArray<readonly [Row, Row | undefined]> => {
  const rows = new Map(after.map((row) => [identity(row), row]))
  return before.map((row) => [row, rows.get(identity(row))])
}

/** The steps that are there before and after, unless their generation is over. */
const steps = ({ after, before, sameGeneration }: Change): ReadonlyArray<readonly [StepRow, StepRow]> =>
  sameGeneration
    ? paired(before.steps, after.steps, ({ generation, path }) => `${generation} ${path}`)
      .flatMap(([was, is]) => is === undefined ? [] : [[was, is] as const])
    : []

/** What a workflow is, and what it was asked, does not change; it goes on, and never back. */
function* workflow({ after, before, sameGeneration }: Change): Iterable<Finding> {
  const [was, is] = [before.workflow, after.workflow]
  const fixed = ["id", "name", "parentId", "parentPath", "forkedId", "forkedPath", "createdAt"] as const
  for (const field of differing(was, is, fixed)) yield [null, `its ${field} has changed`]
  if (is.generation < was.generation) yield [null, `it was in generation ${was.generation}, and is in ${is.generation}`]
  if (sameGeneration) {
    for (const field of differing(was, is, ["payload", "firstPayload"])) yield [null, `its ${field} has changed`]
    if (was.startedAt !== null && is.startedAt !== was.startedAt) yield [null, "it has begun again at another time"]
    if (is.attempt < was.attempt) yield [null, `it was in execution ${was.attempt}, and is in ${is.attempt}`]
    if (is.firstAttempt < was.firstAttempt) yield [null, "its retries count from an earlier execution than before"]
  } else if (is.firstPayload !== (was.generation === 1 ? was.payload : was.firstPayload)) {
    yield [null, "what it was started with has changed"]
  }
}

/** What has ended stays as it is, until a client has it retried: it gets another execution. */
function* end(self: Change): Iterable<Finding> {
  const { after, again, before } = self
  const { status } = before.workflow
  if (!isEnded(status)) return
  if (again && status !== "Completed") return
  if (after.workflow.status !== status) yield [null, `it was ${status}, and is ${after.workflow.status}`]
  for (const field of differing(before.workflow, after.workflow, ["attempt", "generation", "outcome", "finishedAt"])) {
    yield [null, `it had ended, and its ${field} has changed`]
  }
  const known = new Map(before.steps.map((row) => [row.path, row]))
  for (const row of after.steps) {
    if (known.get(row.path)?.status !== row.status) yield [row.path, `the workflow had ended, and it is ${row.status}`]
  }
}

/** A cancel keeps its place while the execution lasts in which it came. */
function* cancel({ after, again, before }: Change): Iterable<Finding> {
  const was = before.workflow.cancelSeq
  if (was === null || again) return
  if (after.workflow.cancelSeq !== was) {
    yield [null, `its cancel had the place ${was}, and has ${after.workflow.cancelSeq ?? "none"}`]
  }
}

/** Whether a step that was completed may have been undone since, by a saga around it that has not succeeded. */
const mayBeUndone = ({ before }: Change, { path }: StepRow): boolean =>
  before.steps.some((row) => row.kind === "Saga" && row.status !== "Completed" && path.startsWith(`${row.path}/`))

/** Whether an outcome may be taken back from one row to the next. */
const isTakenBack = (self: Change, was: StepRow, is: StepRow): boolean => {
  const { after, again, held } = self
  const isAnew = is.round > was.round
  if (!again && !held) return isAnew && was.attempt < after.workflow.attempt
  if (was.status === "Failed" || (held && was.origin === "Skipped")) return true
  // What is completed is kept. Only the same question is answered by what is kept, though.
  const isKept = was.status === "Completed" && !was.undo && !was.path.startsWith("~") && !mayBeUndone(self, was)
  return isAnew && (!isKept || is.payload !== was.payload)
}

/** Recorded is final within an execution; only a compensated step is marked. */
function* outcomes(self: Change): Iterable<Finding> {
  for (const [was, is] of steps(self)) {
    if (was.seq === null || isTakenBack(self, was, is)) continue
    for (const field of differing(was, is, ["seq", "at", "outcome", "payload", "origin", "round", "attempt"])) {
      yield [was.path, `it had an outcome, and its ${field} has changed`]
    }
    if (is.status !== was.status && !(was.status === "Completed" && is.status === "Compensated")) {
      yield [was.path, `it was ${was.status}, and is ${is.status}`]
    }
  }
}

/** New outcomes come after those that are there, in one go. */
function* order(self: Change): Iterable<Finding> {
  if (!self.sameGeneration) return
  const known = new Map(self.before.steps.map((row) => [row.path, row.seq]))
  const cancelSeq = self.after.workflow.cancelSeq
  const isNewCancel = cancelSeq !== null && cancelSeq !== self.before.workflow.cancelSeq
  const [kept, added]: [Array<number>, Array<number>] = [[], isNewCancel ? [cancelSeq] : []]
  if (cancelSeq !== null && !isNewCancel) kept.push(cancelSeq)
  for (const { path, seq } of self.after.steps) {
    if (seq !== null) (known.get(path) === seq ? kept : added).push(seq)
  }
  added.sort((one, other) => one - other)
  const last = Math.max(0, ...kept)
  const [first] = added
  if (first === undefined) return
  if (first <= last) yield [null, `an outcome got the place ${first}, and there is one at ${last}`]
  const missing = added.findIndex((seq, index) => seq !== first + index)
  // What failed in the last execution is taken back with its end.
  if (missing !== -1 && !self.again) yield [null, `outcomes got the places ${added.join(", ")}`]
}

/** What counts goes on counting, and a step stays what it is. */
function* counts(self: Change): Iterable<Finding> {
  for (const [was, is] of steps(self)) {
    for (const field of differing(was, is, ["kind", "name"])) yield [was.path, `its ${field} has changed`]
    for (const field of ["attempts", "round", "firstAttempt"] as const) {
      if (is[field] < was[field]) yield [was.path, `its ${field} was ${was[field]}, and is ${is[field]}`]
    }
  }
}

/** What is due at a time stays due at that time. */
function* wakeUps(self: Change): Iterable<Finding> {
  if (self.again || self.held) return
  for (const [was, is] of steps(self)) {
    const isSame = was.status === is.status && was.payload === is.payload && was.attempts === is.attempts
    if (isSame && (was.status === "Waiting" || was.status === "Retrying") && was.wakeAt !== is.wakeAt) {
      yield [was.path, `it is ${is.status}, and will be woken at another time than before`]
    }
  }
}

/** Executions stay on record, and those that have ended as they are; steps stay while their generation lasts. */
function* history({ after, before, sameGeneration }: Change): Iterable<Finding> {
  const executions = paired(before.executions, after.executions, (row) => `${row.generation} ${row.attempt}`)
  for (const [was, is] of executions) {
    const name = `the execution ${was.attempt} of generation ${was.generation}`
    if (is === undefined) yield [null, `${name} is gone`]
    else if (isRewritten(was, is)) yield [null, `${name} has changed`]
  }
  if (!sameGeneration) return
  for (const [was, is] of paired(before.steps, after.steps, ({ path }) => path)) {
    if (is === undefined) yield [was.path, "it is gone"]
  }
  for (const [was, is] of paired(before.stepExecutions, after.stepExecutions, (row) => `${row.attempt} ${row.path}`)) {
    if (is === undefined) yield [was.path, `its attempt ${was.attempt} is gone`]
    else if (isRewritten(was, is) || was.workflowAttempt !== is.workflowAttempt) {
      yield [was.path, `its attempt ${was.attempt} has changed`]
    }
  }
}

export const laws: Readonly<Record<string, (change: Change) => Iterable<Finding>>> = {
  "workflow-changes": workflow,
  "end-is-final": end,
  "cancel-is-final": cancel,
  "outcomes-are-final": outcomes,
  "order-goes-on": order,
  "counts-go-on": counts,
  "wake-ups-stay": wakeUps,
  "history-stays": history
}
