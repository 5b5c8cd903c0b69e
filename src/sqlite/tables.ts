/**
 * The rows as the database holds them: how they are read, and the texts of the statements that read and write them. A
 * row that cannot be read is named, and nothing dies.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { JournalError } from "../Errors.ts"
import * as Info from "../Info.ts"
import * as JournalModel from "../JournalModel.ts"
import { fail, type Parameter, type Rows, type Script } from "./connection.ts"

const Text = Schema.NullOr(Schema.String)
const Integer = Schema.NullOr(Schema.Number)
const Flag = Schema.transformLiterals([0, false], [1, true])

const Workflow = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  status: Info.WorkflowStatus,
  reason: Text,
  generation: Schema.Number,
  attempt: Schema.Number,
  firstAttempt: Schema.Number,
  parentId: Text,
  parentPath: Text,
  forkedId: Text,
  forkedPath: Text,
  payload: Text,
  firstPayload: Text,
  outcome: Text,
  createdAt: Schema.Number,
  startedAt: Integer,
  finishedAt: Integer,
  wakeAt: Integer,
  cancelSeq: Integer,
  cancelAt: Integer,
  sleepsUntil: Integer,
  unusedOutcomes: Schema.Number
})

const WorkflowExecution = Schema.Struct({
  workflowId: Schema.String,
  generation: Schema.Number,
  attempt: Schema.Number,
  status: Info.WorkflowExecutionStatus,
  startedAt: Schema.Number,
  finishedAt: Integer,
  error: Text
})

const Step = Schema.Struct({
  workflowId: Schema.String,
  generation: Schema.Number,
  path: Schema.String,
  kind: Info.StepKind,
  name: Schema.String,
  payload: Text,
  status: Info.StepStatus,
  outcome: Text,
  seq: Integer,
  at: Integer,
  attempt: Schema.Number,
  attempts: Schema.Number,
  round: Schema.Number,
  firstAttempt: Schema.Number,
  wakeAt: Integer,
  undo: Flag,
  origin: Info.StepOrigin
})

const StepExecution = Schema.Struct({
  workflowId: Schema.String,
  generation: Schema.Number,
  path: Schema.String,
  attempt: Schema.Number,
  workflowAttempt: Schema.Number,
  status: Info.StepExecutionStatus,
  startedAt: Schema.Number,
  finishedAt: Integer,
  error: Text,
  heartbeat: Text
})

const Signal = Schema.Struct({
  id: Schema.Number,
  workflowId: Schema.String,
  name: Schema.String,
  payload: Text,
  at: Schema.Number
})

const Request = Schema.Struct({
  id: Schema.Number,
  workflowId: Schema.String,
  kind: JournalModel.RequestKind,
  payload: Text,
  at: Schema.Number
})

const Lease = Schema.Struct({
  token: Schema.Number,
  expiresAt: Schema.Number,
  acquiredAt: Integer,
  engine: Text,
  pid: Integer,
  processStart: Text,
  boot: Text,
  pidSpace: Text,
  host: Text
})

/** What is known of the process that holds a lease; all is `null` when nobody does. */
export type LeaseRow = typeof Lease.Type

/** What was read, and why the rest cannot be. */
export interface Sifted<A> {
  readonly rows: ReadonlyArray<A>
  readonly faults: ReadonlyArray<JournalError>
}

const columnOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The columns by which a person finds a row. */
const identities: ReadonlySet<string> = new Set(["id", "workflowId", "generation", "path", "attempt"])

const shortened = (text: string): string => text.length > 300 ? `${text.slice(0, 300)}…` : text

const unreadable = (from: string, row: unknown, error: ParseResult.ParseError): JournalError => {
  const [{ message, path } = { message: "", path: [] }] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const which = Object.entries(Predicate.isRecord(row) ? row : {})
    .flatMap(([field, value]) => identities.has(field) ? [`${columnOf(field)} ${JSON.stringify(value)}`] : [])
  return new JournalError({
    message:
      `cannot read the column ${columnOf(String(path[0]))} of a row of ${from} (${shortened(which.join(", "))}): ` +
      `${shortened(message)}. The row was written by a newer version of tempolite, changed by hand, or damaged: ` +
      "upgrade tempolite, or correct the row"
  })
}

const sifter = <A, I>(from: string, schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (rows: ReadonlyArray<unknown>): Sifted<A> => {
    const [read, faults]: [Array<A>, Array<JournalError>] = [[], []]
    for (const row of rows) {
      const decoded = decode(row)
      if (Either.isRight(decoded)) read.push(decoded.right)
      else faults.push(unreadable(from, row, decoded.left))
    }
    return { rows: read, faults }
  }
}

/** Reads rows of `from`, or none. */
export const reader = <A, I>(from: string, schema: Schema.Schema<A, I>) => {
  const sift = sifter(from, schema)
  return function*(rows: Rows): Script<ReadonlyArray<A>> {
    const { faults: [fault], rows: read } = sift(rows)
    return fault === undefined ? read : yield* fail(fault)
  }
}

const make = <A extends Record<Field, Parameter | boolean>, I, Field extends string>(
  name: string,
  schema: Schema.Schema<A, I>,
  fields: ReadonlyArray<Field>,
  identity: ReadonlyArray<Field>,
  /** Columns that a row does not have itself, and whether one that replaces another writes them, too. */
  places: Readonly<Record<string, "kept" | "replaced">> = {}
) => {
  const columns = fields.map(columnOf)
  const selected = fields.map((field) => `${columnOf(field)} AS "${field}"`).join(", ")
  const written = [...columns, ...Object.keys(places)]
  const insert = `INSERT INTO ${name} (${written.join(", ")}) VALUES (${written.map(() => "?").join(", ")}) ` +
    `ON CONFLICT (${identity.map(columnOf).join(", ")})`
  const replaced = [
    ...fields.filter((field) => !identity.includes(field)).map(columnOf),
    ...Object.keys(places).filter((column) => places[column] === "replaced")
  ]
  return {
    /** `SELECT … FROM …`, under the names of the fields. */
    select: `SELECT ${selected} FROM ${name}`,
    /** The same, with another column as `place`. */
    selectPlaced: (place: string) => `SELECT ${place} AS place, ${selected} FROM ${name}`,
    /** Inserts a row (its `values`, and then its places) unless it is there already. */
    insert: `${insert} DO NOTHING`,
    /** Inserts a row (its `values`, and then its places); it replaces the one with the same identity. */
    upsert: `${insert} DO UPDATE SET ${replaced.map((name) => `${name} = excluded.${name}`).join(", ")}`,
    values: (row: A): ReadonlyArray<Parameter> =>
      fields.map((field) => {
        const value: Parameter | boolean = row[field]
        return typeof value === "boolean" ? Number(value) : value
      }),
    read: reader(name, schema),
    /** The same, row by row. */
    sift: sifter(name, schema)
  }
}

/** The greatest place in the order of creation, and in that of changes, that was ever given. */
const lastPlaces = "SELECT max((SELECT coalesce(max(row_id), 0) FROM tempolite_workflow), row_id) AS row_id, " +
  "max((SELECT coalesce(max(changed), 0) FROM tempolite_workflow), changed) AS changed FROM tempolite_pruned"

/** The places of those that were pruned are not given again: a reader is behind them already. */
export const workflow = make("tempolite_workflow", Workflow, Struct.keys(Workflow.fields), ["id"], {
  row_id: "kept",
  changed: "replaced"
})

/** Reads ids and times of workflows that sleep. */
export const asleep = reader("tempolite_workflow", Schema.Struct({ id: Schema.String, until: Schema.Number }))

const Places = Schema.Struct({ row_id: Schema.Number, changed: Schema.Number })

/** Where the orders of workflows end: of creation in `row_id`, of changes in `changed`. */
export type Places = typeof Places.Type

export const last = { select: lastPlaces, read: reader("tempolite_pruned", Places) }

const siftPlaced = sifter("tempolite_workflow", Schema.Struct({ place: Schema.Number, ...Workflow.fields }))

/** Reads workflows that were selected by `selectPlaced`. */
export const placed = (rows: ReadonlyArray<unknown>): Sifted<JournalModel.Placed> => {
  const sifted = siftPlaced(rows)
  return { ...sifted, rows: sifted.rows.map(({ place, ...workflow }) => ({ place, workflow })) }
}

/** The greatest place among them, read or not; they are in order. */
export const lastPlace = (rows: ReadonlyArray<unknown>): number => {
  const last = rows.at(-1)
  return Predicate.hasProperty(last, "place") && Predicate.isNumber(last.place) ? last.place : 0
}

export const workflowExecution = make(
  "tempolite_workflow_execution",
  WorkflowExecution,
  Struct.keys(WorkflowExecution.fields),
  ["workflowId", "generation", "attempt"]
)

export const step = make("tempolite_step", Step, Struct.keys(Step.fields), ["workflowId", "generation", "path"])

export const stepExecution = make(
  "tempolite_step_execution",
  StepExecution,
  Struct.keys(StepExecution.fields),
  ["workflowId", "generation", "path", "attempt"]
)

export const signal = make("tempolite_signal", Signal, Struct.keys(Signal.fields), ["id"])

export const request = make("tempolite_request", Request, Struct.keys(Request.fields), ["id"])

export const lease = make("tempolite_lease", Lease, Struct.keys(Lease.fields), [])
