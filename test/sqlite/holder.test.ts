import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { here, type Holder, isDead } from "../../src/sqlite/holder.ts"

/** A process that lives until the scope closes. */
const sleeper = Effect.acquireRelease(
  Effect.sync(() => ChildProcess.spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])),
  (spawned) => Effect.sync(() => spawned.kill("SIGKILL"))
)

/** No process has a number as great as this. */
const noPid = 2 ** 30

const linux = Fs.existsSync("/proc/self/stat")

describe("the holder of a lease", () => {
  it.effect("is told by number, start, boot, container and host", () =>
    Effect.gen(function*() {
      const self = yield* here
      assert.strictEqual(self.pid, process.pid)
      assert.notStrictEqual(self.host, "")
      assert.deepStrictEqual(yield* here, self)
      if (!linux) return
      assert.match(self.processStart ?? "", /^\d+$/)
      assert.match(self.boot ?? "", /^[-0-9a-f]{36}$/)
      assert.match(self.pidSpace ?? "", /^pid:\[\d+\]$/)
    }))

  it.effect("is not dead if it is this process", () =>
    Effect.gen(function*() {
      const self = yield* here
      assert.isFalse(yield* isDead(self, self))
    }))

  it.scoped("is dead when its process has ended, and not before", () =>
    Effect.gen(function*() {
      const self = yield* here
      const spawned = yield* sleeper
      const holder: Holder = { ...self, pid: spawned.pid ?? 0, processStart: null }
      assert.isFalse(yield* isDead(holder, self))
      const ended = new Promise((resolve) => spawned.once("close", resolve))
      spawned.kill("SIGKILL")
      yield* Effect.promise(() => ended)
      assert.isTrue(yield* isDead(holder, self))
    }))

  it.effect.each(
    [
      ["no process has its number", { pid: noPid }, true],
      ["its number belongs to a process that started later", { processStart: "1" }, linux],
      ["the machine was started again", { boot: "another" }, linux],
      ["the machine was started again, and its number is free", { boot: "another", pid: noPid }, linux],
      ["it is in another container, where its number means another", { pid: noPid, pidSpace: "pid:[1]" }, false],
      ["it is on another machine", { boot: "another", host: "elsewhere", pid: noPid }, false],
      ["it is on a machine without boot ids", { boot: null, pid: noPid }, false]
    ] as const
  )("is dead or not: %s", ([_, change, expected]) =>
    Effect.gen(function*() {
      const self = yield* here
      assert.strictEqual(yield* isDead({ ...self, ...change }, self), expected)
    }))

  it.effect("where the system tells nothing, goes by host and number", () =>
    Effect.gen(function*() {
      const self = { ...yield* here, boot: null, pidSpace: null, processStart: null }
      assert.isFalse(yield* isDead(self, self))
      assert.isTrue(yield* isDead({ ...self, pid: noPid }, self))
      assert.isFalse(yield* isDead({ ...self, pid: noPid, host: "elsewhere" }, self))
    }))

  it.effect("of another user is alive", () =>
    Effect.gen(function*() {
      const self = yield* here
      // The first process; a user that may not signal it is told so, which is no sign of death.
      assert.isFalse(yield* isDead({ ...self, pid: 1, processStart: null }, self))
    }))
})
