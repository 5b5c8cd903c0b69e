/**
 * The tests that do not run in every mode of `engine-suite/modes/matrix.ts`, counted, so that nobody hides among them.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const suites = fileURLToPath(new URL("engine-suite", import.meta.url))

/** Where a test, or a suite of tests, is excepted: the modes in which it does not run, and the reasons. */
const marks = Fs.readdirSync(suites).filter((name) => name.endsWith(".ts")).flatMap((name) =>
  Array.from(
    Fs.readFileSync(Path.join(suites, name), "utf8").matchAll(/except: \{([^}]*)\}/g),
    ([, mark = ""]) =>
      Array.from(mark.matchAll(/(replay|parked|crash|lost):\s*"([^"]+)"/g), ([, mode, reason]) => ({ mode, reason }))
  )
)

/** How many may not run in a mode. To add to it, say why, and look whether it is not the test that should change. */
const excepted = { replay: 6, parked: 1, crash: 63, lost: 8 }

describe("the tests of the engine run in every mode", () => {
  it(`but for those at ${marks.length} places, each of which says why`, () => {
    assert.isTrue(marks.every((mark) => mark.length > 0))
    const counts = { replay: 0, parked: 0, crash: 0, lost: 0 }
    for (const { mode } of marks.flat()) {
      if (mode === "replay" || mode === "parked" || mode === "crash" || mode === "lost") counts[mode]++
    }
    assert.deepStrictEqual(counts, excepted)
  })
})
