/**
 * Processes on one journal, one after the other: each but the last dies at a write of its own.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Memory from "../internal/memory.ts"
import { isEnded } from "../internal/status.ts"
import * as Journal from "../Journal.ts"
import * as Tempolite from "../Tempolite.ts"
import * as MortalJournal from "./mortalJournal.ts"
import { type Patience, Process, type Rest, VirtualTime } from "./virtualTime.ts"

export interface Setup<R, E, A, E2, W, EW> extends Patience {
  readonly workflows: Layer.Layer<R, E, Tempolite.Tempolite | W>
  readonly program: Effect.Effect<A, E2, R | Tempolite.Tempolite | W>
  readonly world: Layer.Layer<W, EW>
  readonly verify: Effect.Effect<unknown, unknown, W>
  readonly engine: Tempolite.Options
  /** The time of the first process, and how long it takes until the next one is there. */
  readonly begin: number
  readonly downtime: Duration.Duration
}

/** By workflow. */
export type Histories = ReadonlyMap<string, Journal.History>

/** A process that died. */
export interface Crash {
  readonly point: MortalJournal.CrashPoint
  /** What it was writing, and whether it is written. */
  readonly write: MortalJournal.Write
  /** What the journal held then. */
  readonly left: Histories
}

/** How the last process was found: its program ended, or it never will. */
type End<A, E> =
  | { readonly _tag: "Ended"; readonly exit: Exit.Exit<A, E> }
  /** Workflows are suspended that are not so without a crash. */
  | { readonly _tag: "Suspended" }
  | { readonly _tag: "Idle" }
  | { readonly _tag: "Endless" }

export interface Played<A, E> {
  readonly end: End<A, E>
  readonly crashes: ReadonlyArray<Crash>
  /** What the processes wrote, one after the other. */
  readonly writes: ReadonlyArray<MortalJournal.Write>
  /** What the journal holds in the end. */
  readonly left: Histories
  readonly verified: Exit.Exit<unknown, unknown>
}

/** What is known of the run without a crash, once there is one. */
export interface Expected {
  readonly ended: ReadonlyArray<string>
  readonly suspended: ReadonlySet<string>
}

/** The ids of those that ended, and of those that are suspended. */
export const expected = (left: Histories): Expected => {
  const idsOf = (isMeant: (row: Journal.WorkflowRow) => boolean) =>
    Array.from(left.values()).flatMap(({ workflow }) => isMeant(workflow) ? [workflow.id] : [])
  return {
    ended: idsOf(({ status }) => isEnded(status)),
    suspended: new Set(idsOf(({ status }) => status === "Suspended"))
  }
}

/** The memory that processes leave behind never fails. */
const historiesOf = (journal: Journal.Service): Effect.Effect<Histories> =>
  Effect.gen(function*() {
    const all = yield* journal.list({ filter: Journal.everything, after: 0, limit: Number.POSITIVE_INFINITY })
    const histories = yield* Effect.forEach(all, ({ workflow }) => journal.history(workflow.id))
    return new Map(histories.flatMap(Option.toArray).map((history) => [history.workflow.id, history] as const))
  }).pipe(Effect.orDie)

/** What a process does: build the layers, and run the program. */
const live = <R, E, A, E2, W, EW>(
  setup: Setup<R, E, A, E2, W, EW>,
  world: Context.Context<W>,
  journal: Journal.Service,
  scope: Scope.Scope
): Effect.Effect<Exit.Exit<A, E2>, E> =>
  Effect.gen(function*() {
    const engine = yield* Layer.buildWithScope(Tempolite.layer(setup.engine), yield* Scope.make()).pipe(
      Effect.provideService(Journal.Journal, journal),
      Effect.orDie
    )
    const below = Context.merge(world, engine)
    const workflows = yield* Effect.mapInputContext(
      Layer.buildWithScope(setup.workflows, scope),
      (_: Context.Context<never>) => below
    )
    const context = Context.merge(below, workflows)
    return yield* Effect.exit(Effect.mapInputContext(setup.program, (_: Context.Context<never>) => context))
  })

/** A process that runs, or did. */
interface Running {
  readonly process: Process
  readonly journal: MortalJournal.Mortal
  /** Of its layers. */
  readonly scope: Scope.CloseableScope
}

/** What outlives the processes of one scenario. */
interface Stage {
  readonly time: VirtualTime
  readonly journal: Journal.Service
  readonly witness: MortalJournal.Witness
  readonly running: Array<Running>
  /** Of the world. */
  readonly scope: Scope.CloseableScope
}

const open = (begin: number): Effect.Effect<Stage> =>
  Effect.map(Scope.make(), (scope) => ({
    time: new VirtualTime(begin),
    journal: Memory.make(),
    witness: new MortalJournal.Witness(),
    running: [],
    scope
  }))

/** How long what is cleared away may take: nobody waits for it. */
const sweeping: Patience = { patience: Duration.zero, io: Duration.zero, movesMax: 1_000, tasksMax: 1_000_000 }

/**
 * Clears away what stood still since it died. Nothing of that is written. The engines are not closed: that would take
 * longer than all the rest, and they hold nothing but fibers, which are interrupted, and a lease.
 */
const close = ({ running, scope, time }: Stage): Effect.Effect<void> =>
  Effect.gen(function*() {
    const closed = (scopes: ReadonlyArray<Scope.CloseableScope>) =>
      Effect.flatMap(
        time.fork(time.outside, Effect.forEach(scopes, (scope) => Scope.close(scope, Exit.void), { discard: true })),
        (fiber) => time.drive(() => fiber.unsafePoll() !== null, sweeping)
      )
    for (const { journal, process } of running) {
      journal.refuse()
      time.clear(process)
    }
    yield* closed(running.map(({ scope }) => scope))
    for (const { journal, process } of running) {
      // Whatever would go on without end stands still again.
      process.kill()
      yield* journal.release
    }
    yield* closed([scope])
  })

/** Runs something that belongs to no process. */
const aside = <A, E>(
  { time }: Stage,
  patience: Patience,
  what: string,
  self: Effect.Effect<A, E>
): Effect.Effect<Exit.Exit<A, E>> =>
  Effect.gen(function*() {
    const fiber = yield* time.fork(time.outside, self)
    yield* time.drive(() => fiber.unsafePoll() !== null, patience)
    return fiber.unsafePoll() ?? Exit.die(new Error(`${what} does not end`))
  })

/** Starts a process, and lets it run until it has died, or ended, or never will. */
const run = <R, E, A, E2, W, EW>(
  setup: Setup<R, E, A, E2, W, EW>,
  { journal: inner, running, time, witness }: Stage,
  world: Context.Context<W>,
  crash: MortalJournal.CrashPoint | undefined,
  without: Option.Option<Expected>
) =>
  Effect.gen(function*() {
    const process = new Process()
    const journal = yield* MortalJournal.make({
      inner,
      witness,
      crash,
      onDeath: () => {
        process.kill()
      }
    })
    const scope = yield* Scope.make()
    const fiber = yield* time.fork(process, live(setup, world, journal.service, scope))
    running.push({ process, journal, scope })
    const hasStrayed = () =>
      Option.exists(without, ({ suspended }) => witness.suspended.some(({ id }) => !suspended.has(id)))
    const hasEnded = () =>
      fiber.unsafePoll() !== null &&
      Option.getOrElse(Option.map(without, ({ ended }) => ended), () => []).every((id) => witness.hasEnded(id))
    const rest = yield* time.drive(() => !process.isAlive || hasStrayed() || hasEnded(), setup)
    return { process, journal, rest, exit: fiber.unsafePoll(), hasStrayed: hasStrayed() }
  })

const endOf = <A, E, E2>(
  exit: Exit.Exit<Exit.Exit<A, E2>, E> | null,
  rest: Rest,
  hasStrayed: boolean
): End<A, E | E2> => {
  if (hasStrayed) return { _tag: "Suspended" }
  if (exit !== null) return { _tag: "Ended", exit: Exit.flatten(exit) }
  return { _tag: rest === "Endless" ? rest : "Idle" }
}

/**
 * Plays one scenario: `plan` says where each process but the last dies. One that ends before it dies is the last. Fails
 * with what a layer fails with, that of the world or those of the first process.
 */
export const play = <R, E, A, E2, W, EW>(
  setup: Setup<R, E, A, E2, W, EW>,
  plan: ReadonlyArray<MortalJournal.CrashPoint>,
  without: Option.Option<Expected>
): Effect.Effect<Played<A, E | E2>, E | EW> =>
  Effect.acquireUseRelease(
    open(setup.begin),
    (stage) =>
      Effect.gen(function*() {
        const world = yield* yield* aside(
          stage,
          setup,
          "the layer of the world",
          Layer.buildWithScope(setup.world, stage.scope)
        )
        const crashes: Array<Crash> = []
        const writes: Array<MortalJournal.Write> = []
        for (;;) {
          const point = plan[crashes.length]
          const { exit, hasStrayed, journal, process, rest } = yield* run(setup, stage, world, point, without)
          const left = yield* historiesOf(stage.journal)
          const write = journal.fatal()
          writes.push(...journal.writes)
          if (point !== undefined && write !== undefined) {
            crashes.push({ point, write, left })
            yield* journal.release
            stage.time.pass(setup.downtime)
            continue
          }
          process.kill()
          if (crashes.length === 0 && exit !== null) yield* exit
          const verified = yield* aside(
            stage,
            setup,
            "`verify`",
            Effect.mapInputContext(setup.verify, (_: Context.Context<never>) => world)
          )
          return { end: endOf(exit, rest, hasStrayed), crashes, writes, left, verified }
        }
      }),
    close
  )
