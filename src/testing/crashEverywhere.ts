/**
 * Every crash that a program may suffer, tried in virtual time.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Options as EngineOptions, Tempolite } from "../Tempolite.ts"
import * as Judge from "./judge.ts"
import type { CrashPoint } from "./mortalJournal.ts"
import * as Scenario from "./scenario.ts"
import { inRealTime } from "./virtualTime.ts"

/** A crash, as a story tells it. */
const Crash = Schema.Struct({
  when: Schema.Literal("before", "after"),
  /** The number of the commit, of those of its process. */
  commit: Schema.Number,
  /** What the process was committing, or had just committed. */
  wrote: Schema.Array(Schema.String),
  /** The attempts that were under way, or whose end was not on record yet. */
  inFlight: Schema.Array(Schema.String)
})

const linesMax = 12

const list = (lines: ReadonlyArray<string>): string =>
  [...lines.slice(0, linesMax), ...(lines.length > linesMax ? [`and ${lines.length - linesMax} more`] : [])]
    .map((line) => `  - ${line.replace(/\n/g, "\n    ")}`).join("\n")

const times = ["A process", "The process after it", "The third process"]

const tell = ({ commit, inFlight, when, wrote }: typeof Crash.Type, index: number): string =>
  `${times[index] ?? "The next process"} died just ${when} it ${
    when === "before" ? "committed" : "had committed"
  }, as its commit ${commit},\n${list(wrote.length === 0 ? ["that requests were taken care of"] : wrote)}\n` +
  (inFlight.length === 0 ? "Nothing was under way." : `Under way were\n${list(inFlight)}`)

/**
 * A program does not survive a crash, or does not even end without one. The message is the story: where the crash was,
 * what was under way, and what differed from the run without a crash.
 *
 * @since 0.2.0
 * @category errors
 */
export class CrashFailure extends Schema.TaggedError<CrashFailure>()("CrashFailure", {
  /** The crashes, in their order; none if it was the run without a crash. */
  crashes: Schema.Array(Crash),
  /** How many commits the run without a crash makes. */
  commits: Schema.Number,
  differences: Schema.Array(Schema.String)
}) {
  override get message(): string {
    if (this.crashes.length === 0) return `the program does not end well, without any crash:\n${list(this.differences)}`
    return `the program does not survive a crash (without one it makes ${this.commits} commits).\n` +
      `${this.crashes.map(tell).join("\n")}\nWhat differed:\n${list(this.differences)}`
  }
}

/**
 * What `crashEverywhere` has tried.
 *
 * @since 0.2.0
 * @category models
 */
export interface CrashReport<out A, out E> {
  /** How the program ended without a crash. */
  readonly exit: Exit.Exit<A, E>
  /** How many commits it made. */
  readonly commits: number
  /** How many runs with crashes there were, each of which ended as it had to. */
  readonly runs: number
}

/**
 * What is tried, and how.
 *
 * @since 0.2.0
 * @category models
 */
export interface CrashOptions<R, E, A, E2, W = never> {
  /** Built anew by each process, on an engine and a journal that outlives the processes. */
  readonly workflows: Layer.Layer<R, E, Tempolite | NoInfer<W>>
  /**
   * What a process does when it starts: it starts workflows (or joins them) and waits for results. After a crash it runs
   * again, from its beginning, so it must not mind what the first one did: a signal may be sent twice, or to a workflow
   * that has ended.
   */
  readonly program: Effect.Effect<A, E2, NoInfer<R | W> | Tempolite>
  /** What has to hold of the world in the end of each run; a failure of any kind is told. */
  readonly verify?: Effect.Effect<unknown, unknown, NoInfer<W>>
  /** How many crashes there are in a row. With 2, the process after each crash dies at each of its own commits. */
  readonly crashes?: 1 | 2
  /**
   * What has to be the same as without a crash: `"outcomes"` (the default); only the `"statuses"`, where outcomes depend
   * on time, or on chance that the journal did not see; `"nothing"`, where even those do, as when activities that take
   * long race with timers.
   */
  readonly same?: Judge.Same
  /** How long it takes until the next process is there. No time by default. */
  readonly downtime?: Duration.DurationInput
  /** Of each process. Workflows stay in memory while they wait, unless it says otherwise. */
  readonly engine?: EngineOptions
  /** In real time: how long nothing may happen while nobody sleeps, before nothing will. One second by default. */
  readonly patience?: Duration.DurationInput
  /**
   * In real time: how long to wait before each move of virtual time, for real I/O that is under way. None by default: what
   * does real I/O is then overtaken by timeouts.
   */
  readonly io?: Duration.DurationInput
  /** How often time may be moved in one process. 10 000 times by default; then the program does not end. */
  readonly movesMax?: number
}

/**
 * The outside, which no crash ends: a fake of a payment provider, say, or a `double`. Built once for each run.
 *
 * @since 0.2.0
 * @category models
 */
export interface CrashWorld<W, EW> {
  readonly world: Layer.Layer<W, EW>
}

/** What takes so many tasks, some ten seconds, and never rests, polls. */
const tasksMax = 5_000_000

/** An ordinary day: 2024-01-01. */
const begin = 1_704_067_200_000

const points = (commits: number): ReadonlyArray<CrashPoint> =>
  Array.from({ length: commits }, (_, index) => index + 1).flatMap((commit) => [
    { when: "before", commit } as const,
    { when: "after", commit } as const
  ])

const failed = (
  without: Scenario.Played<unknown, unknown>,
  crashes: ReadonlyArray<Scenario.Crash>,
  differences: ReadonlyArray<string>
): CrashFailure =>
  new CrashFailure({
    crashes: crashes.map(({ left, point, write }) => ({
      ...point,
      wrote: Judge.described(write),
      inFlight: Judge.inFlight(left, point.when === "before" ? write : {})
    })),
    commits: without.writes.length,
    differences
  })

/** Who has no world needs none. */
function worldOf<W, EW>(world: Layer.Layer<W, EW> | undefined): Layer.Layer<W, EW>
function worldOf(world: Layer.Layer<never, unknown> = Layer.empty): Layer.Layer<never, unknown> {
  return world
}

/**
 * Runs a program once without faults; then once for each commit of that run with a crash just before it, and once with a
 * crash just after it: nothing of the process runs any more, as after `kill -9`, and another one starts on what the
 * journal holds. Each run must end as the one without a crash: the same result of the program, the same outcomes of its
 * workflows and steps; no completed step executed again; at most one more execution of what was under way; compensations
 * complete, and in their order. Workflows that nobody waits for are compared as far as they had ended when the program
 * did. Fails with the first run that is not so, as a story.
 *
 * All of it is in memory and in virtual time, a hundred short runs a second or more: a sleep of a year takes no time, and a
 * handler must not do real I/O (see `io`). The order of things is the same in each run, and so are the random numbers of
 * `Random` in the handlers; what else varies (`Math.random`, `crypto`) must be recorded, and is found if it is not.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Activity, Saga, Workflow } from "tempolite"
 * import { Testing } from "tempolite/testing"
 *
 * class Charge extends Activity.Tag<Charge>()("Charge", { success: Schema.String }) {}
 * class Refund extends Activity.Tag<Refund>()("Refund") {}
 * class Order extends Workflow.Tag<Order>()("Order", { success: Schema.String }) {}
 *
 * const OrderLive = Order.layer(() => Charge.execute("charge").pipe(Saga.compensate(() => Refund.execute("refund"))))
 *
 * const test = Testing.crashEverywhere({
 *   workflows: OrderLive,
 *   program: Order.execute("order-1"),
 *   world: Layer.merge(Testing.double(Charge, [Effect.succeed("receipt")]), Testing.double(Refund, [])),
 *   // However often it is called, it charges once.
 *   verify: Testing.calls(Charge).pipe(
 *     Effect.map((calls) => new Set(calls.map((call) => call.idempotencyKey)).size),
 *     Effect.filterOrDieMessage((charges) => charges === 1, "it does not charge once")
 *   )
 * })
 * ```
 *
 * @since 0.2.0
 * @category crashes
 */
export const crashEverywhere: {
  <R, E, A, E2, W, EW>(
    options: CrashOptions<R, E, A, E2, W> & CrashWorld<W, EW>
  ): Effect.Effect<CrashReport<A, E | E2>, CrashFailure | E | EW>
  // A default for `W` would do in place of this, if it did not keep TypeScript from inferring it from a layer that is
  // written in place.
  <R, E, A, E2>(options: CrashOptions<R, E, A, E2>): Effect.Effect<CrashReport<A, E | E2>, CrashFailure | E>
} = <R, E, A, E2, W, EW>(
  options: CrashOptions<R, E, A, E2, W> & Partial<CrashWorld<W, EW>>
): Effect.Effect<CrashReport<A, E | E2>, CrashFailure | E | EW> =>
  Effect.gen(function*() {
    const { same = "outcomes" } = options
    const setup: Scenario.Setup<R, E, A, E2, W, EW> = {
      workflows: options.workflows,
      program: options.program,
      world: worldOf(options.world),
      verify: options.verify ?? Effect.void,
      // A process that lives replays nothing: what differs is the work of the crash.
      engine: { parkAfter: Duration.infinity, ...options.engine },
      begin,
      downtime: Duration.decode(options.downtime ?? 0),
      patience: Duration.decode(options.patience ?? "1 second"),
      io: Duration.decode(options.io ?? 0),
      movesMax: options.movesMax ?? 10_000,
      tasksMax
    }
    const without = yield* Scenario.play(setup, [], Option.none())
    const faults = [...Judge.obstacles(without), ...Judge.objections(without)]
    if (without.end._tag !== "Ended" || faults.length > 0) return yield* failed(without, [], faults)
    const expected = Option.some(Scenario.expected(without.left))

    /** Tries one run; `false` if it ended before it had all of its crashes. */
    const attempt = (plan: ReadonlyArray<CrashPoint>) =>
      Effect.gen(function*() {
        const crashed = yield* Scenario.play(setup, plan, expected)
        const differences = Judge.differences(same, without, crashed)
        if (differences.length > 0) return yield* failed(without, crashed.crashes, differences)
        return crashed.crashes.length === plan.length
      })

    let runs = 0
    for (const first of points(without.writes.length)) {
      if (yield* attempt([first])) runs++
      if (options.crashes !== 2) continue
      for (let commit = 1; yield* attempt([first, { when: "before", commit }]); commit++) {
        yield* attempt([first, { when: "after", commit }])
        runs += 2
      }
    }
    return { exit: without.end.exit, commits: without.writes.length, runs }
  }).pipe(inRealTime)
