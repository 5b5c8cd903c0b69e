/**
 * Real processes on a real directory: `worker.ts`, compiled to one file so that it starts in a moment.
 */
import type { Scope } from "effect"
import { Context, Effect, Layer, Option, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { compile } from "../support/compile.ts"

/** A directory that is gone with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "tempolite-process-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** The path of the compiled worker. */
export class Worker extends Context.Tag("test/process/Worker")<Worker, string>() {}

/** Starts the worker with the machine code of an earlier start, which is most of what a start costs. */
const starter = `
const [fs, path, vm, Module] = ["fs", "path", "vm", "module"].map((name) => require(name))
const [worker, code] = ["worker.cjs", "code"].map((name) => path.join(__dirname, name))
const options = { filename: worker, cachedData: fs.existsSync(code) ? fs.readFileSync(code) : undefined }
const script = new vm.Script(Module.wrap(fs.readFileSync(worker, "utf8")), options)
if (process.argv[2] === "warm") process.on("exit", () => fs.writeFileSync(code, script.createCachedData()))
script.runInThisContext()(exports, require, module, worker, __dirname)
`

const build = (): string => {
  const path = compile("cjs", ["test/process/worker.ts"])
  const start = Path.join(path, "start.cjs")
  Fs.writeFileSync(start, starter)
  ChildProcess.execFileSync(process.execPath, [start, "warm", path])
  return start
}

/** It is compiled once, for all tests of a file. */
export const layer: Layer.Layer<Worker> = Layer.effect(
  Worker,
  Effect.runSync(Effect.cached(Effect.sync(build)))
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
      yield* Effect.sleep("10 millis")
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

export interface Options {
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** What becomes the process: a program that is given the command as its last arguments. */
  readonly within?: ReadonlyArray<string>
}

/** A process of Node that is killed with the scope, at the latest. */
export const node = (
  parameters: ReadonlyArray<string>,
  options: Options = {}
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.gen(function*() {
    const spawned = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const [program = "", ...rest] = [...options.within ?? [], process.execPath, ...parameters]
        return ChildProcess.spawn(program, rest, { cwd: options.cwd, env: { ...process.env, ...options.env } })
      }),
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
  env: Record<string, string> = {},
  within: ReadonlyArray<string> = []
): Effect.Effect<Child, never, Worker | Scope.Scope> =>
  Effect.flatMap(Worker, (worker) => node([worker, mode, directory, ...parameters], { env, within }))
