/**
 * The workflows that sleep in the journal, and are known nowhere else: of those whose time is near it tells, in time.
 */
import * as Effect from "effect/Effect"
import * as Journal from "../Journal.ts"
import { whenReadable } from "./backoff.ts"
import type { Timers } from "./timers.ts"

export interface Sleepers {
  /** Whether the journal alone is to know who sleeps until this time. */
  readonly isFar: (until: number) => boolean
  /** Of who sleeps until a time up to this one, it has told, or will not tell. */
  readonly toldUntil: () => number
  /** It sleeps, and that is durable. */
  readonly add: (id: string, until: number) => void
  /** Begins to tell of those that sleep already. */
  readonly start: () => void
}

export interface Options {
  readonly journal: Journal.Service
  readonly timers: Timers
  readonly now: () => number
  /** How long before its time it tells of one. */
  readonly nearMillis: number
  readonly fork: (effect: Effect.Effect<void>) => void
  /** Waits until the engine closes. */
  readonly closed: Effect.Effect<void>
  readonly tell: (id: string, until: number) => void
}

/** How many are read at a time. */
const pageSize = 500

export const make = ({ closed, fork, journal, nearMillis, now, tell, timers }: Options): Sleepers => {
  let toldUntil = now() + nearMillis
  let isReading = false
  let next = { at: Infinity, cancel: () => {} }

  /** Reads at a time, unless it does so before. */
  const readAt = (at: number) => {
    if (at >= next.at) return
    next.cancel()
    const cancel = timers.schedule(at, () => {
      next = { at: Infinity, cancel: () => {} }
      start()
    })
    next = { at, cancel }
  }

  /** Tells of those that are near; of the first that is not, when the time has come. */
  const read: Effect.Effect<void> = Effect.flatMap(
    Effect.suspend(() => whenReadable(journal.asleep({ after: toldUntil, limit: pageSize }))),
    (page) => {
      for (const { id, until } of page) {
        if (isFar(until)) {
          wakeInTime(until)
          return Effect.void
        }
        toldUntil = until
        tell(id, until)
      }
      return page.length === 0 ? Effect.void : read
    }
  )

  const start = () => {
    if (isReading) return
    isReading = true
    fork(Effect.ensuring(
      Effect.raceFirst(read, closed),
      Effect.sync(() => {
        isReading = false
      })
    ))
  }

  const isFar = (until: number) => until > now() + nearMillis

  const wakeInTime = (until: number) => {
    if (until < Journal.forever) readAt(until - nearMillis)
  }

  return {
    isFar,
    toldUntil: () => toldUntil,
    add: (id, until) => {
      // What is being read may have been so before.
      if (until <= toldUntil || isReading) tell(id, until)
      else wakeInTime(until)
    },
    start
  }
}
