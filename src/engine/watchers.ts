/**
 * Who waits for something of a workflow: calls of no order, until they are taken back.
 */
export class Watchers<A> {
  private readonly tells = new Map<string, Set<(value: A) => void>>()

  /** Calls `tell` with whatever is told of `id`, until the result is called. */
  watch(id: string, tell: (value: A) => void): () => void {
    const all = this.tells.get(id) ?? new Set()
    all.add(tell)
    this.tells.set(id, all)
    return () => {
      all.delete(tell)
      if (all.size === 0 && this.tells.get(id) === all) this.tells.delete(id)
    }
  }

  tell(id: string, value: A): void {
    for (const tell of [...(this.tells.get(id) ?? [])]) tell(value)
  }
}
