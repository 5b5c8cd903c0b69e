/**
 * Which programs come to the same end, however long everything takes.
 */
import { everyPart, type Generations, type Program, retries, type Tag } from "./program.ts"
import type { Schedule } from "./schedule.ts"

/** Whether it may fail, as far as can be seen without running it. */
const mayFail = (program: Program): boolean =>
  everyPart(program).some((part) =>
    part._tag === "Send" || (part._tag === "Activity" && (part.dies || part.failures > retries[part.policy]))
  )

/** Whether `part` asks what is first, or gives up what goes on. */
const asksTime = (part: Program): boolean => {
  switch (part._tag) {
    case "Race":
    case "Timeout":
      return true
    case "Await":
      return part.within !== null
    case "All":
      // If one fails, the others are interrupted.
      return part.concurrency !== 1 && part.parts.length > 1 && part.parts.some(isConcurrent)
    case "Fork":
      return !part.joins || isConcurrent(part.background) || isConcurrent(part.meanwhile)
    case "StartChild":
      return !part.joins || isConcurrent(part.part) || isConcurrent(part.meanwhile)
    case "Detach":
      return everyPart(part).some(({ _tag }) => _tag === "Send")
    default:
      return false
  }
}

/** Whether it matters to it, or to those beside it, that others run meanwhile. */
const isConcurrent = (part: Program): boolean =>
  mayFail(part) || everyPart(part).some(({ _tag }) => _tag === "Await" || _tag === "Send")

export const isTimeless = (generations: Generations, { commands }: Schedule): boolean => {
  const parts = generations.flatMap(everyPart)
  const has = (tag: Tag) => parts.some(({ _tag }) => _tag === tag)
  return !commands.some(({ what }) => what === "cancel") && !(has("Send") && has("Await")) && !parts.some(asksTime)
}

/** Whether everything in it comes one after the other. */
export const isSequential = (generations: Generations): boolean =>
  !generations.flatMap(everyPart).some((part) =>
    part._tag === "Fork" || part._tag === "StartChild" || part._tag === "Detach" ||
    (part._tag === "All" && part.concurrency !== 1)
  )
