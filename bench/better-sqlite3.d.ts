/** As much of it as is used here; it comes without types. */
declare module "better-sqlite3" {
  export type Value = string | number | null
  export interface Statement {
    readonly run: (...values: ReadonlyArray<Value>) => { readonly changes: number }
    readonly all: (...values: ReadonlyArray<Value>) => ReadonlyArray<unknown>
  }
  export default class Database {
    constructor(filename: string, options?: { readonly readonly?: boolean; readonly fileMustExist?: boolean })
    readonly prepare: (sql: string) => Statement
    readonly exec: (sql: string) => this
    readonly close: () => this
  }
}
