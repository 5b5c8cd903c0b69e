import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import * as Processes from "../../process/processes.ts"
import { held, setup } from "../../process/shop.ts"
import * as World from "../../process/world.ts"

/** Whether a program of the system is there, and may do what it is asked. */
const can = (program: string, ...parameters: ReadonlyArray<string>) =>
  ChildProcess.spawnSync(program, parameters).status === 0

const script = { steps: [{ key: "charge", call: held }, { key: "ship" }] }

const told = (child: Processes.Child, sign: RegExp) =>
  Processes.eventually(
    () => `${sign.source} to be logged; logged was ${child.log()}`,
    Effect.sync(() => sign.test(child.log()) ? Option.some(true) : Option.none())
  )

/** In a mount namespace of its own, `directory/disk` has room for one megabyte. */
const ownDisk = (directory: string) => [
  ...["unshare", "--map-root-user", "--mount", "sh", "-c"],
  "mount -t tmpfs -o size=1m tmpfs \"$0\" && exec \"$@\"",
  Path.join(directory, "disk")
]

describe("a disk", () => {
  it.scopedLive.skipIf(!can("unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"))(
    "that is full is an error that says so; workflows wait for room, and nothing is done again",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const disk = Path.join(shop.directory, "disk")
        Fs.mkdirSync(disk)
        const env = { JOURNAL: Path.join(disk, "orders.db") }
        const engine = yield* Processes.spawn("shop", shop.directory, [], env, ownDisk(shop.directory))
        yield* engine.said("ready")
        yield* engine.tell({ start: "order", script })
        yield* shop.happened("start", "charge")

        // Its disk, as seen from here.
        const filler = `/proc/${engine.pid}/root${disk}/filler`
        const file = Fs.openSync(filler, "w")
        assert.throws(() => {
          for (;;) Fs.writeSync(file, Buffer.alloc(4096))
        }, "ENOSPC")
        Fs.closeSync(file)
        yield* World.open(shop.directory, "gate")
        yield* shop.happened("success", "charge")
        yield* told(engine, /a commit failed; the workflows wait until it succeeds.*the disk is full.*Make room/s)
        assert.deepStrictEqual(yield* shop.calls, ["charge 1"])

        Fs.rmSync(filler)
        yield* engine.said("ended order Completed charge ship")
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1"])
      }).pipe(Effect.provide(Processes.layer)),
    30_000
  )

  it.scopedLive.skipIf(!can("prlimit", "--version"))(
    "that cannot be written is an error that says so; workflows wait until it can be",
    () =>
      Effect.gen(function*() {
        const shop = yield* setup
        const engine = yield* shop.start(script)
        yield* shop.happened("start", "charge")
        const limit = (bytes: string) => can("prlimit", "--pid", String(engine.pid), `--fsize=${bytes}:`)
        const log = `${shop.filename}-wal`
        // No file of this process grows beyond what its greatest is now.
        assert.isTrue(limit(String(Fs.statSync(log).size)))
        yield* World.open(shop.directory, "gate")
        yield* shop.happened("success", "charge")
        yield* told(engine, /a commit failed.*the disk could not be read or written.*SQLITE_IOERR_WRITE/s)
        const size = Fs.statSync(log).size
        assert.deepStrictEqual(yield* shop.calls, ["charge 1"])
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Running"])
        assert.strictEqual(Fs.statSync(log).size, size)

        assert.isTrue(limit("unlimited"))
        yield* engine.said("ended order Completed charge ship")
        assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1"])
        assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Completed", "ship 1 Completed"])
      }).pipe(Effect.provide(Processes.layer)),
    30_000
  )
})

const lock = `
  const sqlite = require(${JSON.stringify(createRequire(import.meta.url).resolve("better-sqlite3"))})
  new sqlite(process.argv[1]).exec("BEGIN IMMEDIATE")
  console.log("locked")
  setInterval(() => {}, 1000)
`

describe("a program that stands still in the middle of a write", () => {
  it.scopedLive("holds up the workflows, and no more: they go on when it is gone", () =>
    Effect.gen(function*() {
      const shop = yield* setup
      const engine = yield* shop.start(script)
      yield* shop.happened("start", "charge")
      const other = yield* Processes.node(["-e", lock, shop.filename])
      yield* other.said("locked")
      yield* other.signal("SIGSTOP")
      yield* World.open(shop.directory, "gate")
      yield* shop.happened("success", "charge")
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(yield* shop.attempts, ["charge 1 Running"])
      assert.deepStrictEqual(yield* shop.calls, ["charge 1"])
      yield* other.kill
      yield* engine.said("ended order Completed charge ship")
      assert.deepStrictEqual(yield* shop.calls, ["charge 1", "ship 1"])
      assert.strictEqual(engine.log(), "")
    }).pipe(Effect.provide(Processes.layer)), 30_000)
})
