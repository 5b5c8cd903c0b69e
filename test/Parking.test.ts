/**
 * A workflow that waits, and for nothing that runs, leaves memory after a while, and is replayed when it is due.
 */
import { assert, describe } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Schema, TestClock } from "effect"
import { Journal, Signal, Tempolite, Workflow } from "../src/index.ts"
import {
  act,
  Again,
  type Body,
  called,
  client,
  done,
  id,
  open,
  type Outside,
  settle,
  statusOf,
  Stubborn,
  testOn,
  until
} from "./engine-suite/lab.ts"
import { layer as sqlite } from "./sqlite/support.ts"
import { empty } from "./support/journalRows.ts"

/** Of another layer than the others. */
class Late extends Workflow.Tag<Late>()("Late") {}

const Go = Signal.make("Go", { payload: { n: Schema.Int } })

/** Counts how often its body begins, and how often it is left. */
class Visits {
  begun = 0
  left = 0

  of<A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.begun++
      return Effect.ensuring(
        body,
        Effect.sync(() => {
          this.left++
        })
      )
    })
  }

  /** Returns once it has left memory for the `times`-th time. */
  gone(times: number): Effect.Effect<void> {
    return Effect.zipRight(
      until(() => `it left memory ${times} times; it did ${this.left} times`, Effect.sync(() => this.left >= times)),
      settle
    )
  }
}

const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`a workflow that waits (${name})`, () => {
    const why = "it counts how often its body begins"
    const test = testOn(layer, { except: { replay: why, crash: why, lost: why } })

    test("for a timer is not in memory meanwhile, and goes on when it is due", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = visits.of(Effect.gen(function*() {
          const a = yield* act("a")
          yield* Workflow.sleep("nap", "1 hour")
          return [a, yield* act("b")]
        }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        yield* called(outside, "a")
        yield* settle
        yield* TestClock.adjust("9 seconds")
        yield* settle
        assert.deepStrictEqual([visits.begun, visits.left], [1, 0])
        yield* TestClock.adjust("1 second")
        yield* visits.gone(1)
        assert.strictEqual(visits.begun, 1)
        yield* TestClock.adjust("59 minutes")
        yield* settle
        assert.strictEqual(visits.begun, 1)
        yield* TestClock.adjust("50 seconds")
        assert.deepStrictEqual(yield* info.result, ["<a>", "<b>"])
        assert.deepStrictEqual([visits.begun, visits.left], [2, 2])
        assert.deepStrictEqual(outside.log, ["a", "b"])
      }))

    test("is woken by what it waits for, however often it has left", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = visits.of(Effect.gen(function*() {
          const first = yield* Go.await("first")
          const second = yield* Effect.raceFirst(Go.await("second"), Effect.never)
          return [first.n, second.n]
        }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        for (const n of [1, 2]) {
          yield* settle
          yield* TestClock.adjust("1 minute")
          yield* visits.gone(n)
          assert.strictEqual(visits.begun, n)
          yield* Effect.orDie(process.run(Go.send(id, { n })))
        }
        assert.deepStrictEqual(yield* info.result, [1, 2])
      }))

    test("for a sub-workflow is woken by its end, and by the end of an execution of it", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.fail("kid/x")
        const main = visits.of(Effect.gen(function*() {
          const kid = yield* Again.startChild("kid")
          const first = yield* kid.exit
          return [Exit.isFailure(first), yield* kid.result]
        }))
        const again = Effect.zipLeft(Workflow.sleep("nap", "1 hour"), act("x"))
        const process = yield* open(outside, { main, again })
        const info = yield* process.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* TestClock.adjust("1 hour")
        yield* until("the first execution is over", Effect.sync(() => visits.begun === 2))
        outside.mend("kid/x")
        yield* settle
        yield* TestClock.adjust("20 seconds")
        yield* visits.gone(2)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* info.result, [true, null])
        assert.strictEqual(visits.begun, 3)
      }))

    test("stays while an activity runs, and leaves while that waits for its next attempt, whose time stays", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.hold("a").fail("b")
        const main = visits.of(Effect.all([act("a"), Stubborn.execute("b")], { concurrency: 2 }))
        const process = yield* open(outside, { main })
        const info = yield* process.start
        yield* called(outside, "a", "b")
        yield* settle
        yield* TestClock.adjust("50 seconds")
        yield* settle
        assert.strictEqual(visits.left, 0)
        outside.release("a")
        outside.mend("b")
        yield* settle
        yield* TestClock.adjust("9 seconds")
        yield* settle
        assert.strictEqual(outside.count("b"), 1)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* info.result, ["<a>", "<b>"])
      }))

    test("leaves while an activity waits for its next attempt, whose time stays", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        outside.fail("b")
        const process = yield* open(outside, { main: visits.of(Stubborn.execute("b")) })
        const info = yield* process.start
        yield* called(outside, "b")
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        outside.mend("b")
        yield* TestClock.adjust("49 seconds")
        yield* settle
        assert.strictEqual(outside.count("b"), 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* info.result, "<b>")
        assert.deepStrictEqual([visits.begun, outside.count("b")], [2, 2])
      }))

    for (const command of ["cancel", "pause", "skip"] as const) {
      test(`is told of a ${command} where it has left`, (outside) =>
        Effect.gen(function*() {
          const visits = new Visits()
          const main = visits.of(Effect.gen(function*() {
            yield* done("a")
            yield* Workflow.sleep("nap", "1 hour")
            return yield* act("b")
          }))
          const process = yield* open(outside, { main })
          const info = yield* process.start
          yield* called(outside, "a")
          yield* settle
          yield* TestClock.adjust("10 seconds")
          yield* visits.gone(1)
          const service = yield* process.run(Tempolite.Tempolite)
          switch (command) {
            case "cancel":
              yield* Effect.orDie(service.cancel(id))
              assert.isTrue(Exit.isFailure(yield* Effect.exit(info.result)))
              assert.strictEqual(yield* statusOf(), "Cancelled")
              assert.deepStrictEqual(outside.log, ["a", "u-a"])
              break
            case "pause":
              yield* Effect.orDie(service.pause(id))
              yield* TestClock.adjust("2 hours")
              yield* settle
              // To hold it, it is brought back to where it was: its timers are recorded as they come due.
              assert.deepStrictEqual([yield* statusOf(), visits.begun], ["Paused", 2])
              yield* Effect.orDie(service.resume(id))
              assert.strictEqual(yield* info.result, "<b>")
              break
            case "skip":
              yield* Effect.orDie(service.skip(id, "nap", undefined))
              assert.strictEqual(yield* info.result, "<b>")
              break
          }
        }))
    }

    test("is not taken on again by a layer that is built later", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const process = yield* open(outside, { main: visits.of(Workflow.sleep("nap", "1 hour")) })
        yield* process.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* process.run(Effect.scoped(Layer.build(Late.layer(() => Effect.void))))
        yield* settle
        assert.strictEqual(visits.begun, 1)
      }))
  })

/** What the journal says of it: until when it sleeps. */
const sleepsUntil = Effect.flatMap(
  Journal.Journal,
  (journal) => Effect.map(Effect.orDie(Effect.flatten(journal.workflow(id))), (row) => row.sleepsUntil)
)

const forgotten = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`a workflow that sleeps long (${name})`, () => {
    const why = "it counts how often its body begins, and its engine starts again"
    const test = testOn(layer, { except: { replay: why, crash: why, lost: why } })

    /** It has begun, is forgotten, and its engine has closed. */
    const asleep = (outside: Outside, main: Body, visits: Visits) =>
      Effect.gen(function*() {
        const first = yield* open(outside, { main })
        yield* first.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* first.close
      })

    const napping = (visits: Visits) =>
      visits.of(Effect.gen(function*() {
        yield* Workflow.sleep("nap", "1 hour")
        return yield* act("b")
      }))

    test("is left alone by an engine that starts, until its time is near", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        yield* asleep(outside, napping(visits), visits)
        assert.strictEqual(yield* sleepsUntil, 3_600_000)
        const second = yield* open(outside, { main: napping(visits) })
        yield* settle
        yield* TestClock.adjust("59 minutes")
        yield* settle
        assert.strictEqual(visits.begun, 1)
        yield* TestClock.adjust("50 seconds")
        assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
        assert.strictEqual(visits.begun, 2)
        assert.strictEqual(yield* sleepsUntil, null)
      }))

    test("goes on when its time was over while no engine ran", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        yield* asleep(outside, napping(visits), visits)
        yield* TestClock.adjust("2 hours")
        const second = yield* open(outside, { main: napping(visits) })
        assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
      }))

    test("wakes in time, however many do before it", (outside) =>
      Effect.gen(function*() {
        const hours = [5, 1, 3, 1, 2]
        const again = Effect.flatMap(Workflow.Execution, ({ workflowId }) =>
          Effect.zipRight(Workflow.sleep("nap", `${hours[Number(workflowId)] ?? 0} hours`), act("woken")))
        const first = yield* open(outside, { again })
        yield* Effect.forEach(hours.keys(), (index) =>
          Effect.orDie(first.run(Again.start(index, {}))))
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* settle
        yield* first.close
        yield* open(outside, { again })
        for (const count of [2, 3, 4, 4, 5]) {
          yield* settle
          yield* TestClock.adjust("1 hour")
          yield* settle
          assert.strictEqual(outside.log.length, count)
        }
      }))

    const listening = (visits: Visits) => visits.of(Effect.map(Go.await("go"), ({ n }) => n))

    for (const when of ["before", "after"] as const) {
      test(`for a signal wakes for one that is sent ${when} an engine starts`, (outside) =>
        Effect.gen(function*() {
          const visits = new Visits()
          const main = listening(visits)
          yield* asleep(outside, main, visits)
          assert.strictEqual(yield* sleepsUntil, Journal.forever)
          const send = Effect.orDie(Effect.provideService(Go.send(id, { n: 1 }), Tempolite.Tempolite, yield* client))
          if (when === "before") yield* send
          const second = yield* open(outside, { main })
          yield* settle
          assert.strictEqual(visits.begun, when === "before" ? 2 : 1)
          if (when === "after") yield* send
          assert.deepStrictEqual(yield* second.result, Exit.succeed(1))
        }))
    }

    test("for a signal wakes for one whose engine died when it was written", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = listening(visits)
        yield* asleep(outside, main, visits)
        const journal = yield* Journal.Journal
        const sent = { workflowId: id, name: "Go", payload: "{\"n\":1}", at: 20_000 }
        yield* Effect.scoped(
          Effect.flatMap(journal.acquire(1_000), (lease) => journal.commit(lease, { ...empty, signals: [sent] }))
        )
        const second = yield* open(outside, { main })
        assert.deepStrictEqual(yield* second.result, Exit.succeed(1))
      }))

    test("for a signal wakes for one that is sent when the engine has looked for it, and still looks for others", (outside) =>
      Effect.gen(function*() {
        const [visits, others] = [new Visits(), new Visits()]
        const [main, again] = [listening(visits), others.of(Workflow.sleep("nap", "1 minute"))]
        const first = yield* open(outside, { main, again })
        yield* Effect.orDie(first.run(Again.start("other", {})))
        yield* first.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        yield* first.close
        const inner = yield* Journal.Journal
        const read = yield* Deferred.make<void>()
        const second = yield* Effect.provideService(open(outside, { main, again }), Journal.Journal, {
          ...inner,
          recorded: (id, generation) => Effect.zipRight(Deferred.await(read), inner.recorded(id, generation))
        })
        yield* settle
        yield* Effect.orDie(second.run(Go.send(id, { n: 1 })))
        yield* settle
        assert.deepStrictEqual([visits.begun, others.begun], [1, 1])
        yield* Deferred.succeed(read, undefined)
        assert.deepStrictEqual(yield* second.result, Exit.succeed(1))
      }))

    for (const command of ["cancel", "pause", "skip"] as const) {
      test(`is told of a ${command} by an engine that has not known it`, (outside) =>
        Effect.gen(function*() {
          const visits = new Visits()
          yield* asleep(outside, napping(visits), visits)
          const second = yield* open(outside, { main: napping(visits) })
          const service = yield* second.run(Tempolite.Tempolite)
          yield* settle
          switch (command) {
            case "cancel":
              yield* Effect.orDie(service.cancel(id))
              assert.isTrue(Exit.isFailure(yield* second.result))
              assert.strictEqual(yield* statusOf(), "Cancelled")
              break
            case "pause":
              yield* Effect.orDie(service.pause(id))
              yield* TestClock.adjust("2 hours")
              yield* settle
              assert.deepStrictEqual([yield* statusOf(), visits.begun], ["Paused", 2])
              yield* Effect.orDie(service.resume(id))
              assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
              break
            case "skip":
              yield* Effect.orDie(service.skip(id, "nap", undefined))
              assert.deepStrictEqual(yield* second.result, Exit.succeed("<b>"))
              break
          }
        }))
    }

    test("is not forgotten where it waits for a sub-workflow, of whose end it is told in memory", (outside) =>
      Effect.gen(function*() {
        const visits = new Visits()
        const main = visits.of(Effect.raceFirst(Again.child("kid"), Workflow.sleep("nap", "2 hours")))
        const process = yield* open(outside, { main, again: Workflow.sleep("nap", "1 hour") })
        yield* process.start
        yield* settle
        yield* TestClock.adjust("10 seconds")
        yield* visits.gone(1)
        assert.strictEqual(yield* sleepsUntil, null)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* process.result, Exit.succeed(null))
      }))
  })

suite("memory", Journal.layerMemory)
forgotten("memory", Journal.layerMemory)
forgotten("sqlite", sqlite)
suite("sqlite", sqlite)
