/**
 * The workflows of the journal in memory: in order of creation, and in order of their last changes.
 */
import type { Asleep, Filter, Placed, WorkflowRow } from "../JournalModel.ts"
import { isEnded } from "./status.ts"

/** A workflow, and where it stands in both orders. */
interface Kept {
  readonly created: number
  changed: number
  row: WorkflowRow
}

/** That `kept` was changed; so it is no more once it was changed again. */
interface Change {
  readonly place: number
  readonly kept: Kept
}

/** The index of the first item whose place is greater than `after`, in what is sorted by place. */
const behind = <A>(items: ReadonlyArray<A>, place: (item: A) => number, after: number): number => {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && place(item) <= after) low = middle + 1
    else high = middle
  }
  return low
}

const fits = (filter: Filter, hasSignal: (id: string) => boolean) => (row: WorkflowRow): boolean =>
  (filter.statuses === null || filter.statuses.includes(row.status)) &&
  (filter.name === null || row.name === filter.name) &&
  (filter.parentId === null || (row.parentId ?? "") === filter.parentId) &&
  (filter.idPrefix === null || row.id.startsWith(filter.idPrefix)) &&
  (filter.createdFrom === null || row.createdAt >= filter.createdFrom) &&
  (filter.createdBefore === null || row.createdAt < filter.createdBefore) &&
  (filter.awakeAt === null || row.sleepsUntil === null || row.sleepsUntil <= filter.awakeAt || hasSignal(row.id))

const createdOf = (kept: Kept): number => kept.created
const byCreation = (one: Kept, other: Kept): number => one.created - other.created

export const make = (hasSignal: (id: string) => boolean) => {
  const byId = new Map<string, Kept>()
  const unfinished = new Set<Kept>()
  const sleeping = new Set<Kept>()
  const childrenOf = new Map<string, Set<Kept>>()
  /** In order of creation. */
  let all: Array<Kept> = []
  /** In order of changes; thinned out when most are no more. */
  let changes: Array<Change> = []
  let [created, changed] = [0, 0]

  const isLast = ({ kept, place }: Change): boolean => kept.changed === place

  const index = (kept: Kept) => {
    if (isEnded(kept.row.status)) unfinished.delete(kept)
    else unfinished.add(kept)
    if (kept.row.sleepsUntil === null) sleeping.delete(kept)
    else sleeping.add(kept)
    if (kept.row.parentId === null) return
    const children = childrenOf.get(kept.row.parentId)
    if (children === undefined) childrenOf.set(kept.row.parentId, new Set([kept]))
    else children.add(kept)
  }

  /** The `number` of a row in its call, from 1, makes its place, so that both journals give the same ones. */
  const write = (rows: ReadonlyArray<readonly [number: number, row: WorkflowRow]>) => {
    const before = created
    if (rows.length > 0) changed++
    for (const [number, row] of rows) {
      let kept = byId.get(row.id)
      if (kept === undefined) {
        created = before + number
        kept = { created, changed, row }
        byId.set(row.id, kept)
        all.push(kept)
      }
      kept.row = row
      kept.changed = changed
      changes.push({ place: changed, kept })
      index(kept)
    }
    if (changes.length > 2 * all.length + 100) changes = changes.filter(isLast)
  }

  const numbered = (rows: ReadonlyArray<WorkflowRow>) => rows.map((row, index) => [index + 1, row] as const)

  const childrenKept = (id: string): Array<Kept> =>
    Array.from(childrenOf.get(id) ?? []).filter(({ row }) => row.parentId === id)

  /** Those that can fit, in order of creation. */
  const candidates = (filter: Filter, after: number): ReadonlyArray<Kept> => {
    if (filter.parentId !== null && filter.parentId !== "") return childrenKept(filter.parentId).sort(byCreation)
    return filter.statuses?.every((status) => !isEnded(status)) === true
      ? Array.from(unfinished).filter((kept) => kept.created > after).sort(byCreation)
      : all
  }

  /** It and everything below it. */
  const treeOf = (root: Kept): Set<Kept> => {
    const tree = new Set([root])
    for (const { row } of tree) for (const child of childrenKept(row.id)) tree.add(child)
    return tree
  }

  const forget = (kept: Kept) => {
    byId.delete(kept.row.id)
    sleeping.delete(kept)
    kept.changed = 0
    childrenOf.delete(kept.row.id)
    if (kept.row.parentId !== null) childrenOf.get(kept.row.parentId)?.delete(kept)
  }

  return {
    get: (id: string): WorkflowRow | undefined => byId.get(id)?.row,
    put: (rows: ReadonlyArray<WorkflowRow>) => write(numbered(rows)),
    /** Puts those whose ids are free, and returns the others as they are. */
    create: (rows: ReadonlyArray<WorkflowRow>): Array<WorkflowRow> => {
      const existing = rows.flatMap(({ id }) => byId.get(id)?.row ?? [])
      write(numbered(rows).filter(([, { id }]) => !byId.has(id)))
      return existing
    },
    children: (id: string): Array<WorkflowRow> => childrenKept(id).sort(byCreation).map(({ row }) => row),
    list: (filter: Filter, after: number, limit: number): Array<Placed> => {
      const found: Array<Placed> = []
      const isMeant = fits(filter, hasSignal)
      const from = candidates(filter, after)
      for (let next = behind(from, createdOf, after); next < from.length && found.length < limit; next++) {
        const kept = from[next]
        if (kept !== undefined && isMeant(kept.row)) found.push({ place: kept.created, workflow: kept.row })
      }
      return found
    },
    changed: (after: number, limit: number): Array<Placed> => {
      const found: Array<Change> = []
      for (let next = behind(changes, ({ place }) => place, after); next < changes.length; next++) {
        const change = changes[next]
        if (change === undefined || !isLast(change)) continue
        if (found.length >= limit && change.place !== found.at(-1)?.place) break
        found.push(change)
      }
      return found
        .sort((one, other) => one.place - other.place || byCreation(one.kept, other.kept))
        .map(({ kept, place }) => ({ place, workflow: kept.row }))
    },
    asleep: (after: number, limit: number): Array<Asleep> => {
      const sleepers = Array.from(sleeping)
        .map(({ created, row }) => ({ created, id: row.id, until: row.sleepsUntil ?? 0 }))
        .filter(({ until }) => until > after)
        .sort((one, other) => one.until - other.until || one.created - other.created)
      const last = sleepers[limit - 1]
      return sleepers
        .filter(({ until }) => last === undefined || until <= last.until)
        .map(({ id, until }) => ({ id, until }))
    },
    lastChange: () => changed,
    /** Forgets up to `limit` trees, and returns the ids of all that was in them. */
    prune: (options: { readonly before: number; readonly limit: number; readonly keeps: (id: string) => boolean }) => {
      const endedAt = ({ row }: Kept): number => isEnded(row.status) ? row.finishedAt ?? Infinity : Infinity
      const roots = all
        .filter((kept) =>
          endedAt(kept) < options.before && (kept.row.parentId === null || !byId.has(kept.row.parentId))
        )
        .sort((one, other) => endedAt(one) - endedAt(other) || byCreation(one, other))
      const forgotten = new Set<Kept>()
      let trees = 0
      for (const root of roots) {
        if (trees >= options.limit) break
        const tree = treeOf(root)
        if (Array.from(tree).some(({ row }) => !isEnded(row.status) || options.keeps(row.id))) continue
        trees++
        for (const kept of tree) forgotten.add(kept)
      }
      forgotten.forEach(forget)
      if (forgotten.size > 0) {
        all = all.filter((kept) => !forgotten.has(kept))
        changes = changes.filter(isLast)
      }
      return Array.from(forgotten, ({ row }) => row.id)
    }
  }
}
