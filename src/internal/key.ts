/**
 * How keys, ids and paths are written in the journal: as text that a person can read and that no two of them share.
 */
import * as Option from "effect/Option"
import type { Key } from "../Info.ts"

/** Control characters and lone surrogates do not survive every database: they are written as `\uXXXX`. */
const unsafe = /[\u0000-\u001f\ud800-\udfff]/
const unsafeAll = /[\u0000-\u001f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Also of what is no key, and is refused as one. */
const textOf = (key: unknown): string => String(key)

const escapeString = (key: string): string => {
  const marked = /^[#~]|[\\/]/.test(key)
    ? key.replace(/[\\/]/g, "\\$&").replace(/^[#~]/, "\\$&")
    : key
  return printable(marked)
}

/** `text` with all of these characters written so. */
export const printable = (text: string): string =>
  unsafe.test(text)
    ? text.replace(unsafeAll, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : text

/**
 * A string stands for itself, with `/`, `\` and a leading `#` or `~` escaped by `\`; the number 7 is written `#7`.
 * A leading, unescaped `~` is left for the engine's own steps.
 */
export const encode = (key: Key): string => typeof key === "number" ? `#${key}` : escapeString(textOf(key))

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
export const invalid = (key: unknown): Option.Option<string> => {
  if (typeof key !== "string" && typeof key !== "number") {
    return Option.some(`a ${typeof key} is not a key: use a string or a number`)
  }
  if (key === "") return Option.some("the empty string is not a key: name the step")
  if (typeof key === "number" && !Number.isFinite(key)) return Option.some(`${key} is not a key: use a finite number`)
  return Option.none()
}

/** Why `name` cannot be that of a definition, if so: names stand in the journal as they are. */
export const invalidName = (name: string): Option.Option<string> => {
  if (name === "") return Option.some("the name cannot be used: it is empty")
  return unsafe.test(name) && printable(name) !== name
    ? Option.some(
      `the name ${
        JSON.stringify(name)
      } cannot be used: it has a control character or half a surrogate pair, which do ` +
        "not survive every database"
    )
    : Option.none()
}

/** The path of `child` (already encoded) below `parent` (`""` is the workflow itself). */
export const join = (parent: string, child: string): string => parent === "" ? child : `${parent}/${child}`

/** The encoded segments of a path. */
export const segments = (path: string): ReadonlyArray<string> => path.match(/(?:\\.|[^\\/])+/gs) ?? []
