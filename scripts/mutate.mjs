/**
 * Breaks the engine in each of the ways of `mutations.mjs`, in a copy, and shows that the tests notice. `npm run mutate`,
 * or `npm run mutate -- signal` for those whose names contain the word. Takes some minutes.
 */
import { spawn } from "node:child_process"
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { mutations } from "./mutations.mjs"

const [word = ""] = process.argv.slice(2)
const chosen = mutations.filter(({ name }) => name.includes(word))
const copied = ["src", "test", "examples", "package.json", "tsconfig.json", "vitest.config.ts"]

const vitest = (copy, { only, tests }) =>
  new Promise((resolve, reject) => {
    const args = ["vitest", "run", "--bail", "1", ...tests, ...(only === undefined ? [] : ["-t", only])]
    const child = spawn("npx", args, { cwd: copy, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text
      })
    }
    child.on("error", reject).on("close", (code) => {
      resolve({ passed: code === 0, output, ran: /Tests {2}.*\d+ (?:passed|failed)/.test(output) })
    })
  })

/** The first test that failed. */
const culprit = (output) => /^ *(?:FAIL|×) +(.+)$/m.exec(output)?.[1] ?? "the tests did not load"

const copy = await mkdtemp(join(tmpdir(), "tempolite-mutants-"))
const survivors = []
try {
  for (const name of copied) await cp(name, join(copy, name), { recursive: true })
  await symlink(join(process.cwd(), "node_modules"), join(copy, "node_modules"))
  for (const { file, find, name } of mutations) {
    const text = await readFile(join(copy, file), "utf8")
    if (text.split(find).length !== 2) throw new Error(`${name}: what to break does not occur once in ${file}`)
  }
  for (const mutation of chosen) {
    const { file, find, name, replace } = mutation
    const path = join(copy, file)
    const text = await readFile(path, "utf8")
    // A test that fails anyway notices nothing.
    const sound = await vitest(copy, mutation)
    if (!sound.passed || !sound.ran) throw new Error(`${name}: its tests do not pass as they are\n${sound.output}`)
    await writeFile(path, text.replace(find, () => replace))
    const broken = await vitest(copy, mutation)
    await writeFile(path, text)
    if (broken.passed) survivors.push(name)
    process.stdout.write(
      broken.passed ? `NOT NOTICED  ${name}\n` : `noticed      ${name}\n             by ${culprit(broken.output)}\n`
    )
  }
} finally {
  await rm(copy, { recursive: true, force: true })
}
process.stdout.write(`${chosen.length - survivors.length} of ${chosen.length} were noticed\n`)
if (survivors.length > 0) process.exitCode = 1
