/**
 * Other workflows as steps: sub-workflows, which their parent waits for and ends, and independent ones.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { NonDeterminism, WorkflowConflict } from "../Errors.ts"
import type { Child, StartedChild } from "../Execution.ts"
import type { Key as StepKey } from "../Info.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import type { StepRow, WorkflowRow } from "../Journal.ts"
import { type Outcome, Success } from "../Outcome.ts"
import { over } from "./attempts.ts"
import * as Children from "./children.ts"
import { diverged } from "./diverged.ts"
import { below, place } from "./frame.ts"
import * as Ids from "./ids.ts"
import type { Parts } from "./parts.ts"
import * as Row from "./rows.ts"
import type { Request } from "./steps.ts"

const isId = Schema.is(Schema.Union(Schema.String, Schema.Number))

export interface ChildSteps {
  readonly child: (child: Child) => Effect.Effect<Outcome>
  readonly startChild: (child: Child) => Effect.Effect<StartedChild>
  readonly detach: (child: Child) => Effect.Effect<StepKey>
}

/** The path of the step `key` for the fiber that asks. */
export const pathOf = (key: StepKey): Effect.Effect<string> =>
  Effect.map(FiberRef.get(place), Option.match({ onNone: () => Key.encode(key), onSome: below(key) }))

/** Takes a step in the background of the body. Gives what waits for its outcome. */
export const inBackground = ({ steps }: Parts, request: Request): Effect.Effect<Effect.Effect<Outcome>> =>
  Effect.gen(function*() {
    const result = yield* Deferred.make<Outcome>()
    yield* steps.take(request).pipe(Effect.intoDeferred(result), Effect.interruptible, Effect.forkDaemon)
    // It is asked for before what the body asks for next.
    yield* Effect.yieldNow()
    return Deferred.await(result)
  })

export const make = (parts: Parts): ChildSteps => {
  const { host, ledger, steps } = parts
  const workflowId = Key.decode(ledger.workflow.id)

  /** The id under which another workflow is, or will be, started: a step that runs again starts another one. */
  const childOf = (
    path: string,
    payload: string | null
  ): { readonly id: string; readonly attempts: number; readonly isKnown: boolean } => {
    const row = ledger.step(path)
    const isKnown = row !== undefined && row.status !== "Pending" && row.payload === payload
    const attempts = (row?.attempts ?? 0) + (isKnown ? 0 : 1)
    const id = Ids.child(ledger.workflow, path)
    // Of what a fork was given there is none of its own.
    return { id: attempts <= 1 ? id : `${id}@${attempts}`, attempts, isKnown }
  }

  /** The id belongs to something else. */
  const conflict = (path: string, id: string) => (found: WorkflowRow) => {
    const owner = found.parentId === null ? "" : ` of ${found.parentId}`
    const { message } = new WorkflowConflict({
      workflowId: Key.decode(id),
      reason:
        `the step ${path} starts a workflow under it, and the journal holds ${JSON.stringify(found.name)}${owner} ` +
        "there"
    })
    steps.diverge(new NonDeterminism({ workflowId, key: path, message }))
  }

  const begin = (child: Child): Request["begin"] => (asked, onEnd) => {
    const { attempts, id, isKnown } = childOf(asked.path, asked.payload)
    let row: StepRow = { ...asked, status: "Running", attempts }
    if (!isKnown) ledger.put(row)
    const created = Children.row({
      id,
      name: child.name,
      payload: child.payload,
      parent: { id: row.workflowId, path: row.path },
      createdAt: host.now()
    })
    const handle = host.children.start(created, {
      ended: ({ outcome, status }) => {
        if (row.status === "Cancelled" && status === "Cancelled") onEnd(undefined)
        else onEnd(ledger.record(row, status === "Cancelled" ? Children.cancelled(id) : outcome))
      },
      conflict: conflict(row.path, id)
    })
    return {
      release: () => {
        handle.release()
        onEnd(undefined)
      },
      quietUntil: () => handle.isWatched() ? Infinity : undefined,
      watches: true,
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
    signal: Option.none(),
    begin: begin(child)
  })

  /** The end of one execution of a sub-workflow: an outcome of its own, beside that of the resource. */
  const exitRequest = (child: Child, path: string, id: string): Request => ({
    key: Option.none(),
    path: () => Key.join(path, "~exit"),
    asked: { kind: "Workflow", name: child.name, payload: null },
    shared: true,
    outlives: false,
    signal: Option.none(),
    begin: (asked, onEnd) => {
      const row: StepRow = { ...asked, status: "Running" }
      const whole = ledger.step(path)
      if (whole !== undefined && whole.seq !== null && whole.origin !== "Executed") {
        // Of this workflow it has no execution: what is known is how it ended.
        onEnd(ledger.record(row, Row.outcomeOf(whole)))
        return over
      }
      if (ledger.step(asked.path)?.status !== "Running") ledger.put(row)
      const watch = host.children.watchExecution(id, 1, 1, (outcome) => {
        onEnd(ledger.record(row, outcome))
      })
      const end = () => {
        watch.release()
        onEnd(undefined)
      }
      return {
        release: end,
        quietUntil: () => watch.isWatched() ? Infinity : undefined,
        watches: true,
        interrupt: () => {
          ledger.put({ ...row, status: "Cancelled" })
          end()
        }
      }
    }
  })

  const detached = (child: Child): Request["begin"] => (asked, onEnd) => {
    const { attempts, id } = childOf(asked.path, asked.payload)
    const row: StepRow = { ...asked, status: "Running", attempts }
    let isOver = false
    const release = () => {
      isOver = true
      onEnd(undefined)
    }
    ledger.put(row)
    host.children.detach(
      Children.row({ id, name: child.name, payload: child.payload, parent: null, createdAt: host.now() }),
      {
        started: () => {
          if (isOver) return
          isOver = true
          onEnd(ledger.record(row, Success({ value: JSON.stringify(Key.decode(id)) })))
        },
        conflict: conflict(row.path, id)
      }
    )
    return {
      release,
      quietUntil: () => undefined,
      watches: false,
      // It is independent: it may have begun.
      interrupt: () => {
        ledger.put({ ...row, status: "Cancelled" })
        release()
      }
    }
  }

  return {
    child: (child) => steps.take(childRequest(child)),
    startChild: (child) =>
      Effect.gen(function*() {
        const path = yield* pathOf(child.key)
        const { id } = childOf(path, child.payload)
        const result = yield* inBackground(parts, childRequest(child))
        return {
          workflowId: Key.decode(id),
          executionId: Ids.workflowExecution(id, 1, 1),
          attempt: 1,
          exit: steps.take(exitRequest(child, path, id)),
          result
        }
      }),
    detach: (child) =>
      Effect.gen(function*() {
        const outcome = yield* steps.take({
          key: Option.some(child.key),
          path: below(child.key),
          asked: { kind: "Detach", name: child.name, payload: child.payload },
          shared: false,
          outlives: false,
          signal: Option.none(),
          begin: detached(child)
        })
        const started = outcome._tag === "Success" ? Either.getOrElse(Json.parse(outcome.value), () => null) : null
        return isId(started)
          ? started
          : yield* diverged(parts)(child.key, "what is recorded is not the id of a workflow")
      })
  }
}
