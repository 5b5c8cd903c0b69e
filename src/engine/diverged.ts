/**
 * Ending a run from within a body: what the journal holds under a key cannot be used by this program.
 */
import * as Effect from "effect/Effect"
import { NonDeterminism } from "../Errors.ts"
import type { Key as StepKey } from "../Info.ts"
import * as Key from "../internal/key.ts"
import type { Parts } from "./parts.ts"

/** Puts the run at fault. Never resumes. */
export const diverged = ({ ledger, steps }: Parts) => (key: StepKey, message: string): Effect.Effect<never> =>
  Effect.suspend(() => {
    steps.diverge(new NonDeterminism({ workflowId: Key.decode(ledger.workflow.id), key: Key.encode(key), message }))
    return Effect.never
  })
