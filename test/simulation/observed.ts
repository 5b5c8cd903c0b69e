/**
 * What can be seen of a run from outside, be it the engine's or the model's.
 */
import { Cause, Exit, Option } from "effect"

export interface Event {
  readonly at: number
  /** The name of the activity. */
  readonly name: string
  readonly what: "start" | "ok" | "fail" | "die" | "cut"
}

export interface Observed {
  readonly status: string
  /** The value of the workflow, or what it failed with. */
  readonly outcome: string
  readonly endedAt: number
  readonly events: ReadonlyArray<Event>
}

const messageOf = (defect: unknown): string => defect instanceof Error ? defect.message : String(defect)

/** What a workflow ended with: of a failure the first error, else the first defect. */
export const outcomeOf = (status: string, exit: Exit.Exit<string, unknown>): string =>
  status === "Cancelled" ? "cancelled" : Exit.match(exit, {
    onSuccess: (value) => value,
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), {
        onSome: (error) => `failed: ${messageOf(error)}`,
        onNone: () =>
          Option.match(Cause.dieOption(cause), {
            onSome: (defect) => `died: ${messageOf(defect)}`,
            onNone: () => "interrupted"
          })
      })
  })

const byName = (one: Event, other: Event): number =>
  one.at - other.at || (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)

/** Of one instant, what happened to different activities has no order, and what was begun and given up did not happen. */
export const canonical = (events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const isVain = (one: Event, what: Event["what"]) =>
    events.some((other) => other.name === one.name && other.at === one.at && other.what === what)
  return events
    .filter((event) =>
      !(event.what === "start" && isVain(event, "cut")) && !(event.what === "cut" && isVain(event, "start"))
    )
    .toSorted(byName)
    .map(({ at, name, what }) => `${at} ${what} ${name}`)
}
