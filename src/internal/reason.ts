/**
 * Why a workflow is suspended, as text: with its message, so that whoever reads the row knows what to do.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { SuspendReason } from "../Errors.ts"

const encodeReason = Schema.encodeSync(SuspendReason)
const decodeReason = Schema.decodeOption(Schema.parseJson(SuspendReason))

export const encode = (reason: SuspendReason): string =>
  JSON.stringify({ ...encodeReason(reason), message: reason.message })

/** `None` where there is none, or one that this version does not know. */
export const decode = (text: string | null): Option.Option<SuspendReason> =>
  Option.flatMap(Option.fromNullable(text), decodeReason)
