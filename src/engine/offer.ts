/**
 * What a run offers to the steps of its body: `Execution`, on the run's own ledger and scheduler.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { WorkflowStuck } from "../Errors.ts"
import type { Execution, Work } from "../Execution.ts"
import * as Key from "../internal/key.ts"
import * as Attempts from "./attempts.ts"
import * as ChildSteps from "./childSteps.ts"
import { diverged } from "./diverged.ts"
import { below } from "./frame.ts"
import * as Ids from "./ids.ts"
import type { Parts } from "./parts.ts"
import * as Queues from "./queues.ts"
import * as Sagas from "./sagas.ts"
import * as SagaSteps from "./sagaSteps.ts"
import * as SignalSteps from "./signalSteps.ts"
import type { Request } from "./steps.ts"
import * as TimerSteps from "./timerSteps.ts"
import * as Turns from "./turns.ts"
import { version } from "./versions.ts"

export interface Offered extends Execution {
  /** What `Clock.sleep` of the body is: a durable timer that is recognised by its place and its duration. */
  readonly implicitSleep: (duration: Duration.Duration) => Effect.Effect<void>
  readonly sagas: Sagas.Options
}

export const make = (parts: Parts): Offered => {
  const { gate, host, isClosing, isOver, ledger, steps } = parts
  const workflowId = Key.decode(ledger.workflow.id)
  const sagas = SagaSteps.make(parts)
  const children = ChildSteps.make(parts)

  const attempts: Attempts.Options = {
    ledger,
    timers: host.timers,
    now: host.now,
    fork: host.fork,
    turn: Turns.make({ gate, queues: host.queues, lenders: () => host.above(ledger.workflow.id) }),
    isStopped: isOver,
    isClosing
  }

  const workRequest = (asked: Work): Request => ({
    key: Option.some(asked.key),
    path: below(asked.key),
    asked: { kind: asked.kind, name: asked.name, payload: asked.payload },
    shared: false,
    outlives: false,
    signal: Option.none(),
    begin: (row, onEnd) => Attempts.start(attempts, asked, row, onEnd)
  })

  /** An activity of a layer that the workflow's own did not see may have a queue that there is not. */
  const withQueue = <A>({ queue }: Work, self: Effect.Effect<A>): Effect.Effect<A> =>
    Option.isNone(queue) || host.queues.has(queue.value) ? self : Effect.suspend(() => {
      const { message } = Queues.undeclared(queue.value, host.queues.names)
      steps.diverge(new WorkflowStuck({ workflowId, message, failedStep: null }))
      return Effect.never
    })

  return {
    perform: (asked) => withQueue(asked, steps.take(workRequest(asked))),
    start: (asked) =>
      withQueue(
        asked,
        Effect.gen(function*() {
          const { generation, id } = ledger.workflow
          const path = yield* ChildSteps.pathOf(asked.key)
          const first = ledger.firstAttempt(path, { kind: asked.kind, name: asked.name, payload: asked.payload })
          return {
            executionId: Ids.stepExecution(id, generation, path, first),
            result: yield* ChildSteps.inBackground(parts, workRequest(asked))
          }
        })
      ),
    sleep: TimerSteps.sleep(parts),
    implicitSleep: TimerSteps.implicit(parts),
    child: children.child,
    startChild: children.startChild,
    detach: children.detach,
    signal: SignalSteps.wait(parts),
    send: SignalSteps.send(parts),
    version: version(parts),
    continueAsNew: (name, payload) =>
      Effect.async<never>((resume) => {
        if (name !== ledger.workflow.name) {
          resume(Effect.dieMessage(`the workflow ${JSON.stringify(ledger.workflow.name)} cannot continue as ${name}`))
        } else parts.continueAsNew({ payload, leave: resume })
      }),
    saga: (region, self) => Sagas.region(sagas, region, self),
    compensate: (self, undo) => Sagas.compensate(sagas, self, undo),
    diverged: diverged(parts),
    sagas
  }
}
