/**
 * A gate: what arrives while it is closed passes when it opens, in order of arrival.
 */
export class Gate {
  private waiting: Set<() => void> | undefined

  get isClosed(): boolean {
    return this.waiting !== undefined
  }

  close(): void {
    this.waiting ??= new Set()
  }

  open(): void {
    const passing = this.waiting
    this.waiting = undefined
    for (const pass of passing ?? []) pass()
  }

  /** Calls `act`: now, or when the gate opens. Returns what takes it back. */
  pass(act: () => void): () => void {
    const { waiting } = this
    if (waiting === undefined) {
      act()
      return () => {}
    }
    waiting.add(act)
    return () => {
      waiting.delete(act)
    }
  }
}
