/**
 * Bodies that use every combinator of Effect which could depend on an order: each must come out the same on replay.
 */
import {
  Cache,
  Chunk,
  Clock,
  Cron,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberMap,
  FiberRef,
  FiberSet,
  Layer,
  Mailbox,
  Option,
  Pool,
  PubSub,
  Queue,
  Random,
  Ref,
  Request,
  RequestResolver,
  Runtime,
  Schedule,
  Schema,
  STM,
  Stream,
  SubscriptionRef,
  TQueue,
  TRef
} from "effect"
import { Activity, Saga, SideEffect, Workflow } from "../../src/index.ts"
import {
  Asked,
  type Body,
  type Broken,
  Child,
  Draw,
  Hasty,
  id,
  Listener,
  type Requirements,
  Retried,
  Rounds,
  type Scheduled,
  type Telling,
  Told,
  type Tools
} from "./Simulation.ts"

const body = (name: string, run: Body["run"], more: Partial<Body> = {}): Body => ({ name, run, ...more })

const keys = ["a", "b", "c", "d", "e"] as const

/** What the outside tells the workflow, numbered from 1001 on, and when, in seconds from the begin. */
const told = (...seconds: ReadonlyArray<number>): ReadonlyArray<Scheduled> =>
  seconds.map((seconds, index) => ({ signal: Told, n: 1_001 + index, seconds }))

const asked = (...seconds: ReadonlyArray<number>): ReadonlyArray<Scheduled> =>
  told(...seconds).map((scheduled) => ({ ...scheduled, signal: Asked }))

/** Waits for a signal, and says which it was. */
const hear = ({ note }: Tools, key: string, signal: Telling = Told) =>
  Effect.tap(signal.await(key), ({ n }) => note(`${key} heard ${n}`))

/** Waits for a signal, but not for ever. */
const hearWithin = ({ note }: Tools, key: string, duration: Duration.DurationInput) =>
  Effect.tap(
    Told.awaitWithin(key, duration),
    (heard) => note(`${key} ${Option.match(heard, { onNone: () => "too late", onSome: ({ n }) => `heard ${n}` })}`)
  )

const number = (value: unknown): number => typeof value === "number" ? value : 0

export const bodies: ReadonlyArray<Body> = [
  body("a sequence", ({ act }) =>
    Effect.gen(function*() {
      const a = yield* act("a")
      const b = yield* act("b", { arg: [a] })
      return yield* act("c", { arg: [a, b] })
    })),
  body("a loop of steps", ({ act, note }) =>
    Effect.gen(function*() {
      for (let i = 0; i < 6; i++) {
        yield* act(`s${i}`)
        yield* note(`at ${i}`)
      }
    })),
  body("race", ({ act }) => Effect.race(act("a"), act("b")).pipe(Effect.zip(act("c")))),
  body(
    "race with a failing side",
    ({ act }) => Effect.race(act("a", { fail: "always" }), act("b")).pipe(Effect.zip(act("c")))
  ),
  body(
    "raceAll",
    ({ act }) => Effect.raceAll(keys.map((key) => act(key))).pipe(Effect.flatMap((won) => act("z", { arg: won })))
  ),
  body(
    "raceFirst",
    ({ act }) => Effect.raceFirst(act("a", { fail: "always" }), act("b")).pipe(Effect.exit, Effect.zipRight(act("c")))
  ),
  body("raceWith", ({ act, note }) =>
    Effect.raceWith(act("a"), act("b"), {
      onSelfDone: (_, other) => Effect.zipRight(note("a first"), Fiber.join(other)),
      onOtherDone: (_, other) => Effect.zipRight(note("b first"), Fiber.join(other))
    })),
  body("timeouts of all kinds", ({ act }) =>
    Effect.gen(function*() {
      const a = yield* Effect.timeoutOption(act("a"), "30 seconds")
      const b = yield* Effect.timeoutTo(act("b"), {
        duration: "30 seconds",
        onSuccess: () => "in time",
        onTimeout: () => "late"
      })
      const c = yield* Effect.exit(Effect.timeoutFail(act("c"), { duration: "30 seconds", onTimeout: () => "late" }))
      const d = yield* act("d").pipe(Effect.disconnect, Effect.timeoutOption("30 seconds"))
      return [Option.isSome(a), b, Exit.isSuccess(c), Option.isSome(d)]
    })),
  body(
    "forEach with concurrency",
    ({ act, note }) =>
      Effect.forEach(keys, (key) => Effect.zipRight(act(key), note(`after ${key}`)), { concurrency: 2 })
  ),
  body(
    "forEach without bounds, each in two steps",
    ({ act }) => Effect.forEach(keys, (key) => Effect.zip(act(`${key}1`), act(`${key}2`)), { concurrency: "unbounded" })
  ),
  body(
    "a failing forEach",
    ({ act }) => Effect.forEach(keys, (key) => act(key, { fail: key === "c" ? "always" : 0 }), { concurrency: 3 })
  ),
  body("all, either and validate", ({ act }) =>
    Effect.all([
      Effect.either(act("a", { fail: "always" })),
      Effect.validateAll(["b", "c"], (key) => act(key, { fail: "always" }), { concurrency: 2 }).pipe(Effect.either),
      act("d")
    ], { concurrency: "unbounded" })),
  body("fork and join", ({ act, note }) =>
    Effect.gen(function*() {
      const left = yield* Effect.fork(Effect.zipRight(act("a"), act("b")))
      const right = yield* Effect.fork(act("c"))
      yield* note("forked")
      return [yield* Fiber.join(right), yield* Fiber.join(left)]
    })),
  body("a child that nobody joins", ({ act }) =>
    Effect.gen(function*() {
      yield* Effect.fork(Effect.zipRight(act("a"), act("b")))
      return yield* act("c")
    })),
  body("a daemon", ({ act }) =>
    Effect.gen(function*() {
      yield* Effect.forkDaemon(Effect.zipRight(act("a"), act("b")))
      return yield* act("c")
    })),
  body("forkScoped", ({ act }) =>
    Effect.gen(function*() {
      yield* Effect.forkScoped(Effect.zipRight(act("a"), act("b")))
      yield* Effect.scoped(Effect.zipRight(Effect.forkScoped(act("x")), act("y")))
      return yield* act("c")
    })),
  body("Deferred", ({ act }) =>
    Effect.gen(function*() {
      const first = yield* Deferred.make<string>()
      yield* Effect.forkScoped(Effect.zipRight(act("a"), Deferred.succeed(first, "a")))
      yield* Effect.forkScoped(Effect.zipRight(act("b"), Deferred.succeed(first, "b")))
      const won = yield* Deferred.await(first)
      return yield* act("c", { arg: won })
    })),
  body("Queue", ({ act, note }) =>
    Effect.gen(function*() {
      const queue = yield* Queue.bounded<string>(1)
      yield* Effect.forkScoped(
        Effect.forEach(keys, (key) => Effect.zipRight(act(key), Queue.offer(queue, key)), { concurrency: 3 })
      )
      for (let i = 0; i < keys.length; i++) {
        const key = yield* Queue.take(queue)
        yield* note(`took ${key}`)
        if (i % 2 === 0) yield* act(`then-${key}`)
      }
    })),
  body("PubSub", ({ act, note }) =>
    Effect.gen(function*() {
      const pubsub = yield* PubSub.unbounded<string>()
      const read = (name: string) =>
        Effect.flatMap(PubSub.subscribe(pubsub), (queue) =>
          Effect.forEach([1, 2, 3], () =>
            Effect.flatMap(Queue.take(queue), (value) => note(`${name} ${value}`))))
      const readers = yield* Effect.all([Effect.forkScoped(read("x")), Effect.forkScoped(read("y"))])
      yield* Effect.yieldNow()
      yield* Effect.forEach(["a", "b", "c"], (key) =>
        Effect.zipRight(act(key), PubSub.publish(pubsub, key)), { concurrency: 2 })
      yield* Fiber.joinAll(readers)
    })),
  body("Mailbox", ({ act, note }) =>
    Effect.gen(function*() {
      const mailbox = yield* Mailbox.make<string>()
      yield* Effect.forkScoped(
        Effect.zipRight(
          Effect.forEach(keys, (key) => Effect.zipRight(act(key), mailbox.offer(key)), { concurrency: 2 }),
          mailbox.end
        )
      )
      yield* Stream.runForEach(Mailbox.toStream(mailbox), note)
    })),
  body("a shared Ref", ({ act }) =>
    Effect.gen(function*() {
      const order = yield* Ref.make<ReadonlyArray<string>>([])
      const hop = (times: number): Effect.Effect<void> =>
        times === 0 ? Effect.void : Effect.zipRight(Effect.yieldNow(), hop(times - 1))
      yield* Effect.forEach(keys, (key, index) =>
        Effect.zipRight(act(key), Effect.zipRight(hop((index * 3) % 5), Ref.update(order, (all) => [...all, key]))), {
        concurrency: "unbounded"
      })
      return yield* Ref.get(order)
    })),
  body("SubscriptionRef", ({ act }) =>
    Effect.gen(function*() {
      const ref = yield* SubscriptionRef.make(0)
      const reader = yield* Effect.forkScoped(Stream.runCollect(Stream.takeUntil(ref.changes, (n) => n >= 3)))
      yield* Effect.forEach(["a", "b", "c"], (key) =>
        Effect.zipRight(act(key), SubscriptionRef.update(ref, (n) => n + 1)), { concurrency: 3 })
      return Chunk.toReadonlyArray(yield* Fiber.join(reader))
    })),
  body("Semaphore", ({ act }) =>
    Effect.gen(function*() {
      const semaphore = yield* Effect.makeSemaphore(2)
      return yield* Effect.forEach(keys, (key) => semaphore.withPermits(key === "c" ? 2 : 1)(act(key)), {
        concurrency: "unbounded"
      })
    })),
  body("Pool", ({ act, note }) =>
    Effect.gen(function*() {
      let made = 0
      const pool = yield* Pool.make({ acquire: Effect.sync(() => made++), size: 2 })
      yield* Effect.forEach(keys, (key) =>
        Effect.scoped(Effect.flatMap(Pool.get(pool), (n) => Effect.zipRight(act(key), note(`${key} on ${n}`)))), {
        concurrency: "unbounded"
      })
    })),
  body("Cache", ({ act }) =>
    Effect.gen(function*() {
      const cache = yield* Cache.make({ capacity: 10, timeToLive: "1 hour", lookup: (key: string) => act(key) })
      return yield* Effect.forEach(["a", "b", "a", "b", "c"], (key) => cache.get(key), { concurrency: 3 })
    })),
  body("cached, with and without time to live", ({ act }) =>
    Effect.gen(function*() {
      const once = yield* Effect.cached(act("a"))
      const pair = yield* Effect.all([once, once], { concurrency: 2 })
      let round = 0
      const brief = yield* Effect.cachedWithTTL(Effect.suspend(() => act(`t${round++}`)), "20 seconds")
      const first = yield* brief
      yield* act("b")
      return [pair, first, yield* brief]
    })),
  body("retry of a group, with the round in its keys", ({ act }) => {
    let round = 0
    return Effect.suspend(() => {
      round++
      return Effect.zipRight(act(`a${round}`), act(`b${round}`, { fail: round < 3 ? "always" : 0 }))
    }).pipe(Effect.retry(Schedule.jittered(Schedule.exponential("5 seconds"))))
  }),
  body("repeat, spaced, up to a time", ({ act }) => {
    let round = 0
    return Effect.suspend(() => act(`a${round++}`)).pipe(
      Effect.repeat(Schedule.spaced("20 seconds").pipe(Schedule.upTo("2 minutes")))
    )
  }),
  body("repeat on a fixed beat", ({ act }) => {
    let round = 0
    return Effect.suspend(() => act(`a${round++}`)).pipe(
      Effect.repeat(Schedule.intersect(Schedule.fixed("1 minute"), Schedule.recurs(3)))
    )
  }),
  body("cron", ({ act }) => {
    let round = 0
    return Effect.suspend(() => act(`a${round++}`)).pipe(
      Effect.repeat(Schedule.intersect(Schedule.cron(Cron.unsafeParse("*/5 * * * *")), Schedule.recurs(2)))
    )
  }),
  body("STM", ({ act, note }) =>
    Effect.gen(function*() {
      const count = yield* TRef.make(0)
      const waiter = yield* Effect.forkScoped(
        Effect.zipRight(
          STM.commit(STM.flatMap(TRef.get(count), (n) => n >= 2 ? STM.void : STM.retry)),
          Effect.zipRight(note("two"), act("z"))
        )
      )
      yield* Effect.forEach(["a", "b", "c"], (key) =>
        Effect.zipRight(act(key), STM.commit(TRef.update(count, (n) => n + 1))), { concurrency: 3 })
      yield* Fiber.join(waiter)
    })),
  body("TQueue", ({ act, note }) =>
    Effect.gen(function*() {
      const queue = yield* STM.commit(TQueue.bounded<string>(1))
      yield* Effect.forkScoped(
        Effect.forEach(keys, (key) => Effect.zipRight(act(key), STM.commit(TQueue.offer(queue, key))), {
          concurrency: 2
        })
      )
      yield* Effect.forEach(keys, () => Effect.flatMap(STM.commit(TQueue.take(queue)), note))
    })),
  body("Stream, mapped in order", ({ act, note }) =>
    Stream.fromIterable(keys).pipe(
      Stream.mapEffect((key) => act(key), { concurrency: 3 }),
      Stream.runForEach(note)
    )),
  body("Stream, mapped without order", ({ act, note }) =>
    Stream.fromIterable(keys).pipe(
      Stream.mapEffect((key) => act(key), { concurrency: 3, unordered: true }),
      Stream.runForEach(note)
    )),
  body("Streams merged", ({ act, note }) =>
    Stream.merge(
      Stream.mapEffect(Stream.make("a", "b"), (key) => act(key)),
      Stream.mapEffect(Stream.make("c", "d"), (key) => act(key))
    ).pipe(Stream.runForEach(note))),
  body("Stream grouped within a time", ({ act, note }) =>
    Stream.fromIterable(keys).pipe(
      Stream.mapEffect((key) => act(key), { concurrency: 5, unordered: true }),
      Stream.groupedWithin(2, "25 seconds"),
      Stream.runForEach((group) => note(Chunk.toReadonlyArray(group)))
    )),
  body("Stream debounced", ({ act, note }) =>
    Stream.fromIterable(keys).pipe(
      Stream.mapEffect((key) => act(key), { concurrency: 5, unordered: true }),
      Stream.debounce("15 seconds"),
      Stream.runForEach(note)
    )),
  body("Stream broadcast", ({ act, note }) =>
    Stream.mapEffect(Stream.make("a", "b", "c"), (key) => act(key)).pipe(
      Stream.broadcast(2, 4),
      Effect.flatMap(([x, y]) =>
        Effect.all([
          Stream.runForEach(x, (v) => note(`x ${String(v)}`)),
          Stream.runForEach(y, (v) => act(`y-${String(v)}`))
        ], {
          concurrency: 2
        })
      )
    )),
  body("FiberRef", ({ act }) =>
    Effect.gen(function*() {
      const ref = yield* FiberRef.make("start")
      yield* Effect.forEach(["a", "b"], (key) =>
        Effect.zipRight(act(key), FiberRef.update(ref, (all) => `${all},${key}`)), { concurrency: 2 })
      return yield* FiberRef.get(ref)
    })),
  body("nested scopes whose finalizers take steps", ({ act }) =>
    Effect.scoped(Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.ignore(act("f-outer")))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Effect.parallelFinalizers(Effect.all([
          Effect.addFinalizer(() => Effect.ignore(act("f1"))),
          Effect.addFinalizer(() => Effect.ignore(act("f2")))
        ]))
        yield* act("a")
      }))
      return yield* act("b")
    }))),
  body("acquireUseRelease in a race", ({ act }) =>
    Effect.race(
      Effect.acquireUseRelease(act("open-1"), () => act("use-1"), () => Effect.ignore(act("close-1"))),
      Effect.acquireUseRelease(act("open-2"), () => act("use-2"), () => Effect.ignore(act("close-2")))
    )),
  body("uninterruptible regions", ({ act }) =>
    Effect.gen(function*() {
      const late = yield* Effect.timeoutOption(
        Effect.uninterruptible(Effect.zipRight(act("a"), act("b"))),
        "10 seconds"
      )
      const raced = yield* Effect.race(Effect.uninterruptible(act("c")), act("d"))
      return [Option.isSome(late), raced]
    })),
  body("steps in the handlers of an interruption", ({ act }) =>
    Effect.race(
      Effect.onInterrupt(
        Effect.zipRight(act("a"), act("b")),
        () => Effect.ignore(Effect.zipRight(act("i1"), act("i2")))
      ),
      act("c")
    )),
  body("FiberSet", ({ act }) =>
    Effect.gen(function*() {
      const set = yield* FiberSet.make<unknown, Broken>()
      yield* Effect.forEach(keys, (key) => FiberSet.run(set, act(key)))
      yield* FiberSet.join(set).pipe(Effect.race(FiberSet.awaitEmpty(set)))
      return yield* act("z")
    })),
  body("FiberMap with a runtime", ({ act, note }) =>
    Effect.gen(function*() {
      const map = yield* FiberMap.make<string, unknown, Broken>()
      const run = yield* FiberMap.runtime(map)<Requirements>()
      yield* Effect.sync(() => {
        for (const key of keys) run(key, Effect.zipRight(act(key), note(`ran ${key}`)))
      })
      yield* FiberMap.awaitEmpty(map)
    })),
  body("Runtime.runFork in the body", ({ act }) =>
    Effect.gen(function*() {
      const runtime = yield* Effect.runtime<Requirements>()
      const fibers = yield* Effect.sync(() => keys.map((key) => Runtime.runFork(runtime)(act(key))))
      return yield* Fiber.joinAll(fibers)
    })),
  body("a layer built in the body", ({ act, note }) =>
    Effect.gen(function*() {
      yield* Layer.build(Layer.mergeAll(
        Layer.effectDiscard(Effect.zipRight(act("a"), note("first"))),
        Layer.effectDiscard(Effect.zipRight(act("b"), note("second")))
      ))
      return yield* act("c")
    })),
  body("random draws in parallel fibers", ({ act }) =>
    Effect.forEach(keys, (key) =>
      Effect.gen(function*() {
        const before = yield* Random.nextIntBetween(0, 1_000_000)
        yield* act(key, { arg: before })
        const order = Chunk.toReadonlyArray(yield* Random.shuffle([1, 2, 3, 4, 5, 6]))
        return yield* act(`${key}-after`, { arg: [yield* Random.next, order] })
      }), { concurrency: "unbounded" })),
  body("the time", ({ act, note }) =>
    Effect.gen(function*() {
      const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const [took] = yield* Effect.timed(act("a"))
      yield* note(Duration.toMillis(took))
      yield* Effect.sleep("90 seconds")
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      return yield* act("b", { arg: now - start })
    })),
  body("yieldNow loops beside steps", ({ act, note }) =>
    Effect.gen(function*() {
      const spin = (name: string, times: number): Effect.Effect<void> =>
        Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow(), { discard: true }).pipe(
          Effect.zipRight(note(`${name} spun`))
        )
      yield* Effect.all([
        Effect.zipRight(act("a"), spin("x", 40)),
        Effect.zipRight(act("b"), spin("y", 20)),
        spin("z", 30)
      ], { concurrency: "unbounded" })
    })),
  body("long computations side by side", ({ act }) =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const compute = (name: string, length: number) =>
        Effect.zipRight(
          Effect.reduce(Array.from({ length }), 0, (sum) => Effect.succeed(sum + 1)),
          Effect.sync(() => order.push(name))
        )
      yield* Effect.all([
        Effect.zipRight(act("a"), compute("x", 9_000)),
        Effect.zipRight(act("b"), compute("y", 3_000)),
        compute("z", 6_000)
      ], { concurrency: "unbounded" })
      return order
    })),
  body("batched requests of one data source", ({ act, note }) => {
    class Get extends Request.TaggedClass("Get")<unknown, Broken, { readonly key: string }> {}
    const resolver = RequestResolver.makeBatched((requests: ReadonlyArray<Get>) =>
      Effect.zipRight(
        note(`batch of ${requests.length}`),
        Effect.forEach(requests, (request) => Request.completeEffect(request, act(request.key)), {
          concurrency: 2,
          discard: true
        })
      )
    )
    return RequestResolver.contextFromEffect(resolver).pipe(
      Effect.flatMap((source) =>
        Effect.forEach(keys, (key) => Effect.request(new Get({ key }), source), {
          batching: true,
          concurrency: "unbounded"
        })
      )
    )
  }),
  body("side effects between steps", ({ act }) =>
    Effect.gen(function*() {
      const one = yield* Draw.record("one")
      const a = yield* act("a", { arg: one })
      const both = yield* Effect.all([Draw.record("two"), Draw.record("three")], { concurrency: 2 })
      return yield* act("b", { arg: [a, both] })
    })),
  body("sleeps in races and loops", ({ act, note }) =>
    Effect.gen(function*() {
      yield* Effect.race(Effect.sleep("50 seconds"), Effect.sleep("5 seconds"))
      yield* act("a")
      for (const seconds of [1, 2, 3]) yield* Effect.sleep(Duration.seconds(seconds))
      yield* note("slept")
      yield* Effect.all([Effect.sleep("10 seconds"), act("b"), Effect.delay(act("c"), "7 seconds")], {
        concurrency: "unbounded"
      })
      yield* Workflow.sleep("named", "1 minute")
      return yield* Effect.timeoutOption(act("d"), "20 seconds")
    })),
  body("retried activities", () =>
    Effect.all([
      Retried.execute("r1", { fail: 1 }),
      Retried.execute("r2", { fail: 3 }),
      Effect.either(Retried.execute("r3", { fail: 9 }))
    ], { concurrency: "unbounded" })),
  body(
    "activities with a timeout",
    () =>
      Effect.forEach(keys, (key) => Effect.map(Effect.either(Hasty.execute(key)), (either) => either._tag), {
        concurrency: "unbounded"
      }),
    { restarts: true }
  ),
  body("a saga that completes", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      yield* done("b")
      return yield* act("c")
    })),
  body("a saga that fails", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      yield* done("b")
      return yield* act("c", { fail: "always" })
    })),
  body(
    "a saga whose steps run in parallel and fail",
    ({ act, done }) =>
      Effect.forEach(keys, (key) => key === "d" ? act(key, { fail: "always" }) : done(key), {
        concurrency: "unbounded"
      })
  ),
  body(
    "compensated steps in a race, then failure",
    ({ act, done }) => Effect.zipRight(Effect.race(done("a"), done("b")), act("c", { fail: "always" }))
  ),
  body("a saga in a saga, the inner one fails", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      const inner = yield* Effect.either(Saga.scoped(
        "trip",
        Effect.gen(function*() {
          yield* done("flight")
          yield* done("hotel")
          return yield* act("car", { fail: "always" })
        })
      ))
      yield* done("b")
      return inner._tag
    })),
  body("a saga in a saga, both fail", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      yield* Saga.scoped(
        "trip",
        Effect.gen(function*() {
          yield* Effect.all([done("flight"), done("hotel")], { concurrency: 2 })
          return yield* act("car", { fail: "always" })
        })
      )
      return yield* done("b")
    })),
  body("a saga undone as a whole", ({ act, done }) =>
    Effect.gen(function*() {
      yield* Saga.scoped("trip", done("flight")).pipe(Saga.compensate(() => act("undo-trip")))
      return yield* act("bad", { fail: "always" })
    })),
  body("sagas side by side, one fails", ({ act, done }) =>
    Effect.all([
      Effect.either(Saga.scoped("x", Effect.zipRight(done("a"), act("bad", { fail: "always" })))),
      Saga.scoped("y", Effect.zipRight(done("a"), done("b")))
    ], { concurrency: 2 })),
  body("undos with timeouts and races in them", ({ act, note }) =>
    Effect.gen(function*() {
      yield* Saga.compensate(act("a"), () =>
        Effect.race(Effect.timeoutOption(act("u-a1"), "20 seconds"), act("u-a2")).pipe(
          Effect.zipRight(note("undone a"))
        ))
      yield* Saga.compensate(act("b"), () =>
        Effect.all([act("u-b1"), act("u-b2")], { concurrency: 2 }))
      return yield* act("c", { fail: "always" })
    })),
  body("an undo that fails", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      yield* Saga.compensate(act("b"), () => act("u-b", { fail: "always" }))
      yield* done("c")
      return yield* act("d", { fail: "always" })
    })),
  body("daemons while a saga fails", ({ act, done }) =>
    Effect.gen(function*() {
      yield* Effect.forkDaemon(Effect.zipRight(done("d1"), Effect.zipRight(done("d2"), done("d3"))))
      yield* done("a")
      return yield* act("b", { fail: "always" })
    })),
  body("sub-workflows", ({ act }) =>
    Effect.gen(function*() {
      const first = yield* Child.child("c1", { steps: 2 })
      const others = yield* Effect.forEach(["c2", "c3"], (key) => Child.child(key, { steps: 1 }), { concurrency: 2 })
      return yield* act("z", { arg: [first, others] })
    })),
  body("a sub-workflow that fails", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      const failed = yield* Effect.either(Child.child("c1", { steps: 2, fail: true }))
      yield* act("b", { arg: failed._tag })
      return yield* Child.child("c2", { steps: 1, fail: true })
    })),
  body(
    "a sub-workflow that loses a race",
    ({ act }) => Effect.race(Child.child("c1", { steps: 3 }), act("a")).pipe(Effect.zipRight(act("b")))
  ),
  body("sub-workflows started, awaited and left", ({ act }) =>
    Effect.gen(function*() {
      const one = yield* Child.startChild("c1", { steps: 1 })
      yield* Child.startChild("c2", { steps: 5 })
      yield* act("a")
      const exit = yield* one.exit
      return [Exit.isSuccess(exit), yield* one.result, one.workflowId]
    })),
  body("inline side effects and activities", ({ act }) =>
    Effect.gen(function*() {
      const inline = yield* SideEffect.record("inline", Schema.Number, Effect.succeed(7))
      yield* Activity.make("direct", { success: Schema.Number, execute: Effect.succeed(inline) })
      return yield* act("a", { arg: inline })
    })),
  body("executions: a failing group", ({ act, done }) =>
    Effect.gen(function*() {
      const a = yield* done("a")
      yield* act("b", { arg: a })
      return yield* act("c", { fail: 2 })
    }), { executions: true }),
  body("executions: an inner saga that fails each time but the last", ({ act, done }) =>
    Effect.gen(function*() {
      yield* Saga.scoped("trip", Effect.zipRight(done("charge"), act("bad", { fail: 2 })))
      return yield* act("z")
    }), { executions: true }),
  body("executions: a reservation that differs", ({ act }) =>
    Effect.gen(function*() {
      const id = yield* Saga.scoped(
        "book",
        Effect.gen(function*() {
          const id = yield* Saga.compensate(Draw.record("id"), () => act("release"))
          yield* act("confirm-in", { arg: id })
          return yield* act("bad", { fail: 1 }).pipe(Effect.as(id))
        })
      )
      return yield* act("confirm", { arg: id })
    }), { executions: true }),
  body("executions: backoff in the body, in parallel", ({ act }) =>
    Effect.gen(function*() {
      let round = 0
      yield* Effect.all([
        Effect.suspend(() => act(`a${round++}`, { fail: round < 2 ? "always" : 0 })).pipe(
          Effect.retry(Schedule.spaced("1 hour"))
        ),
        act("p")
      ], { concurrency: 2 })
      return yield* act("z", { fail: 1 })
    }), { executions: true }),
  body("executions: spent", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      return yield* act("b", { fail: "always" })
    }), { executions: true }),
  body("signals, one after the other", (tools) =>
    Effect.gen(function*() {
      const one = yield* hear(tools, "s1")
      yield* tools.act("a", { arg: one })
      const two = yield* hear(tools, "s2")
      const three = yield* hear(tools, "s3")
      return yield* tools.act("b", { arg: [two, three] })
    }), { signals: told(7, 8, 140) }),
  body("signals in a race with other steps", (tools) =>
    Effect.gen(function*() {
      yield* Effect.race(hear(tools, "s1"), tools.act("a"))
      yield* Effect.raceFirst(tools.act("b"), hear(tools, "s2"))
      yield* Effect.race(hear(tools, "s3"), Effect.sleep("1 second"))
      yield* hear(tools, "s4")
      return yield* Effect.timeoutOption(hear(tools, "s5"), "20 seconds")
    }), { signals: told(31, 61, 91, 221, 222) }),
  body("signals within a time", (tools) =>
    Effect.gen(function*() {
      yield* hearWithin(tools, "s1", "10 seconds")
      yield* Effect.all([
        hearWithin(tools, "s2", "50 seconds"),
        hearWithin(tools, "s3", "90 seconds"),
        tools.act("a"),
        Effect.zipRight(Effect.sleep("45 seconds"), hearWithin(tools, "s4", "45 seconds"))
      ], { concurrency: "unbounded" })
      yield* Effect.race(hearWithin(tools, "s5", "30 seconds"), hearWithin(tools, "s6", "20 seconds"))
      return yield* Effect.timeoutOption(hearWithin(tools, "s7", "1 minute"), "30 seconds")
    }), { signals: told(41, 81, 82, 83) }),
  body("waits for one signal in parallel fibers", (tools) =>
    Effect.forEach(
      keys,
      (key) => Effect.flatMap(hear(tools, `s-${key}`), ({ n }) => tools.act(key, { arg: n })),
      { concurrency: "unbounded" }
    ), { signals: told(1, 2, 30, 60, 61) }),
  body("waits for one signal in fibers that come to it in any order", (tools) =>
    Effect.forEach(
      keys,
      (key) => Effect.zipRight(tools.act(key), hear(tools, `s-${key}`)),
      { concurrency: 3 }
    ), { signals: told(1, 40, 60, 100, 200) }),
  body("signals of two names, in parallel and in races", (tools) =>
    Effect.gen(function*() {
      yield* Effect.all([hear(tools, "t1"), hear(tools, "a1", Asked)], { concurrency: 2 })
      yield* Effect.race(hear(tools, "t2"), hear(tools, "a2", Asked))
      yield* tools.act("a")
      yield* Effect.raceAll([hear(tools, "t3"), hear(tools, "a3", Asked), hear(tools, "t4")])
    }), { signals: [...told(5, 21, 150), ...asked(11, 12, 13)] }),
  body("a fiber that hears, and a queue", (tools) =>
    Effect.gen(function*() {
      const queue = yield* Queue.unbounded<number>()
      yield* Effect.forkDaemon(Effect.forEach(
        [0, 1, 2, 3],
        (index) => Effect.flatMap(hear(tools, `s${index}`), ({ n }) => Queue.offer(queue, n))
      ))
      for (const index of [0, 1, 2]) yield* tools.act(`a${index}`, { arg: yield* Queue.take(queue) })
    }), { signals: told(1, 2, 130) }),
  body("signals to a sub-workflow and back", (tools) =>
    Effect.gen(function*() {
      const kid = yield* Listener.startChild("kid", { times: 2, answer: id })
      for (const round of [1, 2]) {
        yield* Told.sendAs(`tell${round}`, kid.workflowId, { n: round })
        yield* Effect.race(hear(tools, `told${round}`, Asked), Effect.zipRight(tools.act(`a${round}`), Effect.never))
      }
      return yield* kid.result
    })),
  body("signals to itself, and to nobody", (tools) =>
    Effect.gen(function*() {
      yield* Effect.all([Told.sendAs("self1", id, { n: 1 }), Told.sendAs("self2", id, { n: 2 })], { concurrency: 2 })
      yield* tools.act("a")
      const lost = yield* Effect.either(Told.sendAs("nobody", "nobody", { n: 3 }))
      return [yield* hear(tools, "s1"), yield* hear(tools, "s2"), lost._tag]
    })),
  body("a signal awaited, and one sent, while compensating", (tools) =>
    Effect.gen(function*() {
      yield* Saga.compensate(tools.act("a"), () => Effect.zipRight(hear(tools, "undo"), tools.act("u-a")))
      yield* Saga.compensate(tools.act("b"), () =>
        Effect.race(hearWithin(tools, "maybe", "20 seconds"), Told.sendAs("say", id, { n: 1 })))
      yield* hear(tools, "s")
      return yield* tools.act("c", { fail: "always" })
    }), { signals: told(1, 300, 900) }),
  body("executions: signals", (tools) =>
    Effect.gen(function*() {
      yield* hear(tools, "s1")
      yield* Effect.all([Told.sendAs("self", id, { n: 1 }), Effect.race(hear(tools, "s2"), tools.act("a"))])
      yield* tools.act("b", { fail: 1 })
      return yield* hear(tools, "s3")
    }), { executions: true, signals: told(3, 250) }),
  body("detached workflows", ({ act }) =>
    Effect.gen(function*() {
      const one = yield* Child.detach("d1", { steps: 1 })
      const all = yield* Effect.all([Child.detach("d2", { steps: 1, fail: true }), act("a")], { concurrency: 2 })
      yield* Effect.race(act("b"), Effect.zipRight(Child.detach("d3", { steps: 1 }), Effect.never))
      // They end before it does.
      yield* Effect.sleep("10 minutes")
      return [one, all]
    })),
  body("activities in the background", ({ act, note }) =>
    Effect.gen(function*() {
      const one = yield* Retried.start("r1", { fail: 1 })
      const two = yield* Retried.start("r2", { fail: 9 })
      yield* Retried.start("left", { fail: 1 })
      yield* note(one.executionId)
      yield* act("a")
      const slow = yield* Effect.timeoutOption(two.result, "2 seconds").pipe(Effect.either)
      return yield* act("b", { arg: [yield* one.result, slow._tag, (yield* Effect.either(two.result))._tag] })
    })),
  body("a background activity that fails, and what is undone", ({ act, done }) =>
    Effect.gen(function*() {
      yield* done("a")
      const bad = yield* Retried.start("r", { fail: 9 })
      yield* Effect.forkDaemon(act("d"))
      yield* done("b")
      return yield* bad.result
    })),
  body("versions, in order and in parallel", ({ act }) =>
    Effect.gen(function*() {
      const first = yield* Workflow.version("first", { min: 1, max: 3 })
      yield* act(`a${first}`)
      const same = yield* Effect.all(
        keys.map((key) =>
          Effect.zipRight(act(key), Workflow.version(`in ${key < "c" ? "x" : "y"}`, { min: 1, max: 2 }))
        ),
        { concurrency: "unbounded" }
      )
      return [first, yield* Workflow.version("first", { min: 1, max: 3 }), same]
    })),
  body("generations, with time, chance and a sleep", ({ act, note }, { next, state }) =>
    Effect.gen(function*() {
      const round = number(state)
      const began = yield* Clock.currentTimeMillis
      const { generation, startedAt } = yield* Workflow.Execution
      yield* note([generation, startedAt.epochMillis === began, yield* Random.nextInt])
      yield* act("a", { arg: [round, yield* Random.next] })
      yield* Effect.sleep("10 seconds")
      yield* note((yield* Clock.currentTimeMillis) - began)
      return round < 2 ? yield* next(round + 1) : round
    })),
  body("generations that leave things behind", ({ act, done, note }, { next, state }) =>
    Effect.gen(function*() {
      const round = number(state)
      yield* Effect.addFinalizer(() => Effect.zipRight(note("finalizer"), Effect.ignore(act("f"))))
      yield* Effect.forkDaemon(act("d"))
      yield* Child.startChild("kid", { steps: 2 })
      yield* done("a")
      return round < 1 ? yield* next(round + 1) : yield* act("bad", { fail: "always" })
    })),
  body("generations with signals", (tools, { next, state }) =>
    Effect.gen(function*() {
      const round = number(state)
      yield* Effect.race(hear(tools, "s"), tools.act("a"))
      yield* Told.sendAs("self", id, { n: round })
      const { n } = yield* hear(tools, "t")
      return round < 2 ? yield* next(round + 1) : n
    }), { signals: told(1, 2, 100, 201) }),
  body(
    "generations from within sagas, in races and in parallel",
    ({ act, done }, { next, state }) =>
      Effect.gen(function*() {
        const round = number(state)
        yield* done("a")
        const inner = Saga.scoped(
          "trip",
          Effect.gen(function*() {
            yield* done("b")
            return round < 2 ? yield* next(round + 1) : yield* act("c")
          })
        )
        return round === 0 ? yield* inner : yield* Effect.race(inner, Effect.all([done("x"), done("y")]))
      })
  ),
  body("executions: generations", ({ act, done }, { next, state }) =>
    Effect.gen(function*() {
      yield* done("a")
      yield* act("b", { fail: 1 })
      return state === undefined ? yield* next(1) : yield* act("c", { fail: 1 })
    }), { executions: true }),
  body("a sub-workflow of generations", ({ act }) =>
    Effect.gen(function*() {
      const rounds = yield* Rounds.startChild("rounds", { left: 2 })
      const one = yield* Effect.race(Effect.as(rounds.exit, "exit"), Effect.as(act("a"), "a"))
      return [one, yield* rounds.exit, yield* rounds.result]
    }))
]
