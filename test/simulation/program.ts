/**
 * Workflow programs as data: what can be generated, shrunk, shown, run on the engine, and predicted.
 */
import { hash } from "../support/World.ts"

/** How an activity is retried, and how long an attempt may take. */
export type Policy = "once" | "retried" | "hasty"

export const retryMillis = 500_000
export const timeoutMillis = 1_000_000
/** How often each policy tries again. */
export const retries: Readonly<Record<Policy, number>> = { once: 0, retried: 2, hasty: 1 }

export interface Activity {
  readonly _tag: "Activity"
  readonly key: string
  readonly name: string
  readonly policy: Policy
  /** How long an attempt takes that succeeds, or fails. */
  readonly millis: number
  /** How many attempts fail (those that are hasty: take too long) before one does not. */
  readonly failures: number
  /** With a defect, once it does not fail any more. */
  readonly dies: boolean
}

export type SignalName = "Red" | "Blue"

/**
 * `key` is unique in its frame (the workflow, or the saga), `name` everywhere. Both are empty in a program that is not
 * labelled.
 */
export type Program =
  | Activity
  | { readonly _tag: "SideEffect"; readonly key: string; readonly name: string }
  | { readonly _tag: "Sleep"; readonly key: string; readonly millis: number }
  /** `Effect.sleep`. */
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "Version"; readonly key: string }
  | { readonly _tag: "Sequence"; readonly parts: ReadonlyArray<Program> }
  | { readonly _tag: "All"; readonly concurrency: 1 | 2 | "unbounded"; readonly parts: ReadonlyArray<Program> }
  | { readonly _tag: "Race"; readonly first: boolean; readonly left: Program; readonly right: Program }
  | { readonly _tag: "Timeout"; readonly millis: number; readonly part: Program }
  | { readonly _tag: "Fork"; readonly background: Program; readonly meanwhile: Program; readonly joins: boolean }
  | { readonly _tag: "Catch"; readonly part: Program; readonly otherwise: Program }
  | { readonly _tag: "Saga"; readonly key: string; readonly part: Program }
  | { readonly _tag: "Compensate"; readonly part: Program; readonly undo: Program }
  | { readonly _tag: "Child"; readonly key: string; readonly name: string; readonly part: Program }
  | {
    readonly _tag: "StartChild"
    readonly key: string
    readonly name: string
    readonly part: Program
    readonly meanwhile: Program
    readonly joins: boolean
  }
  | { readonly _tag: "Detach"; readonly key: string; readonly name: string; readonly part: Program }
  | { readonly _tag: "Await"; readonly key: string; readonly signal: SignalName; readonly within: number | null }
  /** To the workflow at the root. */
  | { readonly _tag: "Send"; readonly key: string; readonly signal: SignalName }

/** A workflow, by generation: each but the last ends by continuing as new. */
export type Generations = ReadonlyArray<Program>

export type Tag = Program["_tag"]

/** The programs that `program` is made of. */
const partsOf = (program: Program): ReadonlyArray<Program> => {
  switch (program._tag) {
    case "Sequence":
    case "All":
      return program.parts
    case "Race":
      return [program.left, program.right]
    case "Fork":
      return [program.background, program.meanwhile]
    case "Catch":
      return [program.part, program.otherwise]
    case "Compensate":
      return [program.part, program.undo]
    case "StartChild":
      return [program.part, program.meanwhile]
    case "Timeout":
    case "Saga":
    case "Child":
    case "Detach":
      return [program.part]
    default:
      return []
  }
}

/** `program`, and everything below it. */
export const everyPart = (program: Program): ReadonlyArray<Program> => [program, ...partsOf(program).flatMap(everyPart)]

/**
 * Milliseconds out of seconds, with a rest of their own: hardly anything happens at the same instant by chance, of which
 * nobody could say what has to come first.
 */
export const spread = (seconds: number, place: number): number => seconds * 1_000 + hash(`${place}`) % 1_000

/**
 * Gives every step a key, counted in its frame, and a name that says where it is. All durations are seconds before, and
 * milliseconds after.
 */
export const label = (generations: Generations): Generations => {
  let places = 0
  const millis = (seconds: number) => spread(seconds, places++)
  return generations.map((program, index) => labelled(program, `${index + 1}:`, millis))
}

const labelled = (program: Program, frame: string, millis: (seconds: number) => number): Program => {
  let count = 0
  let changes = 0
  const go = (at: Program): Program => {
    const next = (letter: string) => {
      const key = `${letter}${++count}`
      return { key, name: `${frame}${key}` }
    }
    switch (at._tag) {
      case "Activity":
        return { ...at, ...next("a"), millis: millis(at.millis) }
      case "SideEffect":
        return { ...at, ...next("d") }
      case "Sleep":
        return { ...at, key: next("t").key, millis: millis(at.millis) }
      case "Version":
        return { ...at, key: `${frame}v${++changes}` }
      case "Await":
        return { ...at, key: next("w").key, within: at.within === null ? null : millis(at.within) }
      case "Send":
        return { ...at, key: next("s").key }
      case "Sequence":
      case "All":
        return { ...at, parts: at.parts.map(go) }
      case "Race":
        return { ...at, left: go(at.left), right: go(at.right) }
      case "Fork":
        return { ...at, background: go(at.background), meanwhile: go(at.meanwhile) }
      case "Catch":
        return { ...at, part: go(at.part), otherwise: go(at.otherwise) }
      case "Compensate":
        return { ...at, part: go(at.part), undo: go(at.undo) }
      case "Timeout":
        return { ...at, millis: millis(at.millis), part: go(at.part) }
      case "Saga": {
        const { key, name } = next("g")
        return { ...at, key, part: labelled(at.part, `${name}/`, millis) }
      }
      case "Child":
      case "Detach": {
        const named = next("c")
        return { ...at, ...named, part: labelled(at.part, `${named.name}!`, millis) }
      }
      case "StartChild": {
        const named = next("c")
        return { ...at, ...named, part: labelled(at.part, `${named.name}!`, millis), meanwhile: go(at.meanwhile) }
      }
      case "Delay":
        return { ...at, millis: millis(at.millis) }
    }
  }
  return go(program)
}

const quoted = (text: string): string => JSON.stringify(text)

const indented = (text: string): string => text.split("\n").map((line) => `  ${line}`).join("\n")

const list = (parts: ReadonlyArray<Program>): string => `[\n${parts.map((part) => indented(show(part))).join(",\n")}\n]`

const call = (name: string, ...args: ReadonlyArray<string>): string =>
  args.some((arg) => arg.includes("\n"))
    ? `${name}(\n${args.map(indented).join(",\n")}\n)`
    : `${name}(${args.join(", ")})`

const attempts = ({ dies, failures, millis, policy }: Activity): string =>
  [
    ...(policy === "once" ? [] : [policy === "hasty" ? "1000 s at most" : "2 retries"]),
    ...(failures === 0 ? [] : [`${failures} attempts ${policy === "hasty" ? "take too long" : "fail"}, then`]),
    `${millis} ms`,
    ...(dies ? ["dies"] : [])
  ].join(", ")

/** A program as a person would write it. */
export const show = (program: Program): string => {
  switch (program._tag) {
    case "Activity":
      return `act(${quoted(program.key)}) /* ${attempts(program)} */`
    case "SideEffect":
      return `record(${quoted(program.key)})`
    case "Sleep":
      return `Workflow.sleep(${quoted(program.key)}, ${program.millis})`
    case "Delay":
      return `Effect.sleep(${program.millis})`
    case "Version":
      return `Workflow.version(${quoted(program.key)})`
    case "Sequence":
      return call("sequence", list(program.parts))
    case "All":
      return call("Effect.all", list(program.parts), `{ concurrency: ${quoted(String(program.concurrency))} }`)
    case "Race":
      return call(program.first ? "Effect.raceFirst" : "Effect.race", show(program.left), show(program.right))
    case "Timeout":
      return call("Effect.timeoutOption", show(program.part), String(program.millis))
    case "Fork":
      return call(
        program.joins ? "forkAndJoin" : "forkAndLeave",
        `background: ${show(program.background)}`,
        `meanwhile: ${show(program.meanwhile)}`
      )
    case "Catch":
      return call("Effect.catchAll", show(program.part), `() => ${show(program.otherwise)}`)
    case "Saga":
      return call("Saga.scoped", quoted(program.key), show(program.part))
    case "Compensate":
      return call("Saga.compensate", show(program.part), `() => ${show(program.undo)}`)
    case "Child":
      return call("child", quoted(program.key), show(program.part))
    case "StartChild":
      return call(
        program.joins ? "startChildAndJoin" : "startChildAndLeave",
        quoted(program.key),
        show(program.part),
        `meanwhile: ${show(program.meanwhile)}`
      )
    case "Detach":
      return call("detach", quoted(program.key), show(program.part))
    case "Await":
      return program.within === null
        ? `${program.signal}.await(${quoted(program.key)})`
        : `${program.signal}.awaitWithin(${quoted(program.key)}, ${program.within})`
    case "Send":
      return `${program.signal}.sendAs(${quoted(program.key)}, root)`
  }
}
