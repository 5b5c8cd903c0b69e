/** As much of it as is used here and by the benchmarks; it comes without types. */
declare module "better-sqlite3" {
  export type Value = string | number | null
  export interface Statement {
    /** Whether it returns rows: then it is to be asked for `all`, and otherwise to `run`. */
    readonly reader: boolean
    readonly run: (...values: ReadonlyArray<Value>) => { readonly changes: number }
    readonly all: (...values: ReadonlyArray<Value>) => ReadonlyArray<unknown>
  }
  export default class Database {
    constructor(filename: string, options?: { readonly readonly?: boolean; readonly timeout?: number })
    readonly prepare: (sql: string) => Statement
    readonly exec: (sql: string) => this
    readonly close: () => this
  }
}
