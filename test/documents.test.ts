/**
 * The documents speak of files that are there.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

describe("the documents", () => {
  for (const document of ["README.md", "ARCHITECTURE.md"]) {
    it(`${document} names files that are there`, () => {
      const text = Fs.readFileSync(Path.join(root, document), "utf8")
      const named = Array.from(
        text.matchAll(/`((?:src|test|bench|examples|scripts)\/[\w./-]+)`/g),
        ([, path = ""]) => path
      )
      assert.isAbove(named.length, 3)
      assert.deepStrictEqual(named.filter((path) => !Fs.existsSync(Path.join(root, path))), [])
    })
  }
})
