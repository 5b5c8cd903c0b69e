/**
 * What is said of the figures: a line of JSON for each benchmark, and a table.
 */
import { Array, Option, Order } from "effect"
import { type Benchmark, type Figure, type Goal, type Point, ratioOf } from "./benchmark.ts"

/** The medians of a figure over all runs. */
export interface Summary extends Omit<Figure, "goals"> {
  readonly ratio: number | undefined
  /** Of all runs, in their order. */
  readonly values: ReadonlyArray<number>
  readonly goals: ReadonlyArray<{ readonly goal: string; readonly met: boolean }>
}

export interface Report {
  readonly benchmark: Pick<Benchmark, "name" | "title">
  readonly summaries: ReadonlyArray<Summary>
  /** Why it has no figures. */
  readonly failure: string | undefined
}

/** Whether something could not be measured. */
export const isIncomplete = ({ failure, summaries }: Report): boolean =>
  failure !== undefined || summaries.some(({ value }) => Number.isNaN(value))

const median = (values: ReadonlyArray<number>): number => {
  const sorted = Array.sort(values, Order.number)
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

const isMet = (value: number | undefined, { bound, is }: Goal): boolean =>
  value !== undefined && (is === "≥" ? value >= bound : value <= bound)

/** The figures of several runs, which come in the same order in each. */
export const summarize = (runs: ReadonlyArray<ReadonlyArray<Figure>>): ReadonlyArray<Summary> =>
  (runs[0] ?? []).map((first, index) => {
    const figures = runs.flatMap((run) => Option.toArray(Array.get(run, index)))
    const medianOf = (value: (figure: Figure) => number | undefined): number | undefined => {
      const values = figures.flatMap((figure) => Option.toArray(Option.fromNullable(value(figure))))
      return values.length === 0 ? undefined : median(values)
    }
    const values = figures.map(({ value }) => value)
    const [value, ratio] = [median(values), medianOf(ratioOf)]
    const [limit, y] = [medianOf(({ limit }) => limit?.value), medianOf(({ point }) => point?.y)]
    return {
      name: first.name,
      unit: first.unit,
      value,
      ...first.limit === undefined || limit === undefined ? {} : { limit: { of: first.limit.of, value: limit } },
      ...first.point === undefined || y === undefined ? {} : { point: { ...first.point, y } },
      ratio,
      values,
      goals: first.goals.map((goal) => ({
        goal: `${goal.is} ${grouped(goal.bound)}${goal.of === "ratio" ? " ×" : ` ${first.unit.split(" ")[0] ?? ""}`}`,
        met: isMet(goal.of === "ratio" ? ratio : value, goal)
      }))
    }
  })

/** Enough digits to compare by, and thousands apart. */
export const shown = (value: number): string => {
  if (!Number.isFinite(value)) return "?"
  if (Math.abs(value) >= 100) return grouped(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

const grouped = (value: number): string => value.toLocaleString("en-US")

const significant = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Number(value.toPrecision(4))

export const line = ({ benchmark, failure, summaries }: Report): string =>
  JSON.stringify({
    benchmark: benchmark.name,
    title: benchmark.title,
    ...failure === undefined ? {} : { failure },
    figures: summaries.map(({ goals, limit, name, ratio, unit, value, values }) => ({
      name,
      unit,
      value: significant(value),
      limit: significant(limit?.value),
      limitOf: limit?.of,
      ratio: significant(ratio),
      goals,
      runs: values.length > 1 ? values.map(significant) : undefined
    }))
  })

const header = ["", "figure", "value", "limit", "ratio", "goal", "met"]

const rowsOf = ({ benchmark, failure, summaries }: Report): ReadonlyArray<ReadonlyArray<string>> => [
  [benchmark.name, benchmark.title, "", "", "", "", ""],
  ...failure === undefined ? [] : [["", failure, "", "", "", "", "failed"]],
  ...summaries.map(({ goals, limit, name, ratio, unit, value }) => [
    "",
    name,
    `${shown(value)} ${unit}`.trim(),
    limit === undefined ? "" : `${shown(limit.value)} (${limit.of})`,
    ratio === undefined ? "" : shown(ratio),
    goals.map(({ goal }) => goal).join(", "),
    goals.map(({ met }) => met ? "yes" : "NO").join(", ")
  ])
]

/** A table in Markdown, so that it can be read here and shown elsewhere. */
export const table = (reports: ReadonlyArray<Report>): string => {
  const rows = reports.flatMap(rowsOf)
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const written = (row: ReadonlyArray<string>) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`
  return [written(header), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(written)].join(
    "\n"
  )
}

export const pointsOf = (reports: ReadonlyArray<Report>): ReadonlyArray<Point> =>
  reports.flatMap(({ summaries }) => summaries.flatMap(({ point }) => point === undefined ? [] : [point]))
