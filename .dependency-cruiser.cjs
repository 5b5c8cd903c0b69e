/**
 * The layers of `src`, from the top down. A module imports its own group and those named, types included, and nothing
 * else of `src`.
 */
const vocabulary = "Errors|Info|Outcome"
const definitions = ["Workflow", "Activity", "SideEffect", "Saga", "Signal"]

const layers = [
  { name: "vocabulary", of: `(${vocabulary})[.]ts`, may: `(${vocabulary})[.]ts` },
  { name: "journal-model", of: "JournalModel[.]ts", may: `(${vocabulary})[.]ts` },
  { name: "journal", of: "Journal[.]ts", may: `(internal/|(${vocabulary}|JournalModel)[.]ts)` },
  { name: "execution-is-a-leaf", of: "Execution[.]ts", may: `(${vocabulary})[.]ts` },
  { name: "engine-port-is-a-leaf", of: "Engine[.]ts", may: `(${vocabulary}|Execution)[.]ts` },
  { name: "internal", of: "internal/", may: `(internal/|(${vocabulary}|Journal(Model)?|Execution|Engine|Step)[.]ts)` },
  { name: "steps", of: "Step[.]ts", may: `(internal/|(${vocabulary}|Execution|Engine)[.]ts)` },
  ...definitions.map((name) => ({
    name: `definition-${name}`,
    of: `${name}[.]ts`,
    may: `(internal/|(${vocabulary}|Execution|Engine|Step)[.]ts)`
  })),
  { name: "engine", of: "engine/", may: `(engine/|internal/|(${vocabulary}|Journal(Model)?|Execution|Engine)[.]ts)` },
  { name: "sqlite", of: "sqlite(/|[.]ts)", may: `(sqlite/|internal/|(${vocabulary}|Journal(Model)?)[.]ts)` },
  {
    name: "testing",
    of: "testing(/|[.]ts)",
    may: `(testing/|internal/|engine/|(${vocabulary}|Journal(Model)?|Execution|Engine|Step|Activity|Tempolite)[.]ts)`
  },
  {
    name: "front-door",
    of: "Tempolite[.]ts",
    may: `(engine/|internal/|(${vocabulary}|Journal(Model)?|Execution|Engine|Step)[.]ts)`
  }
]

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    { name: "resolves", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...layers.map(({ name, of, may }) => ({
      name: `layer-${name}`,
      severity: "error",
      from: { path: `^src/${of}` },
      to: { path: "^src/", pathNot: `^src/${may}` }
    })),
    {
      name: "every-module-has-a-layer",
      comment: "A new public module needs a line in `layers`.",
      severity: "error",
      from: { path: "^src/index[.]ts$" },
      to: { path: "^src/", pathNot: `^src/(${layers.map(({ of }) => of).join("|")})` }
    },
    {
      name: "nothing-imports-the-index",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/index[.]ts$" }
    },
    {
      name: "src-stands-alone",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|examples|scripts)/" }
    },
    {
      name: "only-effect-outside-sqlite",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/sqlite(/|[.]ts)" },
      to: { path: "node_modules/", pathNot: "node_modules/effect/" }
    },
    {
      name: "only-effect-sql-and-the-driver-in-sqlite",
      severity: "error",
      from: { path: "^src/sqlite(/|[.]ts)" },
      to: {
        path: "node_modules/",
        pathNot: "node_modules/(effect|@effect/(sql|platform|experimental)|better-sqlite3)/"
      }
    },
    {
      name: "node-builtins-only-in-sqlite-and-surfaces",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(sqlite|testing|cli|dashboard)(/|[.]ts)" },
      to: { dependencyTypes: ["core"] }
    }
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "node", "default"] }
  }
}
