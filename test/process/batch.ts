/**
 * Two hundred workflows, of every kind, drawn by a seed.
 */
import type { Plan } from "./orders.ts"
import * as Orders from "./orders.ts"
import type { Call } from "./world.ts"

export type Entry =
  | { readonly _tag: "Order"; readonly id: string; readonly plan: Plan; readonly expected: string }
  | {
    readonly _tag: "Patient"
    readonly id: string
    readonly payload: { readonly charge: Call; readonly execution: number }
    readonly expected: string
  }

/** Numbers from 0 to 1, the same for the same seed. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const draw = random(20_240_229)
const below = (limit: number) => Math.floor(draw() * limit)
const oneIn = (n: number) => below(n) === 0

const call = (failures: number): Call => ({ millis: below(40), failures })
/** Now and then it fails first, and succeeds in the end. */
const good = () => call(oneIn(4) ? 1 + below(Orders.attempts - 1) : 0)
const bad = () => call(99)

type Fault = "none" | "charge" | "reserve" | "wrap" | "card" | "parcel" | "failure" | "defect" | "cancel"

const faults: ReadonlyArray<Fault> = [
  ...["none", "none", "none", "none", "none", "none", "none", "none"] as const,
  ...["charge", "reserve", "wrap", "card", "parcel", "parcel", "parcel", "failure", "failure", "defect"] as const,
  ...["cancel", "cancel"] as const
]

const plan = (fault: Fault): Plan => {
  const parcels = 1 + below(5)
  const lost = below(parcels)
  return {
    charge: fault === "charge" ? bad() : good(),
    nap: below(20),
    reserve: fault === "reserve" ? bad() : good(),
    sample: oneIn(4) ? good() : null,
    gift: fault === "wrap" || fault === "card" || oneIn(3)
      ? { wrap: fault === "wrap" ? bad() : good(), card: fault === "card" ? bad() : good() }
      : null,
    parcels: Array.from({ length: parcels }, (_, index) => fault === "parcel" && index === lost ? bad() : good()),
    ending: fault === "failure" || fault === "defect" || fault === "cancel" ? fault : "success"
  }
}

const patient = (id: string): Entry => {
  const execution = 1 + below(Orders.executions + 1)
  return {
    _tag: "Patient",
    id,
    payload: { charge: good(), execution },
    expected: execution <= Orders.executions ? `Completed ${execution}` : "Broken courier"
  }
}

const order = (id: string, fault: Fault): Entry => {
  const drawn = plan(fault)
  return { _tag: "Order", id, plan: drawn, expected: Orders.expected(drawn) }
}

export const entries: ReadonlyArray<Entry> = Array.from({ length: 200 }, (_, index) => {
  const id = `order-${index}`
  return index % 10 === 9 ? patient(id) : order(id, faults[index % faults.length] ?? "none")
})
