/**
 * Runs a test of the engine again in each mode: one that replays the body at every wait, one that lets a workflow leave
 * memory as soon as it can; and those in which, at one write of its engines, the process dies just before it or just
 * after it, or the journal writes and says that it failed. Nothing of that may be seen: what the test asserts holds in
 * each mode, and the journal is left as without.
 *
 * By default one test of two, on the journal that is fast, has one such run, always the same; `TEMPOLITE_MATRIX=some`
 * tries each mode with one write, on a journal that is slow one fault only; `TEMPOLITE_MATRIX=full` every write, and
 * counts the runs; `TEMPOLITE_MATRIX="crash after 3"`, or `"replay"`, that one; `off` none. `TEMPOLITE_MATRIX_SEED`
 * draws others. What fails says what it was, and its seed.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as TestContext from "effect/TestContext"
import { Current, type Fault, type Plan, Stage } from "./stage.ts"

/** Modes in which a test does not run, and why. */
export interface Except {
  readonly replay?: string
  /** Beside those that do not run in a replay. */
  readonly parked?: string
  /** A crash before or after a write. */
  readonly crash?: string
  readonly lost?: string
}

const extent = process.env["TEMPOLITE_MATRIX"] ?? "few"
const seed = process.env["TEMPOLITE_MATRIX_SEED"] ?? "ordinary"

const faults: ReadonlyArray<Fault> = ["crash before", "crash after", "answer lost"]

/** In real time, for a run that stands still: it fails before its test does, and says which run it is. */
const patience = extent === "full" ? "30 seconds" : "60 seconds"

/** How long a test may take, with all of its runs. */
export const timeoutMillis = extent === "full" ? 1_200_000 : 120_000

/** The faults that are tried. */
const dueBut = (except: Except): ReadonlyArray<Fault> =>
  faults.filter((what) => (what === "answer lost" ? except.lost : except.crash) === undefined)

/** From 0 to less than `below`, the same for the same text and seed. */
const draw = (text: string, below: number): number => (Hash.string(`${seed} ${text}`) >>> 0) % below

const tell = ({ fault, options }: Plan): string =>
  fault === undefined ? JSON.stringify(options) : `${fault.what} ${fault.at}`

/** A run of a test, on a journal and with an outside of its own. Gives what it leaves: a line for each row. */
type Scene<E> = Effect.Effect<ReadonlyArray<string>, E>

interface Done {
  readonly left: ReadonlyArray<string>
  readonly stage: Stage
}

interface Disturbed {
  readonly hasStruck: boolean
  readonly failure: string | undefined
}

/** Runs it once: fails with what it fails with, or with what must not be. */
const run = <E>(scene: Scene<E>, stage: Stage): Effect.Effect<ReadonlyArray<string>, E | Cause.RuntimeException> => {
  const standsStill = Effect.withClock(Effect.delay(Effect.dieMessage("it does not end"), patience), Clock.make())
  return Effect.disconnect(scene).pipe(
    Effect.raceFirst(Deferred.await(stage.violated)),
    Effect.raceFirst(standsStill),
    Effect.provideService(Current, stage),
    Effect.provide(TestContext.TestContext),
    Effect.provide(Logger.remove(Logger.defaultLogger))
  )
}

/** What is there in place of what should be. */
const difference = (expected: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
  ...found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`)
]

/** What an assertion has compared, which its message cuts short. */
const compared = (cause: Cause.Cause<unknown>): ReadonlyArray<string> =>
  Chunk.toReadonlyArray(Cause.defects(cause)).flatMap((defect) =>
    Predicate.hasProperty(defect, "expected") && Predicate.hasProperty(defect, "actual")
      ? [`- ${JSON.stringify(defect.expected)}`, `+ ${JSON.stringify(defect.actual)}`]
      : []
  )

/** Runs it as planned: whether the fault has come, and what is not as without. */
const disturbed = <E>(scene: Scene<E>, without: Done, plan: Plan): Effect.Effect<Disturbed> => {
  const stage = new Stage(plan)
  return run(scene, stage).pipe(
    Effect.flatMap((left) => {
      const differences = difference(without.left, left)
      return differences.length === 0
        ? Effect.void
        : new Cause.RuntimeException(`the journal is not left as without:\n${differences.join("\n")}`)
    }),
    Effect.matchCause({
      onFailure: (cause) =>
        [`${tell(plan)} (of ${without.stage.commits}; seed ${seed}): ${Cause.pretty(cause)}`, ...compared(cause)].join(
          "\n"
        ),
      onSuccess: () => undefined
    }),
    Effect.map((failure) => ({ hasStruck: stage.hasStruck, failure }))
  )
}

/** Those in which a body is replayed: at every wait, or where it may leave memory. */
const replaying = (except: Except): ReadonlyArray<Plan> =>
  except.replay !== undefined
    ? []
    : [
      { options: { replay: "always" } },
      ...(except.parked === undefined ? [{ options: { parkAfter: 0 } }] : [])
    ]

/** What is tried, where that is not all there is. */
const drawn = (title: string, isFast: boolean, except: Except, writes: number): ReadonlyArray<Plan> => {
  const replay = replaying(except)
  const [, named, at] = /^(\D+) (\d+)$/.exec(extent) ?? []
  const some = (writes === 0 ? [] : dueBut(except)).map((what): Plan => ({
    fault: { what, at: at === undefined ? 1 + draw(`${title} ${what}`, writes) : Number(at) }
  }))
  const one = <A>(all: ReadonlyArray<A>) => all.filter((_, index) => index === draw(title, all.length))
  switch (extent) {
    case "off":
      return []
    case "few":
      return isFast && draw(`${title}, or not`, 2) === 0 ? one([...replay, ...some]) : []
    case "some":
      return [...replay, ...(isFast ? some : one(some))]
    case "replay":
      return replay
    default:
      return some.filter(({ fault }) => fault?.what === named)
  }
}

/** From one write that is tried to the next: of very many, each of which is in a run of very many, only some are. */
const distance = (writes: number): number => Math.max(1, Math.ceil((writes / 50) ** 2))

/** One write after the other, until there are no more. */
const everyWrite = (what: Fault, writes: number, disturb: (plan: Plan) => Effect.Effect<boolean>) =>
  Effect.iterate({ at: 1, hasStruck: true }, {
    while: ({ hasStruck }) => hasStruck,
    body: ({ at }) =>
      Effect.map(disturb({ fault: { what, at } }), (hasStruck) => ({
        at: at + distance(writes),
        hasStruck
      }))
  })

/** The test, in every mode but for those excepted, as far as is asked for. */
export const inEveryMode = <E>(
  title: string,
  isFast: boolean,
  except: Except,
  scene: Scene<E>
): Effect.Effect<void, E | Cause.RuntimeException> =>
  Effect.gen(function*() {
    const stage = new Stage({})
    const without: Done = { stage, left: yield* run(scene, stage) }
    const failures: Array<string> = []
    let runs = 0
    const disturb = (plan: Plan) =>
      Effect.map(disturbed(scene, without, plan), ({ failure, hasStruck }) => {
        runs++
        if (failure !== undefined) failures.push(failure)
        return hasStruck
      })
    if (extent === "full") {
      yield* Effect.forEach(replaying(except), disturb)
      for (const what of dueBut(except)) yield* everyWrite(what, stage.commits, disturb)
      yield* Console.log(`in modes: ${runs} runs, ${stage.commits} writes`)
    } else {
      yield* Effect.forEach(drawn(title, isFast, except, stage.commits), disturb)
    }
    if (failures.length > 0) return yield* new Cause.RuntimeException(failures.join("\n\n"))
  })
