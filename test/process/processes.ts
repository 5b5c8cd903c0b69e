/**
 * Real processes on a real directory: `worker.ts`, compiled to one file so that it starts in a moment.
 */
import type { Scope } from "effect"
import { Context, Effect, Layer, Option, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const here = Path.dirname(fileURLToPath(import.meta.url))

/** A directory that is gone with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "tempolite-process-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** The path of the compiled worker. */
export class Worker extends Context.Tag("test/process/Worker")<Worker, string>() {}

// esbuild is what tsx compiles with.
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsx/package.json")).resolve("esbuild/bin/esbuild")

export const layer: Layer.Layer<Worker> = Layer.scoped(
  Worker,
  Effect.map(directory, (path) => {
    const worker = Path.join(path, "worker.mjs")
    // What is native is not bundled, and must be found.
    Fs.symlinkSync(Path.join(here, "../../node_modules"), Path.join(path, "node_modules"))
    const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    ChildProcess.execFileSync(esbuild, [
      Path.join(here, "worker.ts"),
      `--outfile=${worker}`,
      `--banner:js=${require}`,
      ..."--bundle --platform=node --target=node20 --format=esm --external:better-sqlite3 --log-level=warning".split(
        " "
      )
    ])
    return worker
  })
)

/** What a condition that never came leaves behind. */
class NeverCame extends Schema.TaggedError<NeverCame>()("NeverCame", { message: Schema.String }) {}

/** Asks again and again until there is an answer, and gives up after half a minute. */
export const eventually = <A, E, R>(
  what: () => string,
  ask: Effect.Effect<Option.Option<A>, E, R>
): Effect.Effect<A, E | NeverCame, R> =>
  Effect.gen(function*() {
    for (;;) {
      const answer = yield* ask
      if (Option.isSome(answer)) return answer.value
      yield* Effect.sleep("5 millis")
    }
  }).pipe(Effect.timeoutFail({
    duration: "30 seconds",
    onTimeout: () => new NeverCame({ message: `waited half a minute for ${what()}` })
  }))

export interface Child {
  readonly pid: number
  /** What it has said so far, line by line. */
  readonly lines: ReadonlyArray<string>
  /** What it has logged so far. */
  readonly log: () => string
  /** Waits until it has said a line that begins with `text`. */
  readonly said: (text: string) => Effect.Effect<string, NeverCame>
  readonly tell: (command: unknown) => Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it is gone, and all that it said is read. */
  readonly gone: Effect.Effect<void>
  /** `kill -9`. */
  readonly kill: Effect.Effect<void>
}

/** A process of Node that is killed with the scope, at the latest. */
export const node = (
  parameters: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {}
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.gen(function*() {
    const spawned = yield* Effect.acquireRelease(
      Effect.sync(() =>
        ChildProcess.spawn(process.execPath, parameters, {
          cwd: options.cwd,
          env: { ...process.env, ...options.env }
        })
      ),
      (spawned) => Effect.sync(() => spawned.kill("SIGKILL"))
    )
    const closed = new Promise<void>((resolve) => spawned.once("close", () => resolve()))
    const lines: Array<string> = []
    let log = ""
    createInterface({ input: spawned.stdout }).on("line", (line) => lines.push(line))
    spawned.stderr.on("data", (chunk) => log += String(chunk))
    const gone = Effect.promise(() => closed)
    const signal = (signal: NodeJS.Signals) => Effect.sync(() => spawned.kill(signal))
    const child: Child = {
      pid: spawned.pid ?? 0,
      lines,
      log: () => log,
      said: (text) =>
        eventually(
          () => `"${text}"; it said ${JSON.stringify(lines)} and logged ${log}`,
          Effect.sync(() => Option.fromNullable(lines.find((line) => line.startsWith(text))))
        ),
      tell: (command) => Effect.sync(() => spawned.stdin.write(`${JSON.stringify(command)}\n`)),
      signal,
      gone,
      kill: Effect.zipRight(signal("SIGKILL"), gone)
    }
    return child
  })

/** `worker.ts` in a process of its own. */
export const spawn = (
  mode: string,
  directory: string,
  parameters: ReadonlyArray<string> = [],
  env: Record<string, string> = {}
): Effect.Effect<Child, never, Worker | Scope.Scope> =>
  Effect.flatMap(Worker, (worker) => node([worker, mode, directory, ...parameters], { env }))
