/**
 * Where a fiber of a body is: in which saga, whether it compensates, and which step it took last. Inherited by every
 * fiber that it forks.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import type { Key as StepKey } from "../Info.ts"
import * as Key from "../internal/key.ts"

/** A registered compensation, and the steps that it undoes. */
export interface Undo {
  readonly run: (cause: Cause.Cause<unknown>) => Effect.Effect<unknown, unknown>
  readonly steps: ReadonlySet<string>
}

/** A saga while it runs: the workflow itself, or a region of it. */
export class Frame {
  /** In order of registration. */
  readonly undos: Array<Undo> = []
  /** What the saga failed with, once its compensations may run: an undo that is registered from then on runs at once. */
  failed: Option.Option<Cause.Cause<unknown>> = Option.none()
  /** The path of the saga; `""` is the workflow. */
  readonly path: string
  readonly outer: Frame | undefined
  readonly invalidKey: (key: StepKey) => Option.Option<string>

  constructor(path: string, outer: Frame | undefined, invalidKey: (key: StepKey) => Option.Option<string>) {
    this.path = path
    this.outer = outer
    this.invalidKey = invalidKey
  }

  isWithin(other: Frame): boolean {
    return this === other || (this.outer?.isWithin(other) ?? false)
  }
}

export interface Place {
  readonly frame: Frame
  readonly compensating: boolean
  /** Collects the steps that the enclosing `Saga.compensate` is about, if there is one. */
  readonly steps: Set<string> | undefined
}

/** The path of a step with this key, given the place of the fiber that takes it. */
export const below = (key: StepKey) => (at: Place): string => Key.join(at.frame.path, Key.encode(key))

/** `None` outside of a body. A join does not carry it back: a fiber is where it was forked. */
export const place: FiberRef.FiberRef<Option.Option<Place>> = FiberRef.unsafeMake<Option.Option<Place>>(
  Option.none(),
  { join: (parent) => parent }
)

/** The path of the step that was delivered last to this fiber: implicit timers are counted from there. */
export const anchor: FiberRef.FiberRef<string> = FiberRef.unsafeMake("")
