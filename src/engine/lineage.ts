/**
 * A workflow's parent and those above it, the nearest first, be they taken on or not.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Journal from "../Journal.ts"
import { whenReadable } from "./backoff.ts"

/** `aboveOf` gives those above a workflow where they are known. */
export const lineage = (
  journal: Journal.Service,
  parentId: string | null,
  aboveOf: (id: string) => ReadonlyArray<string> | undefined
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    const ids: Array<string> = []
    for (let next = parentId; next !== null;) {
      ids.push(next)
      const known = aboveOf(next)
      if (known !== undefined) return [...ids, ...known]
      next = Option.match(yield* whenReadable(journal.workflow(next)), {
        onNone: () => null,
        onSome: (row) => row.parentId
      })
    }
    return ids
  })
