/**
 * A workflow as seen from outside, by who knows its schemas.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Service, WorkflowInfo } from "../Engine.ts"
import { type JournalError, WorkflowCancelled, WorkflowNotFound } from "../Errors.ts"
import type { WorkflowId } from "../Info.ts"
import type { OutcomeCodec } from "./codec.ts"

/** An info is given of workflows that exist. One whose row was removed by hand since then is a defect. */
const present = <A, E>(self: Effect.Effect<A, WorkflowNotFound | E>): Effect.Effect<A, E> =>
  Effect.catchAll(self, (error) => error instanceof WorkflowNotFound ? Effect.die(error) : Effect.fail(error))

/** The outcome of the workflow `id`, which must exist. One that does not decode is a defect. */
export const resultOf = <A, E>(
  service: Service,
  id: WorkflowId,
  codec: Pick<OutcomeCodec<A, E>, "decode">
): Effect.Effect<A, E | WorkflowCancelled | JournalError> =>
  Effect.flatMap(
    present(service.engine.ended(id)),
    ({ outcome, status }): Effect.Effect<A, E | WorkflowCancelled> =>
      status === "Cancelled"
        ? Exit.fail(new WorkflowCancelled({ workflowId: id }))
        : Either.match(codec.decode(outcome), { onLeft: Effect.dieMessage, onRight: (exit) => exit })
  )

/** Of the workflow `id`, which must exist. */
export const makeInfo = <A, E>(
  service: Service,
  id: WorkflowId,
  codec: Pick<OutcomeCodec<A, E>, "decode">
): WorkflowInfo<A, E> => {
  const changes = Stream.catchTag(service.changes(id), "WorkflowNotFound", Stream.die)
  return {
    id,
    result: resultOf(service, id, codec),
    status: Effect.flatMap(
      Stream.runHead(changes),
      Option.match({
        onNone: () => Effect.dieMessage("the changes of a workflow begin with its status, and there was none"),
        onSome: Effect.succeed
      })
    ),
    describe: present(service.describe(id)),
    changes,
    cancel: present(service.cancel(id)),
    pause: present(service.pause(id)),
    resume: present(service.resume(id)),
    retry: present(service.retry(id))
  }
}
