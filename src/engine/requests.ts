/**
 * What clients have asked for, in this process or another, as it stands in the journal: each request is taken care of
 * once, those of one workflow one after the other.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Journal from "../Journal.ts"
import type { Admission } from "./admission.ts"
import { whenReadable } from "./backoff.ts"
import * as Commands from "./commands.ts"
import type { Committer } from "./committer.ts"
import { Watchers } from "./watchers.ts"

export interface Requests {
  /** Takes care of those that are new. */
  readonly handle: Effect.Effect<void>
  /** The same, and of those once more that waited for code that was not here. */
  readonly handleAgain: Effect.Effect<void>
  /** Hears each pause that was asked for before, down to those below, before anything goes on. */
  readonly heed: Effect.Effect<void>
  /** Waits until a request was acted upon, if it was not yet, or the engine closes. */
  readonly handled: (request: number) => Effect.Effect<void>
}

export interface Options {
  readonly journal: Journal.Service
  readonly committer: Committer
  readonly admission: Admission
  /** Forks what must end before the engine has closed. */
  readonly fork: (effect: Effect.Effect<void>) => void
  readonly isClosing: () => boolean
  /** Waits until the engine closes. */
  readonly closed: Effect.Effect<void>
}

export const make = ({ admission, closed, committer, fork, isClosing, journal }: Options): Requests => {
  /** Those that were read, and are being taken care of, and who waits for that. */
  const taken = new Set<number>()
  const waiting = new Watchers<void>()
  /** Of these, those that wait for code that is not here: they are taken again when there is more. */
  const putBack = new Set<number>()
  /** Workflows of which a request is being taken care of; the next one waits for its end. */
  const busy = new Set<string>()
  /** Those of which there is a next one. */
  const behind = new Set<string>()

  const command = ({ id, kind, workflowId }: Journal.RequestRow, command: Commands.Command | undefined): void => {
    if (command === undefined) {
      fork(Effect.logError(
        `tempolite: the payload of the request ${id} (${kind}) for the workflow ${workflowId} cannot be read; the ` +
          "request stays in tempolite_request until it is corrected, and the engine started again, or deleted"
      ))
      return
    }
    const over = () => {
      busy.delete(workflowId)
      if (behind.delete(workflowId) && !isClosing()) fork(handle)
      fork(Effect.map(committer.durable, () => {
        waiting.tell(String(id), undefined)
      }))
    }
    busy.add(workflowId)
    admission.command(workflowId, {
      command,
      done: () => {
        committer.put({ handled: id })
        over()
      },
      putBack: () => {
        putBack.add(id)
        over()
      }
    })
  }

  const take = (request: Journal.RequestRow): void => {
    const { id, kind, workflowId } = request
    taken.add(id)
    switch (kind) {
      case "Start":
        fork(admission.admit(workflowId))
        committer.put({ handled: id })
        break
      case "Signal":
        admission.signalled(workflowId)
        committer.put({ handled: id })
        break
      default:
        command(request, Commands.fromRequest(request))
    }
  }

  const handle: Effect.Effect<void> = Effect.map(Effect.suspend(() => whenReadable(journal.requests)), (requests) => {
    const present = new Set(requests.map((request) => request.id))
    for (const id of taken) if (!present.has(id)) taken.delete(id)
    for (const request of requests) {
      const { id, kind, workflowId } = request
      if (taken.has(id) || isClosing()) continue
      if (kind !== "Start" && kind !== "Signal" && busy.has(workflowId)) behind.add(workflowId)
      else take(request)
    }
  })

  return {
    handle,
    handleAgain: Effect.suspend(() => {
      for (const id of putBack) taken.delete(id)
      putBack.clear()
      return handle
    }),
    heed: Effect.flatMap(whenReadable(journal.requests), (requests) =>
      Effect.forEach(
        Commands.first(requests).filter(({ kind }) => kind === "Pause"),
        (request) =>
          Effect.async<void>((resume) => {
            const unwatch = waiting.watch(String(request.id), () => {
              unwatch()
              resume(Effect.void)
            })
            take(request)
          }),
        { concurrency: "unbounded", discard: true }
      )),
    handled: (request) =>
      Effect.gen(function*() {
        const acted = yield* Deferred.make<void>()
        const unwatch = waiting.watch(String(request), () => {
          Deferred.unsafeDone(acted, Effect.void)
        })
        // It may have been faster.
        const isWaiting = yield* Effect.match(journal.requests, {
          onFailure: () => true,
          onSuccess: (requests) => requests.some(({ id }) => id === request)
        })
        if (isWaiting) yield* Effect.raceFirst(Deferred.await(acted), closed)
        unwatch()
      })
  }
}
