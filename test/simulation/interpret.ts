/**
 * Programs as Effects, given what a step is: on the engine, or in the model.
 */
import { Effect, Fiber, Option, Schema } from "effect"
import type { Activity, Program, SignalName } from "./program.ts"

/** What steps fail with: the name of the one that did, or what happened to it. */
export class Broken extends Schema.TaggedError<Broken>()("Broken", { step: Schema.String }) {
  override get message(): string {
    return this.step
  }
}

/** What a program that is started in the background gives. */
type Started = Effect.Effect<Effect.Effect<string, Broken>, Broken>

export interface Steps {
  readonly activity: (activity: Activity) => Effect.Effect<string, Broken>
  readonly sideEffect: (key: string, name: string) => Effect.Effect<string>
  readonly sleep: (key: string, millis: number) => Effect.Effect<void>
  readonly version: (changeId: string) => Effect.Effect<number>
  readonly fork: <A, E>(self: Effect.Effect<A, E>) => Effect.Effect<Fiber.RuntimeFiber<A, E>>
  readonly saga: <A>(key: string, self: Effect.Effect<A, Broken>) => Effect.Effect<A, Broken>
  readonly compensate: <A>(
    self: Effect.Effect<A, Broken>,
    undo: Effect.Effect<unknown, Broken>
  ) => Effect.Effect<A, Broken>
  readonly child: (key: string, name: string, part: Program) => Effect.Effect<string, Broken>
  readonly startChild: (key: string, name: string, part: Program) => Started
  readonly detach: (key: string, name: string, part: Program) => Effect.Effect<void>
  readonly await: (key: string, signal: SignalName, within: number | null) => Effect.Effect<Option.Option<number>>
  readonly send: (key: string, signal: SignalName) => Effect.Effect<void, Broken>
}

/** The Effect that `program` says. Its value tells what it has been through. */
export const interpret = (steps: Steps, program: Program): Effect.Effect<string, Broken> => {
  const go = (at: Program): Effect.Effect<string, Broken> => {
    switch (at._tag) {
      case "Activity":
        return steps.activity(at)
      case "SideEffect":
        return steps.sideEffect(at.key, at.name)
      case "Sleep":
        return Effect.as(steps.sleep(at.key, at.millis), "slept")
      case "Delay":
        return Effect.as(Effect.sleep(at.millis), "delayed")
      case "Version":
        return Effect.map(steps.version(at.key), String)
      case "Sequence":
        return Effect.map(Effect.forEach(at.parts, go), (values) => values.join(" "))
      case "All":
        return Effect.map(
          Effect.forEach(at.parts, go, { concurrency: at.concurrency }),
          (values) => `(${values.join(" & ")})`
        )
      case "Race":
        return at.first ? Effect.raceFirst(go(at.left), go(at.right)) : Effect.race(go(at.left), go(at.right))
      case "Timeout":
        return Effect.map(Effect.timeoutOption(go(at.part), at.millis), Option.getOrElse(() => "late"))
      case "Fork":
        return Effect.gen(function*() {
          const fiber = yield* steps.fork(go(at.background))
          const value = yield* go(at.meanwhile)
          return at.joins ? `${value} + ${yield* Fiber.join(fiber)}` : value
        })
      case "Catch":
        return Effect.catchAll(
          go(at.part),
          ({ step }) => Effect.map(go(at.otherwise), (value) => `[${step}: ${value}]`)
        )
      case "Saga":
        return Effect.map(steps.saga(at.key, go(at.part)), (value) => `{${value}}`)
      case "Compensate":
        return steps.compensate(go(at.part), go(at.undo))
      case "Child":
        return steps.child(at.key, at.name, at.part)
      case "StartChild":
        return Effect.gen(function*() {
          const result = yield* steps.startChild(at.key, at.name, at.part)
          const value = yield* go(at.meanwhile)
          return at.joins ? `${value} + ${yield* result}` : value
        })
      case "Detach":
        return Effect.as(steps.detach(at.key, at.name, at.part), "detached")
      case "Await":
        return Effect.map(
          steps.await(at.key, at.signal, at.within),
          Option.match({ onNone: () => "unheard", onSome: (n) => `heard ${n}` })
        )
      case "Send":
        return Effect.as(steps.send(at.key, at.signal), "sent")
    }
  }
  return go(program)
}
