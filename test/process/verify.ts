/**
 * What must be true of a journal and the world outside, whatever kills there were. Each check gives its complaints.
 */
import type { Journal, StepRow } from "./journal.ts"
import * as Orders from "./orders.ts"
import type { Line } from "./world.ts"

type Complaints = ReadonlyArray<string>

const group = <A>(values: Iterable<A>, key: (value: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const value of values) {
    const same = groups.get(key(value))
    if (same === undefined) groups.set(key(value), [value])
    else same.push(value)
  }
  return groups
}

const hasEnded = (status: string) => status === "Completed" || status === "Failed" || status === "Cancelled"

/** The outcomes that are final. A failed step of a workflow that is retried as a whole is asked again. */
const finalOutcomes = ({ steps, workflows }: Journal): ReadonlyArray<StepRow> => {
  const isRetried = new Set(workflows.filter(({ name }) => name === Orders.Patient.key).map(({ id }) => id))
  return steps.filter(({ kind, seq, status, workflowId }) =>
    seq !== null && kind === "Activity" && !(status === "Failed" && isRetried.has(workflowId))
  )
}

/** What a process left behind when it was killed. */
export interface Moment {
  readonly journal: Journal
  /** How many lines the world had. */
  readonly lines: number
  /** The ids of which it had said that they were started, and cancelled. */
  readonly started: Iterable<string>
  readonly cancelled: Iterable<string>
}

/** What a process had acknowledged must be in every journal from then on. */
export const acknowledged = ({ cancelled, started }: Moment, after: Journal): Complaints => {
  const workflows = new Map(after.workflows.map((row) => [row.id, row]))
  const requested = new Set(after.cancels)
  return [
    ...Array.from(started).filter((id) => !workflows.has(id)).map((id) => `the start of ${id} is lost`),
    ...Array.from(cancelled)
      .filter((id) => {
        const row = workflows.get(id)
        return row === undefined || (!requested.has(id) && row.cancelSeq === null && !hasEnded(row.status))
      })
      .map((id) => `the cancel of ${id} is lost`)
  ]
}

/** A process that was asked to stop leaves nothing that seems to run, but what it found so and did not come to. */
export const stopped = (before: Journal, after: Journal): Complaints => {
  const found = new Set(running(before))
  return running(after).filter((which) => !found.has(which)).map((which) => `${which} has not ended`)
}

const running = ({ stepExecutions }: Journal) =>
  stepExecutions.flatMap(({ activityId, attempt, status }) => status === "Running" ? [`${activityId} ${attempt}`] : [])

/** What a killed process had recorded must be as it was, and must not happen again. */
export const kept = (before: Moment, after: Journal, world: ReadonlyArray<Line>): Complaints => {
  const workflows = new Map(after.workflows.map((row) => [row.id, row]))
  const steps = new Map(after.steps.map((row) => [row.activityId, row]))
  const startedLater = new Set(
    world.slice(before.lines).filter(({ event }) => event === "start").map(({ path }) => path)
  )
  const isKept = (row: StepRow) => {
    const now = steps.get(row.activityId)
    return now?.seq === row.seq && now.outcome === row.outcome &&
      (now.status === row.status || (row.status === "Completed" && now.status === "Compensated"))
  }
  return [
    ...before.journal.workflows
      .filter(({ id, outcome, status }) => {
        const now = workflows.get(id)
        return now === undefined || (hasEnded(status) && (now.status !== status || now.outcome !== outcome))
      })
      .map(({ id }) => `the end of ${id} has changed`),
    ...finalOutcomes(before.journal).filter((row) => !isKept(row)).map(({ activityId }) =>
      `the outcome of ${activityId} has changed`
    ),
    ...finalOutcomes(before.journal).filter(({ activityId }) => startedLater.has(activityId)).map(({ activityId }) =>
      `${activityId} was done and recorded, and started again`
    )
  ]
}

/** Every attempt is on record before it is made, is made once, and all of one activity have one idempotency key. */
export const attempts = ({ stepExecutions }: Journal, world: ReadonlyArray<Line>): Complaints => {
  const recorded = new Map(stepExecutions.map((row) => [`${row.activityId} ${row.attempt}`, row]))
  const starts = world.filter(({ event }) => event === "start")
  const succeeded = new Set(
    world.filter(({ event }) => event === "success").map(({ attempt, path }) => `${path} ${attempt}`)
  )
  return [
    ...starts.filter((line) => !recorded.has(`${line.path} ${line.attempt}`)).map(({ attempt, path }) =>
      `attempt ${attempt} of ${path} is not on record`
    ),
    ...Array.from(group(starts, ({ attempt, path }) => `${path} ${attempt}`))
      .filter(([, lines]) => lines.length > 1)
      .map(([which, lines]) => `${which} was started ${lines.length} times`),
    ...Array.from(group(starts, ({ path }) => path))
      .filter(([, lines]) => new Set(lines.map(({ idempotencyKey }) => idempotencyKey)).size > 1)
      .map(([path]) => `${path} has several idempotency keys`),
    ...Array.from(group(starts, ({ idempotencyKey }) => idempotencyKey))
      .filter(([, lines]) => new Set(lines.map(({ path }) => path)).size > 1)
      .map(([key]) => `several activities have the idempotency key ${key}`),
    ...stepExecutions.filter(({ status }) => status === "Running").map(({ activityId, attempt }) =>
      `attempt ${attempt} of ${activityId} has not ended`
    ),
    ...Array.from(recorded).filter(([which, { status }]) => status === "Completed" && !succeeded.has(which)).map((
      [which]
    ) => `${which} is recorded as completed, and the world does not know`),
    ...Array.from(group(stepExecutions, ({ activityId }) => activityId))
      .filter(([, rows]) => rows.some(({ attempt }, index) => attempt !== index + 1))
      .map(([path, rows]) => `${path} has the attempts ${rows.map(({ attempt }) => attempt).join()}`)
  ]
}

/** An activity that failed for good has had as many failures in an execution as its policy allows; lost ones aside. */
export const retries = ({ stepExecutions, steps }: Journal): Complaints => {
  const failed = group(
    stepExecutions.filter(({ status }) => status === "Failed"),
    ({ activityId, workflowAttempt }) => `${activityId} ${workflowAttempt}`
  )
  const spent = new Set(
    steps.filter(({ kind, status }) => kind === "Activity" && status === "Failed").map(({ activityId }) => activityId)
  )
  return Array.from(failed).flatMap(([which, rows]) => {
    const isSpent = rows.some(({ activityId }) => spent.has(activityId))
    const right = isSpent ? rows.length === Orders.attempts : rows.length <= Orders.attempts
    return right ? [] : [`${which} failed ${rows.length} times`]
  })
}

/** One saga: the steps of one path prefix. */
const sagaOf = ({ activityId }: StepRow) => activityId.slice(0, activityId.lastIndexOf("/"))
const keyOf = ({ activityId }: StepRow) => activityId.slice(activityId.lastIndexOf("/") + 1)
const undoPrefix = "undo-"

/** What was done is undone where it must be and nowhere else: the last first, once. */
export const compensations = (
  { steps, workflows }: Journal,
  world: ReadonlyArray<Line>,
  undoable: (key: string) => boolean
): Complaints => {
  const status = new Map(workflows.map((row) => [row.id, row.status]))
  const failed = (saga: string) => {
    const ended = status.get(saga)
    // A saga within a workflow; those of the batch fail.
    return ended === undefined ? true : ended !== "Completed"
  }
  const inOrder = (rows: ReadonlyArray<StepRow>) => rows.toSorted((x, y) => (x.seq ?? 0) - (y.seq ?? 0))
  return Array.from(group(steps, sagaOf)).flatMap(([saga, rows]) => {
    const done = inOrder(
      rows.filter((row) => undoable(keyOf(row)) && (row.status === "Completed" || row.status === "Compensated"))
    )
    const due = failed(saga) ? done.toReversed().map((row) => `${undoPrefix}${keyOf(row)}`) : []
    const undone = inOrder(rows.filter((row) => keyOf(row).startsWith(undoPrefix)))
    const seen = world
      .filter(({ event, path }) => event === "start" && path.startsWith(`${saga}/${undoPrefix}`))
      .map(({ path }) => path.slice(saga.length + 1))
    const firsts = seen.filter((key, index) => seen.indexOf(key) === index)
    const marked = done.filter((row) => row.status === (failed(saga) ? "Compensated" : "Completed"))
    return [
      ...undone.filter((row) => row.status !== "Completed").map((row) => `${row.activityId} is ${row.status}`),
      ...undone.map(keyOf).join() === due.join()
        ? []
        : [`of ${saga}, due was ${due.join()}, and recorded is ${undone.map(keyOf).join()}`],
      ...firsts.join() === due.join() ? [] : [`of ${saga}, due was ${due.join()}, and the world saw ${firsts.join()}`],
      ...marked.length === done.length ? [] : [`of ${saga}, not all undone steps are marked`]
    ]
  })
}
