/**
 * `npm run types`: type-checks the project, and asks the language service of Effect what it has to say about each file, on
 * one program. By themselves the two take twice as long.
 */
import { createRequire } from "node:module"
import ts from "typescript"

const { checkSourceFileWorker } = createRequire(import.meta.url)("@effect/language-service/effect-lsp-patch-utils")

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) }
const report = (diagnostics) => {
  console.log(ts.formatDiagnosticsWithColorAndContext(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getNewLine: () => ts.sys.newLine
  }))
}

const { errors, fileNames, options } = ts.getParsedCommandLineOfConfigFile("tsconfig.json", {}, host)
const program = ts.createProgram(fileNames, options)
const found = [...errors, ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()]
let checked = 0
for (const file of program.getSourceFiles()) {
  if (file.isDeclarationFile) continue
  checked++
  found.push(...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file))
  checkSourceFileWorker(ts, program, file, options, (diagnostic) => found.push(diagnostic), "tsc")
}

// The rest are suggestions.
const faults = found.filter(({ category }) =>
  category === ts.DiagnosticCategory.Error || category === ts.DiagnosticCategory.Warning
)
if (faults.length > 0) report(faults)
console.log(`Checked ${checked} files`)
process.exitCode = faults.length > 0 ? 1 : 0
