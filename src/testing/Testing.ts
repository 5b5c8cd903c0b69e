/**
 * What proves that workflows survive: every crash, recorded workflows against the present code, journals that fail, and
 * doubles of activities.
 *
 * @since 0.2.0
 */
export {
  crashEverywhere,
  CrashFailure,
  type CrashOptions,
  type CrashReport,
  type CrashWorld
} from "./crashEverywhere.ts"
export { type Call, calls, type Double, double, type Doubleable } from "./double.ts"
export { type Fault, faultyJournal, type Injected, type JournalFault } from "./faultyJournal.ts"
export { replayCheck, ReplayReport, type Verdict } from "./replayCheck.ts"
