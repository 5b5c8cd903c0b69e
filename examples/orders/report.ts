/**
 * What the demo ends with.
 */
import type { Order } from "./domain.ts"
import { dollars } from "./domain.ts"

export interface Line {
  readonly order: Order
  readonly outcome: string
  /** As the payment provider has it. */
  readonly calls: number
  readonly charges: number
  readonly refunds: number
}

/** A call is repeated where a process ended before it had heard the answer; a charge is not. */
export const summary = (lines: ReadonlyArray<Line>): string => {
  const sum = (count: (line: Line) => number) => lines.reduce((total, line) => total + count(line), 0)
  return `${lines.length} orders. The payment provider was called ${sum(({ calls }) => calls)} times for ` +
    `${sum(({ charges }) => charges)} charges, of which it gave back ${sum(({ refunds }) => refunds)}.`
}

const headings = ["order", "customer", "items", "total", "charged", "refunded", "outcome"]

const isNumeric = (column: number) => column >= 2 && column <= 5

export const table = (lines: ReadonlyArray<Line>): string => {
  const rows = lines.map(({ charges, order, outcome, refunds }) => [
    order.id,
    order.customer,
    String(order.items.length),
    dollars(order.cents),
    String(charges),
    String(refunds),
    outcome
  ])
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)))
  const format = (row: ReadonlyArray<string>) =>
    row.map((cell, column) => isNumeric(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))
      .join("  ").trimEnd()
  const rule = widths.map((width) => "-".repeat(width)).join("  ")
  return [format(headings), rule, ...rows.map(format)].join("\n")
}
