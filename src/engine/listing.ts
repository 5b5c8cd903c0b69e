/**
 * Many workflows at once: pages of them, and their changes.
 */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Service } from "../Engine.ts"
import { JournalError } from "../Errors.ts"
import type { WorkflowChange, WorkflowFilter, WorkflowStatus, WorkflowSummary } from "../Info.ts"
import * as Key from "../internal/key.ts"
import type * as Journal from "../Journal.ts"
import { parentOf } from "./describe.ts"
import * as Row from "./rows.ts"

const pageDefault = 100
/** How many changes are read at a time. */
const changesMax = 500

const millis = (time: DateTime.DateTime | undefined): number | null =>
  time === undefined ? null : DateTime.toEpochMillis(time)

const statusesOf = (status: WorkflowFilter["status"]): ReadonlyArray<WorkflowStatus> | null =>
  status === undefined ? null : typeof status === "string" ? [status] : status

const toFilter = (filter: WorkflowFilter): Journal.Filter => ({
  statuses: statusesOf(filter.status),
  name: filter.name ?? null,
  parentId: filter.parent === undefined ? null : filter.parent === null ? "" : Key.encode(filter.parent),
  idPrefix: filter.idPrefix === undefined || filter.idPrefix === "" ? null : Key.encode(filter.idPrefix),
  createdFrom: millis(filter.createdFrom),
  createdBefore: millis(filter.createdBefore),
  awakeAt: null
})

const summary = (row: Journal.WorkflowRow): WorkflowSummary => ({
  id: Key.decode(row.id),
  name: row.name,
  status: row.status,
  generation: row.generation,
  parent: parentOf(row),
  createdAt: DateTime.unsafeMake(row.createdAt),
  finishedAt: Option.map(Option.fromNullable(row.finishedAt), (at) => DateTime.unsafeMake(at))
})

/** The place behind which a page begins, or `None` if the text is none. */
const placeOf = (after: string | undefined): Option.Option<number> => {
  const place = after === undefined ? 0 : /^\d+$/.test(after) ? Number(after) : Number.NaN
  return Number.isSafeInteger(place) ? Option.some(place) : Option.none()
}

export const list = (journal: Journal.Service): Service["list"] => (filter = {}) =>
  Effect.gen(function*() {
    const limit = Math.min(Math.max(1, Math.floor(filter.limit ?? pageDefault)), Number.MAX_SAFE_INTEGER)
    const after = placeOf(filter.after)
    if (Option.isNone(after)) {
      return yield* new JournalError({
        message: `${JSON.stringify(filter.after)} is not where a page begins: give the \`next\` of the page before`
      })
    }
    const page = yield* journal.list({ filter: toFilter(filter), after: after.value, limit })
    return {
      workflows: page.map(({ workflow }) => summary(workflow)),
      next: page.length < limit
        ? Option.none()
        : Option.map(Option.fromNullable(page.at(-1)), ({ place }) => String(place))
    }
  })

/** Every workflow that fits and has one of the statuses, page by page. */
export const each = (
  journal: Journal.Service,
  filter: WorkflowFilter,
  statuses: ReadonlyArray<WorkflowStatus>
): Stream.Stream<Journal.WorkflowRow, JournalError> => {
  const asked = toFilter(filter)
  const both = asked.statuses === null ? statuses : statuses.filter((status) => asked.statuses?.includes(status))
  return Stream.paginateChunkEffect(
    0,
    (after) =>
      Effect.map(journal.list({ filter: { ...asked, statuses: both }, after, limit: pageDefault }), (page) => [
        Chunk.fromIterable(page.map(({ workflow }) => workflow)),
        Option.map(Option.fromNullable(page.at(-1)), ({ place }) => place)
      ])
  )
}

/** `Service.allChanges`. */
export const changes = (journal: Journal.Service): Stream.Stream<WorkflowChange, JournalError> =>
  Stream.unwrap(Effect.map(journal.lastChange, (from) => {
    let after = from
    /** The last status of those that have not ended. */
    const known = new Map<string, WorkflowStatus>()
    const isNew = ({ id, status }: Journal.WorkflowRow): boolean => known.get(id) !== status
    const keep = (row: Journal.WorkflowRow) => {
      if (Row.hasEnded(row)) known.delete(row.id)
      else known.set(row.id, row.status)
    }
    const read = Stream.repeatEffectChunkOption(Effect.suspend(() =>
      Effect.flatMap(
        Effect.mapError(journal.changed({ after, limit: changesMax }), Option.some),
        (page) => {
          const last = page.at(-1)
          if (last === undefined) return Effect.fail(Option.none<JournalError>())
          after = last.place
          return Effect.succeed(Chunk.fromIterable(page.flatMap(({ workflow }) => {
            const change = isNew(workflow)
              ? [{ id: Key.decode(workflow.id), name: workflow.name, status: workflow.status }]
              : []
            keep(workflow)
            return change
          })))
        }
      )
    ))
    return Stream.flatMap(journal.committed, () => read)
  }))
