/**
 * The promises of the engine, for every journal layer.
 */
import { describe } from "@effect/vitest"
import type { Layer } from "effect"
import type { Journal } from "../src/index.ts"
import { activities } from "./engine-suite/activities.ts"
import { promised } from "./engine-suite/bench.ts"
import { executions } from "./engine-suite/executions.ts"
import { faults } from "./engine-suite/faults.ts"
import { input } from "./engine-suite/input.ts"
import { journal } from "./engine-suite/journal.ts"
import { keys } from "./engine-suite/keys.ts"
import { retries } from "./engine-suite/retries.ts"
import { sideEffects } from "./engine-suite/sideEffects.ts"
import { statuses } from "./engine-suite/statuses.ts"
import { workflows } from "./engine-suite/workflows.ts"

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`Engine (${name})`, () => {
    const promise = promised(layer)
    describe("workflows", () => workflows(promise))
    describe("activities", () => activities(promise))
    describe("retries", () => retries(promise))
    describe("executions", () => executions(promise))
    describe("keys", () => keys(promise))
    describe("faults in the program", () => faults(promise))
    describe("bad input", () => input(promise))
    describe("the journal", () => journal(promise))
    describe("side effects", () => sideEffects(promise))
    describe("descriptions", () => statuses(promise))
  })
