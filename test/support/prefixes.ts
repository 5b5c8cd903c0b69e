/**
 * The laws of replay, for one run: from every state that a crash may have left, the same future gives the same result.
 */
import { assert } from "vitest"
import * as Ids from "../../src/engine/ids.ts"
import { begin, type Body, type Options, simulate, type Simulated } from "./Simulation.ts"

export const live = (body: Body, seed: number, more: Partial<Options> = {}): Promise<Simulated> =>
  simulate({ body, seed, past: [], at: begin, future: [], ...more })

/** Runs on from the first `count` commits of `before`. */
export const from = (
  before: Simulated,
  count: number,
  options: { readonly body: Body; readonly seed: number; readonly same: boolean } & Partial<Options>
): Promise<Simulated> => {
  const past = before.commits.slice(0, count)
  return simulate({
    past,
    at: past.at(-1)?.at ?? begin,
    future: options.same ? before.world.plans : [],
    ...options
  })
}

/** The paths that have an outcome, or run, in the first `count` commits. */
const stateAt = (run: Simulated, count: number) => {
  const steps = new Map<string, { readonly recorded: boolean; readonly running: boolean }>()
  for (const row of run.commits.slice(0, count).flatMap(({ batch }) => batch.steps)) {
    steps.set(Ids.step(row.workflowId, row.generation, row.path), {
      recorded: row.seq !== null,
      running: row.status === "Running" || row.status === "Retrying"
    })
  }
  return steps
}

/**
 * What a replay from `count` commits on may not do, whatever comes. Changed code may ask again for a step that lost a
 * race which is no more.
 */
export const assertNothingAgain = (
  body: Body,
  before: Simulated,
  count: number,
  after: Simulated,
  isChanged = false
): void => {
  const state = stateAt(before, count)
  const laterStarts = new Set(
    before.world.calls.filter((call) => call.commitsAtStart >= count).map((call) => call.path)
  )
  for (const call of after.world.calls) {
    const was = state.get(call.path)
    // A step that was reset for a new execution runs again, in the first run too.
    if (was?.recorded === true && !laterStarts.has(call.path)) {
      assert.fail(`${body.name}: ${call.path} was recorded in the first ${count} commits and ran again`)
    }
    const interrupted = before.world.calls.find((one) =>
      one.path === call.path && one.ended === "Interrupted" && one.commitsAtEnd + 1 < count
    )
    // An attempt that timed out was interrupted too, and is followed by another.
    if (
      interrupted !== undefined && body.restarts !== true && !isChanged && !before.closed && !laterStarts.has(call.path)
    ) {
      assert.fail(`${body.name}: ${call.path} had been interrupted before commit ${count} and started again`)
    }
  }
}

/** That two runs did the same. */
const assertSameRun = (name: string, actual: Simulated, expected: Simulated): void => {
  assert.strictEqual(actual.exit, expected.exit, `${name}: the result`)
  // The executions before the one that it went on with are not run again.
  const begun = Object.keys(expected.traces)
  const again = begun.slice(begun.indexOf(Object.keys(actual.traces)[0] ?? ""))
  assert.deepStrictEqual(
    actual.traces,
    Object.fromEntries(again.map((execution) => [execution, expected.traces[execution]])),
    `${name}: the traces of the body`
  )
  const outcomes = ({ rows }: Simulated) =>
    rows.filter(({ path }) => !path.startsWith("~sleep/"))
      .map(({ outcome, path, status }) => ({ path, outcome, status }))
      .sort((x, y) => x.path < y.path ? -1 : 1)
  assert.deepStrictEqual(outcomes(actual), outcomes(expected), `${name}: the outcomes of the steps`)
}

/** That two runs cannot be told apart, and that the second left nothing behind. */
export const assertSame = (name: string, actual: Simulated, expected: Simulated): void => {
  assert.deepStrictEqual(actual.logs, [], `${name}: what was logged`)
  assertSameRun(name, actual, expected)
  assert.deepStrictEqual(actual.journal, expected.journal, `${name}: the journal`)
}

/** Every prefix of `before` (or every `stride`-th), with the same future. Gives how many were tried. */
export const assertPrefixes = async (
  body: Body,
  seed: number,
  before: Simulated,
  options: {
    readonly from?: number
    readonly stride?: number
    /** The journal holds rows of code that is no more: a timer of it may come due in a replay, and take a number. */
    readonly changed?: boolean
  } = {}
): Promise<number> => {
  let tried = 0
  for (let count = options.from ?? 1; count < before.commits.length; count += options.stride ?? 1) {
    const name = `${body.name}, seed ${seed}, ${count} of ${before.commits.length} commits`
    const again = await from(before, count, { body, seed, same: true })
    if (options.changed === true) assertSameRun(name, again, before)
    else if (body.restarts !== true) assertSame(name, again, before)
    assertNothingAgain(body, before, count, again)
    tried++
  }
  return tried
}
