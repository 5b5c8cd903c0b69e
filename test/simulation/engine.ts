/**
 * Programs on the engine: their workflows, their activities, and the outside that these reach.
 */
import { Effect, Layer, Option, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow } from "../../src/index.ts"
import { together } from "../support/together.ts"
import type { Host } from "./Host.ts"
import { Broken, interpret, type Steps } from "./interpret.ts"
import type { Event } from "./observed.ts"
import {
  everyPart,
  type Generations,
  type Policy,
  type Program,
  retries,
  retryMillis,
  type SignalName,
  timeoutMillis
} from "./program.ts"

const payload = {
  name: Schema.String,
  millis: Schema.Number,
  failures: Schema.Number,
  dies: Schema.Boolean,
  /** What the body has seen last. */
  seen: Schema.String
}
type Payload = Schema.Struct<typeof payload>["Type"]

const again = (policy: Policy) => ({ schedule: Schedule.spaced(retryMillis), times: retries[policy] })

class Once extends Activity.Tag<Once>()("Once", { payload, success: Schema.String, error: Broken }) {}
class Retried extends Activity.Tag<Retried>()("Retried", {
  payload,
  success: Schema.String,
  error: Broken,
  retry: again("retried")
}) {}
class Hasty extends Activity.Tag<Hasty>()("Hasty", {
  payload,
  success: Schema.String,
  error: Broken,
  timeout: timeoutMillis,
  retry: again("hasty")
}) {}
class Draw extends SideEffect.Tag<Draw>()("Draw", { success: Schema.Number }) {}

const signals = {
  Red: Signal.make("Red", { payload: { n: Schema.Number } }),
  Blue: Signal.make("Blue", { payload: { n: Schema.Number } })
} satisfies Record<SignalName, unknown>

export const signal = (name: SignalName) => signals[name]

export class Root extends Workflow.Tag<Root>()("Root", {
  payload: { generation: Schema.Number },
  success: Schema.String,
  error: Broken
}) {}

/** A program that runs as a workflow of its own, found by its name. */
class Part extends Workflow.Tag<Part>()("Part", {
  payload: { name: Schema.String },
  success: Schema.String,
  error: Broken
}) {}

export const rootId = "root"

/** What activities do, and what is known of them. It outlives the processes. */
export class World {
  readonly events: Array<Event> = []
  /** What does not fit together. */
  readonly faults: Array<string> = []
  /** The ids of the activities that were called, by their names. */
  readonly called = new Map<string, string>()
  /** How many attempts of an activity are on record as failed. */
  failuresOnRecord: (activityId: string) => number = () => 0
  private readonly host: Host
  private readonly asked = new Map<string, { readonly seen: string; readonly key: string }>()
  private draws = 0

  constructor(host: Host) {
    this.host = host
  }

  draw(): number {
    return ++this.draws
  }

  attempt(payload: Payload, policy: Policy): Effect.Effect<string, Broken, Activity.Execution> {
    return Effect.flatMap(Activity.Execution, ({ activityId, idempotencyKey }) =>
      Effect.suspend(() => {
        const { dies, failures, millis, name, seen } = payload
        const before = this.asked.get(name)
        this.asked.set(name, { seen, key: idempotencyKey })
        this.called.set(name, activityId)
        if (before !== undefined && (before.seen !== seen || before.key !== idempotencyKey)) {
          this.faults.push(`${name} was asked with ${before.seen} (${before.key}) and ${seen} (${idempotencyKey})`)
        }
        this.see(name, "start")
        const fails = this.failuresOnRecord(activityId) < failures
        const isLate = fails && policy === "hasty"
        return Effect.sleep(isLate ? 2 * timeoutMillis : millis).pipe(
          Effect.onInterrupt(() => Effect.sync(() => this.see(name, "cut"))),
          Effect.zipRight(Effect.suspend(() => {
            if (fails) {
              this.see(name, "fail")
              return new Broken({ step: name })
            }
            this.see(name, dies ? "die" : "ok")
            return dies ? Effect.die(new Error(name)) : Effect.succeed(name)
          }))
        )
      }))
  }

  private see(name: string, what: Event["what"]): void {
    this.events.push({ at: this.host.now, name, what })
  }
}

type Requirements =
  | Once
  | Retried
  | Hasty
  | Draw
  | Part
  | Workflow.Step<string>
  | Saga.Compensations
  | Workflow.Execution

/** The steps of one execution of a body. */
const make: Effect.Effect<Steps, never, Requirements> = Effect.map(Effect.context<Requirements>(), (context) => {
  let seen = "nothing"
  const see = (what: unknown) => {
    seen = String(what)
  }
  const within = <A, E>(self: Effect.Effect<A, E, Requirements>): Effect.Effect<A, E> => Effect.provide(self, context)
  return {
    activity: ({ dies, failures, key, millis, name, policy }) =>
      within(
        Effect.suspend((): Effect.Effect<string, Broken, Requirements> => {
          const payload = { name, millis, failures, dies, seen }
          switch (policy) {
            case "once":
              return Once.execute(key, payload)
            case "retried":
              return Retried.execute(key, payload)
            case "hasty":
              return Effect.catchTag(
                Hasty.execute(key, payload),
                "ActivityTimeout",
                () => new Broken({ step: `${name} timed out` })
              )
          }
        }).pipe(Effect.onExit((exit) => Effect.sync(() => see(`${name} ${exit._tag}`))))
      ),
    sideEffect: (key, name) =>
      within(Effect.as(Effect.tap(Draw.record(key), (drawn) => Effect.sync(() => see(drawn))), name)),
    sleep: (key, millis) => within(Workflow.sleep(key, millis)),
    version: (changeId) => within(Workflow.version(changeId, { min: 1, max: 2 })),
    fork: Effect.fork,
    saga: (key, self) => within(Saga.scoped(key, self)),
    compensate: (self, undo) => within(Saga.compensate(self, () => undo)),
    child: (key, name) => within(child(Part.child(key, { name }))),
    startChild: (key, name) => within(Effect.map(Part.startChild(key, { name }), ({ result }) => child(result))),
    detach: (key, name) => within(Part.detach(key, { name })),
    await: (key, name, within_) =>
      within(
        Effect.map(
          within_ === null
            ? Effect.asSome(signals[name].await(key))
            : signals[name].awaitWithin(key, within_),
          Option.map(({ n }) => {
            see(`heard ${n}`)
            return n
          })
        )
      ),
    send: (key, name) =>
      within(signals[name].sendAs(key, rootId, { n: 0 })).pipe(
        Effect.mapError(() => new Broken({ step: "nobody hears" }))
      )
  }
})

const child = <E, R>(self: Effect.Effect<string, E | Broken, R>): Effect.Effect<string, Broken, R> =>
  Effect.mapError(self, (error) => error instanceof Broken ? error : new Broken({ step: "cancelled" }))

/** The layers of a process that runs `generations`. */
export const layer = (generations: Generations, world: World) => {
  const parts = new Map(
    generations.flatMap(everyPart).flatMap((part): ReadonlyArray<readonly [string, Program]> =>
      part._tag === "Child" || part._tag === "StartChild" || part._tag === "Detach" ? [[part.name, part.part]] : []
    )
  )
  const run = (program: Program | undefined) =>
    program === undefined
      ? Effect.dieMessage("no such program")
      : Effect.flatMap(make, (steps) => interpret(steps, program))
  const root = Root.layer(({ generation }) =>
    Effect.gen(function*() {
      const value = yield* run(generations[generation])
      return generation + 1 < generations.length
        ? yield* Root.continueAsNew({ generation: generation + 1 })
        : value
    })
  )
  const part = Part.layer(({ name }) => run(parts.get(name)))
  const activities = together(
    Once.layer((payload) => world.attempt(payload, "once")),
    Retried.layer((payload) => world.attempt(payload, "retried")),
    Hasty.layer((payload) => world.attempt(payload, "hasty")),
    Draw.layer(Effect.sync(() => world.draw()))
  )
  return Layer.provide(Layer.provideMerge(root, part), activities)
}
