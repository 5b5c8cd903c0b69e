/** An engine and an execution that only write down what they are asked. */
import { assert } from "@effect/vitest"
import { Cause, DateTime, Effect, Either, Exit, Layer, Option, Stream } from "effect"
import type { Definition, ExecutionContext, Service } from "../../src/Engine.ts"
import { Tempolite } from "../../src/Engine.ts"
import type { Attempt, Child, Execution, Region, Send, SignalWait, Timer, Work } from "../../src/Execution.ts"
import { current } from "../../src/Execution.ts"
import type { Key } from "../../src/Info.ts"
import * as Outcome from "../../src/Outcome.ts"

export const unused = Effect.die("not asked for")

export const attemptOf = (work: { readonly key: Key }): Attempt => ({
  workflowId: "w",
  workflowExecutionId: "w/1",
  activityId: `w/${work.key}`,
  executionId: `w/${work.key}/1`,
  key: work.key,
  attempt: 1,
  idempotencyKey: `w/${work.key}/0`,
  heartbeat: () => Effect.void,
  lastHeartbeat: Effect.void
})

export interface Written {
  readonly works: Array<Work>
  readonly timers: Array<Timer>
  readonly children: Array<Child>
  readonly waits: Array<SignalWait>
  readonly sent: Array<Send>
  readonly regions: Array<Omit<Region<never, never>, "encode"> & { readonly outcome: Outcome.Outcome }>
  readonly diverged: Array<string>
}

export const nothingWritten = (): Written => ({
  works: [],
  timers: [],
  children: [],
  waits: [],
  sent: [],
  regions: [],
  diverged: []
})

/** Runs everything at once, outside of the asking fiber, and writes down what was asked. */
export const fakeExecution = (written: Written, answers: Partial<Execution> = {}): Execution => ({
  perform: (work) =>
    Effect.sync(() => written.works.push(work)).pipe(
      Effect.zipRight(Effect.promise(() => Effect.runPromise(work.run(attemptOf(work)))))
    ),
  sleep: (timer) => Effect.sync(() => void written.timers.push(timer)),
  child: (child) => Effect.as(Effect.sync(() => written.children.push(child)), Outcome.Success({ value: "1" })),
  start: () => unused,
  startChild: () => unused,
  detach: (child) => Effect.as(Effect.sync(() => written.children.push(child)), "w/detached"),
  signal: (wait) => Effect.as(Effect.sync(() => written.waits.push(wait)), Option.none()),
  send: (send) => Effect.as(Effect.sync(() => written.sent.push(send)), Outcome.Success({ value: null })),
  version: (_changeId, { max }) => Effect.succeed(max),
  continueAsNew: () => unused,
  saga: (region, self) =>
    Effect.onExit(self, (exit) => Effect.sync(() => written.regions.push({ ...region, outcome: region.encode(exit) }))),
  compensate: (self) => self,
  diverged: (_key, message) =>
    Effect.zipRight(Effect.sync(() => written.diverged.push(message)), Effect.dieMessage("diverged")),
  ...answers
})

export const executionContext: ExecutionContext = {
  workflowId: "w",
  executionId: "w/1",
  attempt: 1,
  generation: 1,
  startedAt: DateTime.unsafeMake(0),
  isReplaying: Effect.succeed(false),
  parent: Option.none()
}

export const fakeEngine = (
  definitions: Array<Definition>,
  given: Partial<Service["engine"]> = {},
  service: Partial<Omit<Service, "engine">> = {}
): Layer.Layer<Tempolite> =>
  Layer.succeed(Tempolite, {
    info: () => unused,
    describe: () => unused,
    changes: () => Stream.die("not asked for"),
    allChanges: Stream.die("not asked for"),
    list: () => unused,
    cancel: () => unused,
    pause: () => unused,
    resume: () => unused,
    retry: () => unused,
    cancelAll: () => unused,
    pauseAll: () => unused,
    resumeAll: () => unused,
    retryAll: () => unused,
    skip: () => unused,
    fork: () => unused,
    prune: () => unused,
    ...service,
    engine: {
      register: (definition) => Effect.sync(() => void definitions.push(definition)),
      start: () => Effect.void,
      send: () => unused,
      handled: () => unused,
      ended: () => unused,
      nameOf: () => unused,
      ...given
    }
  })

/** Runs the only workflow of `layer` with `payload`, as an engine would. */
export const run = <A, E>(
  layer: Layer.Layer<A, E, Tempolite>,
  options: { readonly payload?: string | null; readonly answers?: Partial<Execution> } = {}
) =>
  Effect.gen(function*() {
    const definitions: Array<Definition> = []
    yield* Layer.build(Layer.provide(layer, fakeEngine(definitions)))
    const definition = definitions[0] ?? assert.fail("nothing was registered")
    const written = nothingWritten()
    const body = Either.getOrElse(
      definition.body(options.payload === undefined ? "{}" : options.payload, executionContext),
      (why) => assert.fail(why)
    )
    const exit = yield* Effect.exit(Effect.scoped(body)).pipe(
      Effect.locally(current, Option.some(fakeExecution(written, options.answers)))
    )
    return { ...written, outcome: definition.encode(exit), exit, definition }
  }).pipe(Effect.scoped)

export const failureOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.match(exit, { onFailure: (cause) => Cause.pretty(cause), onSuccess: () => assert.fail("it succeeded") })
