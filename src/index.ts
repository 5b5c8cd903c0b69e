/**
 * Durable workflows as plain Effects, in one process and one file.
 *
 * @since 0.1.0
 */
export * as Activity from "./Activity.ts"
export * from "./Errors.ts"
export * as Journal from "./Journal.ts"
export * as Saga from "./Saga.ts"
export * as SideEffect from "./SideEffect.ts"
export * as Signal from "./Signal.ts"
export * as Tempolite from "./Tempolite.ts"
export * as Workflow from "./Workflow.ts"
