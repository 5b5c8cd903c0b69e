import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import { Activity, Journal, Tempolite, Workflow, WorkflowCancelled } from "../../src/index.ts"

class Act extends Activity.Tag<Act>()("Act") {}
class Child extends Workflow.Tag<Child>()("Child", { success: Schema.String }) {}
class Parent extends Workflow.Tag<Parent>()("Parent", { success: Schema.String, error: WorkflowCancelled }) {}

const engine = Parent.layer(() => Effect.zipLeft(Child.child("child"), Act.execute("after"))).pipe(
  Layer.provide(Child.layer(() => Effect.as(Act.execute("step"), "done"))),
  Layer.provide(Act.layer(() => Effect.void)),
  Layer.provideMerge(Tempolite.layer())
)

const run = (journal: Journal.Service) =>
  Effect.scoped(
    Effect.provide(Parent.execute("parent"), Layer.provide(engine, Layer.succeed(Journal.Journal, journal)))
  )

const memory = Effect.map(Effect.scoped(Layer.build(Layer.fresh(Journal.layerMemory))), Context.get(Journal.Journal))

/** What a run commits, from the first batch to the last. */
const committed = Effect.gen(function*() {
  const journal = yield* memory
  const batches: Array<Journal.Batch> = []
  yield* run({
    ...journal,
    commit: (lease, batch) => Effect.tap(journal.commit(lease, batch), () => Effect.sync(() => batches.push(batch)))
  })
  return batches
})

/** What must not be: a step that is recorded twice, a workflow that is created though it is there. */
const complaintsOf = (batches: ReadonlyArray<Journal.Batch>): ReadonlyArray<string> => {
  const seqs = new Map<string, number>()
  return batches.flatMap(({ created, steps, workflows }) => [
    ...steps.flatMap(({ path, seq, workflowId }) => {
      const step = `${workflowId}: ${path}`
      const before = seqs.get(step)
      if (seq !== null) seqs.set(step, seq)
      return before === undefined || before === seq ? [] : [`${step} was ${before} and is ${String(seq)}`]
    }),
    ...created.filter(({ id }) => workflows.some((row) => row.id === id)).map(({ id }) =>
      `${id} is created and written`
    )
  ])
}

const isChildEnded = ({ workflows }: Journal.Batch) =>
  workflows.some(({ name, status }) => name === Child.key && status === "Completed")

describe("a parent and its sub-workflow, both of which go on after a crash", () => {
  for (const moment of ["at once", "while the end of the other is written", "when that is written"]) {
    it.live(`record the end of the sub-workflow once, if the parent is read ${moment}`, () =>
      Effect.gen(function*() {
        const past = yield* committed
        const crash = past.findIndex(({ created }) => created.some(({ name }) => name === Child.key)) + 1
        const journal = yield* memory
        yield* Effect.scoped(
          Effect.flatMap(journal.acquire(1), (lease) =>
            Effect.forEach(past.slice(0, crash), (batch) => journal.commit(lease, batch)))
        )
        const ready = yield* Effect.makeLatch(moment === "at once")
        const batches = past.slice(0, crash)
        const result = yield* run({
          ...journal,
          recorded: (id, generation) =>
            Effect.zipRight(id === "parent" ? ready.await : Effect.void, journal.recorded(id, generation)),
          commit: (lease, batch) =>
            Effect.gen(function*() {
              batches.push(batch)
              if (!isChildEnded(batch)) {
                return yield* journal.commit(lease, batch)
              }
              if (moment === "while the end of the other is written") {
                yield* ready.open
              }
              const existing = yield* Effect.delay(journal.commit(lease, batch), "50 millis")
              yield* ready.open
              return existing
            })
        })
        assert.strictEqual(result, "done")
        assert.isTrue(batches.slice(crash).some(isChildEnded))
        assert.deepStrictEqual(complaintsOf(batches), [])
      }))
  }
})
