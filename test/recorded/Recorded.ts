/**
 * Recorded journals: the rows of a program as SQL, which every later version must be able to read, migrate and go on with.
 */
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { Context, Effect, Layer, Schema } from "effect"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import { Journal } from "../../src/index.ts"
import { SqliteJournal } from "../../src/sqlite.ts"
import { empty, everything } from "../support/journalRows.ts"

const directory = new URL("journals/", import.meta.url)
const root = fileURLToPath(new URL("../..", import.meta.url))

/** What is written down with the rows. */
const Header = Schema.parseJson(Schema.Struct({
  /** The time of the last commit. */
  at: Schema.Number,
  /** The schema that the rows are of. */
  schema: Schema.String,
  /** The attempts that led from the middle to the end. */
  calls: Schema.Array(Schema.Unknown)
}))

type Header = typeof Header.Type

/** In the middle of a program, or at its end. */
export type Stage = "middle" | "end"

const path = (name: string): URL => new URL(`${name}.sql`, directory)

export const exists = (name: string, stage: Stage): boolean => Fs.existsSync(path(`${name}.${stage}`))

/** The names of all that are kept. */
export const names = (): ReadonlyArray<string> =>
  Fs.readdirSync(directory).flatMap((file) => /^(.*)\.(?:middle|end)\.sql$/.exec(file)?.[1] ?? [])

const statements = (text: string): ReadonlyArray<string> => text.split(/;\n/).filter((part) => part.trim() !== "")

/** A statement ends with its line: what stands between in a text is escaped in JSON. */
const sqlOf = (parts: ReadonlyArray<string>): string => parts.map((part) => `${part};\n`).join("")

/** A database in memory, until the scope closes. */
const database = Effect.map(
  Layer.build(SqliteClient.layer({ filename: ":memory:", disableWAL: true })),
  Context.get(SqlClient.SqlClient)
)

const journalOn = (sql: SqlClient.SqlClient) =>
  Effect.map(
    Layer.build(Layer.provide(Layer.fresh(SqliteJournal.layerSqlClient), Layer.succeed(SqlClient.SqlClient, sql))),
    Context.get(Journal.Journal)
  )

const Texts = Schema.Array(Schema.Struct({ text: Schema.String }))

const texts = (sql: SqlClient.SqlClient, query: string) =>
  Effect.map(Effect.flatMap(sql.unsafe(query), Schema.decodeUnknown(Texts)), (rows) => rows.map(({ text }) => text))

/** Which engine holds a journal, and what was migrated when, is no matter of its rows. */
const isKept = (table: string): boolean => table !== "tempolite_lease" && table !== "tempolite_migration"

/** The tables of a file: those that hold rows, and how all are made. */
const schemaOf = (sql: SqlClient.SqlClient) =>
  Effect.gen(function*() {
    const own = "FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    const made = yield* texts(sql, `SELECT sql AS text ${own} ORDER BY rowid`)
    const tables = yield* texts(sql, `SELECT name AS text ${own} AND type = 'table' ORDER BY rowid`)
    const lease = "INSERT INTO tempolite_lease (partition, token, lease_millis, expires_at) VALUES (0, 0, 0, 0)"
    const migrations = yield* texts(
      sql,
      "SELECT 'INSERT INTO tempolite_migration (id, name, applied_at) VALUES (' || id || ', ' || quote(name) || ', 0)' " +
        "AS text FROM tempolite_migration ORDER BY id"
    )
    return { tables, migrations: migrations.length, text: sqlOf([...made, lease, ...migrations]) }
  })

const rowsOf = (sql: SqlClient.SqlClient, table: string) =>
  Effect.gen(function*() {
    const columns = yield* texts(sql, `SELECT name AS text FROM pragma_table_info('${table}') ORDER BY cid`)
    const values = columns.map((column) => `quote(${column})`).join(" || ', ' || ")
    const into = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (`
    return yield* texts(sql, `SELECT '${into}' || ${values} || ')' AS text FROM ${table} ORDER BY 1`)
  })

/** Puts all that one journal holds into another, which is empty. */
const copy = (from: Journal.Service, to: Journal.Service) =>
  Effect.scoped(Effect.gen(function*() {
    const lease = yield* to.acquire(1)
    for (const { workflow: { id } } of yield* from.list({ filter: everything, after: 0, limit: 1_000 })) {
      const { executions, signals, stepExecutions, steps, workflow } = yield* Effect.flatten(from.history(id))
      yield* to.commit(lease, { ...empty, created: [workflow], executions, steps, stepExecutions, signals })
    }
    const none = yield* Effect.succeedNone
    for (const request of yield* from.requests) yield* to.submit(request, none)
  }))

/** The rows of a journal as text, and the schema that they are of. */
const write = (journal: Journal.Service, { at, calls }: Pick<Header, "at" | "calls">) =>
  Effect.gen(function*() {
    const sql = yield* database
    yield* copy(journal, yield* journalOn(sql))
    const { migrations, tables, text } = yield* schemaOf(sql)
    const schema = `schema-${migrations}`
    const rows = yield* Effect.forEach(tables.filter(isKept), (table) => rowsOf(sql, table))
    const header = yield* Schema.encode(Header)({ at, schema, calls })
    return {
      schema: { name: schema, text },
      // The reason of a suspension has a stack; where this project is on this machine is no matter of it.
      rows: `-- ${header}\n${sqlOf(rows.flat())}`.replaceAll(root, "/project/")
    }
  }).pipe(Effect.scoped)

/** Writes the rows of a journal down. What is kept already is never written again. */
export const keep = (name: string, stage: Stage, journal: Journal.Service, header: Pick<Header, "at" | "calls">) =>
  Effect.gen(function*() {
    const { rows, schema } = yield* write(journal, header)
    if (!Fs.existsSync(path(schema.name))) Fs.writeFileSync(path(schema.name), schema.text)
    else if (Fs.readFileSync(path(schema.name), "utf8") !== schema.text) {
      return yield* Effect.dieMessage(`${schema.name} was changed without a migration`)
    }
    const file = path(`${name}.${stage}`)
    if (Fs.existsSync(file)) return yield* Effect.dieMessage(`${file.pathname} is kept, and not written again`)
    Fs.writeFileSync(file, rows)
  })

/** What is written down of a program: the rows, in a journal in SQLite and in one in memory. */
export const open = (name: string, stage: Stage) =>
  Effect.gen(function*() {
    const [first = "", ...lines] = Fs.readFileSync(path(`${name}.${stage}`), "utf8").split("\n")
    const header = yield* Schema.decode(Header)(first.slice("-- ".length))
    const sql = yield* database
    for (const statement of statements(Fs.readFileSync(path(header.schema), "utf8"))) yield* sql.unsafe(statement)
    yield* sql.unsafe("DELETE FROM tempolite_pruned")
    for (const statement of statements(lines.join("\n"))) yield* sql.unsafe(statement)
    const sqlite = yield* journalOn(sql)
    const memory = Context.get(yield* Layer.build(Layer.fresh(Journal.layerMemory)), Journal.Journal)
    yield* copy(sqlite, memory)
    return { ...header, sqlite, memory }
  })
