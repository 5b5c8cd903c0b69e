/**
 * Timers as steps: a row with the time at which they fire, durable before anything else starts.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import type { Timer } from "../Execution.ts"
import * as Key from "../internal/key.ts"
import type { StepRow } from "../Journal.ts"
import { type Outcome, Success } from "../Outcome.ts"
import { anchor, below } from "./frame.ts"
import type { Parts } from "./parts.ts"
import type { Request } from "./steps.ts"

const done = Success({ value: null })

/**
 * Waits until `wakeAt`, if there is such a time, and then ends with `outcome`. Where an earlier process began to wait, the
 * time stays.
 */
export const waiting =
  ({ host, ledger }: Parts, wakeAt: () => number | null, outcome: Outcome): Request["begin"] => (asked, onEnd) => {
    const row: StepRow = { ...asked, status: "Waiting", wakeAt: asked.wakeAt ?? wakeAt() }
    const before = ledger.step(asked.path)
    if (before?.status !== "Waiting" || before.payload !== row.payload) ledger.put(row)
    const cancel = row.wakeAt === null ? () => {} : host.timers.schedule(row.wakeAt, () => {
      onEnd(ledger.record(row, outcome))
    })
    const release = () => {
      cancel()
      onEnd(undefined)
    }
    return {
      release,
      quietUntil: () => row.wakeAt ?? Infinity,
      watches: false,
      interrupt: () => {
        ledger.put({ ...row, status: "Cancelled", wakeAt: null })
        release()
      }
    }
  }

const payloadOf = (asked: Timer): string =>
  JSON.stringify({
    ...Option.match(asked.duration, {
      onNone: () => ({}),
      onSome: (duration) => ({ millis: Duration.toMillis(duration) })
    }),
    ...Option.match(asked.until, { onNone: () => ({}), onSome: (until) => ({ until }) })
  })

/** `Execution.sleep`. */
export const sleep = (parts: Parts) => (asked: Timer): Effect.Effect<void> =>
  Effect.asVoid(parts.steps.take({
    key: Option.some(asked.key),
    path: below(asked.key),
    asked: { kind: "Timer", name: asked.name, payload: payloadOf(asked) },
    shared: false,
    outlives: false,
    signal: Option.none(),
    begin: waiting(
      parts,
      () =>
        Math.ceil(Option.getOrElse(
          asked.until,
          () => parts.host.now() + Option.match(asked.duration, { onNone: () => 0, onSome: Duration.toMillis })
        )),
      done
    )
  }))

/** What `Clock.sleep` of the body is: a durable timer that is recognised by its place and its duration. */
export const implicit = (parts: Parts): (duration: Duration.Duration) => Effect.Effect<void> => {
  const slept = new Map<string, number>()
  return (duration) =>
    Effect.suspend(() => {
      const millis = Duration.toMillis(duration)
      if (!Duration.isFinite(duration)) return Effect.never
      if (millis <= 0) return Effect.yieldNow()
      return Effect.flatMap(FiberRef.get(anchor), (after) => {
        const count = (slept.get(after) ?? 0) + 1
        slept.set(after, count)
        return Effect.asVoid(parts.steps.take({
          key: Option.none(),
          path: () => `~sleep/${Key.join(after, String(count))}`,
          asked: { kind: "Timer", name: "sleep", payload: JSON.stringify({ millis }) },
          shared: false,
          outlives: false,
          signal: Option.none(),
          begin: waiting(parts, () => Math.ceil(parts.host.now() + millis), done)
        }))
      })
    })
}
