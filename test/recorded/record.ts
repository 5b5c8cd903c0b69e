/**
 * Records the programs that have no journals yet: `npx tsx test/recorded/record.ts`. What is there is never written again:
 * a program that has to change is another program.
 */
import { Context, Effect, Layer } from "effect"
import { Journal } from "../../src/index.ts"
import { programs } from "./programs.ts"
import * as Recorded from "./Recorded.ts"
import { hasEnded, run } from "./stage.ts"

const begin = 1_700_000_000_000

const memory = () =>
  Effect.runPromise(
    Effect.scoped(Effect.map(Layer.build(Layer.fresh(Journal.layerMemory)), Context.get(Journal.Journal)))
  )

const failing = (what: string): never => {
  throw new Error(what)
}

for (const [name, program] of Object.entries(programs)) {
  if (Recorded.exists(name, "middle")) continue
  const journal = await memory()
  const middle = await run(journal, program.before ?? program.code, {
    at: begin,
    asked: program.begin,
    isOver: program.until,
    after: "commits"
  })
  if (!middle.isOver) failing(`${name} never gets to its middle`)
  await Effect.runPromise(Recorded.keep(name, "middle", journal, { at: middle.at, calls: middle.calls }))
  const end = await run(journal, program.code, {
    at: middle.at + 1_000 * (program.downtime ?? 60),
    asked: program.then ?? Effect.void,
    isOver: program.end ?? hasEnded,
    after: "changes"
  })
  if (!end.isOver) failing(`${name} never gets to its end`)
  await Effect.runPromise(Recorded.keep(name, "end", journal, { at: end.at, calls: end.calls }))
  console.log(
    `${name}: ${
      [...end.rows.values()].map(({ workflow: { id, outcome, status } }) => `${id} ${status} ${outcome}`).join(", ")
    }`
  )
}
