/**
 * The body of a run: its main fiber, what its fibers see (clock, random numbers, tracer, loggers), and the fiber that
 * compensates.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Option from "effect/Option"
import * as EffectRandom from "effect/Random"
import * as Tracer from "effect/Tracer"
import type { ExecutionContext } from "../Engine.ts"
import * as Execution from "../Execution.ts"
import * as Key from "../internal/key.ts"
import type { WorkflowRow } from "../Journal.ts"
import * as BodyClock from "./clock.ts"
import { anchor, Frame, type Place, place } from "./frame.ts"
import * as Ids from "./ids.ts"
import * as Offer from "./offer.ts"
import type { Parts } from "./parts.ts"
import * as Quiet from "./quiet.ts"
import * as Random from "./random.ts"
import * as Sagas from "./sagas.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export interface Body {
  /** Forks the main fiber; `Left` says why the recorded payload does not decode. */
  readonly start: () => Either.Either<void, string>
  /** How the main fiber ended, once it has. */
  readonly exit: () => Exit.Exit<unknown, unknown> | undefined
  /** Delivers the outcome that is next. */
  readonly deliver: () => void
  /** Delivers the cancel. */
  readonly cancel: () => void
  /** What follows has not run before. */
  readonly live: () => void
  /** Runs the compensations of the workflow on a fiber of the body. */
  readonly compensate: (cause: Cause.Cause<unknown>, done: (failures: Cause.Cause<never>) => void) => void
}

const contextOf = (workflow: WorkflowRow, isReplaying: () => boolean): ExecutionContext => ({
  workflowId: Key.decode(workflow.id),
  executionId: Ids.workflowExecution(workflow.id, workflow.generation, workflow.attempt),
  attempt: workflow.attempt,
  generation: workflow.generation,
  startedAt: DateTime.unsafeMake(workflow.startedAt ?? workflow.createdAt),
  isReplaying: Effect.sync(isReplaying),
  parent: workflow.parentId === null || workflow.parentPath === null
    ? Option.none()
    : Option.some({
      workflowId: Key.decode(workflow.parentId),
      key: Key.decode(Key.segments(workflow.parentPath).at(-1) ?? workflow.parentPath)
    })
})

export const make = (options: Parts): Body => {
  const { definition, host, ledger, scheduler, steps } = options
  const root = new Frame("", undefined, definition.invalidKey)
  const seed = `${ledger.workflow.id} ${ledger.workflow.generation}`
  let now = 0
  let replaying = ledger.hasRecorded
  let exit: Exit.Exit<unknown, unknown> | undefined = undefined
  let main: AnyFiber | undefined = undefined

  const isSilent = () => replaying || options.isDropped()
  const isReplaying = () => replaying
  const execution = Offer.make(options)
  const clock = BodyClock.make(() => now, execution.implicitSleep)
  const random = Random.make(seed)

  /** Forks a fiber of the body, with what it has until it ends; what it forks inherits it. */
  const fork = (effect: Effect.Effect<unknown, unknown>, at: Place, after: string): AnyFiber =>
    scheduler.enter(() =>
      host.forkBody(effect, scheduler, (refs, fiberId) => {
        const services = FiberRefs.getOrDefault(refs, DefaultServices.currentServices)
        const loggers = FiberRefs.getOrDefault(refs, FiberRef.currentLoggers)
        const tracer = Context.get(services, Tracer.Tracer)
        const ofBody = services.pipe(
          Context.add(Clock.Clock, clock),
          Context.add(EffectRandom.Random, random),
          Context.add(Tracer.Tracer, Quiet.tracer(tracer, host.clock, isSilent))
        )
        return FiberRefs.updateManyAs(refs, {
          entries: [
            [DefaultServices.currentServices, [[fiberId, ofBody]]],
            [FiberRef.currentLoggers, [[fiberId, Quiet.loggers(loggers, host.clock, isSilent)]]],
            [Execution.current, [[fiberId, Option.some(execution)]]],
            [place, [[fiberId, Option.some(at)]]],
            [anchor, [[fiberId, after]]]
          ]
        })
      })
    )

  return {
    start: () => {
      now = ledger.workflow.startedAt ?? 0
      return Either.map(
        definition.body(ledger.workflow.payload, contextOf(ledger.workflow, isReplaying)),
        (body) => {
          main = fork(body, { frame: root, compensating: false, steps: undefined }, "")
          main.addObserver((ended) => {
            exit = ended
          })
        }
      )
    },
    exit: () => exit,
    deliver: () => {
      steps.deliver((at) => {
        now = Math.max(now, at)
      })
      if (ledger.isReplayed) replaying = false
    },
    cancel: () => {
      now = Math.max(now, ledger.workflow.cancelAt ?? 0)
      scheduler.delivered()
      scheduler.enter(() => {
        main?.unsafeInterruptAsFork(FiberId.none)
      })
    },
    live: () => {
      replaying = false
    },
    compensate: (cause, done) => {
      const undo = Effect.map(Sagas.compensateAll(execution.sagas, root, cause), (failures) => {
        if (!options.isDropped()) done(failures)
      })
      fork(undo, { frame: root, compensating: true, steps: undefined }, "~undo")
    }
  }
}
