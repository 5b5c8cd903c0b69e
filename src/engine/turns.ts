/**
 * When the next attempt of an activity may run: not while its workflow is held, and not without a place in its queue.
 */
import * as Option from "effect/Option"
import type { Work } from "../Execution.ts"
import type { Gate } from "./gate.ts"
import type { Queues } from "./queues.ts"

export interface Options {
  /** Closed while the workflow is held. */
  readonly gate: Gate
  readonly queues: Queues
  /** The workflow and those above it, the nearest first. */
  readonly lenders: () => ReadonlyArray<string>
}

/** `Attempts.Options.turn`. */
export const make =
  ({ gate, lenders, queues }: Options) => (work: Work, enter: (leave: () => void) => void): () => void => {
    let giveUp = () => {}

    const arrive = () => {
      // A side effect only reads, and is over at once.
      if (work.kind === "SideEffect") {
        enter(() => {})
        return
      }
      let isIn = false
      const place = queues.forAttempt(Option.getOrUndefined(work.queue), lenders, (place) => {
        isIn = true
        if (gate.isClosed) {
          place.leave()
          wait()
        } else enter(place.leave)
      })
      if (!isIn) giveUp = place.leave
    }

    const wait = () => {
      let hasPassed = false
      const leave = gate.pass(() => {
        hasPassed = true
        arrive()
      })
      if (!hasPassed) giveUp = leave
    }

    wait()
    return () => {
      giveUp()
    }
  }
