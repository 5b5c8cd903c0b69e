/**
 * The suite: what was asked for, one benchmark after the other; then the table, and the plot.
 */
import { Array, Console, Effect, Either, Option } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import type { Benchmark, Setting } from "./benchmark.ts"
import { benchmarks } from "./benchmarks.ts"
import { diskOf, machine } from "./machine.ts"
import { panels, svg } from "./plot.ts"
import * as Report from "./report.ts"

interface Asked {
  readonly names: ReadonlyArray<string>
  readonly runs: number
  readonly normal: boolean
  readonly quick: boolean
  readonly directory: Option.Option<string>
}

const usage = "npm run bench [-- name… --runs 5 --normal --quick --directory path]; the names are " +
  benchmarks.map(({ name }) => name).join(", ")

const ask = (args: ReadonlyArray<string>): Either.Either<Asked, string> =>
  Either.try({
    try: () =>
      parseArgs({
        args: [...args],
        allowPositionals: true,
        options: {
          runs: { type: "string", default: "1" },
          normal: { type: "boolean", default: false },
          quick: { type: "boolean", default: false },
          directory: { type: "string" }
        }
      }),
    catch: String
  }).pipe(Either.flatMap(({ positionals, values }) => {
    const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name))
    const runs = Number(values.runs)
    if (unknown.length > 0) return Either.left(`there is no benchmark ${unknown.join(", ")}`)
    if (!Number.isInteger(runs) || runs < 1) return Either.left(`--runs is a number from 1, not ${values.runs}`)
    const { normal, quick } = values
    return Either.right({ names: positionals, runs, normal, quick, directory: Option.fromNullable(values.directory) })
  }))

/** A directory that is gone with the scope. */
const directoryIn = (parent: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(parent, { recursive: true })
      return mkdtempSync(Path.join(parent, "files-"))
    }),
    (path) =>
      Effect.sync(() => {
        rmSync(path, { recursive: true, force: true })
      })
  )

/** As many runs as were asked for, each in a new directory. */
const run = (benchmark: Benchmark, asked: Asked, directory: string): Effect.Effect<Report.Report> =>
  Effect.gen(function*() {
    const kept = yield* directoryIn(directory)
    const once = Effect.scoped(Effect.flatMap(directoryIn(directory), (fresh) => {
      const setting: Setting = {
        file: (name) => Path.join(fresh, name),
        kept: (name) => Path.join(kept, name),
        size: (full, quick) => asked.quick ? quick : full,
        normal: asked.normal
      }
      return benchmark.measure(setting)
    }))
    const runs = yield* Effect.either(Effect.replicateEffect(once, asked.runs))
    return {
      benchmark,
      ...Either.match(runs, {
        onLeft: ({ message }) => ({ failure: message, summaries: [] }),
        onRight: (figures) => ({ failure: undefined, summaries: Report.summarize(figures) })
      })
    }
  }).pipe(Effect.scoped, Effect.tap((report) => Console.log(Report.line(report))))

const program = (asked: Asked, { bench, cache }: { readonly bench: string; readonly cache: string }) =>
  Effect.gen(function*() {
    const directory = yield* directoryIn(Option.getOrElse(asked.directory, () => cache))
    if (diskOf(directory).type === "tmpfs") {
      yield* Console.error(`${directory} is no disk (tmpfs): give another --directory`)
      return 2
    }
    const { names, normal, quick, runs } = asked
    yield* Console.log(JSON.stringify({ machine: machine(directory), runs, quick, normal }))
    const chosen = benchmarks.filter(({ name }) => names.length === 0 || names.includes(name))
    const reports = yield* Effect.forEach(chosen, (benchmark) => run(benchmark, asked, directory))
    yield* Console.log(`\n${Report.table(reports)}`)
    const points = Report.pointsOf(reports)
    if (panels.every(({ of }) => points.some(({ panel }) => panel === of))) {
      // What was only tried is no figure.
      const path = Path.join(quick ? cache : bench, "cost.svg")
      yield* Effect.sync(() => {
        writeFileSync(path, svg(points))
      })
      yield* Console.log(`\nthe plot is in ${path}`)
    }
    return Array.some(reports, Report.isIncomplete) ? 1 : 0
  }).pipe(Effect.scoped)

/** Runs what the arguments ask for; gives the exit code. */
export const main = (
  args: ReadonlyArray<string>,
  paths: { readonly bench: string; readonly cache: string }
): Promise<number> =>
  Effect.runPromise(Either.match(ask(args), {
    onLeft: (fault) => Effect.as(Console.error(`${fault}\n${usage}`), 2),
    onRight: (asked) => program(asked, paths)
  }))
