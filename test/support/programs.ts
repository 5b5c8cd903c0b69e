/**
 * Random workflow programs, and random changes of them: what a deploy does to a running workflow.
 */
import { Duration, Effect } from "effect"
import { Saga } from "../../src/index.ts"
import { type Body, Draw, type Requirements, type Tools } from "./Simulation.ts"
import { hash } from "./World.ts"

export type Program =
  | { readonly _tag: "Act" | "Done" | "Draw"; readonly key: string }
  | { readonly _tag: "Bad"; readonly key: string }
  | { readonly _tag: "Sleep"; readonly seconds: number }
  | { readonly _tag: "Sequence" | "Parallel" | "Race"; readonly parts: ReadonlyArray<Program> }
  | { readonly _tag: "Timeout"; readonly seconds: number; readonly part: Program }
  | { readonly _tag: "Saga"; readonly key: string; readonly part: Program }

/** Numbers that depend on a seed only. */
export const dice = (seed: string) => {
  let count = 0
  return (sides: number): number => hash(`${seed}/${count++}`) % sides
}

/** A program of some depth, with a key of its own for every step. */
export const generate = (roll: (sides: number) => number): Program => {
  let keys = 0
  const key = () => `k${keys++}`
  const parts = (depth: number, most: number) => Array.from({ length: 1 + roll(most) }, () => make(depth - 1))
  const make = (depth: number): Program => {
    const kind = roll(depth <= 0 ? 6 : 14)
    switch (kind) {
      case 0:
      case 1:
        return { _tag: "Act", key: key() }
      case 2:
        return { _tag: "Done", key: key() }
      case 3:
        return { _tag: "Draw", key: key() }
      case 4:
        return { _tag: "Sleep", seconds: 1 + roll(90) }
      case 5:
        return roll(3) === 0 ? { _tag: "Bad", key: key() } : { _tag: "Act", key: key() }
      case 6:
      case 7:
      case 8:
        return { _tag: "Sequence", parts: parts(depth, 4) }
      case 9:
      case 10:
        return { _tag: "Parallel", parts: parts(depth, 4) }
      case 11:
        return { _tag: "Race", parts: parts(depth, 3) }
      case 12:
        return { _tag: "Timeout", seconds: 1 + roll(120), part: make(depth - 1) }
      default:
        return { _tag: "Saga", key: key(), part: make(depth - 1) }
    }
  }
  return { _tag: "Sequence", parts: [make(3), make(3), make(2)] }
}

/** One change somewhere: a step is inserted, parts are removed, or put into another order. */
export const mutate = (program: Program, roll: (sides: number) => number): Program => {
  let inserted = 0
  const change = (at: Program): Program => {
    switch (at._tag) {
      case "Sequence":
      case "Parallel":
      case "Race": {
        const parts = at.parts.map((part) => roll(3) === 0 ? change(part) : part)
        switch (roll(4)) {
          case 0: {
            const place = roll(parts.length + 1)
            const step: Program = { _tag: "Act", key: `new${inserted++}` }
            return { ...at, parts: [...parts.slice(0, place), step, ...parts.slice(place)] }
          }
          case 1: {
            const place = roll(parts.length)
            return parts.length === 1 ? { ...at, parts } : { ...at, parts: parts.filter((_, index) => index !== place) }
          }
          case 2: {
            const place = roll(parts.length)
            return { ...at, parts: [...parts.slice(place), ...parts.slice(0, place)] }
          }
          default:
            return { ...at, parts }
        }
      }
      case "Timeout":
      case "Saga":
        return { ...at, part: change(at.part) }
      default:
        return at
    }
  }
  return change(program)
}

const run = (program: Program, tools: Tools): Effect.Effect<unknown, unknown, Requirements> => {
  switch (program._tag) {
    case "Act":
      return tools.act(program.key)
    case "Bad":
      return tools.act(program.key, { fail: "always" })
    case "Done":
      return tools.done(program.key)
    case "Draw":
      return Effect.tap(Draw.record(program.key), (drawn) => tools.note(`${program.key} ${drawn}`))
    case "Sleep":
      return Effect.sleep(Duration.seconds(program.seconds))
    case "Sequence":
      return Effect.forEach(program.parts, (part) => run(part, tools))
    case "Parallel":
      return Effect.forEach(program.parts, (part) => run(part, tools), { concurrency: "unbounded" })
    case "Race":
      return Effect.raceAll(program.parts.map((part) => run(part, tools)))
    case "Timeout":
      return Effect.map(
        Effect.timeoutOption(run(program.part, tools), Duration.seconds(program.seconds)),
        (option) => option._tag
      )
    case "Saga":
      return Effect.map(Effect.either(Saga.scoped(program.key, run(program.part, tools))), (either) => either._tag)
  }
}

export const toBody = (name: string, program: Program): Body => ({
  name,
  run: (tools) => Effect.asVoid(run(program, tools))
})

/** The same, where each step is asked with what was seen last: whatever came in another order is another payload. */
export const toChain = (name: string, program: Program): Body => ({
  name,
  run: (tools) =>
    Effect.suspend(() => {
      let seen: unknown = "nothing"
      const act: Tools["act"] = (key, options = {}) =>
        Effect.suspend(() => tools.act(key, { ...options, arg: [key, seen] })).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              seen = key
            })
          )
        )
      const chained: Tools = {
        act,
        done: (key) => Saga.compensate(act(key), () => tools.act(`u-${key}`)),
        note: (text) =>
          Effect.zipLeft(
            tools.note(text),
            Effect.sync(() => {
              seen = text
            })
          )
      }
      return Effect.asVoid(run(program, chained))
    })
})
