/**
 * `Workflow.version`: which side of a change in the code a workflow is on, recorded when it first gets there.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Execution } from "../Execution.ts"
import * as Key from "../internal/key.ts"
import { Success } from "../Outcome.ts"
import { over } from "./attempts.ts"
import { diverged } from "./diverged.ts"
import type { Parts } from "./parts.ts"

/**
 * A workflow that gets to the change for the first time is on its new side. One whose journal shows that it had got
 * further before, with code that did not have the change, is on its old side, and stays there.
 */
export const version = (parts: Parts): Execution["version"] => (changeId, { max, min }) => {
  const { ledger, steps } = parts
  const path = `~version/${Key.encode(changeId)}`
  return Effect.flatMap(
    steps.take({
      key: Option.none(),
      path: () => path,
      asked: { kind: "Version", name: Key.printable(changeId), payload: null },
      shared: true,
      outlives: false,
      signal: Option.none(),
      begin: (row, onEnd) => {
        // Several fibers may ask at once: it is recorded once.
        const known = ledger.step(path)
        onEnd(
          known?.outcome == null ? ledger.record(row, Success({ value: String(steps.isBehind ? min : max) })) : known
        )
        return over
      }
    }),
    (outcome) => {
      const recorded = outcome._tag === "Success" ? Number(outcome.value) : Number.NaN
      return recorded >= min && recorded <= max ? Effect.succeed(recorded) : diverged(parts)(
        `version of ${changeId}`,
        `this workflow runs version ${recorded} of the change ${JSON.stringify(changeId)}, and the code has only ` +
          `${min} to ${max}. Keep the code of a version for as long as workflows run it`
      )
    }
  )
}
