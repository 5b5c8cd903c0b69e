/**
 * What a benchmark is, and what it says.
 */
import type { Effect } from "effect"
import type * as Task from "./task.ts"

export interface Goal {
  /** Of the value itself, or of its ratio to the limit. */
  readonly of: "value" | "ratio"
  readonly is: "≥" | "≤"
  readonly bound: number
}

export interface Point {
  readonly panel: "e" | "f" | "g" | "g open"
  readonly series: string
  readonly size?: number
  readonly y: number
}

export interface Figure {
  readonly name: string
  readonly unit: string
  /** `NaN` where it could not be measured. */
  readonly value: number
  /** What the value is compared with, measured in the same run. */
  readonly limit?: { readonly of: string; readonly value: number }
  readonly goals: ReadonlyArray<Goal>
  /** Where it stands in the plot; without a `size` it is a level. */
  readonly point?: Point
}

/** What a benchmark is run with. */
export interface Setting {
  /** A path in a directory that is made for this run alone. */
  readonly file: (name: string) => string
  /** A path that stays for the other runs of the suite. */
  readonly kept: (name: string) => string
  /** A size: that of the figures, or one for trying the suite. */
  readonly size: (full: number, quick: number) => number
  /** Whether to measure with `synchronous=NORMAL` too. */
  readonly normal: boolean
}

export interface Benchmark {
  readonly name: string
  readonly title: string
  /** What it runs in processes of their own. */
  readonly tasks: ReadonlyArray<Pick<Task.Task<never, unknown>, "name" | "serve">>
  readonly measure: (setting: Setting) => Effect.Effect<ReadonlyArray<Figure>, Task.ChildFailed>
}

export const atLeast = (bound: number): Goal => ({ of: "value", is: "≥", bound })
export const atMost = (bound: number): Goal => ({ of: "value", is: "≤", bound })
export const ratioAtLeast = (bound: number): Goal => ({ of: "ratio", is: "≥", bound })
export const ratioAtMost = (bound: number): Goal => ({ of: "ratio", is: "≤", bound })

export const ratioOf = ({ limit, value }: Figure): number | undefined =>
  limit === undefined ? undefined : value / limit.value
