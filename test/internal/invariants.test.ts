/**
 * The laws of a workflow's rows, and who holds journals to them.
 */
import * as Changes from "./invariants/changes.ts"
import * as Check from "./invariants/check.ts"
import * as Rows from "./invariants/rows.ts"
import * as Watched from "./invariants/watched.ts"

Rows.suite()
Changes.suite()
Check.suite()
Watched.suite()
