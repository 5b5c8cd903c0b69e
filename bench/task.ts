/**
 * What is measured runs in a process of its own, of compiled code, and answers with one line of JSON.
 */
import { Effect, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

/** A process that did not answer. */
export class ChildFailed extends Schema.TaggedError<ChildFailed>()("ChildFailed", { message: Schema.String }) {}

/** How long a process may take: longer than any that works. */
const patience = "20 minutes"

export interface Task<in P, out A> {
  readonly name: string
  /** Runs it in a new process. */
  readonly inChild: (params: P) => Effect.Effect<A, ChildFailed>
  /** Runs it in a new process that is killed (SIGKILL) as soon as it says `ready`; returns once it is gone. */
  readonly untilKilled: (params: P) => Effect.Effect<void, ChildFailed>
  /** Runs it in this process, from text to text. */
  readonly serve: (params: string) => Effect.Effect<string, unknown>
}

/** How a process ended. */
interface End {
  readonly lines: ReadonlyArray<string>
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The compiled `child.ts`. */
const program = fileURLToPath(new URL("./child.mjs", import.meta.url))

const ready = "ready"

/** Says that this process has done what it was started for, and is to be killed. */
export const sayReady: Effect.Effect<void> = Effect.sync(() => {
  process.stdout.write(`${ready}\n`)
})

const end = (name: string, params: string): Effect.Effect<End, ChildFailed> =>
  Effect.async<End>((resume) => {
    const child = spawn(process.execPath, ["--expose-gc", program, name, params], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const lines: Array<string> = []
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      if (line === ready) child.kill("SIGKILL")
    })
    child.once("close", (code, signal) => {
      resume(Effect.succeed({ lines, code, signal }))
    })
    return Effect.sync(() => {
      child.kill("SIGKILL")
    })
  }).pipe(Effect.timeoutFail({
    duration: patience,
    onTimeout: () => new ChildFailed({ message: `${name} ${params} took more than ${patience}` })
  }))

const failed = (name: string, params: string, { code, signal }: End) =>
  new ChildFailed({ message: `${name} ${params} ended with ${signal ?? `the code ${code ?? "?"}`}` })

export const make = <P, PI, A, AI>(name: string, { params, result, run }: {
  readonly params: Schema.Schema<P, PI>
  readonly result: Schema.Schema<A, AI>
  readonly run: (params: P) => Effect.Effect<A, unknown, Scope.Scope>
}): Task<P, A> => {
  const [asked, answered] = [Schema.parseJson(params), Schema.parseJson(result)]
  const started = (params: P) =>
    Effect.flatMap(
      Effect.orDie(Schema.encode(asked)(params)),
      (text) => Effect.map(end(name, text), (end) => ({ ...end, text }))
    )
  return {
    name,
    inChild: (params) =>
      Effect.flatMap(started(params), ({ text, ...end }) => {
        const last = end.lines.at(-1)
        return end.code === 0 && last !== undefined
          ? Effect.orDie(Schema.decode(answered)(last))
          : failed(name, text, end)
      }),
    untilKilled: (params) =>
      Effect.flatMap(
        started(params),
        ({ text, ...end }) => end.signal === "SIGKILL" ? Effect.void : failed(name, text, end)
      ),
    serve: (text) =>
      Schema.decode(asked)(text).pipe(
        Effect.flatMap((params) => Effect.scoped(run(params))),
        Effect.flatMap(Schema.encode(answered))
      )
  }
}
