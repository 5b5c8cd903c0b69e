/**
 * The laws that the rows of one workflow keep, wherever the process died: after each commit, and from one commit to the
 * next. Pure; the tests and `Journal.check` share them.
 */
import type * as Journal from "../JournalModel.ts"
import * as Changes from "./changeLaws.ts"
import * as Rows from "./rowLaws.ts"

/** What is wrong, and with which step of the workflow, if with one. `law` is a name that `rowLaws` or `changeLaws` has. */
export interface Violation {
  readonly workflowId: string
  readonly path: string | null
  readonly law: string
  readonly message: string
}

const named = (
  { workflow }: Journal.History,
  broken: Iterable<readonly [law: string, findings: Iterable<Rows.Finding>]>
): ReadonlyArray<Violation> => {
  const violations: Array<Violation> = []
  for (const [law, findings] of broken) {
    for (const [path, message] of findings) violations.push({ workflowId: workflow.id, path, law, message })
  }
  return violations
}

/** What is wrong with one workflow as it is on record. */
export const ofHistory = (history: Journal.History): ReadonlyArray<Violation> => {
  const view = Rows.view(history)
  return named(history, Object.entries(Rows.laws).map(([law, find]) => [law, find(view)]))
}

/**
 * What is wrong with what one commit (or some, as long as the workflow was not held and let go between) has made of it:
 * an outcome that changed, a terminal status that was left, rows that are gone.
 */
export const ofChange = (before: Journal.History, after: Journal.History): ReadonlyArray<Violation> => {
  const change = Changes.change(before, after)
  return named(after, Object.entries(Changes.laws).map(([law, find]) => [law, find(change)]))
}
