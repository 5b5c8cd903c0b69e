/**
 * Programs for processes of their own, compiled to one file each: that starts in a sixth of the time that `tsx` takes.
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

// esbuild is what tsx compiles with.
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsx/package.json")).resolve("esbuild/bin/esbuild")

/** What came from CommonJS asks for what Node brings by `require`. */
const banner = "import { createRequire } from \"node:module\"; const require = createRequire(import.meta.url)"

const formats = {
  cjs: ["--format=cjs", "--out-extension:.js=.cjs"],
  esm: ["--format=esm", "--out-extension:.js=.mjs", `--banner:js=${banner}`]
}

/**
 * Compiles programs, which are named by their paths from the root of the project, into a directory that is gone with
 * this process; that is what it returns.
 */
export const compile = (format: keyof typeof formats, programs: ReadonlyArray<string>): string => {
  const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "tempolite-programs-"))
  process.once("exit", () => {
    Fs.rmSync(directory, { recursive: true, force: true })
  })
  // What is native is not bundled, and must be found.
  Fs.symlinkSync(Path.join(root, "node_modules"), Path.join(directory, "node_modules"))
  ChildProcess.execFileSync(esbuild, [
    ...programs,
    ...formats[format],
    `--outdir=${directory}`,
    ..."--bundle --platform=node --target=node20 --external:better-sqlite3 --log-level=warning".split(" ")
  ], { cwd: root })
  return directory
}
