/**
 * Packs the package, unpacks it as a dependency of the project in test/consumer, and compiles that with the current
 * TypeScript and the next, once as a library with declarations and once as an application that consumes only these.
 * Then node imports every public module, and none that is internal.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const consumer = `${root}.package/consumer`

const run = (command, args, cwd) => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
  } catch (error) {
    console.error(error.stdout)
    console.error(`failed: ${[command, ...args].join(" ")}`)
    process.exit(1)
  }
}

rmSync(`${root}.package`, { recursive: true, force: true })
mkdirSync(`${consumer}/node_modules`, { recursive: true })
const [{ filename }] = JSON.parse(
  run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", ".package"], root)
)
run("tar", ["-xzf", `${root}.package/${filename}`, "-C", `${root}.package`], root)
renameSync(`${root}.package/package`, `${consumer}/node_modules/tempolite`)
writeFileSync(`${consumer}/package.json`, JSON.stringify({ name: "consumer", private: true, type: "module" }))

for (const compiler of ["tsc", "tsgo"]) {
  const project = `${consumer}/${compiler}`
  cpSync(`${root}test/consumer`, project, { recursive: true })
  const compile = (config) => run(`${root}node_modules/.bin/${compiler}`, ["-p", config], project)
  compile("tsconfig.json")
  // From here on only the declarations are left.
  rmSync(`${project}/domain.ts`)
  rmSync(`${project}/only.ts`)
  compile("tsconfig.application.json")
  console.log(`${compiler}: a consumer compiles, and so does a consumer of its declarations`)
}

const dist = `${consumer}/node_modules/tempolite/dist`
const modules = (folder) =>
  readdirSync(`${dist}/${folder}`).filter((file) => file.endsWith(".js")).map((file) => file.slice(0, -3))
const open = ["tempolite", ...modules("").filter((name) => name !== "index").map((name) => `tempolite/${name}`)]
const closed = ["internal", "engine", "sqlite", "testing"].flatMap((folder) =>
  modules(folder).map((name) => `tempolite/${folder}/${name}`)
)
writeFileSync(
  `${consumer}/import.js`,
  `
for (const name of ${JSON.stringify(open)}) await import(name)
for (const name of ${JSON.stringify(closed)}) {
  const error = await import(name).then(() => undefined, (error) => error)
  if (error?.code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error("not closed: " + name, { cause: error })
}
`
)
run("node", ["import.js"], consumer)
console.log(`node: imports ${open.length} modules, and none of ${closed.length} internal ones`)
