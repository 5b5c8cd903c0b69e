/**
 * `tsx examples/fanout.ts`: a newsletter goes to a hundred readers. Each letter is a sub-workflow, and a queue lets five
 * of them run at once.
 */
import { Console, Effect, Layer, Schema } from "effect"
import { Activity, Journal, Tempolite, Workflow } from "../src/index.ts"

class Send extends Activity.Tag<Send>()("Send", { payload: { reader: Schema.Int } }) {}

class Letter extends Workflow.Tag<Letter>()("Letter", {
  payload: { reader: Schema.Int },
  queue: "letters"
}) {}

class Newsletter extends Workflow.Tag<Newsletter>()("Newsletter", {
  payload: { readers: Schema.Int },
  success: Schema.Int // how many letters were sent
}) {}

const NewsletterLive = Newsletter.layer(
  Effect.fn("Newsletter")(function*({ readers }) {
    const letters = yield* Effect.forEach(
      Array.from({ length: readers }, (_, reader) => reader),
      (reader) => Letter.child(`letter-${reader}`, { reader }),
      { concurrency: "unbounded" }
    ).pipe(Effect.orDie)
    return letters.length
  })
)

const LetterLive = Letter.layer(({ reader }) => Send.execute("send", { reader }))

/** The post office, which sees how many letters are on their way at once. */
let onTheirWay = 0
let most = 0
const SendLive = Send.layer(() =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      most = Math.max(most, ++onTheirWay)
    }),
    () => Effect.sleep("2 millis"),
    () =>
      Effect.sync(() => {
        onTheirWay--
      })
  )
)

const AppLive = NewsletterLive.pipe(
  Layer.provide(LetterLive),
  Layer.provide(SendLive),
  Layer.provideMerge(Tempolite.layer({ queues: { letters: { concurrency: 5 } } })),
  Layer.provide(Journal.layerMemory)
)

const program = Effect.gen(function*() {
  const sent = yield* Newsletter.execute("november", { readers: 100 })
  yield* Console.log(`${sent} letters, at most ${most} at once`)
})
await Effect.runPromise(Effect.provide(program, AppLive))
