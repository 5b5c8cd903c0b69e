/**
 * The tracer and the loggers of a body. They read the wall clock, since the body's own shows virtual times, and are
 * silent while it replays (or is dropped), since what they would say was said before.
 */
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** A logger that is silent while `silent()` and dates its lines by the wall clock. */
const logger = (
  inner: Logger.Logger<unknown, unknown>,
  wall: Clock.Clock,
  silent: () => boolean
): Logger.Logger<unknown, unknown> =>
  Logger.make((options) => {
    if (silent()) return
    // The type of a log date is `Date`: the logger's, not the workflow's.
    // eslint-disable-next-line no-restricted-globals
    inner.log({ ...options, date: new Date(wall.unsafeCurrentTimeMillis()) })
  })

export const loggers = (
  all: HashSet.HashSet<Logger.Logger<unknown, unknown>>,
  wall: Clock.Clock,
  silent: () => boolean
): HashSet.HashSet<Logger.Logger<unknown, unknown>> => HashSet.map(all, (inner) => logger(inner, wall, silent))

/** A span that leads nowhere: what a replay opens instead of the one it opened before. */
class SilentSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly spanId = "replayed"
  readonly traceId = "replayed"
  readonly sampled = false
  readonly attributes: ReadonlyMap<string, unknown> = new Map()
  readonly links: ReadonlyArray<Tracer.SpanLink> = []
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly context: Context.Context<never>
  readonly kind: Tracer.SpanKind
  status: Tracer.SpanStatus

  constructor(
    name: string,
    parent: Option.Option<Tracer.AnySpan>,
    context: Context.Context<never>,
    startTime: bigint,
    kind: Tracer.SpanKind
  ) {
    this.name = name
    this.parent = parent
    this.context = context
    this.kind = kind
    this.status = { _tag: "Started", startTime }
  }

  end: Tracer.Span["end"] = (endTime, exit) => {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
  }
  attribute: Tracer.Span["attribute"] = () => {}
  event: Tracer.Span["event"] = () => {}
  addLinks: Tracer.Span["addLinks"] = () => {}
}

/** The nearest parent that was really opened. */
const opened = (parent: Option.Option<Tracer.AnySpan>): Option.Option<Tracer.AnySpan> =>
  Option.flatMap(parent, (span) => span instanceof SilentSpan ? opened(span.parent) : parent)

/** A tracer that opens silent spans while `silent()`, and otherwise spans of `inner` in wall time. */
export const tracer = (inner: Tracer.Tracer, wall: Clock.Clock, silent: () => boolean): Tracer.Tracer =>
  Tracer.make({
    context: (f, fiber) => inner.context(f, fiber),
    span: (name, parent, context, links, startTime, kind, options) => {
      if (silent()) return new SilentSpan(name, parent, context, startTime, kind)
      const span = inner.span(name, opened(parent), context, links, wall.unsafeCurrentTimeNanos(), kind, options)
      const end = span.end.bind(span)
      const event = span.event.bind(span)
      span.end = (_, exit) => {
        end(wall.unsafeCurrentTimeNanos(), exit)
      }
      span.event = (message, _, attributes) => {
        event(message, wall.unsafeCurrentTimeNanos(), attributes)
      }
      return span
    }
  })
