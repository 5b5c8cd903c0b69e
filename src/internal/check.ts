/**
 * Every workflow of a journal, held to the laws of its rows.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { JournalError } from "../Errors.ts"
import { everything, type Service } from "../JournalModel.ts"
import * as Invariants from "./invariants.ts"

/** How many workflows are listed at a time. */
const pageMax = 100

/** What is wrong with one workflow; that its rows cannot be read is one thing. */
const ofWorkflow = (
  journal: Service,
  workflowId: string
): Effect.Effect<ReadonlyArray<Invariants.Violation>, JournalError> =>
  journal.history(workflowId).pipe(
    // It may have been forgotten since it was listed.
    Effect.map(Option.match({ onNone: () => [], onSome: Invariants.ofHistory })),
    Effect.catchAll((error) =>
      // What the database failed with is a cause; a row that says something else than it may has none.
      error.cause === undefined
        ? Effect.succeed([{ workflowId, path: null, law: "readable", message: error.message }])
        : error
    )
  )

export const check = (journal: Service): Stream.Stream<Invariants.Violation, JournalError> =>
  Stream.paginateChunkEffect(
    0,
    (after: number) =>
      Effect.map(journal.list({ filter: everything, after, limit: pageMax }), (page) => [
        Chunk.fromIterable(page),
        Option.map(Option.fromNullable(page.at(-1)), ({ place }) => place)
      ])
  ).pipe(
    Stream.mapEffect(({ workflow }) => ofWorkflow(journal, workflow.id)),
    Stream.mapConcat((violations) => violations)
  )
