import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Path from "node:path"
import { calls } from "./every.ts"
import * as Journal from "./journal.ts"
import * as Orders from "./orders.ts"
import * as Processes from "./processes.ts"
import * as Verify from "./verify.ts"
import * as World from "./world.ts"

const undoable = (key: string) => ["charge", "pack", "wrap", "ship"].includes(key)

/** Of the workflow, or of its sub-workflow. */
const isOf = (id: string, path: string) => path.startsWith(`${id}/`) || path.startsWith(`${id}\\/`)

const keyOf = (path: string) => path.slice(path.lastIndexOf("/") + 1)

describe("a process that is killed at each commit of a workflow", () => {
  for (const moment of ["before", "after"] as const) {
    it.scopedLive(
      `just ${moment} it: the next one goes on, and does nothing again that was completed`,
      () =>
        Effect.gen(function*() {
          const directory = yield* Processes.directory
          const filename = Path.join(directory, "orders.db")
          yield* Journal.audit(filename, Orders.Patient.key)
          const moments: Array<Verify.Moment> = []
          const ids: Array<string> = []
          for (let isKilled = true; isKilled;) {
            const last = ids.at(-1) ?? ""
            ids.push(`order-${ids.length + 1}`)
            const id = ids.at(-1) ?? ""
            const child = yield* Processes.spawn("killed", directory, [last, id, String(ids.length), moment])
            yield* child.gone
            assert.strictEqual(child.log(), "")
            isKilled = !child.lines.includes("done")
            assert.deepStrictEqual(child.lines, [
              ...last === "" ? [] : [`ended ${last} Refused`],
              ...isKilled ? [] : [`ended ${id} Refused`, "done"]
            ])
            const journal = yield* Journal.readDead(filename)
            moments.push({ journal, lines: World.count(directory), started: [], cancelled: [] })
          }
          // The last was killed at none: it has no more commits than this.
          assert.isAbove(ids.length, calls.length)

          const journal = yield* Journal.readDead(filename)
          const world = World.read(directory)
          assert.deepStrictEqual(moments.flatMap((before) => Verify.kept(before, journal, world)), [])
          assert.deepStrictEqual(yield* Journal.complaints(filename), [])
          assert.deepStrictEqual(Verify.attempts(journal, world), [])
          assert.deepStrictEqual(Verify.compensations(journal, world, undoable), [])
          assert.deepStrictEqual(journal.workflows.filter(({ finishedAt }) => finishedAt === null), [])

          const again = ids.map((id) => {
            const starts = world.filter(({ event, path }) => event === "start" && isOf(id, path))
            const keys = starts.map(({ path }) => keyOf(path))
            // In their order; what was in flight is called once more, at most, and right after.
            const firsts = keys.filter((key, index) => keys[index - 1] !== key)
            assert.deepStrictEqual(firsts, calls)
            return keys.length - firsts.length
          })
          assert.deepStrictEqual(again.filter((times) => times > 1), [])
          // Some were killed while a call was made, and the last was not killed.
          assert.strictEqual(again.at(-1), 0)
          assert.isAtLeast(again.filter((times) => times === 1).length, moment === "before" ? calls.length : 0)
        }).pipe(Effect.provide(Processes.layer)),
      60_000
    )
  }
})
