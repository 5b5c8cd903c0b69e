/**
 * The journal in memory.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { JournalLocked } from "../Errors.ts"
import type {
  Batch,
  Lease,
  RequestRow,
  Sent,
  Service,
  SignalRow,
  StepExecutionRow,
  StepRow,
  WorkflowExecutionRow,
  WorkflowRow
} from "../JournalModel.ts"
import * as Bell from "./bell.ts"
import * as Workflows from "./memoryWorkflows.ts"
import { isEnded } from "./status.ts"

/** Rows by workflow, then by what identifies them within it; a `Map` keeps the order of first writing. */
type Table<Row> = Map<string, Map<string | number, Row>>

const put = <Row extends { readonly workflowId: string }>(table: Table<Row>, key: string | number, row: Row) => {
  const rows = table.get(row.workflowId)
  if (rows === undefined) table.set(row.workflowId, new Map([[key, row]]))
  else rows.set(key, row)
}

const rowsOf = <Row>(table: Table<Row>, id: string): Array<Row> => Array.from(table.get(id)?.values() ?? [])

const forget = <Row extends { readonly generation: number }>(table: Table<Row>, id: string, generation: number) => {
  const rows = table.get(id)
  for (const [key, row] of rows ?? []) if (row.generation === generation) rows?.delete(key)
}

/** One lease at a time, by the clock of who asks. */
const makeLease = () => {
  let token = 0
  let holder: { readonly token: number; readonly leaseMillis: number; expiresAt: number } | undefined
  const take = (leaseMillis: number) =>
    Effect.clockWith((clock) => {
      const now = clock.unsafeCurrentTimeMillis()
      if (holder !== undefined && now < holder.expiresAt) {
        return new JournalLocked({ holder: "another engine of this process" })
      }
      holder = { token: ++token, leaseMillis, expiresAt: now + leaseMillis }
      return Effect.succeed<Lease>({ token })
    })
  return {
    acquire: (leaseMillis: number) =>
      Effect.acquireRelease(take(leaseMillis), (lease) =>
        Effect.sync(() => {
          if (holder?.token === lease.token) holder = undefined
        })),
    /** Prolongs the lease, and writes. */
    fenced: <A>(lease: Lease, write: () => A): Effect.Effect<A, JournalLocked> =>
      Effect.clockWith((clock) => {
        if (holder?.token !== lease.token) {
          return new JournalLocked({
            holder: holder === undefined
              ? "nobody any more, the lease was given back"
              : "another engine of this process"
          })
        }
        holder.expiresAt = clock.unsafeCurrentTimeMillis() + holder.leaseMillis
        return Effect.succeed(write())
      })
  }
}

/** What belongs to workflows: written, read, and forgotten. */
const makeRows = () => {
  const executions: Table<WorkflowExecutionRow> = new Map()
  const steps: Table<StepRow> = new Map()
  const stepExecutions: Table<StepExecutionRow> = new Map()
  const signals: Table<SignalRow> = new Map()
  const workflows = Workflows.make((id) => (signals.get(id)?.size ?? 0) > 0)
  const signalOwners = new Map<number, string>()
  const requests = new Map<number, RequestRow>()
  let signalId = 0
  let requestId = 0

  const addSignal = (sent: Sent) => {
    const row = { ...sent, id: ++signalId }
    put(signals, row.id, row)
    signalOwners.set(row.id, row.workflowId)
  }

  const takeSignal = (id: number) => {
    const owner = signalOwners.get(id)
    if (owner === undefined) return
    signals.get(owner)?.delete(id)
    signalOwners.delete(id)
  }

  const putSteps = (rows: ReadonlyArray<StepRow>) => {
    for (const row of rows) put(steps, `${row.generation}/${row.path}`, row)
  }

  return {
    workflows,
    executions,
    steps,
    stepExecutions,
    signals,
    requests,
    putSteps,
    addSignal,
    addRequest: (request: Omit<RequestRow, "id">): number => {
      requests.set(++requestId, { ...request, id: requestId })
      return requestId
    },
    write: (batch: Batch): ReadonlyArray<WorkflowRow> => {
      const existing = workflows.create(batch.created)
      workflows.put(batch.workflows)
      for (const row of batch.executions) put(executions, `${row.generation}/${row.attempt}`, row)
      putSteps(batch.steps)
      for (const row of batch.stepExecutions) put(stepExecutions, `${row.generation}/${row.attempt}/${row.path}`, row)
      for (const sent of batch.signals) if (workflows.get(sent.workflowId) !== undefined) addSignal(sent)
      for (const id of batch.taken) takeSignal(id)
      for (const { generation, workflowId } of batch.over) {
        forget(steps, workflowId, generation)
        forget(stepExecutions, workflowId, generation)
      }
      for (const id of batch.handled) requests.delete(id)
      return existing
    },
    prune: (before: number, limit: number): number => {
      const asked = new Set(Array.from(requests.values(), ({ workflowId }) => workflowId))
      const forgotten = workflows.prune({ before, limit, keeps: (id) => asked.has(id) })
      for (const id of forgotten) {
        for (const signal of rowsOf(signals, id)) signalOwners.delete(signal.id)
        for (const table of [executions, steps, stepExecutions, signals]) table.delete(id)
      }
      return forgotten.length
    }
  }
}

export const make = (): Service => {
  const rows = makeRows()
  const { executions, requests, signals, stepExecutions, steps, workflows } = rows
  const lease = makeLease()
  const requested = Bell.make()
  const committed = Bell.make()
  const ringBoth = () => {
    requested.ring()
    committed.ring()
  }
  const committing = <A>(write: () => A) => () => {
    const written = write()
    committed.ring()
    return written
  }
  return {
    acquire: lease.acquire,
    renew: (held) => lease.fenced(held, () => undefined),
    commit: (held, batch) => lease.fenced(held, committing(() => rows.write(batch))),
    submit: (request, created) =>
      Effect.sync(() => {
        const [existing] = workflows.create(Option.toArray(Option.map(created, ({ workflow }) => workflow)))
        if (existing !== undefined) return Either.left(existing)
        if (Option.isSome(created)) rows.putSteps(created.value.steps)
        const id = rows.addRequest(request)
        ringBoth()
        return Either.right(id)
      }),
    send: (signal) =>
      Effect.sync(() => {
        const row = workflows.get(signal.workflowId)
        if (row !== undefined && !isEnded(row.status)) {
          rows.addSignal(signal)
          rows.addRequest({ workflowId: signal.workflowId, kind: "Signal", payload: null, at: signal.at })
          ringBoth()
        }
        return Option.fromNullable(row)
      }),
    requests: Effect.sync(() => Array.from(requests.values())),
    requested: requested.listen,
    committed: Bell.stream(committed.listen),
    workflow: (id) => Effect.sync(() => Option.fromNullable(workflows.get(id))),
    list: ({ after, filter, limit }) => Effect.sync(() => workflows.list(filter, after, limit)),
    changed: ({ after, limit }) => Effect.sync(() => workflows.changed(after, limit)),
    asleep: ({ after, limit }) => Effect.sync(() => workflows.asleep(after, limit)),
    lastChange: Effect.sync(workflows.lastChange),
    children: (id) => Effect.sync(() => workflows.children(id)),
    recorded: (id, generation) =>
      Effect.sync(() => {
        const ofGeneration = rowsOf(steps, id).filter((row) => row.generation === generation)
        const open = new Set(ofGeneration.flatMap((row) => row.seq === null ? [row.path] : []))
        return {
          executions: rowsOf(executions, id).filter((row) => row.generation === generation),
          steps: ofGeneration,
          openStepExecutions: open.size === 0
            ? []
            : rowsOf(stepExecutions, id).filter((row) => row.generation === generation && open.has(row.path))
        }
      }),
    history: (id) =>
      Effect.sync(() =>
        Option.map(Option.fromNullable(workflows.get(id)), (workflow) => ({
          workflow,
          executions: rowsOf(executions, id),
          steps: rowsOf(steps, id),
          stepExecutions: rowsOf(stepExecutions, id),
          signals: rowsOf(signals, id)
        }))
      ),
    signals: (id, after) => Effect.sync(() => rowsOf(signals, id).filter((row) => row.id > after)),
    prune: ({ before, limit }) => Effect.sync(committing(() => rows.prune(before, limit)))
  }
}
