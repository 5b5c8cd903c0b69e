/**
 * The outside as it is for who hands it the idempotency key: a call that was under way when the process died goes on
 * without it, and answers the process that calls again. So the outside sees each call once, whatever crash there was.
 *
 * It objects to a call of what is completed, and to more calls than a crash accounts for.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { defaultScheduler } from "effect/Scheduler"
import * as Ids from "../../../src/engine/ids.ts"
import * as Execution from "../../../src/Execution.ts"
import type { Journal } from "../../../src/index.ts"
import * as Key from "../../../src/internal/key.ts"
import { isEnded } from "../../../src/internal/status.ts"
import type * as Outcome from "../../../src/Outcome.ts"

/** Who calls. */
export interface Caller {
  readonly isDead: () => boolean
}

interface Call {
  readonly workflowId: string
  readonly fiber: Fiber.RuntimeFiber<Outcome.Outcome>
  caller: Caller
  /** The attempt that it is for the caller. */
  attempt: Execution.Attempt
  /** Whether that was on record when the caller died. */
  isNoted: boolean
}

export class Calls {
  private readonly object: (what: string) => void
  /** Those whose outcome is not on record, by step. */
  private readonly open = new Map<string, Call>()
  /** The attempts at a step that were lost, and repeated by the next one. */
  private readonly lost = new Map<string, ReadonlyArray<number>>()
  /** Those that were lost with a step that was given up before it could be repeated. */
  private readonly givenUp = new Map<string, ReadonlyArray<number>>()
  /** The latest attempt at a step that is on record. */
  private readonly latest = new Map<string, number>()
  /** The attempts that are on record without an end, of the process that lives, by step. */
  private readonly noted = new Map<string, number>()
  /** The payloads of steps that are completed, as far as it is on record. */
  private readonly recorded = new Map<string, string | null>()

  constructor(object: (what: string) => void) {
    this.object = object
  }

  /** A body whose steps call through here. */
  readonly within = <A, E, R>(caller: Caller, body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(
      FiberRef.get(Execution.current),
      Option.match({
        onNone: () => body,
        // For the whole fiber, and those that it forks: finalizers of the body take steps, too.
        onSome: (execution) =>
          Effect.zipRight(FiberRef.set(Execution.current, Option.some(this.through(caller, execution))), body)
      })
    )

  private through(caller: Caller, execution: Execution.Execution): Execution.Execution {
    const work = (work: Execution.Work): Execution.Work => ({
      ...work,
      run: (attempt) =>
        Effect.flatMap(
          Effect.runtime<never>(),
          // Who is dead, and is being cleared away, calls nobody.
          (runtime) => caller.isDead() ? Effect.never : this.answer(this.call(caller, work, attempt, runtime))
        )
    })
    const through: Execution.Execution = {
      ...execution,
      perform: (asked) => execution.perform(work(asked)),
      start: (asked) => execution.start(work(asked)),
      // An undo runs on a fiber of its own.
      compensate: (self, undo) =>
        execution.compensate(
          self,
          (value, cause) => Effect.locally(undo(value, cause), Execution.current, Option.some(through))
        )
    }
    return through
  }

  /** Begins a call, or finds the one that it repeats. */
  private call(
    caller: Caller,
    work: Execution.Work,
    attempt: Execution.Attempt,
    runtime: Runtime.Runtime<never>
  ): Call {
    const id = attempt.activityId
    const open = this.open.get(id)
    const lost = this.lost.get(id) ?? []
    if (this.recorded.get(id) === work.payload) {
      this.object(`${id} is called for attempt ${attempt.attempt}, and is completed on record`)
    }
    if (open?.caller.isDead() === true) {
      // Of an attempt that was not noted before the process died nothing is known: the next one has its number.
      if (open.attempt.attempt !== attempt.attempt) this.lose(id, open.attempt.attempt)
      open.caller = caller
      open.attempt = attempt
      open.isNoted = false
      return open
    }
    if (open?.caller === caller) this.object(`${id} is called for attempt ${attempt.attempt} while the last one runs`)
    const number = attempt.attempt - lost.length
    const told: Execution.Attempt = {
      ...attempt,
      attempt: number,
      executionId: attempt.executionId.replace(/@\d+$/, `@${number}`),
      heartbeat: (details) => Effect.suspend(() => call.attempt.heartbeat(details))
    }
    const call: Call = {
      workflowId: Key.encode(attempt.workflowId),
      fiber: Runtime.runFork(runtime)(work.run(told), { scheduler: defaultScheduler, immediate: false }),
      caller,
      attempt,
      isNoted: false
    }
    this.open.set(id, call)
    return call
  }

  /** Waits for the answer to a call; who is interrupted while alive has it interrupted. */
  private answer(call: Call): Effect.Effect<Outcome.Outcome> {
    const { attempt, caller } = call
    return Effect.async((resume) => {
      const observe = (exit: Exit.Exit<Outcome.Outcome>) => {
        resume(exit)
      }
      call.fiber.addObserver(observe)
      return Effect.suspend(() => {
        call.fiber.removeObserver(observe)
        return caller.isDead() ? Effect.void : Effect.asVoid(Fiber.interrupt(call.fiber))
      }).pipe(Effect.ensuring(Effect.sync(() => {
        if (!caller.isDead() && this.open.get(attempt.activityId) === call) this.open.delete(attempt.activityId)
      })))
    })
  }

  /** A process begins: whatever is on record without an end is not its own. */
  begun(): void {
    this.noted.clear()
  }

  /** It has died: an attempt that it noted is lost, unless it is under way, and may be repeated. */
  died(): void {
    for (const [id, attempt] of this.noted) {
      const open = this.open.get(id)
      if (open?.attempt.attempt === attempt) open.isNoted = true
      else this.lose(id, attempt)
    }
    this.noted.clear()
  }

  /** A process is about to end, as the test says: nobody comes back to what one before it, that died, had begun. */
  retired(): void {
    for (const [id, { caller, fiber }] of this.open) {
      if (!caller.isDead()) continue
      this.open.delete(id)
      fiber.unsafeInterruptAsFork(FiberId.none)
    }
  }

  /** Has seen what was written. */
  written(batch: Journal.Batch, existing: ReadonlyArray<Journal.WorkflowRow>): void {
    const created = batch.created.filter(({ id }) => existing.every((row) => row.id !== id))
    const over = [...created.map(({ id }) => ({ workflowId: id, generation: 1 })), ...batch.over]
    for (const { generation, workflowId } of over) this.forget(Ids.step(workflowId, generation, ""))
    for (const { attempt, generation, path, workflowId } of batch.stepExecutions) {
      this.latest.set(Ids.step(workflowId, generation, path), attempt)
    }
    for (const { generation, path, payload, seq, status, workflowId } of batch.steps) {
      const id = Ids.step(workflowId, generation, path)
      // What failed may be called for again, before that is durable, once it is to be repaired.
      if (status === "Completed") this.recorded.set(id, payload)
      else this.recorded.delete(id)
      // Nobody will call again: the connection is gone, as the outside finds.
      if (seq !== null || status === "Cancelled") this.cut(id)
      if (status === "Cancelled") this.giveUp(id)
    }
    for (const { attempt, generation, path, status, workflowId } of batch.stepExecutions) {
      const id = Ids.step(workflowId, generation, path)
      const open = this.open.get(id)
      if (status === "Running") this.noted.set(id, attempt)
      else if (this.noted.get(id) === attempt) this.noted.delete(id)
      if (open?.attempt.attempt === attempt && status !== "Running" && !open.caller.isDead()) this.open.delete(id)
    }
    for (const row of batch.workflows) {
      if (!isEnded(row.status)) continue
      for (const [id, call] of this.open) if (call.workflowId === row.id) this.cut(id)
    }
  }

  /** A history without the attempts that were lost and repeated; those that never were, are as if interrupted. */
  view(history: Journal.History): Journal.History {
    const idOf = ({ generation, path, workflowId }: Journal.StepRow | Journal.StepExecutionRow) =>
      Ids.step(workflowId, generation, path)
    const lostOf = (row: Journal.StepRow | Journal.StepExecutionRow) => this.lost.get(idOf(row)) ?? []
    return {
      ...history,
      steps: history.steps.map((row) => ({ ...row, attempts: row.attempts - lostOf(row).length })),
      stepExecutions: history.stepExecutions.flatMap((row) => {
        const lost = lostOf(row)
        if (lost.includes(row.attempt)) return []
        return [{
          ...row,
          attempt: row.attempt - lost.filter((attempt) => attempt < row.attempt).length,
          status: this.givenUp.get(idOf(row))?.includes(row.attempt) === true ? "Cancelled" : row.status
        }]
      })
    }
  }

  private lose(id: string, attempt: number): void {
    this.lost.set(id, [...this.lost.get(id) ?? [], attempt])
  }

  private giveUp(id: string): void {
    const lost = this.lost.get(id) ?? []
    const last = lost.filter((attempt) => attempt === this.latest.get(id))
    this.lost.set(id, lost.filter((attempt) => !last.includes(attempt)))
    this.givenUp.set(id, [...this.givenUp.get(id) ?? [], ...last])
  }

  private forget(prefix: string): void {
    for (const id of this.recorded.keys()) if (id.startsWith(prefix)) this.recorded.delete(id)
    for (const byStep of [this.lost, this.givenUp, this.latest, this.noted]) {
      for (const id of byStep.keys()) if (id.startsWith(prefix)) byStep.delete(id)
    }
    for (const id of this.open.keys()) if (id.startsWith(prefix)) this.cut(id)
  }

  /** Ends a call whose caller has died. */
  private cut(id: string): void {
    const open = this.open.get(id)
    if (open?.caller.isDead() !== true) return
    this.open.delete(id)
    if (open.isNoted) this.lose(id, open.attempt.attempt)
    open.fiber.unsafeInterruptAsFork(FiberId.none)
  }

  /** Ends whatever still runs. */
  end(): void {
    for (const { fiber } of this.open.values()) fiber.unsafeInterruptAsFork(FiberId.none)
    this.open.clear()
  }
}
