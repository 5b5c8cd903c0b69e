import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Option } from "effect"
import * as Journal from "./journal.ts"
import * as Processes from "./processes.ts"
import * as Scripts from "./scripts.ts"
import { held, setup } from "./shop.ts"
import * as World from "./world.ts"

describe("a second engine on the same file", () => {
  it.scopedLive(
    "is refused at once, is told who has the file, and takes over as soon as that one is dead",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const [usual, first] = yield* Effect.timed(
          shop.start({ steps: [{ key: "charge" }, { key: "ship", call: held }] })
        )
        yield* shop.happened("start", "ship")
        /** How much longer than a start without a rival something may take: less than the lease, which is 15 seconds. */
        const atOnce = Duration.sum(usual, "2 seconds")

        const second = yield* shop.spawn()
        const [refused, refusal] = yield* Effect.timed(second.said("over: "))
        assert.isTrue(Duration.lessThan(refused, atOnce))
        assert.include(refusal, "JournalLocked")
        assert.include(refusal, `process ${first.pid} `)
        assert.notInclude(second.lines, "ready")

        yield* first.kill
        const [taken, third] = yield* Effect.timed(Effect.zipLeft(shop.open(), shop.happened("start", "ship", 2)))
        assert.isTrue(Duration.lessThan(taken, atOnce))
        yield* World.open(shop.directory, "gate")
        assert.strictEqual(yield* shop.ended, "Completed")
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1", "ship 2"])
        assert.strictEqual(third.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    60_000
  )
})

describe("an engine that stood still for longer than its lease", () => {
  it.scopedLive("is replaced, and writes and calls nothing when it wakes up", () =>
    Effect.gen(function*() {
      const shop = yield* setup
      const lease = { LEASE: "6000" }
      const first = yield* shop.start({ steps: [{ key: "charge", call: held }, { key: "ship" }] }, lease)
      yield* shop.happened("start", "charge")
      // At rest: in the middle of a write it would hold SQLite's lock, and nobody could take over before it is gone.
      yield* shop.recorded("charge", "Running", 1)
      yield* Effect.sleep("100 millis")
      yield* first.signal("SIGSTOP")

      // Refused until the lease is over, since the holder may live.
      const rival = yield* shop.spawn(lease)
      assert.include(
        yield* rival.said("over: "),
        `JournalLocked: another engine runs the workflows of this journal: process ${first.pid} `
      )
      const second = yield* Processes.eventually(
        () => "the lease to be over",
        Effect.gen(function*() {
          if ((yield* Journal.read(shop.filename)).leasedUntil > Date.now()) return Option.none()
          const rival = yield* shop.spawn(lease)
          yield* rival.said("ready")
          return Option.some(rival)
        })
      )
      yield* shop.happened("start", "charge", 2)

      yield* first.signal("SIGCONT")
      yield* Processes.eventually(
        () => `the first engine to stop; it logged ${first.log()}`,
        Effect.sync(() =>
          first.log().includes("another engine has taken the journal over") ? Option.some(true) : Option.none()
        )
      )
      yield* World.open(shop.directory, "gate")
      assert.strictEqual(yield* shop.ended, "Completed")
      // The frozen one is told to end, and has nothing to say of what it did not do.
      const before = yield* Journal.read(shop.filename)
      yield* first.signal("SIGTERM")
      yield* first.gone
      assert.deepStrictEqual(yield* Journal.read(shop.filename), before)
      assert.deepStrictEqual(yield* shop.calls, ["charge 1", "charge 2", "ship 1"])
      assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Lost", "charge 2 Completed", "ship 1 Completed"])
      assert.strictEqual(second.log(), "")
    }).pipe(Effect.provide(Processes.layer)), 60_000)
})

describe("engines that open a new file at the same time", () => {
  it.scopedLive("agree on one of them", () =>
    Effect.gen(function*() {
      const shop = yield* setup
      const rivals = yield* Effect.all(Array.from({ length: 4 }, () => shop.spawn()))
      const answers = yield* Effect.forEach(
        rivals,
        (rival) => Effect.raceFirst(rival.said("ready"), rival.said("over: ")),
        { concurrency: "unbounded" }
      )
      const winner = answers.indexOf("ready")
      assert.isAtLeast(winner, 0)
      for (const answer of answers.toSpliced(winner, 1)) {
        assert.include(
          answer,
          `JournalLocked: another engine runs the workflows of this journal: process ${rivals[winner]!.pid} `
        )
      }
    }).pipe(Effect.provide(Processes.layer)), 60_000)
})

describe("an engine that is told to stop", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it.scopedLive(
      `by ${signal} lets an activity end within its grace, and does not call it again`,
      () =>
        Effect.gen(function*() {
          const shop = yield* setup
          const first = yield* shop.start({ steps: [{ key: "charge", call: held }, { key: "ship" }] })
          yield* shop.happened("start", "charge")
          yield* first.signal(signal)
          yield* first.said("stopping")
          yield* World.open(shop.directory, "gate")
          yield* first.gone
          assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Completed"])
          yield* shop.open()
          assert.strictEqual(yield* shop.ended, "Completed")
          assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1"])
        }).pipe(Effect.provide(Processes.layer)),
      60_000
    )
  }

  it.scopedLive(
    "interrupts an activity after the grace, records it as lost, and calls it again at the next start",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const undo = { millis: 0 }
        const first = yield* shop.start({
          steps: [{ key: "charge", undo }, { key: "ship", call: held }]
        }, { CLOSE_GRACE: "100" })
        yield* shop.happened("start", "ship")
        yield* first.signal("SIGTERM")
        yield* shop.happened("interrupt", "ship")
        yield* first.gone
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Completed", "ship 1 Lost"])
        const { workflows } = yield* Journal.read(shop.filename)
        assert.deepStrictEqual(workflows.map(({ status }) => status), ["Running"])

        // The lease was given back: it need not run out.
        yield* shop.open()
        yield* shop.happened("start", "ship", 2)
        yield* World.open(shop.directory, "gate")
        assert.strictEqual(yield* shop.ended, "Completed")
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1", "ship 2"])
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Completed", "ship 1 Lost", "ship 2 Completed"])
      }).pipe(Effect.provide(Processes.layer)),
    60_000
  )
})

describe("an activity that is retried", () => {
  it.scopedLive(
    "goes on, after a kill, with the next attempt and what is left of its backoff",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const first = yield* shop.start({
          steps: [{ key: "charge", stubborn: true, call: { millis: 0, failures: 2, gate: "gate" } }]
        })
        yield* World.open(shop.directory, "gate")
        yield* shop.happened("failure", "charge", 2)
        const { wakeAt } = yield* shop.recorded("charge", "Retrying", 2)
        yield* World.close(shop.directory, "gate")
        yield* first.kill
        const second = yield* shop.open()
        const reopenedAt = yield* Clock.currentTimeMillis
        const third = yield* shop.happened("start", "charge", 3)
        const failed = World.read(shop.directory).filter(({ event }) => event === "failure")
        assert.isNotNull(wakeAt)
        assert.approximately(wakeAt - failed[1]!.at, Scripts.backoffs[1], 100)
        assert.isBelow(reopenedAt, wakeAt)
        assert.isAtLeast(third.at, wakeAt)
        assert.isBelow(third.at, wakeAt + 1_000)

        // Killed again, in the third attempt.
        yield* second.kill
        const last = yield* shop.open()
        yield* shop.happened("start", "charge", 4)
        yield* World.open(shop.directory, "gate")
        assert.strictEqual(yield* shop.ended, "Completed")
        assert.deepStrictEqual(
          yield* shop.attempts,
          ["charge 1 Failed", "charge 2 Failed", "charge 3 Lost", "charge 4 Completed"]
        )
        assert.strictEqual(last.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    60_000
  )

  it.scopedLive(
    "counts an attempt in which the process was killed as lost, and not as a failure",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const first = yield* shop.start({
          steps: [{ key: "charge", stubborn: true, call: { failures: 1, gate: "gate" } }]
        })
        yield* shop.happened("start", "charge", 1)
        yield* first.kill
        const second = yield* shop.open()
        yield* shop.happened("start", "charge", 2)
        yield* World.open(shop.directory, "gate")
        yield* shop.happened("failure", "charge", 2)
        yield* shop.happened("success", "charge", 3)
        assert.strictEqual(yield* shop.ended, "Completed")
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Lost", "charge 2 Failed", "charge 3 Completed"])
        // The backoff is that after a first failure.
        const [failed, third] = World.read(shop.directory).filter(({ attempt, event }) =>
          event === "failure" || (event === "start" && attempt === 3)
        )
        assert.isBelow(third!.at - failed!.at, Scripts.backoffs[1] / 2)
        assert.strictEqual(second.log(), "")
      }).pipe(Effect.provide(Processes.layer)),
    60_000
  )
})

describe("a process that is killed while a workflow compensates", () => {
  const steps = ["charge", "reserve", "pack", "ship"].map((key) => ({
    key,
    undo: key === "reserve" ? held : { millis: 0 }
  }))

  for (const ending of ["failure", "wait"] as const) {
    const why = ending === "wait" ? "was cancelled" : "failed"
    it.scopedLive(
      `undoes the rest of what a workflow did that ${why}, and nothing again`,
      () =>
        Effect.gen(function*() {
          const shop = yield* setup
          const first = yield* shop.start({ steps, ending })
          if (ending === "wait") {
            yield* shop.recorded("for-ever", "Waiting", 0)
            yield* first.tell({ cancel: "order" })
            yield* first.said("cancelled order")
          }
          yield* shop.happened("start", "undo-reserve")
          yield* first.kill
          const second = yield* shop.open()
          yield* shop.happened("start", "undo-reserve", 2)
          // Once more, in the same undo.
          yield* second.kill
          const third = yield* shop.open()
          yield* shop.happened("start", "undo-reserve", 3)
          yield* World.open(shop.directory, "gate")
          assert.strictEqual(yield* shop.ended, ending === "wait" ? "Cancelled" : "Failed")
          assert.deepStrictEqual(yield* shop.calls, [
            ...["charge 1", "reserve 1", "pack 1", "ship 1"],
            ...["undo-ship 1", "undo-pack 1", "undo-reserve 1", "undo-reserve 2", "undo-reserve 3", "undo-charge 1"]
          ])
          assert.deepStrictEqual(
            (yield* shop.attempts).filter((attempt) => attempt.startsWith("undo-reserve")),
            ["undo-reserve 1 Lost", "undo-reserve 2 Lost", "undo-reserve 3 Completed"]
          )
          const journal = yield* Journal.read(shop.filename)
          assert.deepStrictEqual(
            journal.steps.filter(({ path, status }) =>
              steps.some(({ key }) => key === path) && status !== "Compensated"
            ),
            []
          )
          assert.strictEqual(third.log(), "")
        }).pipe(Effect.provide(Processes.layer)),
      60_000
    )
  }
})
