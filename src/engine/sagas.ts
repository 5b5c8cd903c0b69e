/**
 * Sagas: regions of a body whose completed steps are undone, in reverse order, when the region fails. Each is a scope
 * of its own, closed by its own code at its logical end, never by the run's: an execution that is dropped undoes
 * nothing.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import type { Region } from "../Execution.ts"
import type { StepStatus } from "../Info.ts"
import type { Outcome } from "../Outcome.ts"
import { Frame, type Place, place, type Undo } from "./frame.ts"

export interface Options {
  readonly isDropped: () => boolean
  readonly fibers: Iterable<Fiber.RuntimeFiber<unknown, unknown>>
  /** Is told of undos that begin to run, and that have run: what they do is not to be taken for what was left behind. */
  readonly undoing: (change: 1 | -1) => void
  /** Marks steps as undone. */
  readonly compensated: (steps: Iterable<string>) => void
  /** Checks the key of a saga and writes its row; answers with its path, or never. */
  readonly enter: <A, E>(region: Region<A, E>) => Effect.Effect<string>
  readonly mark: (path: string, status: StepStatus, outcome: Option.Option<Outcome>) => void
}

/** The defect that a fiber ends with which continues the workflow as new. No saga that it leaves is undone for it. */
export const leaving = new Error("the workflow continues as new")

const isLeaving = (cause: Cause.Cause<unknown>): boolean => Chunk.contains(Cause.defects(cause), leaving)

/** What an undo failed with is no error of the saga: it becomes a defect beside what the saga failed with. */
const asDefect = (cause: Cause.Cause<unknown>): Cause.Cause<never> => Cause.flatMap(cause, Cause.die)

/** `first`, then `second`, leaving out what is empty. */
export const both = <E>(first: Cause.Cause<E>, second: Cause.Cause<E>): Cause.Cause<E> =>
  Cause.isEmpty(first) ? second : Cause.isEmpty(second) ? first : Cause.sequential(first, second)

/**
 * Runs the undos of `frame` in reverse order of registration, one after the other, until none is left. Each is
 * interruptible, on a fresh fiber: timeouts and races work in it, and a cancel does not reach it. Gives what failed.
 */
export const compensateAll = (
  options: Options,
  frame: Frame,
  cause: Cause.Cause<unknown>
): Effect.Effect<Cause.Cause<never>> =>
  Effect.gen(function*() {
    frame.failed = Option.some(cause)
    let failures: Cause.Cause<never> = Cause.empty
    for (let undo = frame.undos.pop(); undo !== undefined; undo = frame.undos.pop()) {
      const failed = yield* compensateOne(options, frame, undo, cause)
      if (options.isDropped()) return Cause.empty
      failures = both(failures, failed)
    }
    return failures
  }).pipe(Effect.uninterruptible)

const compensateOne = (
  options: Options,
  frame: Frame,
  undo: Undo,
  cause: Cause.Cause<unknown>
): Effect.Effect<Cause.Cause<never>> =>
  undo.run(cause).pipe(
    Effect.interruptible,
    Effect.locally(place, Option.some<Place>({ frame, compensating: true, steps: undefined })),
    (self) =>
      Effect.suspend(() => {
        options.undoing(1)
        return Effect.forkDaemon(self)
      }),
    Effect.flatMap(Fiber.await),
    Effect.map((exit) => {
      options.undoing(-1)
      if (Exit.isFailure(exit)) return asDefect(exit.cause)
      if (!options.isDropped()) options.compensated(undo.steps)
      return Cause.empty
    })
  )

/** Interrupts every fiber that was forked inside of `frame` and still lives, and waits for their ends. */
const interruptWithin = (options: Options, frame: Frame): Effect.Effect<void> =>
  Effect.withFiberRuntime((self) =>
    Fiber.interruptAll(
      Array.from(options.fibers).filter((fiber) =>
        fiber !== self && Option.exists(fiber.getFiberRef(place), (at) => at.frame.isWithin(frame))
      )
    )
  )

/** `Execution.saga`. */
export const region = <A, E, R>(
  options: Options,
  asked: Region<A, E>,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const path = yield* restore(options.enter(asked))
      const outer = yield* FiberRef.get(place)
      const frame = new Frame(path, Option.getOrUndefined(outer)?.frame, asked.invalidKey)
      const inside: Place = {
        frame,
        compensating: Option.exists(outer, (at) => at.compensating),
        steps: Option.getOrUndefined(outer)?.steps
      }
      const exit = yield* restore(self).pipe(Effect.locally(place, Option.some(inside)), Effect.exit)
      if (options.isDropped()) return yield* exit
      if (Exit.isSuccess(exit)) {
        options.mark(path, "Completed", Option.some(asked.encode(exit)))
        inside.steps?.add(path)
        return yield* exit
      }
      yield* interruptWithin(options, frame)
      if (isLeaving(exit.cause)) {
        options.mark(path, "Completed", Option.none())
        return yield* exit
      }
      const hasUndos = frame.undos.length > 0
      if (hasUndos && !options.isDropped()) options.mark(path, "Compensating", Option.none())
      const failures = yield* compensateAll(options, frame, exit.cause)
      if (options.isDropped()) return yield* exit
      const ended = Exit.failCause(both(exit.cause, failures))
      options.mark(
        path,
        hasUndos && Cause.isEmpty(failures) ? "Compensated" : "Failed",
        Option.some(asked.encode(ended))
      )
      return yield* ended
    })
  )

/** `Execution.compensate`. */
export const compensate = <A, E, R, X, E2, R2>(
  options: Options,
  self: Effect.Effect<A, E, R>,
  undo: (value: A, cause: Cause.Cause<unknown>) => Effect.Effect<X, E2, R2>
): Effect.Effect<A, E, R | R2> =>
  Effect.uninterruptible(
    Effect.gen(function*() {
      const at = yield* FiberRef.get(place)
      if (Option.isNone(at)) return yield* Effect.dieMessage("Saga.compensate was called outside of a workflow")
      const { frame } = at.value
      const steps = new Set<string>()
      const exit = yield* Effect.exit(Effect.locally(self, place, Option.some({ ...at.value, steps })))
      // A compensation around this one undoes its steps, too.
      for (const path of steps) at.value.steps?.add(path)
      const value = yield* exit
      const context = yield* Effect.context<R2>()
      const registered: Undo = {
        steps,
        run: (cause) => Effect.provide(undo(value, cause), context)
      }
      if (Option.isNone(frame.failed)) frame.undos.push(registered)
      // The saga has failed already: as with a finalizer of a closed scope, the undo runs at once.
      else {
        const failed = yield* compensateOne(options, frame, registered, frame.failed.value)
        if (!Cause.isEmpty(failed)) return yield* Effect.failCause(failed)
      }
      return value
    })
  )
