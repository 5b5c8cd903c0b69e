/**
 * The world outside of the engine: a log that survives every kill. Each call appends a line when it begins and a line
 * when it ends, with one `write` to a file that was opened for appending.
 */
import { Effect, Schema } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { Activity } from "../../src/index.ts"

const Line = Schema.Struct({
  event: Schema.Literal("start", "success", "failure", "interrupt"),
  /** The path of the activity, from its workflow down. */
  path: Schema.String,
  attempt: Schema.Number,
  idempotencyKey: Schema.String,
  at: Schema.Number,
  pid: Schema.Number
})
export type Line = typeof Line.Type

/** What a call is to do. */
export const Call = Schema.Struct({
  /** How long it takes. */
  millis: Schema.optionalWith(Schema.Number, { default: () => 0 }),
  /** How many of its attempts fail before one succeeds, counted in the log. */
  failures: Schema.optionalWith(Schema.Number, { default: () => 0 }),
  /** The name of a file that it waits for, after `millis`. */
  gate: Schema.optional(Schema.String)
})
export type Call = typeof Call.Type

export class Broken extends Schema.TaggedError<Broken>()("Broken", { key: Schema.String }) {}

const logOf = (directory: string) => Path.join(directory, "world.log")
const decode = Schema.decodeSync(Schema.parseJson(Line))

const readLines = (directory: string): ReadonlyArray<string> =>
  Fs.existsSync(logOf(directory)) ? Fs.readFileSync(logOf(directory), "utf8").split("\n").slice(0, -1) : []

/** How many lines there are. */
export const count = (directory: string): number => readLines(directory).length

/** Tells, each time that it is called, how many calls have ended since it was made. */
export const follow = (directory: string): () => number => {
  let offset = Fs.existsSync(logOf(directory)) ? Fs.statSync(logOf(directory)).size : 0
  let ends = 0
  return () => {
    if (!Fs.existsSync(logOf(directory))) return ends
    const file = Fs.openSync(logOf(directory), "r")
    const added = Buffer.alloc(Fs.fstatSync(file).size - offset)
    Fs.readSync(file, added, 0, added.length, offset)
    Fs.closeSync(file)
    offset += added.length
    ends += added.toString().split(/"event":"(?:success|failure)"/).length - 1
    return ends
  }
}

/** Everything that happened, in its order. */
export const read = (directory: string): ReadonlyArray<Line> => readLines(directory).map((line) => decode(line))

/** Opens the gate that calls wait at. */
export const open = (directory: string, gate: string) =>
  Effect.sync(() => Fs.writeFileSync(Path.join(directory, gate), ""))

export const close = (directory: string, gate: string) => Effect.sync(() => Fs.rmSync(Path.join(directory, gate)))

const untilOpen = (path: string): Effect.Effect<void> =>
  Effect.suspend(() => Fs.existsSync(path) ? Effect.void : Effect.delay(untilOpen(path), "5 millis"))

/** What this process has read of its log: how far, and how often each activity has failed. */
const seen = { offset: 0, failures: new Map<string, number>() }

const failedBefore = (directory: string, path: string): number => {
  const added = Fs.readFileSync(logOf(directory)).subarray(seen.offset)
  const lines = added.subarray(0, added.lastIndexOf("\n") + 1)
  seen.offset += lines.length
  for (const line of lines.toString().split("\n")) {
    if (!line.startsWith(`{"event":"failure"`)) continue
    const failed = decode(line).path
    seen.failures.set(failed, (seen.failures.get(failed) ?? 0) + 1)
  }
  return seen.failures.get(path) ?? 0
}

/** One attempt of an activity in the world of `directory`. */
export const call = (directory: string, { failures, gate, millis }: Call) =>
  Effect.gen(function*() {
    const { activityId, attempt, idempotencyKey, key } = yield* Activity.Execution
    const tell = (event: Line["event"]) =>
      Effect.sync(() => {
        const line: Line = { event, path: activityId, attempt, idempotencyKey, at: Date.now(), pid: process.pid }
        Fs.appendFileSync(logOf(directory), `${JSON.stringify(line)}\n`)
      })
    yield* tell("start")
    yield* Effect.onInterrupt(
      Effect.zipRight(
        Effect.sleep(millis),
        gate === undefined ? Effect.void : untilOpen(Path.join(directory, gate))
      ),
      () => tell("interrupt")
    )
    if (failures > 0 && failedBefore(directory, activityId) < failures) {
      yield* tell("failure")
      return yield* new Broken({ key: String(key) })
    }
    yield* tell("success")
    return String(key)
  })
