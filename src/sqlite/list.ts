/**
 * Which workflows are meant, as a statement. Its text depends on what is given and not on the values, and each uses an
 * index where most workflows do not fit.
 */
import { WorkflowStatus } from "../Info.ts"
import type * as JournalModel from "../JournalModel.ts"
import { workflow } from "./tables.ts"

export interface Statement {
  readonly sql: string
  readonly parameters: ReadonlyArray<string | number>
}

interface Condition {
  readonly sql: string
  readonly parameters: ReadonlyArray<string | number>
}

/** A part of the workflows, by the index in which it stands in order of creation. */
interface Part {
  readonly index: string
  readonly condition: string
}

// The planner does not know how few they are.
const unfinished: Part = {
  index: " INDEXED BY tempolite_workflow_unfinished",
  condition: "status <> 'Completed' AND status <> 'Failed' AND status <> 'Cancelled' AND "
}
const failed: Part = {
  index: " INDEXED BY tempolite_workflow_failed",
  condition: "status IN ('Failed', 'Cancelled') AND "
}
const ofParent: Part = { index: " INDEXED BY tempolite_workflow_parent", condition: "" }
const ofPrefix: Part = { index: " INDEXED BY sqlite_autoindex_tempolite_workflow_1", condition: "" }
const all: Part = { index: "", condition: "" }

/** Those parts in which everything stands that fits. */
const partsOf = ({ idPrefix, parentId, statuses }: JournalModel.Filter): ReadonlyArray<Part> => {
  if (parentId !== null && parentId !== "") return [ofParent]
  if (statuses?.includes("Completed") === false) {
    const isFailed = (status: JournalModel.WorkflowRow["status"]) => status === "Failed" || status === "Cancelled"
    return [
      ...statuses.every(isFailed) ? [] : [unfinished],
      ...statuses.some(isFailed) ? [failed] : []
    ]
  }
  return idPrefix === null || idPrefix === "" ? [all] : [ofPrefix]
}

/** Whoever lists workflows is to hear of those that cannot be read: one of these might be meant. */
const isUnknown = `status NOT IN (${WorkflowStatus.literals.map((status) => `'${status}'`).join(", ")})`

const conditionsOf = (filter: JournalModel.Filter, after: number): ReadonlyArray<Condition> => {
  const given = (sql: string, ...parameters: ReadonlyArray<string | number | null>): ReadonlyArray<Condition> =>
    parameters.every((parameter) => parameter !== null) ? [{ sql, parameters }] : []
  const { awakeAt, createdBefore, createdFrom, idPrefix, name, parentId, statuses } = filter
  return [
    ...given("row_id > ?", after),
    ...given(`(status IN (SELECT value FROM json_each(?)) OR ${isUnknown})`, statuses && JSON.stringify(statuses)),
    ...given("name = ?", name),
    ...parentId === "" ? given("parent_id IS NULL") : given("parent_id = ?", parentId),
    // No character is written with the byte FF: no text that begins so is as great as the second.
    ...idPrefix === "" ? [] : given("id >= ? AND id < ? || CAST(x'ff' AS TEXT)", idPrefix, idPrefix),
    ...given("created_at >= ?", createdFrom),
    ...given("created_at < ?", createdBefore),
    ...given(
      "(typeof(sleeps_until) <> 'integer' OR sleeps_until <= ? OR " +
        "EXISTS (SELECT 1 FROM tempolite_signal WHERE workflow_id = tempolite_workflow.id))",
      awakeAt
    )
  ]
}

const select = workflow.selectPlaced("row_id")

/** None if nothing fits. */
export const statement = (
  filter: JournalModel.Filter,
  after: number,
  limit: number
): Statement | undefined => {
  const parts = partsOf(filter)
  // SQLite would take half a surrogate pair for another character.
  if (parts.length === 0 || filter.name?.isWellFormed() === false) return undefined
  const conditions = conditionsOf(filter, after)
  const where = conditions.map(({ sql }) => sql).join(" AND ")
  const parameters = conditions.flatMap(({ parameters }) => parameters)
  return {
    sql: parts.map(({ condition, index }) => `${select}${index} WHERE ${condition}${where}`).join(" UNION ALL ") +
      " ORDER BY place LIMIT ?",
    parameters: [...parts.flatMap(() => parameters), limit]
  }
}

const asleepAfter = "FROM tempolite_workflow INDEXED BY tempolite_workflow_asleep " +
  "WHERE sleeps_until > ? AND typeof(sleeps_until) = 'integer'"

/** Those that wake with the last of the first `limit` are among them. */
const asleepSql =
  `SELECT id, sleeps_until AS until ${asleepAfter} AND sleeps_until <= (SELECT max(sleeps_until) FROM (` +
  `SELECT sleeps_until ${asleepAfter} ORDER BY sleeps_until LIMIT ?)) ORDER BY sleeps_until, row_id`

export const asleep = (after: number, limit: number): Statement => ({
  sql: asleepSql,
  parameters: [after, after, limit]
})

/** Those that changed with the last of the first `limit` are among them. */
const changedSql = `${workflow.selectPlaced("changed")} WHERE changed > ? AND changed <= (SELECT max(changed) FROM (` +
  "SELECT changed FROM tempolite_workflow WHERE changed > ? ORDER BY changed LIMIT ?)) ORDER BY changed, row_id"

export const changed = (after: number, limit: number): Statement => ({
  sql: changedSql,
  parameters: [after, after, limit]
})
