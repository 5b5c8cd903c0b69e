/**
 * The process in which one task runs: `node child.mjs name params`. It answers with its last line.
 */
import { Effect, Logger } from "effect"
import { benchmarks } from "./benchmarks.ts"

const [name, params = ""] = process.argv.slice(2)
const task = benchmarks.flatMap(({ tasks }) => tasks).find((task) => task.name === name)

// What is logged must not be taken for the answer.
const log = Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger))

const program = task === undefined ? Effect.dieMessage(`there is no task ${String(name)}`) : task.serve(params)

process.stdout.write(`${await Effect.runPromise(Effect.provide(program, log))}\n`)
