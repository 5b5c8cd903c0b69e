/**
 * Runs a test of the engine again in each mode: one that replays the body at every wait; and those in which, at one write
 * of its engines, the process dies just before it or just after it, or the journal writes and says that it failed. Nothing
 * of that may be seen: what the test asserts holds in each mode, and the journal is left as without.
 *
 * `TEMPOLITE_MATRIX=some` tries some of the writes, one in each run, drawn anew each day; `TEMPOLITE_MATRIX=full` each of
 * them, `TEMPOLITE_MATRIX="crash after 3"` that one, and `off`, the default, none; `TEMPOLITE_MATRIX_SEED` draws as on
 * another day.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Logger from "effect/Logger"
import * as TestContext from "effect/TestContext"
import { Current, type Fault, type Plan, Stage } from "./stage.ts"

/** Modes in which a test does not run, and why. */
export interface Except {
  readonly replay?: string
  /** A crash before or after a write. */
  readonly crash?: string
  readonly lost?: string
}

const extent = process.env["TEMPOLITE_MATRIX"] ?? "off"
const seed = process.env["TEMPOLITE_MATRIX_SEED"] ?? new Date().toISOString().slice(0, 10)

const faults: ReadonlyArray<Fault> = ["crash before", "crash after", "answer lost"]

/** In real time, for a run that stands still: it fails before its test does, and says which run it is. */
const patience = "30 seconds"

/** How long a test may take, with all of its runs. */
export const timeoutMillis = extent === "full" ? 1_200_000 : 120_000

/** From 0 to less than `below`, the same for the same text on the same day. */
const draw = (text: string, below: number): number => (Hash.string(`${seed} ${text}`) >>> 0) % below

const tell = ({ fault, options }: Plan): string =>
  fault === undefined ? JSON.stringify(options) : `${fault.what} ${fault.at}`

/** A run of a test, on a journal and with an outside of its own. Gives what it leaves: a line for each row. */
type Scene<E> = Effect.Effect<ReadonlyArray<string>, E>

interface Done {
  readonly left: ReadonlyArray<string>
  readonly stage: Stage
}

/** Runs it once: fails with what it fails with, or with what must not be. */
const run = <E>(scene: Scene<E>, plan: Plan): Effect.Effect<Done, E | Cause.RuntimeException> =>
  Effect.suspend(() => {
    const stage = new Stage(plan)
    const standsStill = Effect.withClock(Effect.delay(Effect.dieMessage("it does not end"), patience), Clock.make())
    return Effect.disconnect(scene).pipe(
      Effect.raceFirst(Deferred.await(stage.violated)),
      Effect.raceFirst(standsStill),
      Effect.provideService(Current, stage),
      Effect.map((left) => ({ left, stage }))
    )
  }).pipe(Effect.provide(TestContext.TestContext), Effect.provide(Logger.remove(Logger.defaultLogger)))

/** What is there in place of what should be. */
const difference = (expected: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ...found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`)
]

/** Runs it as planned; `false` if the fault did not come. */
const disturbed = <E>(scene: Scene<E>, without: Done, plan: Plan): Effect.Effect<boolean, Cause.RuntimeException> =>
  run(scene, plan).pipe(
    Effect.flatMap(({ left, stage }) => {
      const differences = difference(without.left, left)
      return differences.length === 0
        ? Effect.succeed(stage.hasStruck)
        : new Cause.RuntimeException(`the journal is not left as without:\n${differences.join("\n")}`)
    }),
    Effect.catchAllCause((cause) => {
      const what = `${tell(plan)} (of ${without.stage.commits}; seed ${seed}): ${Cause.pretty(cause)}`
      return Effect.fail(new Cause.RuntimeException(what))
    })
  )

/** The faults that are due, where not all of them are. */
const drawn = (title: string, isFast: boolean, due: ReadonlyArray<Fault>, writes: number): ReadonlyArray<Plan> => {
  const [, what, at] = /^(\D+) (\d+)$/.exec(extent) ?? []
  if (at !== undefined) {
    return due.filter((fault) => fault === what).map((what) => ({ fault: { what, at: Number(at) } }))
  }
  if (extent === "off" || writes === 0) return []
  return due.filter((_, index) => isFast || index === draw(title, due.length))
    .map((what) => ({ fault: { what, at: 1 + draw(`${title} ${what}`, writes) } }))
}

/** The test, in every mode but for those excepted. A journal that is not fast has one fault, unless it has all. */
export const inEveryMode = <E>(
  title: string,
  isFast: boolean,
  except: Except,
  scene: Scene<E>
): Effect.Effect<void, E | Cause.RuntimeException> =>
  Effect.gen(function*() {
    const without = yield* run(scene, {})
    const due = faults.filter((what) => (what === "answer lost" ? except.lost : except.crash) === undefined)
    if (extent !== "off" && except.replay === undefined) {
      yield* disturbed(scene, without, { options: { replay: "always" } })
    }
    if (extent === "full") {
      for (const what of due) {
        for (let at = 1; yield* disturbed(scene, without, { fault: { what, at } }); at++);
      }
    } else {
      for (const plan of drawn(title, isFast, due, without.stage.commits)) yield* disturbed(scene, without, plan)
    }
  })
