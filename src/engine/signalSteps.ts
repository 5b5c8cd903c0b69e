/**
 * Signals as steps: waiting for one, and sending one to another workflow.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { WorkflowEnded, WorkflowNotFound } from "../Errors.ts"
import type { Send, SignalWait } from "../Execution.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import type { StepRow } from "../Journal.ts"
import { Failure, type Outcome, Success } from "../Outcome.ts"
import { diverged } from "./diverged.ts"
import { below } from "./frame.ts"
import type { Parts } from "./parts.ts"
import * as Row from "./rows.ts"
import { waiting } from "./timerSteps.ts"

const isTaken = Schema.is(Schema.Struct({ payload: Schema.optional(Schema.Unknown) }))

/** What the text of an outcome says: a payload, or that the time was over; or why it says neither. */
const payloadOf = (outcome: Outcome): Either.Either<Option.Option<string | null>, string> => {
  if (outcome._tag === "Failure" || outcome.value === null) return Either.right(Option.none())
  return Either.flatMap(Json.parse(outcome.value), (parsed) =>
    isTaken(parsed)
      ? Either.right(Option.some(Json.stringify(parsed.payload)))
      : Either.left("it is not what a signal leaves"))
}

/** `Execution.signal`. */
export const wait = (parts: Parts) => (asked: SignalWait): Effect.Effect<Option.Option<string | null>> => {
  const millis = Option.map(asked.within, Duration.toMillis)
  return Effect.flatMap(
    parts.steps.take({
      key: Option.some(asked.key),
      path: below(asked.key),
      asked: {
        kind: "Signal",
        name: asked.name,
        payload: Option.getOrNull(Option.map(millis, (millis) => JSON.stringify({ millis })))
      },
      shared: false,
      outlives: false,
      signal: Option.some(asked.name),
      begin: waiting(
        parts,
        () => Option.getOrNull(Option.map(millis, (millis) => Math.ceil(parts.host.now() + millis))),
        Row.tooLate
      )
    }),
    (outcome) =>
      Either.match(payloadOf(outcome), {
        onLeft: (why) =>
          diverged(parts)(
            asked.key,
            `the recorded payload of the signal ${JSON.stringify(asked.name)} does not decode: ${why}`
          ),
        onRight: Effect.succeed
      })
  )
}

const encodeError = Schema.encodeSync(Schema.Union(WorkflowNotFound, WorkflowEnded))

const refused = (error: WorkflowNotFound | WorkflowEnded): Outcome =>
  Failure({ cause: JSON.stringify({ _tag: "Fail", error: encodeError(error) }) })

/**
 * `Execution.send`: the signal and the outcome of the step become durable together. A workflow that ends meanwhile has
 * ended after the signal arrived.
 */
export const send = ({ host, ledger, steps }: Parts) => (asked: Send): Effect.Effect<Outcome> =>
  steps.take({
    key: Option.some(asked.key),
    path: below(asked.key),
    asked: {
      kind: "Send",
      name: asked.name,
      payload: JSON.stringify([asked.workflowId, Either.getOrElse(Json.parse(asked.payload), () => null)])
    },
    shared: false,
    outlives: false,
    signal: Option.none(),
    begin: (row: StepRow, onEnd) => {
      let isOver = false
      const release = () => {
        isOver = true
        onEnd(undefined)
      }
      host.signals.find(asked.workflowId, (fault) => {
        if (isOver) return
        isOver = true
        if (Option.isSome(fault)) onEnd(ledger.record(row, refused(fault.value)))
        else {
          const workflowId = Key.encode(asked.workflowId)
          const signal = { workflowId, name: asked.name, payload: asked.payload, at: host.now() }
          onEnd(ledger.record(row, Success({ value: null }), undefined, { signals: [signal] }))
          host.signals.sent(workflowId)
        }
      })
      return {
        release,
        quietUntil: () => undefined,
        watches: false,
        interrupt: () => {
          ledger.put({ ...row, status: "Cancelled" })
          release()
        }
      }
    }
  })
