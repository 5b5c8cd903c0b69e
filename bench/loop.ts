/**
 * What a step costs in Effect alone: its payload and its outcome through schemas and JSON, and a fiber that it runs on.
 */
import { Effect, Fiber, Schema } from "effect"
import { expect, of, sumOfDoubles, timed } from "./programs.ts"
import * as Task from "./task.ts"

const Payload = Schema.parseJson(Schema.Struct({ n: Schema.Int }))
const Outcome = Schema.parseJson(Schema.Int)

const [encodePayload, decodePayload] = [Schema.encodeSync(Payload), Schema.decodeSync(Payload)]
const [encodeOutcome, decodeOutcome] = [Schema.encodeSync(Outcome), Schema.decodeSync(Outcome)]

const step = (n: number) =>
  Effect.suspend(() => {
    const payload = encodePayload({ n })
    const attempt = Effect.map(Effect.sync(() => 2 * decodePayload(payload).n), encodeOutcome)
    return Effect.map(Effect.flatMap(Effect.forkDaemon(attempt), Fiber.join), decodeOutcome)
  })

const round = (steps: number) =>
  Effect.gen(function*() {
    let sum = 0
    for (let n = 0; n < steps; n++) sum += yield* step(n)
    return sum
  })

export const loop = Task.make("loop", {
  params: Schema.Struct({ steps: Schema.Int, rounds: Schema.Int }),
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ rounds, steps }) =>
    Effect.gen(function*() {
      const once = expect(round(steps), sumOfDoubles(steps))
      yield* once
      const [millis] = yield* timed(Effect.forEach(of(rounds), () => once, { discard: true }))
      return { millis }
    })
})
