/**
 * Values of every shape, wherever a workflow takes or gives one: what goes in comes out, or is refused by name; and what
 * a body saw, it sees again on replay.
 */
import { assert } from "@effect/vitest"
import { Effect, Exit, FastCheck, Layer, Option, Schedule, Schema } from "effect"
import { Activity, Saga, SideEffect, Signal, Workflow } from "../../src/index.ts"
import { onEachOf, refusal, Seen, shown, twice } from "./bed.ts"
import { isHoldable, isSame, values } from "./values.ts"

const carried = { value: Schema.Unknown }
const how = Schema.Literal("succeed", "fail", "die")
const Failed = Schema.Struct(carried)

class Echo extends Activity.Tag<Echo>()("Echo", { payload: carried, success: Schema.Unknown }) {}
/** Ends with the value of that number. */
class End extends Activity.Tag<End>()("End", {
  payload: { index: Schema.Int, how },
  success: Schema.Unknown,
  error: Failed
}) {}
class Beat extends Activity.Tag<Beat>()("Beat", {
  payload: { index: Schema.Int },
  success: Schema.Unknown,
  error: Schema.Literal("again"),
  retry: { times: 1 }
}) {}
class Stuck extends Activity.Tag<Stuck>()("Stuck", { success: Schema.Unknown }) {}
class Region extends Saga.Tag<Region>()("Region", { payload: carried, success: Schema.Unknown }) {}
class Sub extends Workflow.Tag<Sub>()("Sub", {
  payload: { index: Schema.Int, how },
  success: Schema.Unknown,
  error: Failed
}) {}
class Given extends Workflow.Tag<Given>()("Given", { payload: carried, success: Schema.Unknown }) {}
class Next extends Workflow.Tag<Next>()("Next", {
  payload: { index: Schema.Int, round: Schema.Int, value: Schema.optional(Schema.Unknown) }
}) {}
const Told = Signal.make("Told", { payload: carried })
class Main extends Workflow.Tag<Main>()("Main", { payload: { index: Schema.Int } }) {}

const end = (value: unknown, how: "succeed" | "fail" | "die") => {
  switch (how) {
    case "succeed":
      return Effect.succeed(value)
    case "fail":
      return Effect.fail({ value })
    case "die":
      return Effect.die(value)
  }
}

/** The steps at which a value goes in, and those at which it comes out. */
const live = (all: ReadonlyArray<unknown>, { see }: Seen) => {
  const body = (index: number) =>
    Effect.gen(function*() {
      const value = all[index]
      const exits = {
        echo: yield* Effect.exit(Echo.execute("echo", { value })),
        background: yield* Effect.exit(
          Effect.flatMap(Echo.start("background", { value }), ({ result }) => result)
        ),
        succeed: yield* Effect.exit(End.execute("succeed", { index, how: "succeed" })),
        fail: yield* Effect.exit(End.execute("fail", { index, how: "fail" })),
        die: yield* Effect.exit(End.execute("die", { index, how: "die" })),
        beat: yield* Effect.exit(Beat.execute("beat", { index })),
        inline: yield* Effect.exit(
          Activity.make("inline", { success: Schema.Unknown, execute: Effect.succeed(value) })
        ),
        record: yield* Effect.exit(SideEffect.record("record", Schema.Unknown, Effect.succeed(value))),
        saga: yield* Effect.exit(Region.execute("saga", { value })),
        child: yield* Effect.exit(Sub.child("child", { index, how: "succeed" })),
        failing: yield* Effect.exit(Sub.child("failing", { index, how: "fail" })),
        dying: yield* Effect.exit(Sub.child("dying", { index, how: "die" })),
        given: yield* Effect.exit(Given.child("given", { value })),
        told: yield* Effect.exit(Effect.map(Told.await("told"), ({ value }) => value)),
        stuck: yield* Effect.exit(Stuck.execute("stuck"))
      }
      yield* see(index, Object.entries(exits).map(([name, exit]) => [name, shown(exit)]))
      yield* see(`exits ${index}`, exits)
    })
  return Main.layer(({ index }) => body(index)).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Sub.layer(({ how, index }) => end(all[index], how)),
      Given.layer(({ value }) => Effect.succeed(value)),
      Next.layer(({ index, round, value }) =>
        round === 0
          ? Next.continueAsNew({ index, round: 1, value: all[index] })
          : see(`next ${index}`, shown(Exit.succeed(value)))
      )
    )),
    Layer.provide([
      Echo.layer(({ value }) => Effect.succeed(value)),
      End.layer(({ how, index }) => end(all[index], how)),
      Region.layer(({ value }) => Effect.succeed(value)),
      Stuck.layer(() => Effect.never),
      Beat.layer(({ index }) =>
        Effect.gen(function*() {
          const { attempt, heartbeat, lastHeartbeat } = yield* Activity.Execution
          if (attempt > 1) return yield* lastHeartbeat
          yield* heartbeat(all[index])
          return yield* Effect.fail("again" as const)
        })
      )
    ])
  )
}

/** As soon as the step is there. */
const skip = (id: string | number, value: unknown) =>
  Effect.retry(Stuck.skip(id, "stuck", value), {
    while: (error) => error._tag === "StepNotFound",
    schedule: Schedule.spaced("2 millis")
  })

/** Every value to every place; what was refused outside is told by an exit, and "instead" is given. */
const send = (all: ReadonlyArray<unknown>) =>
  Effect.forEach(all, (value, index) =>
    Effect.gen(function*() {
      const main = yield* Main.start(`main ${index}`, { index })
      const signal = yield* Effect.exit(Told.send(main.id, { value }))
      if (Exit.isFailure(signal)) yield* Told.send(main.id, { value: "instead" })
      const skipped = yield* Effect.exit(skip(main.id, value))
      if (Exit.isFailure(skipped)) yield* skip(main.id, "instead")
      yield* main.result
      const given = yield* Effect.exit(Given.execute(`given ${index}`, { value }))
      const next = yield* Effect.exit(Next.execute(`next ${index}`, { index, round: 0 }))
      return { signal, skipped, given, next }
    }), { concurrency: "unbounded" })

type Exits = Record<string, Exit.Exit<unknown, unknown>>

/** Where it is to be said that a value cannot be held, and where in it. */
const names: Record<string, RegExp> = {
  echo: /value|payload/,
  background: /value|payload/,
  succeed: /the success of the activity "End"/,
  fail: /the activity "End" failed with an error that .* JSON cannot hold: /s,
  beat: /JSON|toJSON|contains itself|deep|\bat /,
  inline: /the success of the activity "inline"/,
  record: /the success of the side effect "record"/,
  saga: /value|payload/,
  child: /the success of the workflow "Sub"/,
  failing: /the workflow "Sub" failed with an error that .* JSON cannot hold: /s,
  given: /value|payload/
}

const check = (value: unknown, exits: Exits) => {
  for (const [name, said] of Object.entries(names)) {
    const exit = exits[name]
    assert.isDefined(exit)
    // A failure that is typed carries the value; a success is it. Nothing given is no heartbeat, and no value is one.
    const out = name === "fail" || name === "failing"
      ? Exit.isFailure(exit) && exit.cause._tag === "Fail" ? Option.some(exit.cause.error) : Option.none()
      : Exit.isSuccess(exit)
      ? Option.some({ value: exit.value })
      : Option.none()
    if (Option.isSome(out)) assert.isTrue(isSame({ value }, out.value), `${name} changes it`)
    else {
      assert.isFalse(isHoldable(value) || value === undefined, `${name} refuses what JSON can hold`)
      assert.match(Option.getOrElse(refusal(exit), () => ""), said, name)
    }
  }
  // What cannot be held of a defect is described.
  for (const name of ["die", "dying"]) {
    const exit = exits[name]
    assert.isTrue(exit !== undefined && Exit.isFailure(exit) && exit.cause._tag === "Die")
  }
}

const isExits = (value: unknown): value is Exits => typeof value === "object" && value !== null

const trial = (all: ReadonlyArray<unknown>) =>
  Effect.gen(function*() {
    const seen = new Seen()
    const bodies: Array<unknown> = []
    const { replayed, value: outside } = yield* twice(
      seen,
      live(all, seen),
      Effect.tap(send(all), () =>
        Effect.sync(() => {
          for (const index of all.keys()) bodies.push(seen.get(`exits ${index}`))
        }))
    )
    assert.isAtLeast(replayed, all.length * 4)
    for (const [index, value] of all.entries()) {
      const exits = bodies[index]
      const around = outside[index]
      assert.isTrue(isExits(exits))
      assert.isDefined(around)
      if (!isExits(exits) || around === undefined) continue
      check(value, exits)
      const { given, next, signal, skipped } = around
      const taken: ReadonlyArray<readonly [string, Exit.Exit<unknown, unknown>, Exits[string] | undefined]> = [
        ["signal", signal, exits["told"]],
        ["skipped", skipped, exits["stuck"]]
      ]
      for (const [name, exit, within] of taken) {
        const isTaken = Exit.isSuccess(exit)
        assert.strictEqual(isTaken, isHoldable(value) || value === undefined, name)
        if (!isTaken) {
          assert.match(Option.getOrThrow(refusal(exit)), /value|payload|the success of the activity "Stuck"/)
        }
        assert.isTrue(
          within !== undefined && Exit.isSuccess(within) && isSame(isTaken ? value : "instead", within.value)
        )
      }
      if (Exit.isSuccess(given)) assert.isTrue(isSame(value, given.value))
      else assert.match(Option.getOrThrow(refusal(given)), /value|payload/)
      if (Exit.isFailure(next)) assert.match(Option.getOrThrow(refusal(next)), /value|payload/)
      assert.strictEqual(Exit.isSuccess(given), isHoldable(value) || value === undefined)
      assert.strictEqual(Exit.isSuccess(next), isHoldable(value) || value === undefined)
    }
  })

onEachOf(
  "values of every shape come out as they went in, or are refused by name",
  FastCheck.array(values, { minLength: 5, maxLength: 8 }),
  trial,
  2
)
