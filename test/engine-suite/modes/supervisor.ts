/**
 * An engine that is started again at once when its process dies, and asked again what it did not answer: an application
 * under a supervisor. Who uses it sees one engine, with the same bodies and handlers; it does not see the crash.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type { Definition, Engine } from "../../../src/Engine.ts"
import * as Client from "../../../src/engine/client.ts"
import { Journal, JournalError, JournalLocked, Tempolite } from "../../../src/index.ts"
import * as Key from "../../../src/internal/key.ts"
import * as Mortal from "./mortal.ts"
import * as Stage from "./stage.ts"

/** An engine, from its start to its end. */
interface Incarnation {
  readonly engine: Engine
  readonly isDead: () => boolean
  /** Comes when it has died. */
  readonly next: Deferred.Deferred<Incarnation>
  readonly close: Effect.Effect<void>
}

interface Registered {
  readonly definition: Definition
  /** Of the registration with the engine that runs. */
  scope: Scope.CloseableScope
}

const dead = new JournalLocked({ holder: "nobody: the process has died" })
const lostAnswer = new JournalError({ message: "the write was done, and its answer is lost" })

/** The signals that were written, and which of them clients know of. */
class Written {
  private readonly signals: Array<Journal.Sent> = []
  private readonly known = new Set<Journal.Sent>()

  add(signals: ReadonlyArray<Journal.Sent>): void {
    this.signals.push(...signals)
  }

  /** Tells, from now on, whether this one was written: of several that are the same, each is told of once. */
  find(signal: Omit<Journal.Sent, "at">): () => boolean {
    const from = this.signals.length
    return () => {
      const found = this.signals.slice(from).find((one) =>
        !this.known.has(one) && one.name === signal.name && one.payload === signal.payload &&
        one.workflowId === signal.workflowId
      )
      if (found !== undefined) this.known.add(found)
      return found !== undefined
    }
  }
}

export interface Supervised {
  readonly layer: Layer.Layer<Tempolite.Tempolite, JournalError | JournalLocked, Journal.Journal>
  /** Nothing befalls it from now on: it is about to end. */
  readonly retire: Effect.Effect<void>
}

const supervise = (stage: Stage.Stage, options: Tempolite.Options, isRetired: () => boolean) =>
  Effect.gen(function*() {
    const captured = yield* Effect.runtime<never>()
    const runtime = Runtime.make({
      context: captured.context,
      fiberRefs: captured.fiberRefs,
      runtimeFlags: Runtime.defaultRuntimeFlags
    })
    const runFork = Runtime.runFork(runtime)
    const journal = Mortal.journal(runtime, yield* Journal.Journal)
    let hasFailed = false
    const elsewhere = Mortal.elsewhere(runtime)
    const clock = Mortal.clock(elsewhere, yield* Effect.clock, () => hasFailed)
    const registered = new Set<Registered>()
    const written = new Written()

    const boot: Effect.Effect<Incarnation, JournalError | JournalLocked> = Effect.gen(function*() {
      const scheduler = new Mortal.MortalScheduler()
      const scope = yield* Scope.make()
      const leased = yield* Scope.make()
      const refused = yield* Deferred.make<never, JournalLocked>()
      const next = yield* Deferred.make<Incarnation>()
      let isDead = false
      const close = Effect.zipRight(Scope.close(scope, Exit.void), Scope.close(leased, Exit.void))

      const die = (): Effect.Effect<never, JournalLocked> =>
        Effect.suspend(() => {
          isDead = true
          scheduler.kill()
          stage.calls.died()
          stage.restarting++
          stage.remains.push(Effect.suspend(() => {
            scheduler.revive()
            return Effect.zipRight(Deferred.fail(refused, dead), close)
          }))
          runFork(Effect.zipRight(Scope.close(leased, Exit.void), restart(next)))
          // Nobody hears the answer.
          return Deferred.await(refused)
        })

      const service: Journal.Service = {
        ...journal,
        // A finalizer runs on the scheduler of who added it.
        acquire: (leaseMillis) => elsewhere(Scope.extend(journal.acquire(leaseMillis), leased)),
        renew: () => Deferred.await(refused),
        commit: (lease, batch) =>
          Effect.suspend((): ReturnType<Journal.Service["commit"]> => {
            if (isDead) return Deferred.await(refused)
            const fault = isRetired() ? undefined : stage.strike()
            if (fault === "crash before") return die()
            const write = Effect.tap(journal.commit(lease, batch), () => {
              written.add(batch.signals)
            })
            if (fault === undefined) return write
            return Effect.flatMap(write, (): Effect.Effect<never, JournalError | JournalLocked> => {
              if (fault === "crash after") return die()
              hasFailed = true
              return lostAnswer
            })
          })
      }
      const { engine } = yield* Layer.buildWithScope(Tempolite.layer(options), scope).pipe(
        Effect.map(Context.get(Tempolite.Tempolite)),
        Effect.provideService(Journal.Journal, service),
        Effect.withClock(clock),
        Effect.withScheduler(scheduler)
      )
      stage.calls.begun()
      return { engine, isDead: () => isDead, next, close, die }
    })

    const restart = (next: Deferred.Deferred<Incarnation>): Effect.Effect<void> =>
      Effect.gen(function*() {
        if (isRetired()) return
        current = yield* Effect.orDie(boot)
        for (const one of registered) yield* register(one)
        Deferred.unsafeDone(next, Exit.succeed(current))
      }).pipe(Effect.ensuring(Effect.sync(() => {
        stage.restarting--
      })))

    const register = (one: Registered): Effect.Effect<void> =>
      Effect.gen(function*() {
        const incarnation = current
        one.scope = yield* Scope.make()
        yield* Scope.extend(
          incarnation.engine.register({
            ...one.definition,
            body: (payload, context) =>
              Either.map(one.definition.body(payload, context), (body) => stage.calls.within(incarnation, body))
          }),
          one.scope
        )
      })

    let current = yield* boot
    yield* Effect.addFinalizer(() => Effect.suspend(() => current.isDead() ? Effect.void : current.close))

    /** Asks the engine, and the next one if it dies. */
    const ask = <A, E>(question: (engine: Engine) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() =>
        Effect.raceFirst(
          Effect.asSome(question(current.engine)),
          Effect.as(Deferred.await(current.next), Option.none<A>())
        )
      ).pipe(Effect.flatMap(Option.match({ onNone: () => ask(question), onSome: Effect.succeed })))

    const engine: Engine = {
      register: (definition) =>
        Effect.acquireRelease(
          Effect.gen(function*() {
            const one: Registered = { definition, scope: yield* Scope.make() }
            registered.add(one)
            yield* register(one)
            return one
          }),
          (one) => {
            registered.delete(one)
            return current.isDead() ? Effect.void : Scope.close(one.scope, Exit.void)
          }
        ),
      start: (request) =>
        ask((engine) => engine.start(request)).pipe(
          // Again, it joins what was started.
          Effect.catchIf((error) => error === lostAnswer, () => ask((engine) => engine.start(request)))
        ),
      send: (signal) =>
        Effect.suspend(() => {
          const isWritten = written.find({ ...signal, workflowId: Key.encode(signal.workflowId) })
          // Twice, it would be two.
          return ask((engine) => Effect.suspend(() => isWritten() ? Effect.void : engine.send(signal))).pipe(
            Effect.catchIf((error) => error === lostAnswer, () => Effect.void),
            Effect.zipLeft(Effect.sync(isWritten))
          )
        }),
      handled: (request) => ask((engine) => engine.handled(request)),
      ended: (id) => ask((engine) => engine.ended(id)),
      nameOf: (id) => ask((engine) => engine.nameOf(id))
    }
    return Client.make(journal, engine)
  })

/** In a run without such a fault, an engine as any other. */
export const make = (engine: Tempolite.Options): Effect.Effect<Supervised> =>
  Effect.map(Stage.Current, (stage) => {
    const options: Tempolite.Options = { ...engine, ...stage.plan.options }
    let isRetired = false
    return {
      layer: stage.plan.fault === undefined
        ? Tempolite.layer(options)
        : Layer.scoped(Tempolite.Tempolite, supervise(stage, options, () => isRetired)),
      retire: Effect.sync(() => {
        isRetired = true
        stage.calls.retired()
      })
    }
  })
