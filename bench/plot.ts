/**
 * Cost against size, as an SVG: one panel for each kind of cost, with logarithmic axes.
 */
import type { Point } from "./benchmark.ts"
import { shown } from "./report.ts"

interface Panel {
  readonly of: Point["panel"]
  readonly title: string
  readonly x: string
}

export const panels: ReadonlyArray<Panel> = [
  { of: "e", title: "Memory of the whole process, MB", x: "workflows asleep" },
  { of: "f", title: "Steps a second", x: "steps of one workflow" },
  { of: "g", title: "Steps a second", x: "finished workflows in the file" },
  { of: "g open", title: "To open, ms", x: "finished workflows in the file" }
]

const [width, height] = [460, 320]
const margin = { left: 66, right: 16, top: 40, bottom: 76 }
const colors = ["#1f6feb", "#d1521f", "#3f8f5b", "#8250df"]

/** From a range of values to a range of places, by the logarithm. */
interface Scale {
  readonly ticks: ReadonlyArray<number>
  readonly place: (value: number) => number
}

/** Powers of ten, or, where they are too few, their halves and fifths too. */
const ticksOf = (min: number, max: number): ReadonlyArray<number> => {
  const powers = Array.from(
    { length: Math.ceil(Math.log10(max)) - Math.floor(Math.log10(min)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(min)) + index)
  )
  const fine = powers.flatMap((power) => [power, 2 * power, 5 * power])
  return powers.length > 3 ? powers : fine
}

const scale = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const candidates = ticksOf(least, most)
  const low = candidates.findLast((tick) => tick <= least) ?? least
  const found = candidates.find((tick) => tick >= most) ?? most
  const high = found > low ? found : low * 10
  const [first, last] = [Math.log10(low), Math.log10(high)]
  return {
    ticks: candidates.filter((tick) => tick >= low && tick <= high),
    place: (value) => from + (Math.log10(value) - first) / (last - first) * (to - from)
  }
}

const text = (x: number, y: number, anchor: "start" | "middle" | "end", content: string, more = "") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more}>${content}</text>`

const line = (x1: number, y1: number, x2: number, y2: number, style: string) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${style}/>`

const axes = (x: Scale, y: Scale, { title, x: xTitle }: Panel): ReadonlyArray<string> => {
  const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom]
  const grid = "stroke=\"#d0d7de\""
  return [
    text(left, top - 16, "start", title, " font-weight=\"bold\""),
    text((left + right) / 2, bottom + 34, "middle", xTitle),
    ...x.ticks.flatMap((tick) => [
      line(x.place(tick), top, x.place(tick), bottom, grid),
      text(x.place(tick), bottom + 16, "middle", shown(tick))
    ]),
    ...y.ticks.flatMap((tick) => [
      line(left, y.place(tick), right, y.place(tick), grid),
      text(left - 6, y.place(tick) + 4, "end", shown(tick))
    ])
  ]
}

/** A curve with its points; a point without a size is a level, dashed. */
const curve = (points: ReadonlyArray<Point>, x: Scale, y: Scale, color: string): ReadonlyArray<string> => {
  const sized = points.flatMap(({ size, y: value }) =>
    size === undefined ? [] : [[x.place(size), y.place(value)] as const]
  )
  const levels = points.filter(({ size }) => size === undefined)
  const path = sized.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ")
  return [
    ...sized.length === 0 ? [] : [`<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`],
    ...sized.map(([px, py]) => `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3.5" fill="${color}"/>`),
    ...levels.map((level) =>
      line(
        margin.left,
        y.place(level.y),
        width - margin.right,
        y.place(level.y),
        `stroke="${color}" stroke-dasharray="6 4"`
      )
    )
  ]
}

const drawn = (panel: Panel, points: ReadonlyArray<Point>): ReadonlyArray<string> => {
  const own = points.filter((point) => point.panel === panel.of && point.y > 0)
  const x = scale(own.flatMap(({ size }) => size === undefined ? [] : [size]), margin.left, width - margin.right)
  // A cost that is the same for all sizes must not look like one that jumps.
  const values = own.map(({ y }) => y)
  const y = scale([Math.min(...values) / 2, Math.max(...values) * 2], height - margin.bottom, margin.top)
  const names = [...new Set(own.map(({ series }) => series))]
  return [
    ...axes(x, y, panel),
    ...names.flatMap((name, index) => {
      const color = colors[index % colors.length] ?? "black"
      const [legendX, legendY] = [margin.left + 190 * (index % 2), height - 22 + 16 * Math.floor(index / 2)]
      return [
        ...curve(own.filter(({ series }) => series === name), x, y, color),
        `<circle cx="${legendX + 4}" cy="${legendY - 4}" r="4" fill="${color}"/>`,
        text(legendX + 12, legendY, "start", name)
      ]
    })
  ]
}

export const svg = (points: ReadonlyArray<Point>): string => {
  const [total, high] = [2 * width, Math.ceil(panels.length / 2) * height]
  const groups = panels.map((panel, index) =>
    `<g transform="translate(${index % 2 * width} ${Math.floor(index / 2) * height})">\n${
      drawn(panel, points).join("\n")
    }\n</g>`
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${high}" width="${total}" height="${high}" ` +
    "font-family=\"sans-serif\" font-size=\"12\">",
    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ...groups,
    "</svg>",
    ""
  ].join("\n")
}
