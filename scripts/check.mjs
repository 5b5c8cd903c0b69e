/**
 * `npm run check [name…]`: runs the static checks that are named, or all of them, as many at a time as there are cores.
 * Shows what a check says only if it fails. A check must also prove that it looked at something: some of these tools
 * pass when they read nothing.
 */
import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"

// Scripts of package.json, the slowest first, and what such a proof looks like.
const checks = {
  lint: /^/,
  types: /Checked [1-9]\d* files/,
  "test:types": /Tests:.*\b[1-9]\d* passed/,
  layers: /\([1-9]\d* modules, [1-9]\d* dependencies/,
  dead: /^/
}

// What a compiler allocates dies young: with little room for it, a fifth of the time goes to the garbage collector.
const env = { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --max-semi-space-size=128`.trim() }

const perform = (name) =>
  new Promise((resolve) => {
    const start = performance.now()
    const child = spawn("npm", ["run", "--silent", name], { env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => output += chunk)
    child.stderr.on("data", (chunk) => output += chunk)
    child.on("close", (code) => {
      const proved = checks[name].test(output.replace(/\u001b\[\d*m/g, ""))
      const passed = code === 0 && proved
      console.log(`${passed ? "ok  " : "FAIL"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
      if (!passed) console.log(`${output.trim()}${code === 0 ? "\nIt passed, but looked at nothing." : ""}\n`)
      resolve(passed)
    })
  })

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in checks))
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(", ")}. There are: ${Object.keys(checks).join(", ")}`)
  process.exit(2)
}

const queue = asked.length > 0 ? asked : Object.keys(checks)
let failed = 0
const worker = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (!await perform(name)) failed++
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, worker))
if (failed > 0) {
  console.error(`${failed} static ${failed === 1 ? "check" : "checks"} failed`)
  process.exit(1)
}
