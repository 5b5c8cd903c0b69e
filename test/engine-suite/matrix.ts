/**
 * What becomes of a workflow, wherever it is, when it is cancelled, held, closed or killed: all of it, written down by
 * hand.
 */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import { Journal, Signal, Tempolite, Workflow, WorkflowCancelled } from "../../src/index.ts"
import {
  act,
  type Bodies,
  Broken,
  called,
  done,
  everyCrash,
  fails,
  id,
  Kid,
  open,
  Outside,
  type Process,
  rows,
  settle,
  statusOf,
  testOn,
  until
} from "./lab.ts"

const Go = Signal.make("Go")

type Act = Effect.Effect<void, unknown, Journal.Journal | Scope.Scope>

/** Where a workflow is when something is done to it. */
interface Situation {
  readonly bodies: Bodies
  /** What the outside does not let end. */
  readonly held: ReadonlyArray<string>
  /** Waits until the workflow is there. */
  readonly reached: (process: Process, outside: Outside) => Act
  /** Lets come what it waits for. */
  readonly goOn: (process: Process, outside: Outside) => Act
}

const release = (...names: ReadonlyArray<string>) => (_: Process, outside: Outside) =>
  Effect.sync(() => {
    for (const name of names) outside.release(name)
  })

const calls = (...names: ReadonlyArray<string>) => (_: Process, outside: Outside) => called(outside, ...names)

/** The steps are on record. */
const asks = (...paths: ReadonlyArray<string>) =>
  until(
    `it asks for ${paths.join()}`,
    Effect.gen(function*() {
      const { history } = yield* Journal.Journal
      const known = Option.match(yield* history(id), { onNone: () => [], onSome: ({ steps }) => steps })
      return paths.every((path) => known.some((row) => row.path === path))
    })
  )

const send = ({ run }: Process) => run(Go.send(id))

const cancel = (process: Process) => Effect.flatMap(process.start, (info) => info.cancel)

const situations = {
  "while it runs an activity": {
    bodies: { main: Effect.zipRight(done("a"), Effect.zipRight(act("b"), act("c"))) },
    held: ["b"],
    reached: calls("b"),
    goOn: release("b")
  },
  "while it sleeps": {
    bodies: { main: Effect.zipRight(done("a"), Effect.zipRight(Workflow.sleep("nap", "1 hour"), act("c"))) },
    held: [],
    reached: () => asks("nap"),
    goOn: () => TestClock.adjust("1 hour")
  },
  "while it waits for a signal": {
    bodies: { main: Effect.zipRight(done("a"), Effect.zipRight(Go.await("go"), act("c"))) },
    held: [],
    reached: () => asks("go"),
    goOn: send
  },
  "in branches that do all of this": {
    bodies: {
      main: Effect.zipRight(
        Effect.zipRight(
          done("a"),
          Effect.all([done("b"), act("x"), Workflow.sleep("nap", "1 hour"), Go.await("go")], {
            concurrency: "unbounded"
          })
        ),
        act("c")
      )
    },
    held: ["x"],
    reached: (_, outside) => Effect.zipRight(called(outside, "b", "x"), asks("nap", "go")),
    goOn: (process, outside) =>
      Effect.all([release("x")(process, outside), send(process), TestClock.adjust("1 hour")], { discard: true })
  },
  "while its sub-workflow runs": {
    bodies: {
      main: Effect.zipRight(done("a"), Effect.zipRight(Kid.child("kid"), act("c"))),
      kid: Effect.zipRight(done("x"), act("y"))
    },
    held: ["kid/y"],
    reached: calls("kid/y"),
    goOn: release("kid/y")
  },
  "while it undoes what a failure left": {
    bodies: { main: Effect.zipRight(done("a"), Effect.zipRight(done("b"), fails)) },
    held: ["u-b"],
    reached: calls("u-b"),
    goOn: release("u-b")
  },
  "while it undoes what a cancel left": {
    bodies: { main: Effect.zipRight(done("a"), Effect.zipRight(done("b"), Workflow.sleep("nap", "1 hour"))) },
    held: ["u-b"],
    reached: (process, outside) =>
      Effect.zipRight(asks("nap"), Effect.zipRight(cancel(process), called(outside, "u-b"))),
    goOn: release("u-b")
  }
} satisfies Record<string, Situation>

type Treatment = (
  process: Process,
  situation: Situation,
  outside: Outside
) => Effect.Effect<Process, unknown, Journal.Journal | Scope.Scope>

const isCancelled: Treatment = (process, _, outside) =>
  Effect.gen(function*() {
    yield* cancel(process)
    // What is undone is not interrupted.
    yield* release("u-b")(process, outside)
    return process
  })

/** Holds it, and all that is below. */
const isHeld: Treatment = (process, { bodies }, outside) =>
  Effect.gen(function*() {
    const before = [...outside.log]
    yield* Effect.flatMap(process.start, (info) => info.pause)
    assert.strictEqual(yield* statusOf(), "Paused")
    if (bodies.kid !== undefined) assert.strictEqual(yield* statusOf("w\\/kid"), "Paused")
    yield* settle
    assert.deepStrictEqual(outside.log, before)
    return process
  })

/** Lets come what it waits for, which changes nothing while it is held, and lets it go on. */
const isResumed: Treatment = (process, situation, outside) =>
  Effect.gen(function*() {
    const before = [...outside.log]
    yield* situation.goOn(process, outside)
    yield* settle
    assert.deepStrictEqual(outside.log, before)
    assert.strictEqual(yield* statusOf(), "Paused")
    yield* Effect.flatMap(process.start, (info) => info.resume)
    return process
  })

const isReopened: Treatment = (_, situation, outside) =>
  Effect.gen(function*() {
    for (const name of situation.held) outside.release(name)
    const process = yield* open(outside, situation.bodies)
    yield* settle
    yield* Effect.ignore(situation.goOn(process, outside))
    return process
  })

/** What is done to it, so that it ends. */
const treatments = {
  cancel: isCancelled,
  "pause, resume": (...all) => Effect.zipRight(isHeld(...all), isResumed(...all)),
  "pause, cancel": (...all) => Effect.zipRight(isHeld(...all), isCancelled(...all)),
  "close, reopen": (process, ...all) => Effect.zipRight(process.close, isReopened(process, ...all)),
  "kill, reopen": (process, ...all) => Effect.zipRight(process.kill, isReopened(process, ...all))
} satisfies Record<string, Treatment>

/** What is seen in the end. */
interface Cell {
  readonly exit: Exit.Exit<unknown, unknown>
  /** Each workflow, its steps, and those of what is below: the status, and those of its executions. */
  readonly journal: ReadonlyArray<string>
  /** The calls to the outside, in their order. */
  readonly calls: string
}

const cancelled = Exit.fail(new WorkflowCancelled({ workflowId: id }))
const failed = Exit.fail(new Broken({ key: "body" }))
const completed = Exit.succeed("<c>")

const activity = {
  undone: {
    exit: cancelled,
    journal: [
      "w Cancelled: Cancelled",
      "  a Compensated: Completed",
      "  b Cancelled: Cancelled",
      "  u-a Completed: Completed"
    ],
    calls: "a b u-a"
  },
  done: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  b Completed: Completed",
      "  c Completed: Completed"
    ],
    calls: "a b c"
  },
  doneAgain: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  b Completed: Lost, Completed",
      "  c Completed: Completed"
    ],
    calls: "a b b c"
  }
}

const sleep = {
  undone: {
    exit: cancelled,
    journal: ["w Cancelled: Cancelled", "  a Compensated: Completed", "  nap Cancelled", "  u-a Completed: Completed"],
    calls: "a u-a"
  },
  done: {
    exit: completed,
    journal: ["w Completed: Completed", "  a Completed: Completed", "  nap Completed", "  c Completed: Completed"],
    calls: "a c"
  }
}

const signal = {
  undone: {
    exit: cancelled,
    journal: ["w Cancelled: Cancelled", "  a Compensated: Completed", "  go Cancelled", "  u-a Completed: Completed"],
    calls: "a u-a"
  },
  done: {
    exit: completed,
    journal: ["w Completed: Completed", "  a Completed: Completed", "  go Completed", "  c Completed: Completed"],
    calls: "a c"
  }
}

const branches = {
  undone: {
    exit: cancelled,
    journal: [
      "w Cancelled: Cancelled",
      "  a Compensated: Completed",
      "  b Compensated: Completed",
      "  x Cancelled: Cancelled",
      "  nap Cancelled",
      "  go Cancelled",
      "  u-b Completed: Completed",
      "  u-a Completed: Completed"
    ],
    calls: "a b x u-b u-a"
  },
  done: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  b Completed: Completed",
      "  x Completed: Completed",
      "  nap Completed",
      "  go Completed",
      "  c Completed: Completed"
    ],
    calls: "a b x c"
  },
  doneAgain: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  b Completed: Completed",
      "  x Completed: Lost, Completed",
      "  nap Completed",
      "  go Completed",
      "  c Completed: Completed"
    ],
    calls: "a b x x c"
  }
}

const child = {
  undone: {
    exit: cancelled,
    journal: [
      "w Cancelled: Cancelled",
      "  a Compensated: Completed",
      "  kid Cancelled",
      "  u-a Completed: Completed",
      "w/kid Cancelled: Cancelled",
      "  x Compensated: Completed",
      "  y Cancelled: Cancelled",
      "  u-x Completed: Completed"
    ],
    calls: "a kid/x kid/y kid/u-x u-a"
  },
  done: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  kid Completed",
      "  c Completed: Completed",
      "w/kid Completed: Completed",
      "  x Completed: Completed",
      "  y Completed: Completed"
    ],
    calls: "a kid/x kid/y c"
  },
  doneAgain: {
    exit: completed,
    journal: [
      "w Completed: Completed",
      "  a Completed: Completed",
      "  kid Completed",
      "  c Completed: Completed",
      "w/kid Completed: Completed",
      "  x Completed: Completed",
      "  y Completed: Lost, Completed"
    ],
    calls: "a kid/x kid/y kid/y c"
  }
}

/** The body has ended: no cancel changes any more what it ended with. */
const failure = {
  undone: {
    exit: failed,
    journal: [
      "w Failed: Failed",
      "  a Compensated: Completed",
      "  b Compensated: Completed",
      "  u-b Completed: Completed",
      "  u-a Completed: Completed"
    ],
    calls: "a b u-b u-a"
  },
  undoneAgain: {
    exit: failed,
    journal: [
      "w Failed: Failed",
      "  a Compensated: Completed",
      "  b Compensated: Completed",
      "  u-b Completed: Lost, Completed",
      "  u-a Completed: Completed"
    ],
    calls: "a b u-b u-b u-a"
  }
}

const undoing = {
  undone: {
    exit: cancelled,
    journal: [
      "w Cancelled: Cancelled",
      "  a Compensated: Completed",
      "  b Compensated: Completed",
      "  nap Cancelled",
      "  u-b Completed: Completed",
      "  u-a Completed: Completed"
    ],
    calls: "a b u-b u-a"
  },
  undoneAgain: {
    exit: cancelled,
    journal: [
      "w Cancelled: Cancelled",
      "  a Compensated: Completed",
      "  b Compensated: Completed",
      "  nap Cancelled",
      "  u-b Completed: Lost, Completed",
      "  u-a Completed: Completed"
    ],
    calls: "a b u-b u-b u-a"
  }
}

const matrix: Record<keyof typeof situations, Record<keyof typeof treatments, Cell>> = {
  "while it runs an activity": {
    cancel: activity.undone,
    "pause, resume": activity.done,
    "pause, cancel": activity.undone,
    "close, reopen": activity.doneAgain,
    "kill, reopen": activity.doneAgain
  },
  "while it sleeps": {
    cancel: sleep.undone,
    "pause, resume": sleep.done,
    "pause, cancel": sleep.undone,
    "close, reopen": sleep.done,
    "kill, reopen": sleep.done
  },
  "while it waits for a signal": {
    cancel: signal.undone,
    "pause, resume": signal.done,
    "pause, cancel": signal.undone,
    "close, reopen": signal.done,
    "kill, reopen": signal.done
  },
  "in branches that do all of this": {
    cancel: branches.undone,
    "pause, resume": branches.done,
    "pause, cancel": branches.undone,
    "close, reopen": branches.doneAgain,
    "kill, reopen": branches.doneAgain
  },
  "while its sub-workflow runs": {
    cancel: child.undone,
    "pause, resume": child.done,
    "pause, cancel": child.undone,
    "close, reopen": child.doneAgain,
    "kill, reopen": child.doneAgain
  },
  "while it undoes what a failure left": {
    cancel: failure.undone,
    "pause, resume": failure.undone,
    "pause, cancel": failure.undone,
    "close, reopen": failure.undoneAgain,
    "kill, reopen": failure.undoneAgain
  },
  "while it undoes what a cancel left": {
    cancel: undoing.undone,
    "pause, resume": undoing.undone,
    "pause, cancel": undoing.undone,
    "close, reopen": undoing.undoneAgain,
    "kill, reopen": undoing.undoneAgain
  }
}

/** Whether what comes while it is held has another place in the order if that is recorded later. */
const isRecordedWhileHeld = (where: keyof typeof situations, what: keyof typeof treatments): boolean =>
  where === "in branches that do all of this" && what === "pause, resume"

/** What is tried with a crash at every commit. */
const crashed: { readonly [Where in keyof typeof situations]?: ReadonlyArray<"cancel" | "pause, cancel"> } = {
  "while it runs an activity": ["cancel"],
  "in branches that do all of this": ["cancel"],
  "while its sub-workflow runs": ["cancel", "pause, cancel"],
  "while it undoes what a failure left": ["cancel", "pause, cancel"],
  "while it undoes what a cancel left": ["cancel"]
}

const line = (name: string, status: string, executions: ReadonlyArray<{ readonly status: string }>): string =>
  executions.length === 0 ? `${name} ${status}` : `${name} ${status}: ${executions.map((one) => one.status).join(", ")}`

const lines = (workflow: Workflow.WorkflowDescription): ReadonlyArray<string> => [
  line(String(workflow.id), workflow.status, workflow.executions),
  ...workflow.steps.map((step) => line(`  ${step.path.join("/")}`, step.status, step.executions)),
  ...workflow.children.flatMap(lines)
]

/** The lines without the attempts: those depend on where the process died. */
const outcomes = (journal: ReadonlyArray<string>) => journal.map((line) => line.replace(/:.*/, ""))

const isUndo = (call: string) => /(^|\/)u-\w+$/.test(call)

/** Does the same in each process, as far as it still can be done. */
const attempt =
  (situation: Situation, isPaused: boolean) =>
  (process: Process, outside: Outside): Effect.Effect<void, never, Journal.Journal | Scope.Scope> =>
    Effect.gen(function*() {
      yield* situation.reached(process, outside)
      const info = yield* process.start
      if (isPaused) yield* Effect.ignore(info.pause)
      yield* info.cancel
      yield* until("it is cancelled", Effect.map(rows(), ({ workflow }) => workflow.cancelSeq !== null))
      outside.release("u-b")
    }).pipe(Effect.catchAllCause(() => Effect.void))

export const suite = <E>(name: string, layer: Layer.Layer<Journal.Journal, E>) =>
  describe(`the matrix (${name})`, () => {
    const test = testOn(layer)

    for (const where of Struct.keys(situations)) {
      const situation: Situation = situations[where]
      describe(where, () => {
        for (const what of Struct.keys(treatments)) {
          test(
            what,
            (outside) =>
              Effect.gen(function*() {
                const expected = matrix[where][what]
                outside.hold(...situation.held)
                const first = yield* open(outside, situation.bodies)
                yield* first.start
                yield* situation.reached(first, outside)
                yield* settle
                const last = yield* treatments[what](first, situation, outside)
                assert.deepStrictEqual(yield* last.result, expected.exit)
                const service = yield* last.run(Tempolite.Tempolite)
                assert.deepStrictEqual(lines(yield* service.describe(id)), expected.journal)
                assert.strictEqual(outside.log.filter((entry) => !entry.includes("cut")).join(" "), expected.calls)
                assert.deepStrictEqual(outside.again, [])
              }),
            isRecordedWhileHeld(where, what)
              ? { except: { crash: "what is paused has no run after a restart, and records nothing" } }
              : {}
          )
        }

        for (const what of crashed[where] ?? []) {
          it.effect(`${what}, and a crash anywhere: it comes out the same`, () =>
            Effect.gen(function*() {
              const expected = matrix[where][what]
              const all = yield* everyCrash(layer, {
                bodies: situation.bodies,
                outside: () => new Outside().hold(...situation.held),
                meanwhile: attempt(situation, what !== "cancel")
              })
              assert.isAbove(all.at(-1)?.commits ?? 0, 3)
              for (const { commits, description, exit, outside } of all) {
                const at = `after ${commits} commits`
                assert.deepStrictEqual(exit, expected.exit, at)
                assert.deepStrictEqual(
                  outside.once.filter(isUndo),
                  expected.calls.split(" ").filter(isUndo),
                  at
                )
                assert.deepStrictEqual(outside.again, [], at)
                assert.sameMembers(outcomes(lines(description)), outcomes(expected.journal), at)
              }
            }))
        }
      })
    }
  })
