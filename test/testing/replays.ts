/**
 * A workflow that is recorded under some code, and checked against other code.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Schema } from "effect"
import type { Saga } from "../../src/index.ts"
import { Activity, Journal, SideEffect, Signal, Tempolite, Workflow } from "../../src/index.ts"
import { Testing } from "../../src/testing.ts"

export class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
export class Charge extends Activity.Tag<Charge>()("Charge", {
  payload: { cents: Schema.Int },
  success: Schema.String,
  error: Declined
}) {}
export class Refund extends Activity.Tag<Refund>()("Refund") {}
export class Invoice extends Activity.Tag<Invoice>()("Invoice", { queue: "invoices" }) {}
export class Drawn extends SideEffect.Tag<Drawn>()("Drawn", { success: Schema.Number }) {}
export class Child extends Workflow.Tag<Child>()("Child", { success: Schema.Number }) {}
export class Main extends Workflow.Tag<Main>()("Main", {
  payload: { cents: Schema.Int },
  success: Schema.Unknown,
  error: Declined
}) {}
export const Told = Signal.make("Told", { payload: { n: Schema.Number } })

type Requirements =
  | Charge
  | Refund
  | Invoice
  | Drawn
  | Child
  | Saga.Compensations
  | Workflow.Step<string>
  | Workflow.Execution
  | Workflow.Running<Main>
export type Body = (payload: { readonly cents: number }) => Effect.Effect<unknown, Declined, Requirements>

/** What the handlers do is up to the test. */
export const live = (body: Body, outside: (what: string) => Effect.Effect<void, Declined> = () => Effect.void) =>
  Main.layer(body).pipe(
    Layer.provideMerge(Child.layer(() => Effect.zipRight(Refund.execute("refund"), Drawn.record("drawn")))),
    Layer.provide([
      Charge.layer(({ cents }) => Effect.as(outside("Charge"), `receipt of ${cents}`)),
      Refund.layer(() => Effect.orDie(outside("Refund"))),
      Invoice.layer(() => Effect.orDie(outside("Invoice"))),
      Drawn.layer(Effect.as(Effect.orDie(outside("Drawn")), 4))
    ])
  )

type Ask<A> = Effect.Effect<A, never, Journal.Journal>

/** Lets a workflow run under some code until `isThere` says that it has got so far; then the process ends. */
export const record = (
  body: Body,
  isThere: (history: Journal.History) => boolean,
  meanwhile: Effect.Effect<unknown, unknown, Tempolite.Tempolite | Main> = Effect.void
): Ask<void> =>
  Effect.gen(function*() {
    const journal = yield* Journal.Journal
    yield* Main.start("m", { cents: 3 })
    yield* meanwhile
    for (let turns = 0; turns < 2_000; turns++) {
      const history = yield* journal.history("m")
      if (Option.exists(history, isThere)) return
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return assert.fail("it never got so far")
  }).pipe(
    Effect.provide(
      live(body).pipe(Layer.provideMerge(Tempolite.layer({ closeGrace: 0, queues: { invoices: {} } })))
    ),
    Effect.orDie
  )

export const waitsAt = (path: string) => ({ steps }: Journal.History) =>
  steps.some((step) => step.path === path && step.status === "Waiting")
export const hasEnded = ({ workflow }: Journal.History) =>
  workflow.status === "Completed" || workflow.status === "Failed" || workflow.status === "Cancelled"

/** Every row of a journal. */
const rowsOf = Effect.gen(function*() {
  const journal = yield* Journal.Journal
  const all = yield* journal.list({ filter: Journal.everything, after: 0, limit: 1_000 })
  const histories = yield* Effect.forEach(all, ({ workflow }) => journal.history(workflow.id))
  return { all, histories, requests: yield* journal.requests }
}).pipe(Effect.orDie)

/** Checks against other code, none of whose handlers may be called, and after which every row is as it was. */
export const check = (body: Body, filter?: Workflow.WorkflowFilter): Ask<Testing.ReplayReport> =>
  Effect.gen(function*() {
    const called: Array<string> = []
    const workflows = live(body, (what) => Effect.sync(() => void called.push(what)))
    const before = yield* rowsOf
    const report = yield* Effect.orDie(
      Testing.replayCheck(filter === undefined ? { workflows } : { workflows, filter })
    )
    assert.deepStrictEqual(called, [])
    assert.isAbove(before.all.length, 0)
    assert.deepStrictEqual(yield* rowsOf, before)
    return report
  })

export const reasonOf = (report: Testing.ReplayReport) => {
  const [first] = report.diverging
  assert.isDefined(first, String(report))
  return { key: Option.getOrNull(first.key), tag: first.reason._tag, message: first.reason.message }
}

export const verdictOf = (report: Testing.ReplayReport) => {
  const [first] = report.verdicts
  assert.strictEqual(first?._tag, "Replays", String(report))
  return first?._tag === "Replays" ? { next: first.next, starts: first.starts } : undefined
}

/** An engine says what it suspends. */
export const silently = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.provide(self, Logger.remove(Logger.defaultLogger))

export const charge = (cents = 3) => Charge.execute("charge", { cents })
export const wait = Workflow.sleep("cool-down", "365 days")
export const order: Body = () => Effect.zipRight(charge(), wait)
export const isWaiting = waitsAt("cool-down")
