/**
 * Forgets workflows that ended long ago, with everything below them.
 */
import * as Schema from "effect/Schema"
import { run, type Script } from "./connection.ts"
import * as Tables from "./tables.ts"

const ended = "IN ('Completed', 'Failed', 'Cancelled')"

/** The ids below those that the tree begins with, and themselves. */
const treeFrom = (ids: string) =>
  `tree (id) AS (${ids} UNION ` +
  "SELECT child.id FROM tree CROSS JOIN tempolite_workflow AS child ON child.parent_id = tree.id)"

/** The ids of whole trees. */
const doomed = "WITH RECURSIVE roots (id) AS (" +
  "SELECT id FROM tempolite_workflow AS root INDEXED BY tempolite_workflow_finished " +
  `WHERE status ${ended} AND finished_at < ? ` +
  "AND NOT EXISTS (SELECT 1 FROM tempolite_workflow AS parent WHERE parent.id = root.parent_id) " +
  `AND NOT EXISTS (WITH RECURSIVE ${treeFrom("SELECT root.id")} ` +
  "SELECT 1 FROM tree CROSS JOIN tempolite_workflow AS below ON below.id = tree.id " +
  `WHERE below.status NOT ${ended} OR below.id IN (SELECT workflow_id FROM tempolite_request)) ` +
  `ORDER BY finished_at, row_id LIMIT ?), ${treeFrom("SELECT id FROM roots")} SELECT id FROM tree`

/** Before any is forgotten: their places are not given again. */
const keepPlaces = `UPDATE tempolite_pruned SET (row_id, changed) = (${Tables.last.select})`

const deletions = [
  ...["tempolite_workflow_execution", "tempolite_step", "tempolite_step_execution", "tempolite_signal"].map((table) =>
    `DELETE FROM ${table} WHERE workflow_id IN (SELECT value FROM json_each(?))`
  ),
  "DELETE FROM tempolite_workflow WHERE id IN (SELECT value FROM json_each(?))"
]

const readIds = Tables.reader("tempolite_workflow", Schema.Struct({ id: Schema.String }))

/** In a transaction. Returns how many workflows were forgotten. */
export function* prune(before: number, limit: number): Script<number> {
  const ids = yield* readIds(yield* run(doomed, before, limit))
  if (ids.length === 0) return 0
  yield* run(keepPlaces)
  const document = JSON.stringify(ids.map(({ id }) => id))
  for (const statement of deletions) yield* run(statement, document)
  return ids.length
}
