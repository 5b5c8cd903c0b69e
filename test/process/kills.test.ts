import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Path from "node:path"
import { entries, random } from "./batch.ts"
import * as Journal from "./journal.ts"
import * as Processes from "./processes.ts"
import * as Verify from "./verify.ts"
import * as World from "./world.ts"

/** How often the process is killed. Each life may start a few workflows more than the one before. */
const kills = 55

const undoable = (key: string) => /^(charge|reserve|pack|wrap|gift|ship-\d+)$/.test(key)

const acknowledged = (lines: ReadonlyArray<string>, verb: string) =>
  lines.flatMap((line) => line.startsWith(`${verb} `) ? [line.split(" ")[1] ?? ""] : [])

/** Waits for a moment to kill a process at: somewhere in its start, its recovery, or its work. */
const untilKilled = (directory: string, child: Processes.Child, draw: () => number) => {
  const when = draw()
  if (when < 0.1) return Effect.sleep(draw() * 300)
  if (when < 0.2) return Effect.zipRight(child.said("ready"), Effect.sleep(draw() * 50))
  const ends = World.follow(directory)
  const enough = draw() * 75
  const worked = Effect.sync(() => ends() >= enough ? Option.some("worked") : Option.none())
  return Effect.zipRight(
    Effect.raceFirst(
      Processes.eventually(() => `${enough} ends of calls; it logged ${child.log()}`, worked),
      child.said("idle")
    ),
    Effect.sleep(draw() * 20)
  )
}

describe("a batch of workflows whose process is killed again and again", () => {
  it.scopedLive("comes out as if it had never been killed", () =>
    Effect.gen(function*() {
      const directory = yield* Processes.directory
      const filename = Path.join(directory, "orders.db")
      const draw = random(7)
      const moments: Array<Verify.Moment> = []
      const started = new Set<string>()
      const cancelled = new Set<string>()
      for (let life = 1; life <= kills; life++) {
        const limit = Math.ceil(entries.length * life / (kills + 1))
        const child = yield* Processes.spawn("batch", directory, [String(limit)])
        yield* untilKilled(directory, child, draw)
        yield* child.kill
        assert.notInclude(child.lines.join(), "over:", child.log())
        acknowledged(child.lines, "started").forEach((id) => started.add(id))
        acknowledged(child.lines, "cancelled").forEach((id) => cancelled.add(id))
        const moment: Verify.Moment = {
          journal: yield* Journal.readDead(filename),
          lines: World.count(directory),
          started: [...started],
          cancelled: [...cancelled]
        }
        assert.deepStrictEqual(Verify.acknowledged(moment), [])
        moments.push(moment)
      }

      const last = yield* Processes.spawn("batch", directory, [String(entries.length)])
      yield* last.said("done")
      yield* last.gone
      const journal = yield* Journal.readDead(filename)
      const world = World.read(directory)

      const ended = new Map(
        last.lines.filter((line) => line.startsWith("ended ")).map((line) => {
          const [, id = "", ...outcome] = line.split(" ")
          return [id, outcome.join(" ")]
        })
      )
      assert.deepStrictEqual(
        Object.fromEntries(ended),
        Object.fromEntries(entries.map(({ expected, id }) => [id, expected]))
      )
      assert.deepStrictEqual(
        journal.workflows.filter(({ status }) => !["Completed", "Failed", "Cancelled"].includes(status)),
        []
      )
      assert.deepStrictEqual(moments.flatMap((moment) => Verify.kept(moment, journal, world)), [])
      assert.deepStrictEqual(Verify.attempts(journal, world), [])
      assert.deepStrictEqual(Verify.retries(journal), [])
      assert.deepStrictEqual(Verify.compensations(journal, world, undoable), [])

      // The batch was worth its kills: most hit workflows that ran, and some their compensations.
      const running = moments.filter(({ journal }) => journal.workflows.some(({ status }) => status === "Running"))
      const lost = journal.stepExecutions.filter(({ status }) => status === "Lost")
      assert.isAbove(running.length, kills / 2)
      assert.isAbove(lost.length, kills)
      assert.isAbove(lost.filter(({ activityId }) => activityId.includes("/undo-")).length, 5)
      assert.strictEqual(last.log(), "")
    }).pipe(Effect.provide(Processes.layer)), 180_000)
})
