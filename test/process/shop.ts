/**
 * A shop in a directory of its own, with one workflow.
 */
import { Effect, Option } from "effect"
import * as Path from "node:path"
import * as Journal from "./journal.ts"
import * as Processes from "./processes.ts"
import type { Plan } from "./scripts.ts"
import * as World from "./world.ts"

/** A directory, the processes that run its workflow "order", and what is seen of it from outside. */
export const setup = Effect.gen(function*() {
  const directory = yield* Processes.directory
  const filename = Path.join(directory, "orders.db")
  const open = (env: Record<string, string> = {}) =>
    Effect.tap(Processes.spawn("shop", directory, [], env), (shop) => shop.said("ready"))
  return {
    directory,
    filename,
    spawn: (env: Record<string, string> = {}) => Processes.spawn("shop", directory, [], env),
    open,
    /** A shop in which a workflow has been started. */
    start: (script: typeof Plan.Encoded, env: Record<string, string> = {}) =>
      Effect.tap(
        open(env),
        (shop) => Effect.zipRight(shop.tell({ start: "order", script }), shop.said("started order"))
      ),
    /** Waits for an event in the world. */
    happened: (event: World.Line["event"], key: string, attempt = 1) =>
      Processes.eventually(
        () => `${event} of attempt ${attempt} of ${key}; the world is ${JSON.stringify(World.read(directory))}`,
        Effect.sync(() =>
          Option.fromNullable(
            World.read(directory).find((line) =>
              line.event === event && line.path === `order/${key}` && line.attempt === attempt
            )
          )
        )
      ),
    /** Waits until the journal has the step with this status, and this number of attempts. */
    recorded: (key: string, status: string, attempts: number) =>
      Processes.eventually(
        () => `${key} to be ${status}`,
        Effect.map(Journal.read(filename), ({ steps }) =>
          Option.fromNullable(steps.find((row) =>
            row.activityId === `order/${key}` && row.status === status && row.attempts === attempts
          )))
      ),
    /** Waits for the end of the workflow, whichever process has it. */
    ended: Processes.eventually(
      () => "the end of the workflow",
      Effect.map(
        Journal.read(filename),
        ({ workflows }) => Option.fromNullable(workflows.find(({ finishedAt }) => finishedAt !== null)?.status)
      )
    ),
    /** The keys of the calls, in the order in which they were made. */
    calls: Effect.sync(() =>
      World.read(directory).filter(({ event }) => event === "start").map(({ attempt, path }) =>
        `${path.slice("order/".length)} ${attempt}`
      )
    ),
    /** The attempts on record, and how each ended. */
    attempts: Effect.map(
      Journal.read(filename),
      ({ stepExecutions }) =>
        stepExecutions.map(({ activityId, attempt, status }) =>
          `${activityId.slice("order/".length)} ${attempt} ${status}`
        )
    )
  }
})

/** A call that waits until the gate is open. */
export const held = { millis: 0, failures: 0, gate: "gate" }
