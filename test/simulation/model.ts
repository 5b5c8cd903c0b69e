/**
 * The model: what a program means. Each workflow is the same Effect, where a step is nothing but a wait in virtual time.
 * Nothing is recorded, nothing is replayed, and no process ever dies.
 */
import { hash } from "../support/World.ts"
import { Host, Process, simulated } from "./Host.ts"
import { type Order, type Stage, Workflow } from "./ModelWorkflow.ts"
import { type Event, type Observed, outcomeOf } from "./observed.ts"
import type { Generations } from "./program.ts"
import { begin, type Command } from "./schedule.ts"

const usual: Order = { rank: (order) => order, hears: "the first", together: false, isPrompt: () => false }

/** Orders as there may be, the usual one first: with several things at one instant, and that several times, any. */
export const orders: ReadonlyArray<Order> = Array.from({ length: 128 }, (_, index) => ({
  rank: index < 8
    ? usual.rank
    : index < 16
    ? (order: number) => -order
    : (order: number) => hash(`${index} ${order}`),
  hears: index % 2 === 0 ? "the first" : "the last",
  together: (index & 2) !== 0,
  isPrompt: index < 16 ? () => (index & 4) !== 0 : (count: number) => hash(`${count} ${index}`) % 2 === 0
}))

class Model implements Stage {
  readonly workflows: Array<Workflow> = []
  readonly events: Array<Event> = []
  readonly host: Host
  readonly process: Process

  readonly order: Order

  constructor(order: Order) {
    this.order = order
    this.host = new Host(begin, order.rank)
    this.process = new Process(this.host, 0)
  }

  private act(): boolean {
    const open = this.workflows.filter(({ isOver }) => !isOver)
    return this.order.together
      ? open.filter((workflow) => workflow.act()).length > 0
      : open.some((workflow) => workflow.act())
  }

  run(generations: Generations, commands: ReadonlyArray<Command>): Observed {
    const root = new Workflow(this, generations, () => {})
    for (const { at, what, n } of commands) {
      this.host.wakeAt(this.process, begin + at, () => {
        switch (what) {
          case "cancel":
            return root.cancel()
          case "pause":
            return root.pause()
          case "resume":
            return root.resume()
          default:
            return root.hear(what, n)
        }
      })
    }
    for (;;) {
      this.host.settle()
      if (this.workflows.every(({ isOver }) => isOver)) break
      if (this.act()) continue
      if (!this.host.advance()) break
    }
    return {
      status: root.status,
      outcome: outcomeOf(root.status, root.exit),
      endedAt: root.endedAt,
      events: this.events
    }
  }
}

/** How a program ends, and what it does, when nothing goes wrong. */
export const predict = (
  generations: Generations,
  commands: ReadonlyArray<Command>,
  order: Order = usual
): Observed => {
  const model = new Model(order)
  return simulated(model.host, () => model.run(generations, commands))
}
