/**
 * What proves that workflows survive: every crash, in virtual time, and doubles of activities.
 *
 * @since 0.2.0
 */
export { crashEverywhere, CrashFailure, type CrashOptions, type CrashReport } from "./crashEverywhere.ts"
export { type Call, calls, type Double, double, type Doubleable } from "./double.ts"
