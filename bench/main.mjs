/**
 * `npm run bench [-- a b …] [--runs 5] [--normal] [--quick] [--directory path]`: compiles the suite and the library into
 * plain JavaScript, so that no compiler is in the figures, and runs it. README.md says what is measured.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
// What is native is not bundled, and is found from here.
const cache = fileURLToPath(new URL("../node_modules/.cache/tempolite-bench/", import.meta.url))
const out = `${cache}${process.pid}`

// esbuild is what tsx compiles with.
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsx/package.json")).resolve("esbuild/bin/esbuild")

mkdirSync(out, { recursive: true })
process.on("exit", () => rmSync(out, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

execFileSync(esbuild, [
  `${here}suite.ts`,
  `${here}child.ts`,
  `--outdir=${out}`,
  "--out-extension:.js=.mjs",
  "--bundle",
  "--splitting",
  "--platform=node",
  "--target=node20",
  "--format=esm",
  "--external:better-sqlite3",
  "--sourcemap",
  "--log-level=warning"
], { stdio: "inherit" })

const { main } = await import(`${out}/suite.mjs`)
process.exitCode = await main(process.argv.slice(2), { cache, bench: here })
