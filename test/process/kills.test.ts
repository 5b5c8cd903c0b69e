import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Path from "node:path"
import { entries, random } from "./batch.ts"
import * as Journal from "./journal.ts"
import * as Orders from "./orders.ts"
import * as Processes from "./processes.ts"
import * as Verify from "./verify.ts"
import * as World from "./world.ts"

const lives = 48

/** Most lives end by `kill -9`, and some by a request to stop. */
const isStopped = (life: number) => life % 8 === 0

/** Each life may start a few workflows more than the one before; those of which an end was told it leaves alone. */
const toRun = (life: number, ended: ReadonlySet<string>) =>
  entries.slice(0, Math.ceil(entries.length * life / (lives + 1))).flatMap(({ id }) => ended.has(id) ? [] : [id]).join()

const undoable = (key: string) => /^(charge|reserve|pack|wrap|gift|ship-\d+)$/.test(key)

const acknowledged = (lines: ReadonlyArray<string>, verb: string) =>
  lines.flatMap((line) => line.startsWith(`${verb} `) ? [line.split(" ")[1] ?? ""] : [])

/** Waits for a moment to end a process at: somewhere in its start, its recovery, or its work. */
const untilEnd = (directory: string, child: Processes.Child, draw: () => number) => {
  const when = draw()
  if (when < 0.1) return Effect.sleep(draw() * 300)
  if (when < 0.2) return Effect.zipRight(child.said("ready"), Effect.sleep(draw() * 50))
  const ends = World.follow(directory)
  const enough = draw() * 75
  const worked = Effect.sync(() => ends() >= enough ? Option.some("worked") : Option.none())
  return Effect.zipRight(
    Effect.raceFirst(
      Processes.eventually(
        () => `${enough} ends of calls; it said ${child.lines.join()} and logged ${child.log()}`,
        worked
      ),
      child.said("idle")
    ),
    Effect.sleep(draw() * 20)
  )
}

/** One life of the process that runs the batch: what it acknowledged, and what it left behind. */
const live = (directory: string, life: number, draw: () => number, ended: Set<string>) =>
  Effect.gen(function*() {
    const child = yield* Processes.spawn("batch", directory, [toRun(life, ended)], { CLOSE_GRACE: "20" })
    yield* untilEnd(directory, child, draw)
    if (isStopped(life)) {
      yield* child.said("ready")
      yield* child.signal("SIGTERM")
      yield* child.gone
      assert.include(child.lines.join(), "over: All fibers interrupted")
    } else {
      yield* child.kill
      assert.notInclude(child.lines.join(), "over: ", child.log())
    }
    assert.strictEqual(child.log(), "")
    for (const id of acknowledged(child.lines, "ended")) ended.add(id)
    return {
      journal: yield* Journal.readDead(Path.join(directory, "orders.db")),
      lines: World.count(directory),
      started: acknowledged(child.lines, "started"),
      cancelled: acknowledged(child.lines, "cancelled")
    } satisfies Verify.Moment
  }).pipe(Effect.scoped)

describe("a batch of workflows whose process is killed again and again", () => {
  it.scopedLive("comes out as if it had never been killed", () =>
    Effect.gen(function*() {
      const directory = yield* Processes.directory
      const draw = random(7)
      const filename = Path.join(directory, "orders.db")
      yield* Journal.audit(filename, Orders.Patient.key)
      const moments: Array<Verify.Moment> = []
      const ends = new Set<string>()
      for (let life = 1; life <= lives; life++) {
        const moment = yield* live(directory, life, draw, ends)
        const before = moments.at(-1)?.journal ?? moment.journal
        if (isStopped(life)) assert.deepStrictEqual(Verify.stopped(before, moment.journal), [])
        moments.push(moment)
        assert.deepStrictEqual(moments.flatMap((before) => Verify.acknowledged(before, moment.journal)), [])
      }

      const last = yield* Processes.spawn("batch", directory, [entries.map(({ id }) => id).join(), "all"])
      yield* last.said("done")
      yield* last.gone
      const journal = yield* Journal.readDead(filename)
      const world = World.read(directory)

      const ended = last.lines.filter((line) => line.startsWith("ended ")).map((line) => {
        const [, id = "", ...outcome] = line.split(" ")
        return [id, outcome.join(" ")] as const
      })
      assert.deepStrictEqual(
        Object.fromEntries(ended),
        Object.fromEntries(entries.map(({ expected, id }) => [id, expected]))
      )
      assert.deepStrictEqual(journal.workflows.filter(({ finishedAt }) => finishedAt === null), [])
      assert.deepStrictEqual(moments.flatMap((moment) => Verify.kept(moment, journal, world)), [])
      assert.deepStrictEqual(yield* Journal.complaints(filename), [])
      assert.deepStrictEqual(Verify.attempts(journal, world), [])
      assert.deepStrictEqual(Verify.retries(journal), [])
      assert.deepStrictEqual(Verify.compensations(journal, world, undoable), [])
      assert.strictEqual(last.log(), "")

      // The batch was worth its kills: most hit workflows that ran, and some their compensations.
      const running = moments.filter(({ journal }) => journal.workflows.some(({ status }) => status === "Running"))
      const lost = journal.stepExecutions.filter(({ status }) => status === "Lost")
      assert.isAbove(running.length, lives / 2)
      assert.isAbove(lost.length, lives)
      assert.isAbove(lost.filter(({ activityId }) => activityId.includes("/undo-")).length, 5)
    }).pipe(Effect.provide(Processes.layer)), 240_000)
})
