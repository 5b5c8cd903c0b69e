/**
 * The laws of workflows that begin with steps.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { creation, request, stepRow, workflowRow } from "../support/journalRows.ts"
import { held, type Test } from "./support.ts"

export const laws = (test: Test) =>
  describe("submit of a fork", () => {
    const fork = workflowRow("fork", { forkedId: "w", forkedPath: "ship", status: "Pending" })
    const steps = ["charge", "reserve"].map((path, index) =>
      stepRow("fork", path, { status: "Completed", outcome: "1", seq: index + 1, at: 5, origin: "Forked" })
    )

    test(
      "writes the workflow with its steps, and returns the id of the request",
      Effect.gen(function*() {
        const { journal } = yield* held
        const answer = yield* journal.submit(request("fork", { kind: "Start" }), creation(fork, steps))
        const [asked] = yield* journal.requests
        assert.deepStrictEqual(answer, Either.right(asked!.id))
        assert.deepStrictEqual(
          yield* journal.history("fork"),
          Option.some({ workflow: fork, executions: [], steps, stepExecutions: [], signals: [] })
        )
        assert.deepStrictEqual(yield* journal.recorded("fork", 1), { executions: [], steps, openStepExecutions: [] })
      })
    )

    test(
      "writes no step and no request if its id is taken",
      Effect.gen(function*() {
        const { commit, journal } = yield* held
        const taken = workflowRow("fork", { status: "Failed" })
        yield* commit({ created: [taken], steps: [stepRow("fork", "charge")] })
        const change = yield* journal.lastChange
        const answer = yield* journal.submit(request("fork", { kind: "Start" }), creation(fork, steps))
        assert.deepStrictEqual(answer, Either.left(taken))
        assert.deepStrictEqual((yield* journal.recorded("fork", 1)).steps, [stepRow("fork", "charge")])
        assert.deepStrictEqual(yield* journal.requests, [])
        assert.strictEqual(yield* journal.lastChange, change)
      })
    )
  })
