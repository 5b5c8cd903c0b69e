/**
 * What can be asked of a journal from outside, with or without an engine in this process.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Engine, Service } from "../Engine.ts"
import {
  InvalidPayload,
  InvalidStatus,
  type JournalError,
  StepNotFound,
  WorkflowConflict,
  WorkflowNotFound
} from "../Errors.ts"
import {
  type Key as StepKey,
  type WorkflowDescription,
  type WorkflowFilter,
  type WorkflowId,
  WorkflowStatus
} from "../Info.ts"
import * as Codec from "../internal/codec.ts"
import { finite } from "../internal/duration.ts"
import { makeInfo } from "../internal/info.ts"
import * as Json from "../internal/json.ts"
import * as Key from "../internal/key.ts"
import { isEnded } from "../internal/status.ts"
import type * as Journal from "../Journal.ts"
import * as Children from "./children.ts"
import * as Commands from "./commands.ts"
import { describe } from "./describe.ts"
import * as Listing from "./listing.ts"
import { existing } from "./lookup.ts"
import * as Row from "./rows.ts"

/** How many requests of one call are under way at once. */
const requestsMax = 16
/** How many workflows are forgotten in one transaction. */
const pruneMax = 200

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

/** The statuses of a workflow as they are committed, to the last. */
const changes = (journal: Journal.Service, id: WorkflowId): ReturnType<Service["changes"]> =>
  journal.committed.pipe(
    Stream.mapEffect(() => existing(journal, id)),
    Stream.map((row) => row.status),
    Stream.changes,
    Stream.takeUntil(isEnded)
  )

/** The description of a workflow and of everything below it. */
const describeTree = (
  journal: Journal.Service,
  id: string
): Effect.Effect<Option.Option<WorkflowDescription>, JournalError> =>
  Effect.gen(function*() {
    const history = yield* journal.history(id)
    if (Option.isNone(history)) return Option.none()
    const children = yield* Effect.forEach(yield* journal.children(id), (row) => describeTree(journal, row.id))
    return Option.some(describe(history.value, children.flatMap(Option.toArray)))
  })

const pathOf = (key: StepKey | ReadonlyArray<StepKey>): string =>
  (typeof key === "string" || typeof key === "number" ? [key] : key).map(Key.encode).join("/")

/** The client on an engine. Requests go through the journal, whichever process the engine is in. */
export const make = (journal: Journal.Service, engine: Engine): Service => {
  /** Asks for something that the status of the workflow allows, considering what was asked for before. */
  const ask = (kind: Exclude<Journal.RequestKind, "Start" | "Signal">, id: WorkflowId, payload: string | null = null) =>
    Effect.gen(function*() {
      const workflowId = Key.encode(id)
      // In this order: what is handled in between is seen as what it has led to.
      const before = yield* journal.requests
      const row = yield* existing(journal, id)
      const status = Commands.expected(
        row.status,
        before.filter((request) => request.workflowId === workflowId).map((request) => request.kind)
      )
      if (!Commands.isPossible(kind, status)) {
        if (kind === "Cancel") return
        return yield* new InvalidStatus({ workflowId: id, operation: operations[kind], status })
      }
      const submitted = yield* journal.submit({ workflowId, kind, payload, at: yield* now }, Option.none())
      if (Either.isRight(submitted)) yield* engine.handled(submitted.right)
    })

  const cancel = (id: WorkflowId) => Effect.catchTag(ask("Cancel", id), "InvalidStatus", () => Effect.void)

  /** Asks the same of all that fit, and that may be asked for it. */
  const askAll = (kind: "Cancel" | "Pause" | "Resume" | "Retry") => (filter: WorkflowFilter) => {
    const statuses = WorkflowStatus.literals.filter((status) => Commands.isPossible(kind, status))
    return Listing.each(journal, filter, statuses).pipe(
      Stream.mapEffect(
        ({ id }) =>
          ask(kind, Key.decode(id)).pipe(
            Effect.as(1),
            // It was faster, or somebody else was.
            Effect.catchTags({ InvalidStatus: () => Effect.succeed(0), WorkflowNotFound: () => Effect.succeed(0) })
          ),
        { concurrency: requestsMax }
      ),
      Stream.runSum
    )
  }

  /** A step of the present generation of a workflow. */
  const stepOf = (row: Journal.WorkflowRow, path: string) =>
    Effect.gen(function*() {
      const { steps } = yield* journal.recorded(row.id, row.generation)
      const step = steps.find((step) => step.path === path)
      if (step === undefined) return yield* new StepNotFound({ workflowId: Key.decode(row.id), path })
      return { step, steps }
    })

  const skip: Service["skip"] = (id, key, value, expected) =>
    Effect.gen(function*() {
      const path = pathOf(key)
      const checked = yield* Either.mapLeft(
        Json.check(value),
        (message) => new InvalidPayload({ name: path, message })
      )
      const row = yield* existing(journal, id)
      if (Row.hasEnded(row)) {
        return yield* new InvalidStatus({ workflowId: id, operation: "skip", status: row.status })
      }
      const { step } = yield* stepOf(row, path)
      if (expected !== undefined && (step.kind !== expected.kind || step.name !== expected.name)) {
        return yield* new InvalidPayload({
          name: expected.name,
          message: `the step ${path} is a ${step.kind} ${JSON.stringify(step.name)}, and this is the value of a ` +
            `${expected.kind} ${JSON.stringify(expected.name)}`
        })
      }
      if (!Row.isSkippable(step, row.reason !== null)) {
        return yield* new InvalidStatus({ workflowId: id, operation: "skip", status: step.status })
      }
      yield* ask("Skip", id, Commands.encodeSkip({ path, value: Json.stringify(checked) }))
    })

  const fork: Service["fork"] = (id, newId, fromKey) =>
    Effect.gen(function*() {
      const fault = Key.invalid(newId)
      if (Option.isSome(fault)) {
        return yield* new InvalidPayload({ name: "fork", message: `the id cannot be used: ${fault.value}` })
      }
      const source = yield* existing(journal, id)
      const path = pathOf(fromKey)
      const { step, steps } = yield* stepOf(source, path)
      const at = yield* now
      const { id: workflowId, ...row } = Children.row({
        id: Key.encode(newId),
        name: source.name,
        payload: source.payload,
        parent: null,
        createdAt: at
      })
      const created = {
        // The clock of the body begins where it began: what was computed from it is computed again.
        workflow: { ...row, id: workflowId, startedAt: source.startedAt, forkedId: source.id, forkedPath: path },
        steps: Row.forked(steps, workflowId, Row.placeOf(steps, step))
      }
      const submitted = yield* journal.submit({ workflowId, kind: "Start", payload: null, at }, Option.some(created))
      if (Either.isLeft(submitted) && (submitted.left.forkedId !== source.id || submitted.left.forkedPath !== path)) {
        return yield* new WorkflowConflict({
          workflowId: newId,
          reason: `it is a workflow ${JSON.stringify(submitted.left.name)} that is no such fork`
        })
      }
      return makeInfo(service, newId, Codec.untyped)
    })

  const prune: Service["prune"] = ({ olderThan }) =>
    Effect.gen(function*() {
      const duration = yield* finite("`prune`", olderThan)
      const before = (yield* now) - Duration.toMillis(duration)
      let total = 0
      for (;;) {
        const count = yield* journal.prune({ before, limit: pruneMax })
        if (count === 0) return total
        total += count
      }
    })

  const service: Service = {
    info: (id) => Effect.as(existing(journal, id), makeInfo(service, id, Codec.untyped)),
    describe: (id) =>
      Effect.flatMap(
        describeTree(journal, Key.encode(id)),
        Option.match({
          onNone: () => Effect.fail(new WorkflowNotFound({ workflowId: id })),
          onSome: Effect.succeed
        })
      ),
    changes: (id) => changes(journal, id),
    allChanges: Listing.changes(journal),
    list: Listing.list(journal),
    cancel,
    pause: (id) => ask("Pause", id),
    resume: (id) => ask("Resume", id),
    retry: (id) => ask("Retry", id),
    cancelAll: askAll("Cancel"),
    pauseAll: askAll("Pause"),
    resumeAll: askAll("Resume"),
    retryAll: askAll("Retry"),
    skip,
    fork,
    prune,
    engine
  }
  return service
}

const operations = { Cancel: "cancel", Pause: "pause", Resume: "resume", Retry: "retry", Skip: "skip" } as const
