/**
 * Sagas of the model.
 */
import { Cause, Effect, Exit, Fiber, FiberRef } from "effect"
import type { Broken } from "./interpret.ts"

/** A saga: what is to be undone. */
export class Frame {
  readonly undos: Array<Effect.Effect<unknown, Broken>> = []
  readonly isUndoing: boolean
  private readonly outer: Frame | undefined

  constructor(outer: Frame | undefined, isUndoing = outer?.isUndoing ?? false) {
    this.outer = outer
    this.isUndoing = isUndoing
  }

  isWithin(other: Frame): boolean {
    return this === other || (this.outer?.isWithin(other) ?? false)
  }
}

export const current = FiberRef.unsafeMake<Frame>(new Frame(undefined), { join: (parent) => parent })

/** Runs all undos, the last first; gives what they died of. */
export const undoAll = (frame: Frame): Effect.Effect<Cause.Cause<never>> =>
  Effect.gen(function*() {
    let failures: Cause.Cause<never> = Cause.empty
    for (let undo = frame.undos.pop(); undo !== undefined; undo = frame.undos.pop()) {
      const exit = yield* undo.pipe(
        Effect.interruptible,
        Effect.locally(current, new Frame(frame, true)),
        Effect.forkDaemon,
        Effect.flatMap(Fiber.await)
      )
      if (Exit.isFailure(exit)) failures = Cause.sequential(failures, Cause.flatMap(exit.cause, Cause.die))
    }
    return failures
  }).pipe(Effect.uninterruptible)

/** Undoes what `self` did if it fails, once those of `fibers` that are of the saga have ended. */
export const scoped = <A>(
  self: Effect.Effect<A, Broken>,
  fibers: Iterable<Fiber.RuntimeFiber<unknown, unknown>>
): Effect.Effect<A, Broken> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const frame = new Frame(yield* FiberRef.get(current))
      const exit = yield* Effect.exit(Effect.locally(restore(self), current, frame))
      if (Exit.isSuccess(exit)) return exit.value
      yield* Fiber.interruptAll(Array.from(fibers).filter((fiber) => fiber.getFiberRef(current).isWithin(frame)))
      return yield* Effect.failCause(Cause.sequential(exit.cause, yield* undoAll(frame)))
    })
  )

export const compensate = <A>(
  self: Effect.Effect<A, Broken>,
  undo: Effect.Effect<unknown, Broken>
): Effect.Effect<A, Broken> =>
  Effect.uninterruptible(
    Effect.tap(self, () =>
      Effect.map(FiberRef.get(current), ({ undos }) => {
        undos.push(undo)
      }))
  )
