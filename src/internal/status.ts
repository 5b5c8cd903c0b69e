/**
 * Which statuses are an end.
 */
import type { WorkflowStatus } from "../Info.ts"

export const isEnded = (status: WorkflowStatus): boolean =>
  status === "Completed" || status === "Failed" || status === "Cancelled"
