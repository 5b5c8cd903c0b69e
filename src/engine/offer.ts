/**
 * What a run offers to the steps of its body: `Execution`, on the run's own ledger and scheduler.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import { NonDeterminism, WorkflowConflict } from "../Errors.ts"
import type { Child, Execution, StartedChild, Timer } from "../Execution.ts"
import type { Key as StepKey, StepStatus } from "../Info.ts"
import * as Key from "../internal/key.ts"
import type { StepRow } from "../Journal.ts"
import { type Outcome, Success } from "../Outcome.ts"
import * as Attempts from "./attempts.ts"
import * as Children from "./children.ts"
import { anchor, type Place, place } from "./frame.ts"
import * as Ids from "./ids.ts"
import type { Parts } from "./parts.ts"
import type { Asked } from "./replay.ts"
import * as Row from "./rows.ts"
import * as Sagas from "./sagas.ts"
import type { Request } from "./steps.ts"

export interface Offered extends Execution {
  /** What `Clock.sleep` of the body is: a durable timer that is recognised by its place and its duration. */
  readonly implicitSleep: (duration: Duration.Duration) => Effect.Effect<void>
  readonly sagas: Sagas.Options
}

const done = Success({ value: null })

const timerPayload = (asked: Timer): string =>
  JSON.stringify({
    ...Option.match(asked.duration, {
      onNone: () => ({}),
      onSome: (duration) => ({ millis: Duration.toMillis(duration) })
    }),
    ...Option.match(asked.until, { onNone: () => ({}), onSome: (until) => ({ until }) })
  })

/** A replay goes through what a saga was already marked with, and must not take it back. */
const mayFollow = (status: StepStatus, next: StepStatus): boolean =>
  status === "Running" || (status === "Compensating" && next !== "Completed")

export const make = ({ host, isClosing, isDropped, ledger, scheduler, steps }: Parts): Offered => {
  const { committer, now, timers } = host
  const workflowId = Key.decode(ledger.workflow.id)
  const slept = new Map<string, number>()

  const below = (key: StepKey) => (at: Place) => Key.join(at.frame.path, Key.encode(key))

  const work: Attempts.Options = {
    ledger,
    timers,
    now,
    fork: host.fork,
    durable: committer.durable,
    isStopped: () => isDropped() || isClosing(),
    isClosing
  }

  const timer = (wakeAt: () => number): Request["begin"] => (asked, onEnd) => {
    const goesOn = asked.wakeAt !== null
    const row: StepRow = { ...asked, status: "Waiting", wakeAt: asked.wakeAt ?? Math.ceil(wakeAt()) }
    if (!goesOn) ledger.put(row)
    const cancel = timers.schedule(row.wakeAt ?? 0, () => {
      onEnd(ledger.record(row, done))
    })
    const release = () => {
      cancel()
      onEnd(undefined)
    }
    return {
      release,
      interrupt: () => {
        ledger.put({ ...row, status: "Cancelled", wakeAt: null })
        release()
      }
    }
  }

  /** The id under which a sub-workflow is, or will be, started: a step that runs again starts another one. */
  const childOf = (path: string): { readonly id: string; readonly attempts: number; readonly isKnown: boolean } => {
    const row = ledger.step(path)
    const isKnown = row !== undefined && row.status !== "Pending"
    const attempts = (row?.attempts ?? 0) + (isKnown ? 0 : 1)
    const id = Ids.child(ledger.workflow, path)
    return { id: attempts === 1 ? id : `${id}@${attempts}`, attempts, isKnown }
  }

  const begin = (child: Child): Request["begin"] => (asked, onEnd) => {
    const { attempts, id, isKnown } = childOf(asked.path)
    let row: StepRow = { ...asked, status: "Running", attempts }
    if (!isKnown) ledger.put(row)
    const parent = { id: row.workflowId, path: row.path }
    const created = Children.row({
      id,
      name: child.name,
      payload: child.payload,
      parent,
      createdAt: now()
    })
    const handle = host.children.start(created, {
      ended: ({ outcome, status }) => {
        if (row.status === "Cancelled" && status === "Cancelled") onEnd(undefined)
        else onEnd(ledger.record(row, status === "Cancelled" ? Children.cancelled(id) : outcome))
      },
      conflict: (found) => {
        steps.diverge(
          new NonDeterminism({
            workflowId,
            key: row.path,
            message: new WorkflowConflict({
              workflowId: Key.decode(id),
              reason: `the step ${row.path} starts its sub-workflow under it, and the journal holds ` +
                `${JSON.stringify(found.name)}${found.parentId === null ? "" : ` of ${found.parentId}`} there`
            }).message
          })
        )
      }
    })
    return {
      release: () => {
        handle.release()
        onEnd(undefined)
      },
      interrupt: () => {
        row = { ...row, status: "Cancelled" }
        ledger.put(row)
        handle.cancel()
      }
    }
  }

  const childRequest = (child: Child): Request => ({
    key: Option.some(child.key),
    path: below(child.key),
    asked: { kind: "Workflow", name: child.name, payload: child.payload },
    shared: false,
    outlives: true,
    begin: begin(child)
  })

  /** The end of one execution of a sub-workflow: an outcome of its own, beside that of the resource. */
  const exitRequest = (child: Child, path: string, id: string): Request => ({
    key: Option.none(),
    path: () => Key.join(path, "~exit"),
    asked: { kind: "Workflow", name: child.name, payload: null },
    shared: true,
    outlives: false,
    begin: (asked, onEnd) => {
      const row: StepRow = { ...asked, status: "Running" }
      if (ledger.step(asked.path)?.status !== "Running") ledger.put(row)
      const release = host.children.watchExecution(id, 1, 1, (outcome) => {
        onEnd(ledger.record(row, outcome))
      })
      const end = () => {
        release()
        onEnd(undefined)
      }
      return {
        release: end,
        interrupt: () => {
          ledger.put({ ...row, status: "Cancelled" })
          end()
        }
      }
    }
  })

  const startChild = (child: Child): Effect.Effect<StartedChild> =>
    Effect.gen(function*() {
      const at = yield* FiberRef.get(place)
      const path = Option.match(at, { onNone: () => Key.encode(child.key), onSome: below(child.key) })
      const { id } = childOf(path)
      const result = yield* Deferred.make<Outcome>()
      yield* steps.take(childRequest(child)).pipe(
        Effect.intoDeferred(result),
        Effect.interruptible,
        Effect.forkDaemon
      )
      return {
        workflowId: Key.decode(id),
        executionId: Ids.workflowExecution(id, 1, 1),
        attempt: 1,
        exit: steps.take(exitRequest(child, path, id)),
        result: Deferred.await(result)
      }
    })

  const sagas: Sagas.Options = {
    isDropped,
    fibers: scheduler.fibers,
    compensated: (paths) => {
      ledger.compensated(paths)
    },
    enter: (region) =>
      Effect.withFiberRuntime((fiber) => {
        const at = fiber.getFiberRef(place)
        if (Option.isNone(at)) return Effect.dieMessage("a saga was run outside of a workflow")
        const path = below(region.key)(at.value)
        const asked: Asked = { kind: "Saga", name: region.name, payload: region.payload }
        steps.claim({ key: Option.some(region.key), asked, shared: false }, path, at.value, fiber)
        if (steps.fault !== undefined) return Effect.never
        const before = ledger.step(path)
        if (before === undefined || before.status === "Pending" || before.payload !== region.payload) {
          ledger.put({
            ...Row.stepAsked(ledger.workflow, path, asked, at.value.compensating, before),
            status: "Running"
          })
        }
        return Effect.succeed(path)
      }),
    mark: (path, status, outcome) => {
      const row = ledger.step(path)
      if (row === undefined || row.status === status || steps.fault !== undefined || !mayFollow(row.status, status)) {
        return
      }
      ledger.put({
        ...row,
        status,
        outcome: Option.match(outcome, {
          onNone: () => row.outcome,
          onSome: (ended) => ended._tag === "Success" ? ended.value : ended.cause
        })
      })
    }
  }

  return {
    perform: (asked) =>
      steps.take({
        key: Option.some(asked.key),
        path: below(asked.key),
        asked: { kind: asked.kind, name: asked.name, payload: asked.payload },
        shared: false,
        outlives: false,
        begin: (row, onEnd) => Attempts.start(work, asked, row, onEnd)
      }),
    sleep: (asked) =>
      Effect.asVoid(steps.take({
        key: Option.some(asked.key),
        path: below(asked.key),
        asked: { kind: "Timer", name: asked.name, payload: timerPayload(asked) },
        shared: false,
        outlives: false,
        begin: timer(() =>
          Option.getOrElse(
            asked.until,
            () => now() + Option.match(asked.duration, { onNone: () => 0, onSome: Duration.toMillis })
          )
        )
      })),
    implicitSleep: (duration) =>
      Effect.suspend(() => {
        const millis = Duration.toMillis(duration)
        if (!Duration.isFinite(duration)) return Effect.never
        if (millis <= 0) return Effect.yieldNow()
        return Effect.flatMap(FiberRef.get(anchor), (after) => {
          const count = (slept.get(after) ?? 0) + 1
          slept.set(after, count)
          return Effect.asVoid(steps.take({
            key: Option.none(),
            path: () => `~sleep/${Key.join(after, String(count))}`,
            asked: { kind: "Timer", name: "sleep", payload: JSON.stringify({ millis }) },
            shared: false,
            outlives: false,
            begin: timer(() => now() + millis)
          }))
        })
      }),
    child: (child) => steps.take(childRequest(child)),
    startChild,
    saga: (region, self) => Sagas.region(sagas, region, self),
    compensate: (self, undo) => Sagas.compensate(sagas, self, undo),
    diverged: (key, message) =>
      Effect.suspend(() => {
        steps.diverge(new NonDeterminism({ workflowId, key: Key.encode(key), message }))
        return Effect.never
      }),
    sagas
  }
}
