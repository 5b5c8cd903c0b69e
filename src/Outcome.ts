/**
 * What became of a step or a workflow, as text: the form in which the engine and the journal see it. Values are JSON
 * text; only definitions, which know the schemas, look inside.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * `Success.value` is `null` for `undefined`. `Failure.cause` is JSON of an `EncodedCause`.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Data.TaggedEnum<{
  Success: { readonly value: string | null }
  Failure: { readonly cause: string }
}>

/**
 * @since 0.1.0
 * @category constructors
 */
export const { Failure, Success, $is: is, $match: match } = Data.taggedEnum<Outcome>()
