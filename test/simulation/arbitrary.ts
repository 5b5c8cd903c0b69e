/**
 * Random programs and schedules. They shrink to fewer and simpler parts, to shorter times, to fewer faults.
 */
import * as fc from "effect/FastCheck"
import { type Activity, type Generations, label, type Program, type SignalName, spread } from "./program.ts"
import type { Command, Fault, FaultKind, Schedule } from "./schedule.ts"

/** What a program may contain. */
interface Style {
  readonly depth: number
  /** Whether somebody sends it signals: then it may wait for them without an end. */
  readonly isHeard: boolean
  /** Whether what comes of it may depend on how long things take. */
  readonly isTimed: boolean
  /** Whether it may fail. */
  readonly mayFail: boolean
}

type Weighted = fc.WeightedArbitrary<Program>

/** Seconds, of which milliseconds are made in the end. */
const millis = (max: number) => fc.integer({ min: 1, max })

const unnamed = { key: fc.constant(""), name: fc.constant("") }

const activity = (mayFail: boolean): fc.Arbitrary<Activity> =>
  fc.record({
    ...unnamed,
    _tag: fc.constant("Activity" as const),
    policy: fc.constantFrom<Activity["policy"]>("once", "retried", "hasty"),
    millis: millis(900),
    failures: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }
    ),
    dies: fc.oneof(
      { weight: 15, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) }
    )
  }).map((one) => mayFail ? one : { ...one, failures: one.policy === "once" ? 0 : one.failures % 2, dies: false })

const signal = fc.constantFrom<SignalName>("Red", "Blue")

const leaf = ({ isHeard, isTimed, mayFail }: Style): fc.Arbitrary<Program> =>
  fc.oneof<Array<Weighted>>(
    { weight: 12, arbitrary: activity(mayFail) },
    { weight: 2, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("SideEffect" as const) }) },
    { weight: 2, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Sleep" as const), millis: millis(2_000) }) },
    { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Delay" as const), millis: millis(2_000) }) },
    { weight: 1, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Version" as const) }) },
    ...(isTimed
      ? [
        { weight: 1, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Send" as const), signal }) },
        {
          weight: 1,
          arbitrary: fc.record({
            ...unnamed,
            _tag: fc.constant("Await" as const),
            signal,
            within: isHeard ? fc.option(millis(3_000), { nil: null }) : millis(3_000)
          })
        }
      ]
      : []),
    ...(isHeard && mayFail
      ? [{
        weight: 1,
        arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Await" as const), signal, within: fc.constant(null) })
      }]
      : [])
  )

/** What undoes a step: it may take several, and fail. */
const undo = ({ isTimed }: Style): fc.Arbitrary<Program> =>
  fc.oneof<Array<Weighted>>(
    { weight: 5, arbitrary: activity(true) },
    {
      weight: 1,
      arbitrary: fc.record({
        _tag: fc.constant("Sequence" as const),
        parts: fc.array(activity(true), { minLength: 1, maxLength: 3 })
      })
    },
    {
      weight: 1,
      arbitrary: fc.record({
        _tag: fc.constant("All" as const),
        concurrency: fc.constantFrom(2 as const, "unbounded" as const),
        parts: fc.array(activity(isTimed), { minLength: 2, maxLength: 3 })
      })
    },
    ...(isTimed
      ? [{
        weight: 1,
        arbitrary: fc.record({
          _tag: fc.constant("Timeout" as const),
          millis: millis(1_000),
          part: activity(false)
        })
      }]
      : [])
  )

const build = (style: Style): fc.Arbitrary<Program> => {
  const simple = leaf(style)
  if (style.depth === 0) return simple
  const { isTimed } = style
  const below: Style = { ...style, depth: style.depth - 1 }
  const inner = build(below)
  // Nobody sends signals to others, and what is to be undone cannot be interrupted.
  const unheard = build({ ...below, isHeard: false })
  // Where time does not matter, nothing beside others may fail, or take what is meant for them.
  const beside = isTimed ? inner : build({ ...below, isHeard: false, mayFail: false })
  const apart = isTimed ? unheard : beside
  const joins = isTimed ? fc.boolean() : fc.constant(true)
  const parts = fc.array(inner, { minLength: 1, maxLength: 4 })
  return fc.oneof<Array<Weighted>>(
    { weight: 4, arbitrary: simple },
    { weight: 6, arbitrary: fc.record({ _tag: fc.constant("Sequence" as const), parts }) },
    {
      weight: 1,
      arbitrary: fc.record({ _tag: fc.constant("All" as const), concurrency: fc.constant(1 as const), parts })
    },
    {
      weight: 3,
      arbitrary: fc.record({
        _tag: fc.constant("All" as const),
        concurrency: fc.constantFrom(2 as const, "unbounded" as const),
        parts: fc.array(beside, { minLength: 1, maxLength: 4 })
      })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        _tag: fc.constant("Fork" as const),
        background: beside,
        meanwhile: beside,
        joins
      })
    },
    { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Catch" as const), part: inner, otherwise: inner }) },
    { weight: 4, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Saga" as const), part: inner }) },
    {
      weight: 6,
      arbitrary: fc.record({
        _tag: fc.constant("Compensate" as const),
        part: fc.oneof<Array<Weighted>>(
          { weight: 3, arbitrary: activity(false) },
          { weight: 1, arbitrary: unheard }
        ),
        undo: undo(style)
      })
    },
    { weight: 2, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Child" as const), part: unheard }) },
    {
      weight: 2,
      arbitrary: fc.record({
        ...unnamed,
        _tag: fc.constant("StartChild" as const),
        part: apart,
        meanwhile: beside,
        joins
      })
    },
    { weight: 1, arbitrary: fc.record({ ...unnamed, _tag: fc.constant("Detach" as const), part: unheard }) },
    ...(isTimed
      ? [
        {
          weight: 2,
          arbitrary: fc.record({ _tag: fc.constant("Race" as const), first: fc.boolean(), left: inner, right: inner })
        },
        {
          weight: 2,
          arbitrary: fc.record({ _tag: fc.constant("Timeout" as const), millis: millis(2_500), part: inner })
        }
      ]
      : [])
  )
}

const body = (isTimed: boolean): fc.Arbitrary<Program> =>
  fc.record({
    _tag: fc.constant("Sequence" as const),
    parts: fc.array(build({ depth: 3, isHeard: true, isTimed, mayFail: true }), { minLength: 1, maxLength: 4 })
  })

const ofStyle = (isTimed: boolean): fc.Arbitrary<Generations> => {
  const one = body(isTimed)
  return fc.oneof(
    { weight: 5, arbitrary: fc.tuple(one) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 2, maxLength: 3 }) }
  )
}

const command = (isTimed: boolean) =>
  fc.record({
    at: millis(6_000),
    what: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<Command["what"]>("Red", "Blue") },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Command["what"]>(
          ...(isTimed ? ["cancel" as const, "cancel" as const] : []),
          "pause",
          "resume"
        )
      }
    )
  })

const fault: fc.Arbitrary<Fault> = fc.record({
  commits: fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 20 }) }
  ),
  undoing: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  kind: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom<FaultKind>("crash before", "crash after") },
    { weight: 3, arbitrary: fc.constantFrom<FaultKind>("fail", "fail after commit", "delay", "close") }
  ),
  millis: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, {
    weight: 2,
    arbitrary: millis(3_000).map((seconds) => seconds * 1_000)
  })
})

const schedule = (isTimed: boolean): fc.Arbitrary<Schedule> =>
  fc.record({
    replay: fc.oneof(
      { weight: 3, arbitrary: fc.constant("needed" as const) },
      { weight: 1, arbitrary: fc.constant("always" as const) },
      { weight: 1, arbitrary: fc.constant("parked" as const) }
    ),
    commands: fc.array(command(isTimed), { maxLength: 4 }).map((commands) =>
      commands.map((one, index): Command => ({ ...one, at: spread(one.at, -1 - index), n: index + 1 }))
    ),
    faults: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: isTimed ? 2 : 6, arbitrary: fc.array(fault, { maxLength: 4 }) }
    )
  })

/** A program, and what happens to it: half of them come to the same end, however long everything takes. */
export const scenario: fc.Arbitrary<readonly [Generations, Schedule]> = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(ofStyle(true), schedule(true)) },
  { weight: 1, arbitrary: fc.tuple(ofStyle(false), schedule(false)) }
).map(([generations, schedule]) => [label(generations), schedule] as const)
