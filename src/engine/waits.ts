/**
 * What a workflow that was taken on waits for before it runs: its code, its turn, and its time. Each wait is cut short by
 * a command, or by the end of the engine.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Definition } from "../Engine.ts"
import { WorkflowUnregistered } from "../Errors.ts"
import * as Key from "../internal/key.ts"
import * as Reason from "../internal/reason.ts"
import type * as Journal from "../Journal.ts"
import type { Active } from "./active.ts"
import type { Definitions } from "./definitions.ts"
import type { Host } from "./parts.ts"

/** How long a workflow waits for its layer to be built before it is suspended as unregistered. */
const registrationGrace = Duration.seconds(1)

/** Whether those that were there when the engine started have been taken on. */
export interface Recovery {
  isOver: boolean
  readonly over: Effect.Latch
}

export interface Waits {
  readonly untilDue: (wakeAt: number | null, self: Active) => Effect.Effect<void>
  /** Waits for a place in the queue of the workflow. Who is to be cancelled does not need one. */
  readonly untilPlaced: (id: string, queue: Option.Option<string>, self: Active) => Effect.Effect<void>
  /** Who is new does not go before those in the queue that were there when the engine started. */
  readonly untilRecovered: (queue: Option.Option<string>, self: Active) => Effect.Effect<void>
  /** Waits for the code of a workflow. If it is not there after a while, the workflow is suspended until it is. */
  readonly forDefinition: (row: Journal.WorkflowRow, self: Active) => Effect.Effect<Definition | undefined>
}

export interface Options {
  readonly host: Host
  readonly definitions: Definitions
  readonly recovery: Recovery
  readonly isClosing: () => boolean
}

export const make = ({ definitions, host, isClosing, recovery }: Options): Waits => {
  /** Waits, unless something else is to be done first. */
  const unlessHurried = (self: Active, wait: (go: () => void) => Effect.Effect<void>): Effect.Effect<void> => {
    Deferred.unsafeDone(self.running, Effect.void)
    return Effect.raceFirst(
      self.hurry.await,
      Effect.async<void>((resume) =>
        wait(() => {
          resume(Effect.void)
        })
      )
    )
  }

  return {
    untilDue: (wakeAt, self) =>
      wakeAt === null || wakeAt <= host.now() || self.cancels.length > 0
        ? Effect.void
        : unlessHurried(self, (go) => Effect.sync(host.timers.schedule(wakeAt, go))),
    untilPlaced: (id, queue, self) => {
      if (Option.isNone(queue) || self.place !== undefined || self.cancels.length > 0) return Effect.void
      let isIn = false
      return unlessHurried(self, (go) => {
        self.place = host.queues.forWorkflow(queue.value, id, host.above(id).slice(1), () => {
          isIn = true
          go()
        })
        return Effect.void
      }).pipe(Effect.zipRight(Effect.sync(() => {
        if (isIn) return
        self.place?.leave()
        self.place = undefined
      })))
    },
    untilRecovered: (queue, self) =>
      recovery.isOver || Option.isNone(queue)
        ? Effect.void
        : Effect.zipRight(
          Deferred.succeed(self.running, undefined),
          Effect.raceFirst(self.hurry.await, recovery.over.await)
        ),
    forDefinition: (row, self) =>
      Effect.gen(function*() {
        yield* unlessHurried(self, (go) => Effect.sync(definitions.watch(row.name, go))).pipe(
          Effect.timeoutOption(registrationGrace)
        )
        const definition = definitions.get(row.name)
        if (definition === undefined && !isClosing() && self.commands.length === 0) {
          const reason = new WorkflowUnregistered({ workflowId: Key.decode(row.id), name: row.name })
          host.committer.put({ workflow: { ...row, status: "Suspended", reason: Reason.encode(reason) } })
          yield* Effect.logWarning(`tempolite: ${reason.message}`)
          yield* host.committer.durable
        }
        return definition
      })
  }
}
