/**
 * Ways to break the engine: what a promise would be without the line that keeps it, and the tests that must notice.
 * `find` occurs once in `file`.
 */
const prefix = "test/engine/prefix.test.ts"
const rules = "test/engine/replay.test.ts"

export const mutations = [
  {
    name: "deliver outcomes out of order",
    file: "src/engine/steps.ts",
    find: "(x, y) => x.seq - y.seq ||",
    replace: "(x, y) => y.seq - x.seq ||",
    tests: [prefix]
  },
  {
    name: "act before what was delivered is durable",
    file: "src/engine/attempts.ts",
    find: "ledger.put(row, pulse.execution, begin)",
    replace: "ledger.put(row, pulse.execution), begin()",
    tests: ["test/Engine.test.ts"],
    only: "before an activity starts"
  },
  {
    name: "show a result before it is durable",
    file: "src/engine/execution.ts",
    find: "return ended(committer.durable, () => ({ _tag: \"Ended\"",
    replace: "return ended(Effect.void, () => ({ _tag: \"Ended\"",
    tests: ["test/Engine.test.ts"],
    only: "is shown once it is durable"
  },
  {
    name: "take for written what is only being written",
    file: "src/engine/committer.ts",
    find: "        if (!isLost) batch.written()\n        writing = undefined\n      }\n",
    replace: "        writing = undefined\n      }\n      batch.written()\n",
    tests: ["test/Engine.test.ts"],
    only: "before an activity starts"
  },
  {
    name: "skip a compensation",
    file: "src/engine/sagas.ts",
    find: "for (let undo = frame.undos.pop(); undo !== undefined;",
    replace: "for (let undo = (frame.undos.pop(), frame.undos.pop()); undo !== undefined;",
    tests: ["test/Sagas.test.ts"]
  },
  {
    name: "compensate in the order of registration",
    file: "src/engine/sagas.ts",
    find: "for (let undo = frame.undos.pop(); undo !== undefined; undo = frame.undos.pop()) {",
    replace: "for (let undo = frame.undos.shift(); undo !== undefined; undo = frame.undos.shift()) {",
    tests: ["test/Sagas.test.ts"]
  },
  {
    name: "compensate when a run is dropped",
    file: "src/engine/sagaSteps.ts",
    find:
      "export const make = ({ flights, isDropped, ledger, scheduler, steps }: Parts): Sagas.Options => ({\n  isDropped,",
    replace:
      "export const make = ({ flights, ledger, scheduler, steps }: Parts): Sagas.Options => ({\n  isDropped: () => false,",
    tests: ["test/Dropping.test.ts", "test/Sagas.test.ts"]
  },
  {
    name: "leave a step unmarked that was undone",
    file: "src/engine/ledger.ts",
    find: "if (row?.status === \"Completed\") this.put({ ...row, status: \"Compensated\" })",
    replace: "if (row?.status === \"Completed\") this.put(row)",
    tests: ["test/Sagas.test.ts"]
  },
  {
    name: "compensate before interrupted sub-workflows have ended",
    file: "src/engine/steps.ts",
    find: "return !waiter.at.compensating || this.flights.endingChildren === 0",
    replace: "return true",
    tests: ["test/Children.test.ts", "test/Cancel.test.ts"]
  },
  {
    name: "reuse the outcome of a failed step in the next execution",
    file: "src/engine/rows.ts",
    find: "row.status === \"Completed\" && !row.undo && !isImplicitTimer(row)",
    replace: "row.seq !== null && !row.undo && !isImplicitTimer(row)",
    tests: ["test/engine/rows.test.ts", "test/Engine.test.ts"],
    only: "reset|retried"
  },
  {
    name: "give what is done again the idempotency key of what was undone",
    file: "src/engine/ids.ts",
    find: "(row.round === 0 ? \"\" : `.${row.round}`)",
    replace: "\"\"",
    tests: ["test/Engine.test.ts"],
    only: "as another call to the outside"
  },
  {
    name: "start a step before what was interrupted has ended",
    file: "src/engine/replay.ts",
    find: "  if (state.ending > 0) return \"Wait\"\n",
    replace: "",
    tests: [rules, prefix]
  },
  {
    name: "deliver a cancel before what was recorded before it",
    file: "src/engine/replay.ts",
    find:
      "if (state.cancel !== undefined && (state.next === undefined || state.cancel < state.next)) return \"Cancel\"",
    replace: "if (state.cancel !== undefined) return \"Cancel\"",
    tests: [rules, "test/Cancel.test.ts"]
  },
  {
    name: "take a signal before what is to be delivered",
    file: "src/engine/replay.ts",
    find:
      "  if (state.next !== undefined) return \"Deliver\"\n  if (state.unread) return \"Read\"\n  if (state.signal) return \"Take\"\n",
    replace:
      "  if (state.unread) return \"Read\"\n  if (state.signal) return \"Take\"\n  if (state.next !== undefined) return \"Deliver\"\n",
    tests: ["test/Signals.test.ts"]
  },
  {
    name: "forget to say that a signal was taken",
    file: "src/engine/committer.ts",
    find: "    if (rows.taken !== undefined) this.taken.push(rows.taken)\n",
    replace: "",
    tests: ["test/Signals.test.ts"]
  },
  {
    name: "deliver while a workflow is paused",
    file: "src/engine/replay.ts",
    find: "  if (state.paused) return whilePaused(state)\n",
    replace: "",
    tests: [rules, "test/Control.test.ts"]
  },
  {
    name: "give a timer a new time after a restart",
    file: "src/engine/timerSteps.ts",
    find: "wakeAt: asked.wakeAt ?? wakeAt() }",
    replace: "wakeAt: wakeAt() }",
    tests: ["test/Time.test.ts"]
  },
  {
    name: "start steps before the timers that came due in a downtime",
    file: "src/engine/pass.ts",
    find: "        steps.startDue(now(), mailbox.nextAfter(overdueAt))\n",
    replace: "",
    tests: ["test/Time.test.ts"],
    only: "after the process stood still"
  },
  {
    name: "count retries anew after a restart",
    file: "src/engine/ledger.ts",
    find: "if (step !== undefined && row.attempt >= step.firstAttempt) this.addFailure(row)",
    replace: "",
    tests: ["test/Engine.test.ts"],
    only: "the retries of an activity"
  },
  {
    name: "let a key be used twice",
    file: "src/engine/steps.ts",
    find: "      if (!request.shared) this.diverge(new DuplicateKey({ workflowId, key: path }))\n",
    replace: "",
    tests: ["test/Engine.test.ts"],
    only: "that is used twice"
  },
  {
    name: "answer another payload from the journal",
    file: "src/engine/replay.ts",
    find: "  if (row.payload === asked.payload) {",
    replace: "  if (row.payload === asked.payload || row.seq !== null) {",
    tests: [rules, "test/Engine.test.ts"],
    only: "payload"
  },
  {
    name: "answer another kind of step from the journal",
    file: "src/engine/replay.ts",
    find: "  if (row.kind !== asked.kind || row.name !== asked.name) {",
    replace: "  if (row.kind !== asked.kind && row.seq === null) {",
    tests: [rules, "test/Engine.test.ts"],
    only: "asks for something else"
  },
  {
    name: "let a fiber that computes give way to its siblings",
    file: "src/engine/scheduler.ts",
    find: "    if (priority === forced) this.front.push(task)\n    else this.fifo.push(task)",
    replace: "    this.fifo.push(task)",
    tests: ["test/engine/scheduler.test.ts"]
  },
  {
    name: "let a promise wake a fiber of a body",
    file: "src/engine/scheduler.ts",
    find: "      this.fault ??= { _tag: \"ForeignWakeUp\", fiber }\n",
    replace: "",
    tests: ["test/engine/scheduler.test.ts", "test/Determinism.test.ts"]
  },
  {
    name: "keep the steps of a generation that is over",
    file: "src/engine/committer.ts",
    find: "    if (rows.over !== undefined) this.over.push(rows.over)\n",
    replace: "",
    tests: ["test/Generations.test.ts"]
  },
  {
    name: "leave attempts of a dead process on record as running",
    file: "src/engine/ledger.ts",
    find: "stepExecutions: this.lost.map((row) => Row.executionEnded(row, \"Lost\", now, null))",
    replace: "stepExecutions: []",
    tests: ["test/Engine.test.ts"],
    only: "lost"
  },
  {
    name: "give a failed commit up",
    file: "src/engine/committer.ts",
    find: "Effect.retry({ schedule: backoff, while: (error) => error._tag === \"JournalError\" })",
    replace: "Effect.retry({ times: 0 })",
    tests: ["test/engine/committer.test.ts"]
  },
  {
    name: "write without the lease (memory)",
    file: "src/internal/memory.ts",
    find: "if (holder?.token !== lease.token) {",
    replace: "if (holder === undefined) {",
    tests: ["test/Journal.test.ts", "test/Engine.test.ts"],
    only: "lease|second engine"
  },
  {
    name: "write without the lease (SQLite)",
    file: "src/sqlite/lease.ts",
    find: "  if (held.length === 0) yield* renew(lease, clock)\n",
    replace: "",
    tests: ["test/sqlite/SqliteJournal.test.ts"],
    only: "lease"
  },
  {
    name: "log once more what was logged before a restart",
    file: "src/engine/body.ts",
    find: "const isSilent = () => replaying || options.isDropped()",
    replace: "const isSilent = () => false",
    tests: ["test/Engine.test.ts", "test/Determinism.test.ts"],
    only: "log|span"
  },
  {
    name: "lose what comes for a workflow that has left memory",
    file: "src/engine/admission.ts",
    find: "else if (recovery.isOver || parked.has(id)) take(id)",
    replace: "",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "lose what comes for a workflow that the journal alone knows",
    file: "src/engine/admission.ts",
    find: "recovery.isOver || parked.has(id)",
    replace: "parked.has(id)",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "lose what comes for a workflow that sleeps while the engine starts",
    file: "src/engine/admission.ts",
    find: "for (const id of called) wake(id)",
    replace: "",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "leave a workflow alone at the start that sleeps and has a signal",
    file: "src/internal/memoryWorkflows.ts",
    find: " || hasSignal(row.id)",
    replace: "",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "forget a workflow that waits for a sub-workflow",
    file: "src/engine/execution.ts",
    find: " && !flights.watches",
    replace: "",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "let a workflow leave memory while an activity runs",
    file: "src/engine/flights.ts",
    find: "      if (until === undefined) return undefined\n",
    replace: "      if (until === undefined) continue\n",
    tests: ["test/Parking.test.ts"]
  },
  {
    name: "go on where a replay takes other steps",
    file: "src/engine/pass.ts",
    find: "      if (steps.asked.has(path)) continue\n",
    replace: "      continue\n",
    tests: ["test/ReplayAlways.test.ts"]
  }
]
