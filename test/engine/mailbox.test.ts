import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import { Mailbox } from "../../src/engine/mailbox.ts"
import type { SignalRow } from "../../src/Journal.ts"
import { signal } from "../support/journalRows.ts"

const row = (id: number, name = "Approved", at = 100 + id): SignalRow => ({ ...signal("w", name, { at }), id })

const every = () => true

describe("a mailbox", () => {
  it("does not know at first which signals there are, nor when one may have arrived since it was read", () => {
    const mailbox = new Mailbox()
    assert.isTrue(mailbox.unread)
    mailbox.reading()
    assert.isFalse(mailbox.unread)
    mailbox.arrived()
    mailbox.add([row(1)])
    // It arrived after the reading had begun: it need not be among them.
    assert.isTrue(mailbox.unread)
  })

  it("is read from behind the last that it knows, taken or not", () => {
    const mailbox = new Mailbox()
    assert.strictEqual(mailbox.readUpTo, 0)
    mailbox.add([row(3), row(5)])
    mailbox.take(row(5))
    assert.strictEqual(mailbox.readUpTo, 5)
    mailbox.add([])
    assert.strictEqual(mailbox.readUpTo, 5)
  })

  it("gives the first that is wanted, as often as it is asked, until it is taken", () => {
    const mailbox = new Mailbox()
    mailbox.add([row(1, "x"), row(2, "y"), row(3, "x")])
    const first = (name: string) => mailbox.first((other) => other === name)?.id
    assert.deepStrictEqual([first("x"), first("x"), first("y"), first("z")], [1, 1, 2, undefined])
    mailbox.take(row(1, "x"))
    assert.deepStrictEqual([first("x"), first("y")], [3, 2])
  })

  it("does not give one again that was taken before it was durable, and is read once more", () => {
    const mailbox = new Mailbox()
    mailbox.add([row(1), row(2)])
    mailbox.take(row(1))
    mailbox.add([row(1), row(2), row(3)])
    assert.strictEqual(mailbox.first(every)?.id, 2)
  })

  it("tells when the next was sent after a time, though it was not the next to arrive", () => {
    const mailbox = new Mailbox()
    assert.strictEqual(mailbox.nextAfter(0), Infinity)
    mailbox.add([row(1, "x", 300), row(2, "y", 100), row(3, "x", 200)])
    assert.deepStrictEqual(
      [0, 100, 150, 200, 300].map((at) => mailbox.nextAfter(at)),
      [100, 200, 200, 300, Infinity]
    )
    mailbox.take(row(3))
    assert.strictEqual(mailbox.nextAfter(100), 300)
  })

  const anyNames = fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 20 })

  it.prop(
    "gives the signals of each name once, in the order in which they came, however they are read and wanted",
    [anyNames, fc.array(fc.nat(20)), fc.array(fc.constantFrom("x", "y", "z"))],
    ([names, cuts, wanted]) => {
      const rows = names.map((name, index) => row(index + 1, name))
      const mailbox = new Mailbox()
      const taken: Array<SignalRow> = []
      const take = (name: string) => {
        const first = mailbox.first((other) => other === name)
        if (first === undefined) return false
        mailbox.take(first)
        taken.push(first)
        return true
      }
      for (const cut of [...cuts, rows.length]) {
        // What was read before is read again.
        mailbox.add(rows.slice(0, cut))
        for (const name of wanted) take(name)
      }
      for (const name of ["x", "y", "z"]) while (take(name)) continue
      for (const name of ["x", "y", "z"]) {
        assert.deepStrictEqual(
          taken.filter((one) => one.name === name),
          rows.filter((one) => one.name === name)
        )
      }
    }
  )
})
