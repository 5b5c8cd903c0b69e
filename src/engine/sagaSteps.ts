/**
 * Sagas as steps: their rows, which are for keys and for `describe`; what is inside is replayed.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StepStatus } from "../Info.ts"
import { below, place } from "./frame.ts"
import type { Parts } from "./parts.ts"
import type { Asked } from "./replay.ts"
import * as Row from "./rows.ts"
import type * as Sagas from "./sagas.ts"

/** A replay goes through what a saga was already marked with, and must not take it back. */
const mayFollow = (status: StepStatus, next: StepStatus): boolean =>
  status === "Running" || (status === "Compensating" && next !== "Completed")

export const make = ({ flights, isDropped, ledger, scheduler, steps }: Parts): Sagas.Options => ({
  isDropped,
  fibers: scheduler.fibers,
  undoing: (change) => {
    scheduler.undoing += change
  },
  compensated: (paths) => {
    ledger.compensated(paths)
  },
  enter: (region) =>
    Effect.withFiberRuntime((fiber) => {
      const at = fiber.getFiberRef(place)
      if (Option.isNone(at)) return Effect.dieMessage("a saga was run outside of a workflow")
      const path = below(region.key)(at.value)
      const asked: Asked = { kind: "Saga", name: region.name, payload: region.payload }
      steps.claim({ key: Option.some(region.key), asked, shared: false }, path, at.value, fiber)
      if (flights.fault !== undefined) return Effect.never
      const before = ledger.step(path)
      if (before === undefined || before.status === "Pending" || before.payload !== region.payload) {
        ledger.put({
          ...Row.stepAsked(ledger.workflow, path, asked, at.value.compensating, before),
          status: "Running"
        })
      }
      return Effect.succeed(path)
    }),
  mark: (path, status, outcome) => {
    const row = ledger.step(path)
    if (row === undefined || row.status === status || flights.fault !== undefined || !mayFollow(row.status, status)) {
      return
    }
    ledger.put({
      ...row,
      status,
      outcome: Option.match(outcome, {
        onNone: () => row.outcome,
        onSome: (ended) => ended._tag === "Success" ? ended.value : ended.cause
      })
    })
  }
})
