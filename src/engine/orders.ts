/**
 * Commands and sub-workflows: what is asked of a workflow and concerns those below it, too. A pause goes from above down, a
 * resume from below up; a sub-workflow whose step is skipped is cancelled.
 */
import * as Effect from "effect/Effect"
import type * as Journal from "../Journal.ts"
import { whenReadable } from "./backoff.ts"
import type { Asked } from "./commands.ts"
import * as Row from "./rows.ts"

interface Options {
  readonly journal: Journal.Service
  readonly durable: Effect.Effect<void>
  /** The row of a workflow as it is once everything that was put is written. */
  readonly latest: (id: string) => Effect.Effect<Journal.WorkflowRow | undefined>
  readonly fork: (effect: Effect.Effect<void>) => void
  /** Does what was asked to one workflow. */
  readonly command: (id: string, asked: Asked) => void
}

interface Orders {
  /** Does what was asked to a workflow and, where that is meant, to those below it. */
  readonly give: (id: string, asked: Asked) => void
  /** What was asked is done to the workflow itself. */
  readonly done: (id: string, asked: Asked) => void
}

export const make = ({ command, durable, fork, journal, latest }: Options): Orders => {
  /** Asks the same of every sub-workflow that it concerns; returns once it was done to all, or `false` if it cannot be. */
  const toChildren = (
    id: string,
    order: Asked["command"],
    isMeant: (row: Journal.WorkflowRow) => boolean = () => true
  ): Effect.Effect<boolean> =>
    Effect.gen(function*() {
      yield* durable
      const children = yield* whenReadable(journal.children(id))
      const concerned = children.filter((row) =>
        isMeant(row) && (order._tag === "Resume" ? row.status === "Paused" : !Row.hasEnded(row))
      )
      const done = yield* Effect.forEach(
        concerned,
        (row) =>
          Effect.async<boolean>((resume) => {
            const end = (isDone: boolean) => () => {
              resume(Effect.succeed(isDone))
            }
            give(row.id, { command: order, done: end(true), putBack: end(false) })
          }),
        { concurrency: "unbounded" }
      )
      return !done.includes(false)
    })

  /** Sub-workflows go on before their parent: so a crash in between finds it held, and begins again. */
  const give = (id: string, asked: Asked): void => {
    if (asked.command._tag !== "Resume") {
      command(id, asked)
      return
    }
    fork(Effect.gen(function*() {
      const row = yield* latest(id)
      const isDone = row?.status !== "Paused" || (yield* toChildren(id, asked.command))
      if (isDone) command(id, asked)
      else asked.putBack()
    }))
  }

  /** What those below are asked once it is done to the workflow itself. */
  const below = (id: string, { command }: Asked): Effect.Effect<boolean> | undefined => {
    switch (command._tag) {
      case "Pause":
        return toChildren(id, command)
      case "Skip":
        return toChildren(id, { _tag: "Cancel" }, ({ parentPath }) => parentPath === command.path)
      default:
        return undefined
    }
  }

  return {
    give,
    done: (id, asked) => {
      const rest = below(id, asked)
      if (rest === undefined) asked.done()
      else fork(Effect.map(rest, (isDone) => isDone ? asked.done() : asked.putBack()))
    }
  }
}
