/**
 * Runs a program on the engine, in processes that die and on a journal that fails, as its schedule says.
 */
import { Effect, Exit, Layer, Option, Scope } from "effect"
import * as Ids from "../../src/engine/ids.ts"
import { Journal, Tempolite } from "../../src/index.ts"
import { ofChange, ofHistory } from "../../src/internal/invariants.ts"
import * as Memory from "../../src/internal/memory.ts"
import { isEnded } from "../../src/internal/status.ts"
import { layer, Root, rootId, signal, World } from "./engine.ts"
import { Host, Process, simulated } from "./Host.ts"
import { Faults, of, type Owned } from "./journal.ts"
import { type Observed, outcomeOf } from "./observed.ts"
import type { Generations } from "./program.ts"
import { allCommands, begin, type Command, type Fault, type Schedule } from "./schedule.ts"

/** The end of a process, and what it was in the middle of. */
interface End {
  readonly fault: Fault
  readonly open: ReadonlyArray<Journal.StepRow>
  /** The names of the activities that had been called, and whose outcome was not on record. */
  readonly begun: ReadonlySet<string>
}

export interface Run extends Observed {
  /** What must never be, and was. */
  readonly violations: ReadonlyArray<string>
  /** Those that came. */
  readonly faults: ReadonlyArray<Fault>
  readonly histories: ReadonlyArray<Journal.History>
  /** What was written, in order. */
  readonly batches: ReadonlyArray<Journal.Batch>
  readonly ends: ReadonlyArray<End>
}

const engineOptions: Record<Schedule["replay"], Tempolite.Options> = {
  needed: {},
  always: { replay: "always" },
  parked: { parkAfter: 0 }
}

class Simulation {
  readonly host = new Host(begin)
  private readonly journal = Memory.make()
  private readonly world = new World(this.host)
  /** What is in none of the processes: whoever starts them, and clients. */
  private readonly outside = new Process(this.host, 0)
  private readonly histories = new Map<string, Journal.History>()
  private readonly batches: Array<Journal.Batch> = []
  private readonly violations: Array<string> = []
  private readonly ends: Array<End> = []
  /** Which attempts of each activity are on record as failed, and which activities have an outcome. */
  private readonly failures = new Map<string, Set<number>>()
  private readonly recorded = new Set<string>()
  private readonly faults: Faults
  private readonly generations: Generations
  private readonly schedule: Schedule
  private processes = 0

  constructor(generations: Generations, schedule: Schedule) {
    this.generations = generations
    this.schedule = schedule
    this.faults = new Faults(schedule.faults)
    this.world.failuresOnRecord = (activityId) => this.failures.get(activityId)?.size ?? 0
  }

  private start(): void {
    const process = new Process(this.host, ++this.processes)
    const scope = Effect.runSync(Scope.make())
    const end = (fault: Fault) => {
      if (!process.isAlive) return
      const open = Array.from(this.histories.values()).flatMap(({ steps }) => steps.filter(({ seq }) => seq === null))
      const begun = Array.from(this.world.called).filter(([, id]) => !this.recorded.has(id)).map(([name]) => name)
      this.ends.push({ fault, open, begun: new Set(begun) })
      process.kill()
      owned.release()
      this.host.wakeAt(this.outside, this.host.now + fault.millis, () => this.start())
    }
    const owned: Owned = of(this.journal, process, this.faults, {
      written: (batch) => this.written(batch),
      crashed: end,
      closes: (fault) => {
        process.run(Scope.close(scope, Exit.void)).addObserver(() => end(fault))
      },
      undead: () => this.violations.push("a process that is dead writes")
    })
    const layers = layer(this.generations, this.world).pipe(
      Layer.provide(Tempolite.layer({ closeGrace: 0, ...engineOptions[this.schedule.replay] })),
      Layer.provide(Layer.succeed(Journal.Journal, owned.service))
    )
    process.run(Layer.buildWithScope(layers, scope)).addObserver((exit) => {
      if (Exit.isFailure(exit)) this.violations.push(`a process does not start: ${exit.cause.toString()}`)
    })
  }

  /** Checks what must always be. */
  private written(batch: Journal.Batch): void {
    this.batches.push(batch)
    for (const row of batch.stepExecutions) {
      if (row.status !== "Failed" && row.status !== "TimedOut") continue
      const id = Ids.step(row.workflowId, row.generation, row.path)
      this.failures.set(id, (this.failures.get(id) ?? new Set()).add(row.attempt))
    }
    for (const row of batch.steps) {
      if (row.seq !== null) this.recorded.add(Ids.step(row.workflowId, row.generation, row.path))
    }
    const ids = new Set([
      ...batch.created.map(({ id }) => id),
      ...batch.workflows.map(({ id }) => id),
      ...batch.steps.map(({ workflowId }) => workflowId),
      ...batch.stepExecutions.map(({ workflowId }) => workflowId)
    ])
    for (const id of ids) {
      const after = Option.getOrUndefined(Effect.runSync(Effect.orDie(this.journal.history(id))))
      if (after === undefined) continue
      const before = this.histories.get(id)
      this.histories.set(id, after)
      for (
        const { law, message, path } of [...ofHistory(after), ...before === undefined ? [] : ofChange(before, after)]
      ) {
        this.violations.push(`${id} ${path ?? ""}: ${message} (${law})`)
      }
    }
  }

  private get isOver(): boolean {
    const rows = Array.from(this.histories.values(), ({ workflow }) => workflow)
    return rows.some(({ status }) => status === "Suspended") ||
      (rows.length > 0 && rows.every(({ status }) => isEnded(status)))
  }

  private command({ n, what }: Command): Effect.Effect<void, unknown, Tempolite.Tempolite> {
    switch (what) {
      case "cancel":
      case "pause":
      case "resume":
        return Effect.flatMap(Tempolite.Tempolite, (client) => client[what](rootId))
      default:
        return signal(what).send(rootId, { n })
    }
  }

  play(): Run {
    const client = Tempolite.layerClient.pipe(Layer.provide(Layer.succeed(Journal.Journal, this.journal)))
    let result: Exit.Exit<string, unknown> | undefined
    this.outside.run(
      Effect.provide(Root.execute(rootId, { generation: 0 }), Layer.provideMerge(Root.client, client))
    ).addObserver((exit) => {
      result = exit
    })
    for (const command of allCommands(this.schedule)) {
      this.host.wakeAt(this.outside, begin + command.at, () => {
        this.outside.run(Effect.provide(this.command(command), client))
      })
    }
    this.start()
    const rest = this.host.drive(() => this.isOver && result !== undefined)
    const root = this.histories.get(rootId)?.workflow
    if (rest !== "over") this.violations.push(`it does not end: ${rest}`)
    for (const { workflow } of this.histories.values()) {
      if (workflow.status === "Suspended") this.violations.push(`${workflow.id} is suspended: ${workflow.reason}`)
    }
    return {
      status: root?.status ?? "nothing",
      outcome: outcomeOf(root?.status ?? "nothing", result ?? Exit.die("nothing")),
      endedAt: root?.finishedAt ?? 0,
      events: this.world.events,
      violations: [...this.violations, ...this.world.faults],
      faults: this.faults.met,
      histories: Array.from(this.histories.values()),
      batches: this.batches,
      ends: this.ends
    }
  }
}

export const simulate = (generations: Generations, schedule: Schedule): Run => {
  const simulation = new Simulation(generations, schedule)
  return simulated(simulation.host, () => simulation.play())
}
