/**
 * `tsx examples/testing.ts`: how a workflow that waits for a year is tested in milliseconds, with the journal in memory
 * and the clock of Effect's tests. In a test of vitest this is `it.effect` of `@effect/vitest`, which brings the clock.
 */
import { Effect, Layer, Ref, Schema, TestClock, TestContext } from "effect"
import * as assert from "node:assert/strict"
import { Activity, Journal, Tempolite, Workflow } from "../src/index.ts"

// What is tested: a reminder, a year after the purchase, which is tried again after an hour if the mail server is down.
class MailServerDown extends Schema.TaggedError<MailServerDown>()("MailServerDown", {}) {}

class Mail extends Activity.Tag<Mail>()("Mail", {
  payload: { to: Schema.String, text: Schema.String },
  error: MailServerDown
}) {}

class Reminder extends Workflow.Tag<Reminder>()("Reminder", { payload: { to: Schema.String } }) {}

const ReminderLive = Reminder.layer(
  Effect.fn("Reminder")(function*({ to }) {
    yield* Workflow.sleep("a year", "365 days")
    const mail = (key: string) => Mail.execute(key, { to, text: "Your warranty ends today." })
    yield* mail("mail").pipe(
      Effect.orElse(() => Effect.zipRight(Workflow.sleep("an hour", "1 hour"), mail("mail again"))),
      Effect.orDie
    )
  })
)

/** A world for one test: a mail server that is down for the first mail, and what it was asked. */
const world = Effect.map(Ref.make<ReadonlyArray<string>>([]), (mails) => ({
  mails,
  layer: ReminderLive.pipe(
    Layer.provide(Mail.layer(({ to }) =>
      Effect.flatMap(
        Ref.updateAndGet(mails, (all) => [...all, to]),
        (all) => all.length === 1 ? new MailServerDown() : Effect.void
      )
    )),
    Layer.provideMerge(Tempolite.layer()),
    Layer.provide(Journal.layerMemory)
  )
}))

const test = Effect.gen(function*() {
  const { layer, mails } = yield* world
  yield* Effect.gen(function*() {
    const reminder = yield* Reminder.start("ann", { to: "ann@example.com" })

    yield* TestClock.adjust("364 days")
    assert.deepEqual(yield* Ref.get(mails), [])
    assert.equal(yield* reminder.status, "Running")

    yield* TestClock.adjust("1 day")
    yield* TestClock.adjust("1 hour")
    yield* reminder.result
    assert.deepEqual(yield* Ref.get(mails), ["ann@example.com", "ann@example.com"])

    const { steps } = yield* reminder.describe
    assert.deepEqual(steps.map(({ key, status }) => `${key}: ${status}`), [
      "a year: Completed",
      "mail: Failed",
      "an hour: Completed",
      "mail again: Completed"
    ])
  }).pipe(Effect.provide(layer))
})

await Effect.runPromise(Effect.provide(test, TestContext.TestContext))
console.log("a year and an hour have passed")
