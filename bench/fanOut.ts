/**
 * j: a workflow with ten thousand sub-workflows, each of one activity.
 */
import { Array, Effect, Layer, Option, Schema } from "effect"
import { Workflow } from "../src/index.ts"
import { atLeast, type Benchmark } from "./benchmark.ts"
import * as Limit from "./limit.ts"
import * as Programs from "./programs.ts"
import * as Task from "./task.ts"

class Parent extends Workflow.Tag<Parent>()("Parent", { payload: { n: Schema.Int }, success: Schema.Int }) {}

const ParentLive = Parent.layer(({ n }) =>
  Effect.forEach(Programs.of(n), (index) => Programs.Sequence.child(`child-${index}`, { n: 1 }), {
    concurrency: "unbounded"
  }).pipe(Effect.orDie, Effect.map((sums) => sums.length))
).pipe(Layer.provide(Programs.SequenceLive))

const fanOut = Task.make("fan-out", {
  params: Schema.Struct({ filename: Schema.String, children: Schema.Int }),
  result: Schema.Struct({ millis: Schema.Number }),
  run: ({ children, filename }) =>
    Effect.gen(function*() {
      const { context } = yield* Programs.open(ParentLive, Programs.journal(filename, "full"))
      const execute = (id: string, n: number) => Programs.expect(Parent.execute(id, { n }), n)
      return yield* Effect.gen(function*() {
        yield* execute("first", 100)
        const [millis] = yield* Programs.timed(execute("j", children))
        return { millis }
      }).pipe(Effect.provide(context))
    })
})

const endsAtOnce = 100

/** The children are created in one commit, and end a hundred in a commit, with the steps of their parent. */
const plan: Limit.Plan = (workflows) => {
  const [parent, ...children] = workflows
  const stepOfParent = (index: number) => Option.toArray(Array.get(parent?.steps ?? [], index))
  return [
    [parent, ...children].flatMap((workflow) =>
      workflow === undefined ? [] : [Limit.insert(Limit.tables.workflow, workflow.row)]
    ),
    ...Array.chunksOf(children.map((child, index) => ({ child, index })), endsAtOnce).map((batch) =>
      batch.flatMap(({ child, index }) => [
        ...child.steps.flatMap(Limit.insertStep),
        ...Limit.end(child),
        ...stepOfParent(index).flatMap(Limit.insertStep)
      ])
    ),
    parent === undefined ? [] : Limit.end(parent)
  ]
}

const limit = Limit.task("fan-out-limit", plan)

export const j: Benchmark = {
  name: "j",
  title: "one workflow with 10,000 sub-workflows",
  tasks: [fanOut, limit],
  measure: ({ file, size }) =>
    Effect.gen(function*() {
      const [filename, children] = [file("fan-out.db"), size(10_000, 500)]
      const { millis } = yield* fanOut.inChild({ filename, children })
      const bare = yield* limit.inChild({ source: filename, prefix: "j", durability: "full" })
      return [{
        name: "sub-workflows",
        unit: "/s",
        value: children / millis * 1_000,
        limit: { of: "bare SQLite, batches of 100", value: children / bare.millis * 1_000 },
        goals: [atLeast(1_500)]
      }]
    })
}
