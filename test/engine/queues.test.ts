import { describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as fc from "effect/FastCheck"
import * as Option from "effect/Option"
import { assert } from "vitest"
import { Gate } from "../../src/engine/gate.ts"
import { invalid, type Place, Queue, type QueueOptions, Queues, undeclared } from "../../src/engine/queues.ts"
import type { Timers } from "../../src/engine/timers.ts"
import * as Turns from "../../src/engine/turns.ts"
import type { Work } from "../../src/Execution.ts"
import { Success } from "../../src/Outcome.ts"

/** Time that passes when a test says so. */
class Time implements Timers {
  now = 0
  private entries: Array<{ readonly at: number; readonly fire: () => void }> = []

  readonly schedule = (at: number, fire: () => void) => {
    const entry = { at, fire }
    this.entries.push(entry)
    return () => {
      this.entries = this.entries.filter((other) => other !== entry)
    }
  }

  readonly fireDue = () => {
    for (;;) {
      const next = this.entries.toSorted((x, y) => x.at - y.at)[0]
      if (next === undefined || next.at > this.now) return
      this.entries = this.entries.filter((other) => other !== next)
      next.fire()
    }
  }

  /** From one alarm to the next. */
  pass(millis: number): void {
    const until = this.now + millis
    for (;;) {
      const next = Math.min(...this.entries.map(({ at }) => at))
      if (next > until) break
      this.now = Math.max(this.now, next)
      this.fireDue()
    }
    this.now = until
  }
}

/** Those who ask for places, by name: `a/b` is below `a`. */
class Line {
  /** Who has a place, in the order in which they got it. */
  readonly in: Array<string> = []
  readonly places = new Map<string, Place>()
  readonly time = new Time()
  private readonly queue: Queue

  constructor(options: Partial<QueueOptions>) {
    this.queue = new Queue({ concurrency: Number.POSITIVE_INFINITY, ...options }, this.time, () => this.time.now)
  }

  /** A name that ends with `!` is that of an attempt, which lends its place to nobody. */
  take(...names: ReadonlyArray<string>): void {
    for (const name of names) {
      const place = this.queue.take({
        owner: name.endsWith("!") ? undefined : name,
        lenders: above(name),
        enter: () => this.in.push(name)
      })
      this.places.set(name, place)
    }
  }

  leave(...names: ReadonlyArray<string>): void {
    for (const name of names) {
      this.places.get(name)?.leave()
      this.places.delete(name)
      if (this.in.includes(name)) this.in.splice(this.in.indexOf(name), 1)
    }
  }

  get waiting(): number {
    return this.queue.length
  }
}

/** The names above one, the nearest first. */
const above = (name: string): ReadonlyArray<string> => {
  const at = name.lastIndexOf("/")
  return at < 0 ? [] : [name.slice(0, at), ...above(name.slice(0, at))]
}

describe("a queue", () => {
  it("gives its places to who comes first, and the next ones in the order in which they came", () => {
    const line = new Line({ concurrency: 2 })
    line.take("a", "b", "c", "d", "e")
    assert.deepStrictEqual(line.in, ["a", "b"])
    assert.strictEqual(line.waiting, 3)
    line.leave("a")
    assert.deepStrictEqual(line.in, ["b", "c"])
    line.leave("c", "b")
    assert.deepStrictEqual(line.in, ["d", "e"])
    line.take("f")
    line.leave("d")
    assert.deepStrictEqual(line.in, ["e", "f"])
  })

  it("forgets who gives the wait up", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a", "b", "c")
    line.leave("b")
    assert.strictEqual(line.waiting, 1)
    line.leave("a")
    assert.deepStrictEqual(line.in, ["c"])
  })

  it("takes a place back once, however often it is given back", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a")
    const place = line.places.get("a")
    place?.leave()
    place?.leave()
    line.take("b", "c")
    place?.leave()
    assert.strictEqual(line.waiting, 1)
  })

  it("lets what is below a workflow use its place, one at a time", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a", "b", "a/x!", "a/y!")
    assert.deepStrictEqual(line.in, ["a", "a/x!"])
    line.leave("a/x!")
    assert.deepStrictEqual(line.in, ["a", "a/y!"])
    line.leave("a/y!")
    assert.deepStrictEqual(line.in, ["a"])
    line.leave("a")
    assert.deepStrictEqual(line.in, ["b"])
  })

  it("counts a workflow and what is below it as one: another one has the second place", () => {
    const line = new Line({ concurrency: 2 })
    line.take("a", "a/x", "b")
    assert.deepStrictEqual(line.in, ["a", "a/x", "b"])
    // More of it takes places of its own, as far as there are any.
    line.take("a/y", "c")
    line.leave("b")
    assert.deepStrictEqual(line.in, ["a", "a/x", "a/y"])
  })

  it("lends on what was lent, at any depth, and through what does not use it", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a", "a/b", "a/b/other/c", "a/b/other/c/d", "a/b/other/c/d/e!")
    assert.lengthOf(line.in, 5)
    line.take("a/f!")
    line.leave("a/b/other/c/d/e!", "a/b/other/c/d", "a/b/other/c")
    assert.deepStrictEqual(line.in, ["a", "a/b"])
    line.leave("a/b")
    assert.deepStrictEqual(line.in, ["a", "a/f!"])
  })

  it("leaves a place with who uses it when its owner goes, until that one goes, too", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a", "a/b", "a/b/c!", "d")
    line.leave("a/b")
    assert.deepStrictEqual(line.in, ["a", "a/b/c!"])
    line.leave("a")
    assert.deepStrictEqual(line.in, ["a/b/c!"])
    line.leave("a/b/c!")
    assert.deepStrictEqual(line.in, ["d"])
  })

  it("lends the place of a workflow that comes back to those below it that waited for that", () => {
    const line = new Line({ concurrency: 1 })
    line.take("a")
    line.leave("a")
    line.take("b", "a/x!", "a/y!", "a")
    line.leave("a/x!")
    line.take("a/x!")
    // What came first is served first, be it below or above.
    line.leave("b")
    assert.deepStrictEqual(line.in, ["a/y!"])
    line.leave("a/y!")
    assert.deepStrictEqual(line.in, ["a", "a/x!"])
  })

  it("lets who is about to go on give its place away as soon as it has it", () => {
    const queue = new Queue({ concurrency: 1 }, new Time(), () => 0)
    const seen: Array<string> = []
    const passing = (name: string) => ({
      owner: undefined,
      lenders: [],
      enter: (place: Place) => {
        seen.push(name)
        place.leave()
      }
    })
    const first = queue.take({ owner: undefined, lenders: [], enter: () => seen.push("first") })
    queue.take(passing("second"))
    queue.take(passing("third"))
    first.leave()
    queue.take(passing("fourth"))
    assert.deepStrictEqual(seen, ["first", "second", "third", "fourth"])
  })
})

describe("the rate of a queue", () => {
  const rate = { limit: 2, per: Duration.seconds(10) }

  it("lets so many start, and the next ones as the first ones are so long ago", () => {
    const line = new Line({ rate })
    line.take("a!")
    line.time.pass(4_000)
    line.take("b!", "c!", "d!")
    assert.deepStrictEqual(line.in, ["a!", "b!"])
    line.time.pass(5_999)
    assert.deepStrictEqual(line.in, ["a!", "b!"])
    line.time.pass(1)
    assert.deepStrictEqual(line.in, ["a!", "b!", "c!"])
    line.time.pass(4_000)
    assert.deepStrictEqual(line.in, ["a!", "b!", "c!", "d!"])
  })

  it("counts those that have ended, and those that use the place of another", () => {
    const line = new Line({ concurrency: 1, rate })
    line.take("a", "a/b!")
    line.leave("a/b!")
    line.take("a/c!")
    assert.deepStrictEqual(line.in, ["a"])
    line.time.pass(10_000)
    assert.deepStrictEqual(line.in, ["a", "a/c!"])
  })

  it("gives what it has to who has waited longest, and not to who comes just then", () => {
    const line = new Line({ concurrency: 1, rate: { limit: 1, per: rate.per } })
    line.take("a", "a/b!", "a/c!")
    // The alarm is late.
    line.time.now = 10_000
    line.take("a/d!")
    line.time.fireDue()
    assert.deepStrictEqual(line.in, ["a", "a/b!"])
  })

  it("is not used up by who gives the wait up", () => {
    const line = new Line({ rate })
    line.take("a!", "b!", "c!", "d!")
    line.leave("c!")
    line.time.pass(10_000)
    assert.deepStrictEqual(line.in, ["a!", "b!", "d!"])
  })
})

describe("all queues", () => {
  const make = (concurrency: number, named: Record<string, number>) =>
    new Queues(
      { concurrency, queues: new Map(Object.entries(named).map(([name, concurrency]) => [name, { concurrency }])) },
      new Time(),
      () => 0
    )

  it("bound the attempts of one queue, and those of all together", () => {
    const queues = make(3, { one: 2, other: 2 })
    const seen: Array<string> = []
    const places = (["one", "one", "one", "other", "other", undefined] as const).map((queue, index) =>
      queues.forAttempt(queue, () => [], () => seen.push(`${queue} ${index}`))
    )
    assert.deepStrictEqual(seen, ["one 0", "one 1", "other 3"])
    // The place in its queue, too, is free then.
    places[1]?.leave()
    assert.deepStrictEqual(seen.slice(3), ["other 4"])
    places[4]?.leave()
    places[4]?.leave()
    assert.deepStrictEqual(seen.slice(4), ["undefined 5"])
    places[0]?.leave()
    assert.deepStrictEqual(seen.slice(5), ["one 2"])
  })

  it("have back both places, and both waits, of who gives up", () => {
    const queues = make(1, { one: 1 })
    const seen: Array<string> = []
    const first = queues.forAttempt(undefined, () => [], () => seen.push("first"))
    const waitsForAll = queues.forAttempt("one", () => [], () => seen.push("second"))
    const waitsForOne = queues.forAttempt("one", () => [], () => seen.push("third"))
    queues.forAttempt("one", () => [], () => seen.push("fourth"))
    waitsForOne.leave()
    waitsForAll.leave()
    first.leave()
    assert.deepStrictEqual(seen, ["first", "fourth"])
  })

  it("do not bound workflows by the concurrency of attempts, and not at all without a queue", () => {
    const queues = make(1, { one: 2 })
    const seen: Array<string> = []
    for (const id of ["a", "b", "c"]) queues.forWorkflow("one", id, [], () => seen.push(id))
    queues.forAttempt("one", () => ["a"], () => seen.push("a!"))
    assert.deepStrictEqual(seen, ["a", "b", "a!"])
    assert.isTrue(queues.has("one"))
    assert.isFalse(queues.has("two"))
    assert.deepStrictEqual([...queues.names], ["one"])
  })
})

describe("the turn of an attempt", () => {
  const work = (queue: Option.Option<string>, kind: Work["kind"] = "Activity"): Work => ({
    kind,
    key: "a",
    name: "a",
    payload: null,
    run: () => Effect.succeed(Success({ value: null })),
    retry: Option.none(),
    timeout: Option.none(),
    heartbeatTimeout: Option.none(),
    queue
  })

  const scene = () => {
    const gate = new Gate()
    const queues = new Queues(
      { concurrency: 1, queues: new Map([["one", { concurrency: 1 }]]) },
      new Time(),
      () => 0
    )
    const turn = Turns.make({ gate, queues, lenders: () => [] })
    const seen: Array<string> = []
    const leave = new Map<string, () => void>()
    const ask = (name: string, kind?: Work["kind"]) =>
      turn(work(Option.some("one"), kind), (left) => {
        seen.push(name)
        leave.set(name, left)
      })
    return { gate, seen, ask, leave: (name: string) => leave.get(name)?.() }
  }

  it("comes at once if nobody holds the workflow and there is a place, and makes room when it is over", () => {
    const { ask, leave, seen } = scene()
    ask("a")
    ask("b")
    assert.deepStrictEqual(seen, ["a"])
    leave("a")
    assert.deepStrictEqual(seen, ["a", "b"])
  })

  it("does not come while the workflow is held, and takes no place meanwhile", () => {
    const { ask, gate, leave, seen } = scene()
    ask("a")
    ask("b")
    gate.close()
    ask("c")
    leave("a")
    // `b` had its place, and gave it back.
    assert.deepStrictEqual(seen, ["a"])
    gate.open()
    assert.deepStrictEqual(seen, ["a", "c"])
    leave("c")
    assert.deepStrictEqual(seen, ["a", "c", "b"])
  })

  it("does not come to who has given the wait up, be it for the gate, for a place, or for the gate again", () => {
    const { ask, gate, leave, seen } = scene()
    ask("a")
    const giveUpPlace = ask("b")
    giveUpPlace()
    gate.close()
    const giveUpGate = ask("c")
    giveUpGate()
    gate.open()
    const giveUpAgain = ask("d")
    gate.close()
    leave("a")
    giveUpAgain()
    gate.open()
    ask("e")
    assert.deepStrictEqual(seen, ["a", "e"])
  })

  it("is not waited for by a side effect, unless the workflow is held", () => {
    const { ask, gate, seen } = scene()
    ask("a")
    ask("b", "SideEffect")
    gate.close()
    ask("c", "SideEffect")
    assert.deepStrictEqual(seen, ["a", "b"])
    gate.open()
    assert.deepStrictEqual(seen, ["a", "b", "c"])
  })
})

describe("the options of a queue", () => {
  const per = Duration.seconds(1)
  const unbounded = Number.POSITIVE_INFINITY
  const valid: ReadonlyArray<QueueOptions> = [
    { concurrency: 1 },
    { concurrency: unbounded },
    { concurrency: 5, rate: { limit: 1, per } }
  ]
  const faults: ReadonlyArray<readonly [QueueOptions, RegExp]> = [
    [{ concurrency: 0 }, /the concurrency of the queue "q" is 0: give a whole number from 1 on/],
    [{ concurrency: Number.NaN }, /is NaN/],
    [{ concurrency: 1.5 }, /is 1\.5/],
    [{ concurrency: -1 }, /is -1/],
    [{ concurrency: Number.NEGATIVE_INFINITY }, /is -Infinity/],
    [{ concurrency: 1, rate: { limit: 0, per } }, /the rate limit of the queue "q" is 0/],
    [{ concurrency: 1, rate: { limit: unbounded, per } }, /the rate limit of the queue "q" is Infinity/],
    [{ concurrency: 1, rate: { limit: 1, per: Duration.zero } }, /the rate of the queue "q" is per 0: give a span/],
    [{ concurrency: 1, rate: { limit: 1, per: Duration.infinity } }, /the rate of the queue "q" is per Infinity/]
  ]
  for (const options of valid) {
    it(`may be ${JSON.stringify(options)}`, () => {
      assert.strictEqual(invalid("q", options), undefined)
    })
  }
  for (const [options, message] of faults) {
    it(`cannot be ${message.source}`, () => {
      const fault = invalid("q", options)
      assert.strictEqual(fault?.queue, "q")
      assert.match(fault?.message ?? "", message)
    })
  }

  it("that nobody gave are told together with those that there are", () => {
    assert.include(undeclared("a", []).message, "the queue \"a\" is not declared; there are none.")
    assert.include(undeclared("a", ["b", "c"]).message, "the queue \"a\" is not declared; there are \"b\", \"c\".")
  })
})

/** A place in a tree of workflows and attempts: `above` is the index of what is above it, if anything. */
interface Node {
  readonly above: number | undefined
  /** What is on another queue, or on none, has nothing to lend, but what is below it may borrow from above. */
  readonly isOnQueue: boolean
}

const forest = fc.array(fc.tuple(fc.option(fc.nat(20), { nil: undefined }), fc.boolean()), { maxLength: 25 }).map(
  (drawn): ReadonlyArray<Node> =>
    drawn.map(([above, isElsewhere], index) => ({
      above: above === undefined || index === 0 ? undefined : above % index,
      isOnQueue: !isElsewhere || above === undefined
    }))
)

/** The nodes of a forest as they ask for their places. */
class Crowd {
  readonly state: Array<"Idle" | "Waiting" | "In" | "Over">
  readonly entered: Array<readonly [index: number, at: number]> = []
  readonly time = new Time()
  readonly nodes: ReadonlyArray<Node>
  private readonly places = new Map<number, Place>()
  private readonly order = new Map<number, number>()
  private readonly queue: Queue

  constructor(nodes: ReadonlyArray<Node>, options: QueueOptions) {
    this.nodes = nodes
    this.state = nodes.map(() => "Idle")
    this.queue = new Queue(options, this.time, () => this.time.now)
  }

  take(index: number): void {
    this.state[index] = "Waiting"
    this.order.set(index, this.order.size)
    if (this.nodes[index]?.isOnQueue !== true) {
      this.state[index] = "In"
      return
    }
    const place = this.queue.take({
      owner: this.below(index).length === 0 ? undefined : String(index),
      lenders: this.above(index).map(String),
      enter: () => {
        this.state[index] = "In"
        this.entered.push([index, this.time.now])
      }
    })
    this.places.set(index, place)
  }

  leave(index: number): void {
    this.state[index] = "Over"
    this.places.get(index)?.leave()
  }

  where(state: string): ReadonlyArray<number> {
    return this.nodes.flatMap((_, index) => this.state[index] === state ? [index] : [])
  }

  above(index: number): ReadonlyArray<number> {
    const above = this.nodes[index]?.above
    return above === undefined ? [] : [above, ...this.above(above)]
  }

  below(index: number): ReadonlyArray<number> {
    return this.nodes.flatMap((_, other) => this.above(other).includes(index) ? [other] : [])
  }

  has(index: number): boolean {
    return this.state[index] === "In" && this.nodes[index]?.isOnQueue === true
  }

  /** Of those that have a place, the most of which none is above another: so many places there must be. */
  get places_(): number {
    const count = (index: number): number => {
      const below = this.nodes.reduce((sum, node, other) => node.above === index ? sum + count(other) : sum, 0)
      return Math.max(below, this.has(index) ? 1 : 0)
    }
    return this.nodes.reduce((sum, node, index) => node.above === undefined ? sum + count(index) : sum, 0)
  }

  cameBefore(one: number, other: number): boolean {
    return (this.order.get(one) ?? 0) < (this.order.get(other) ?? 0)
  }
}

const assertLine = (crowd: Crowd, concurrency: number, seen: number) => {
  assert.isAtMost(crowd.places_, concurrency)
  const waiting = crowd.where("Waiting")
  const holders = crowd.nodes.filter((_, index) => crowd.has(index)).length
  if (waiting.length > 0) assert.isAtLeast(holders, concurrency, "there is a free place")
  for (const one of waiting) {
    for (const lender of crowd.above(one).filter((index) => crowd.has(index))) {
      assert.isTrue(crowd.below(lender).some((index) => crowd.has(index)), `${lender} has not lent its place to ${one}`)
    }
  }
  for (const [index] of crowd.entered.slice(seen)) {
    if (crowd.above(index).length > 0) continue
    const passed = waiting.filter((other) => crowd.above(other).length === 0 && crowd.cameBefore(other, index))
    assert.deepStrictEqual(passed, [], `${index} came later`)
  }
}

const operations = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 80 })

describe("whoever comes and goes", () => {
  it.prop(
    "there are never more than may be, those who cannot borrow enter in order, and nobody waits for a free place",
    [forest, operations, fc.integer({ min: 1, max: 4 })],
    ([nodes, steps, concurrency]) => {
      const crowd = new Crowd(nodes, { concurrency })
      for (const [comes, pick] of steps) {
        const seen = crowd.entered.length
        const candidates = comes ? crowd.where("Idle") : [...crowd.where("Waiting"), ...crowd.where("In")]
        const index = candidates[pick % candidates.length]
        if (index === undefined) continue
        if (comes) crowd.take(index)
        else crowd.leave(index)
        assertLine(crowd, concurrency, seen)
      }
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.prop(
    "everything comes to its end, though whoever has a place keeps it until all that is below it has ended",
    [forest, fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 3 })],
    ([nodes, picks, concurrency]) => {
      const crowd = new Crowd(nodes, { concurrency })
      for (let turn = 0; crowd.where("Over").length < nodes.length; turn++) {
        const seen = crowd.entered.length
        const mayCome = crowd.where("Idle").filter((index) => {
          const above = nodes[index]?.above
          return above === undefined || crowd.state[above] === "In"
        })
        const mayGo = crowd.where("In").filter((index) =>
          crowd.below(index).every((other) => crowd.state[other] === "Over")
        )
        const all = [...mayCome, ...mayGo]
        assert.isNotEmpty(all, "everybody waits for somebody else")
        const index = all[(picks[turn % picks.length] ?? 0) % all.length] ?? 0
        if (mayCome.includes(index)) crowd.take(index)
        else crowd.leave(index)
        assertLine(crowd, concurrency, seen)
      }
    },
    { fastCheck: { numRuns: 300 } }
  )

  it.prop(
    "no more start in any span than the rate allows, and no fewer where there is a place",
    [
      forest,
      fc.array(fc.tuple(fc.constantFrom("come", "go", "pass"), fc.nat(400)), { maxLength: 80 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(1, 2, Number.POSITIVE_INFINITY)
    ],
    ([nodes, steps, limit, concurrency]) => {
      const per = 1_000
      const crowd = new Crowd(nodes, { concurrency, rate: { limit, per: Duration.millis(per) } })
      for (const [step, number] of steps) {
        if (step === "pass") crowd.time.pass(number)
        else {
          const come = step === "come"
          const candidates = come ? crowd.where("Idle") : [...crowd.where("Waiting"), ...crowd.where("In")]
          const index = candidates[number % candidates.length]
          if (index === undefined) continue
          if (come) crowd.take(index)
          else crowd.leave(index)
        }
        const starts = crowd.entered.map(([, at]) => at)
        starts.forEach((at, index) => assert.isAtLeast(at - (starts[index - limit] ?? Number.NEGATIVE_INFINITY), per))
        assert.isAtMost(crowd.places_, concurrency)
        const recent = starts.filter((at) => at > crowd.time.now - per).length
        if (recent < limit) assertLine(crowd, Math.min(concurrency, nodes.length + 1), crowd.entered.length)
      }
    },
    { fastCheck: { numRuns: 500 } }
  )
})
