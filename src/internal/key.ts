/**
 * How keys, ids and paths are written in the journal: as text that a person can read and that no two of them share.
 */
import * as Option from "effect/Option"
import type { Key } from "../Info.ts"

/** Control characters and lone surrogates do not survive every database: they are written as `\uXXXX`. */
const unsafe = /[\u0000-\u001f\ud800-\udfff]/
const unsafeAll = /[\u0000-\u001f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const escapeString = (key: string): string => {
  const marked = /^[#~]|[\\/]/.test(key)
    ? key.replace(/[\\/]/g, "\\$&").replace(/^[#~]/, "\\$&")
    : key
  return unsafe.test(marked)
    ? marked.replace(unsafeAll, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : marked
}

/**
 * A string stands for itself, with `/`, `\` and a leading `#` or `~` escaped by `\`; the number 7 is written `#7`.
 * A leading, unescaped `~` is left for the engine's own steps.
 */
export const encode = (key: Key): string => typeof key === "number" ? `#${key}` : escapeString(key)

/** The inverse of `encode`; an engine's own key (`~sleep`) stands for itself. */
export const decode = (text: string): Key => {
  if (text.startsWith("#")) return Number(text.slice(1))
  return text.includes("\\")
    ? text.replace(
      /\\(?:u([0-9a-f]{4})|(.))/gs,
      (_, hex: string | undefined, char: string) =>
        hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16))
    )
    : text
}

/** Why `key` cannot name anything, if so. */
export const invalid = (key: Key): Option.Option<string> => {
  if (key === "") return Option.some("the empty string is not a key: name the step")
  if (typeof key === "number" && !Number.isFinite(key)) return Option.some(`${key} is not a key: use a finite number`)
  return Option.none()
}

/** The path of `child` (already encoded) below `parent` (`""` is the workflow itself). */
export const join = (parent: string, child: string): string => parent === "" ? child : `${parent}/${child}`

/** The encoded segments of a path. */
export const segments = (path: string): ReadonlyArray<string> => path.match(/(?:\\.|[^\\/])+/gs) ?? []
