/**
 * The laws of the orders in which workflows are listed: of creation, and of changes.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import type * as Layer from "effect/Layer"
import type * as Journal from "../../src/Journal.ts"
import {
  anyBatch,
  anyFilter,
  creation,
  everything,
  request,
  signal,
  stepRow,
  workflowRow
} from "../support/journalRows.ts"
import { held, type Test } from "./support.ts"

const idsOf = (placed: ReadonlyArray<Journal.Placed>) => placed.map(({ workflow }) => workflow.id)
const placesOf = (placed: ReadonlyArray<Journal.Placed>) => placed.map(({ place }) => place)

/** All that fit, page by page. */
const pages = (journal: Journal.Service, filter: Journal.Filter, limit: number) =>
  Effect.gen(function*() {
    const found: Array<Journal.Placed> = []
    while (true) {
      const page = yield* journal.list({ filter, after: found.at(-1)?.place ?? 0, limit })
      assert.isAtMost(page.length, limit)
      found.push(...page)
      if (page.length < limit) return found
    }
  })

const fits = (filter: Journal.Filter, signalled: ReadonlySet<string>) => (row: Journal.WorkflowRow): boolean =>
  [
    filter.statuses?.includes(row.status),
    filter.name === null || filter.name === row.name,
    filter.parentId === null || filter.parentId === (row.parentId ?? ""),
    filter.idPrefix === null || row.id.startsWith(filter.idPrefix),
    filter.createdFrom === null || filter.createdFrom <= row.createdAt,
    filter.createdBefore === null || row.createdAt < filter.createdBefore,
    filter.awakeAt === null || row.sleepsUntil === null || row.sleepsUntil <= filter.awakeAt || signalled.has(row.id)
  ].every((fit) => fit ?? true)

const lists = <E>(layer: Layer.Layer<Journal.Journal, E>, test: Test) =>
  describe("list", () => {
    it.effect.prop(
      "pages through those that fit, whatever is asked, in order of creation",
      [fc.array(anyBatch, { minLength: 1, maxLength: 6 }), fc.array(anyFilter, { maxLength: 8 }), fc.nat({ max: 4 })],
      ([batches, filters, limit]) =>
        Effect.gen(function*() {
          const { commit, journal } = yield* held
          const created: Array<string> = []
          for (const batch of batches) {
            yield* commit(batch)
            const ids = [...batch.created, ...batch.workflows].map(({ id }) => id)
            created.push(...ids.filter((id) => !created.includes(id)))
          }
          const rows = yield* Effect.forEach(created, (id) => Effect.flatten(journal.workflow(id)))
          const signalled = yield* Effect.filter(
            created,
            (id) => Effect.map(journal.signals(id, 0), (signals) => signals.length > 0)
          )
          for (const filter of [everything, ...filters]) {
            const found = yield* pages(journal, filter, limit + 1)
            assert.deepStrictEqual(
              found.map(({ workflow }) => workflow),
              rows.filter(fits(filter, new Set(signalled)))
            )
            assert.isTrue(placesOf(found).every((place, index, places) => place > (places[index - 1] ?? 0)))
          }
        }).pipe(Effect.scoped, Effect.provide(layer)),
      { fastCheck: { numRuns: 40 } }
    )

    it.effect.prop(
      "gives those that sleep in the order in which they wake, whole times at once",
      [fc.array(anyBatch, { minLength: 1, maxLength: 6 }), fc.nat({ max: 4 })],
      ([batches, limit]) =>
        Effect.gen(function*() {
          const { commit, journal } = yield* held
          for (const batch of batches) yield* commit(batch)
          const rows = yield* pages(journal, everything, 100)
          const sleepers = rows
            .flatMap(({ place, workflow: { id, sleepsUntil } }) =>
              sleepsUntil === null ? [] : [{ place, id, until: sleepsUntil }]
            )
            .toSorted((x, y) => x.until - y.until || x.place - y.place)
          const found: Array<Journal.Asleep> = []
          for (;;) {
            const after = found.at(-1)?.until ?? -1
            const page = yield* journal.asleep({ after, limit: limit + 1 })
            if (page.length === 0) break
            assert.isTrue(page.every(({ until }) => until > after))
            assert.isTrue(page.slice(limit + 1).every(({ until }) => until === page[limit]?.until))
            found.push(...page)
          }
          assert.deepStrictEqual(found, sleepers.map(({ id, until }) => ({ id, until })))
        }).pipe(Effect.scoped, Effect.provide(layer)),
      { fastCheck: { numRuns: 40 } }
    )

    const few = ["b", "a", "c", "order/1", "order/2", "orders", "#12", "100%", "1_0"]
    test(
      "has a filter for each thing that may be asked",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({
          created: few.map((id, index) =>
            workflowRow(id, {
              name: index % 2 === 0 ? "PlaceOrder" : "Ship",
              status: (["Running", "Completed", "Failed", "Suspended", "Cancelled"] as const)[index % 5]!,
              parentId: index < 6 ? null : "b",
              sleepsUntil: id.startsWith("order/") ? index : null,
              createdAt: 1000 + index
            })
          )
        })
        const found = (filter: Partial<Journal.Filter>) =>
          Effect.map(journal.list({ filter: { ...everything, ...filter }, after: 0, limit: 100 }), idsOf)
        assert.deepStrictEqual(yield* found({}), few)
        assert.deepStrictEqual(yield* found({ statuses: ["Running"] }), ["b", "orders"])
        assert.deepStrictEqual(yield* found({ statuses: ["Suspended", "Running"] }), ["b", "order/1", "orders", "1_0"])
        assert.deepStrictEqual(yield* found({ statuses: ["Failed", "Cancelled"] }), ["c", "order/2", "100%"])
        assert.deepStrictEqual(yield* found({ statuses: ["Running", "Failed"] }), ["b", "c", "orders", "100%"])
        assert.deepStrictEqual(yield* found({ statuses: ["Completed", "Running"] }), ["b", "a", "orders", "#12"])
        assert.deepStrictEqual(yield* found({ statuses: [] }), [])
        assert.deepStrictEqual(yield* found({ name: "Ship" }), ["a", "order/1", "orders", "100%"])
        assert.deepStrictEqual(yield* found({ parentId: "b" }), ["#12", "100%", "1_0"])
        assert.deepStrictEqual(yield* found({ parentId: "" }), few.slice(0, 6))
        assert.deepStrictEqual(yield* found({ parentId: "a" }), [])
        assert.deepStrictEqual(yield* found({ idPrefix: "order" }), ["order/1", "order/2", "orders"])
        assert.deepStrictEqual(yield* found({ idPrefix: "#" }), ["#12"])
        assert.deepStrictEqual(yield* found({ idPrefix: "1%" }), [])
        assert.deepStrictEqual(yield* found({ idPrefix: "" }), few)
        assert.deepStrictEqual(yield* found({ createdFrom: 1002, createdBefore: 1004 }), ["c", "order/1"])
        assert.deepStrictEqual(yield* found({ awakeAt: 2 }), few.filter((id) => !id.startsWith("order/")))
        assert.deepStrictEqual(yield* found({ idPrefix: "order", awakeAt: 3 }), ["order/1", "orders"])
        yield* commit({ signals: [signal("order/2", "Approved")] })
        assert.deepStrictEqual(yield* found({ idPrefix: "order", awakeAt: 3 }), ["order/1", "order/2", "orders"])
        assert.deepStrictEqual(yield* found({ idPrefix: "order", statuses: ["Running"], name: "Ship" }), ["orders"])
        assert.deepStrictEqual(yield* found({ parentId: "b", statuses: ["Failed"], createdFrom: 1007 }), ["100%"])
      })
    )

    test(
      "finds those that are created while it pages at the end, and each only once, however it changes",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: ["d", "c"].map((id) => workflowRow(id)) })
        const list = (after: number) => journal.list({ filter: everything, after, limit: 2 })
        const first = yield* list(0)
        assert.deepStrictEqual(idsOf(first), ["d", "c"])
        assert.strictEqual(first[0]?.place, 1)
        yield* commit({ created: [workflowRow("a")], workflows: [workflowRow("d", { attempt: 2 })] })
        yield* journal.submit(request("b"), creation(workflowRow("b")))
        const second = yield* list(first[1]!.place)
        assert.deepStrictEqual(idsOf(second), ["a", "b"])
        assert.deepStrictEqual(yield* list(second[1]!.place), [])
      })
    )

    test(
      "keeps the order of creation among those that ended and run again",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: ["c", "b", "a"].map((id) => workflowRow(id)) })
        yield* commit({ workflows: [workflowRow("b", { status: "Failed" }), workflowRow("c", { status: "Failed" })] })
        yield* commit({ workflows: [workflowRow("b"), workflowRow("c")] })
        const filter: Journal.Filter = { ...everything, statuses: ["Running"] }
        const found = yield* journal.list({ filter, after: 0, limit: 10 })
        assert.deepStrictEqual(idsOf(found), ["c", "b", "a"])
      })
    )
  })

const changes = (test: Test) =>
  describe("changed", () => {
    test(
      "returns each workflow that was written, once, as it is, in the order of the last changes",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: [workflowRow("a")] })
        yield* commit({ created: [workflowRow("b")] })
        yield* journal.submit(request("c"), creation(workflowRow("c")))
        yield* commit({ workflows: [workflowRow("a", { attempt: 2 })] })
        yield* commit({ created: [workflowRow("b", { attempt: 9 })], steps: [stepRow("b", "s")] })
        const found = yield* journal.changed({ after: 0, limit: 10 })
        assert.deepStrictEqual(
          found.map(({ workflow }) => workflow),
          [workflowRow("b"), workflowRow("c"), workflowRow("a", { attempt: 2 })]
        )
        assert.isTrue(placesOf(found).every((place, index, places) => place > (places[index - 1] ?? 0)))
        assert.strictEqual(yield* journal.lastChange, found[2]!.place)
        assert.deepStrictEqual(yield* journal.changed({ after: found[2]!.place, limit: 10 }), [])
        assert.deepStrictEqual(yield* journal.changed({ after: found[0]!.place, limit: 1 }), found.slice(1, 2))
      })
    )

    test(
      "of those that changed together returns all or none",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: ["a", "b", "c"].map((id) => workflowRow(id)) })
        yield* commit({ created: ["d", "e"].map((id) => workflowRow(id)) })
        const first = yield* journal.changed({ after: 0, limit: 1 })
        assert.sameMembers(idsOf(first), ["a", "b", "c"])
        const second = yield* journal.changed({ after: first.at(-1)!.place, limit: 1 })
        assert.sameMembers(idsOf(second), ["d", "e"])
        assert.sameMembers(idsOf(yield* journal.changed({ after: 0, limit: 4 })), ["a", "b", "c", "d", "e"])
      })
    )

    test(
      "returns to one who pages each that changes meanwhile",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        for (const id of ["a", "b", "c", "d"]) yield* commit({ created: [workflowRow(id)] })
        const first = yield* journal.changed({ after: 0, limit: 2 })
        assert.deepStrictEqual(idsOf(first), ["a", "b"])
        // One that was read, and one that was not.
        yield* commit({ workflows: [workflowRow("a", { attempt: 2 })] })
        yield* commit({ workflows: [workflowRow("c", { attempt: 2 })] })
        const second = yield* journal.changed({ after: first[1]!.place, limit: 2 })
        assert.deepStrictEqual(idsOf(second), ["d", "a"])
        const third = yield* journal.changed({ after: second[1]!.place, limit: 2 })
        assert.deepStrictEqual(third.map(({ workflow }) => workflow), [workflowRow("c", { attempt: 2 })])
        assert.strictEqual(yield* journal.lastChange, third[0]!.place)
      })
    )

    test(
      "goes on through thousands of changes of a few",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        yield* commit({ created: ["a", "b", "c"].map((id) => workflowRow(id)) })
        let after = yield* journal.lastChange
        for (let attempt = 2; attempt < 1000; attempt++) {
          const row = workflowRow(["a", "b"][attempt % 2]!, { attempt })
          yield* commit({ workflows: [row] })
          const found = yield* journal.changed({ after, limit: 10 })
          assert.deepStrictEqual(found.map(({ workflow }) => workflow), [row])
          after = found[0]!.place
          assert.strictEqual(yield* journal.lastChange, after)
        }
        assert.deepStrictEqual(idsOf(yield* journal.changed({ after: 0, limit: 10 })), ["c", "a", "b"])
      })
    )
  })

export const laws = <E>(layer: Layer.Layer<Journal.Journal, E>, test: Test) => {
  lists(layer, test)
  changes(test)
}
