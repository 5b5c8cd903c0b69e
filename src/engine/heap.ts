/** A binary heap: `pop` takes the smallest by `compare`. */
export class Heap<A> {
  private items: Array<A> = []
  private readonly compare: (x: A, y: A) => number

  constructor(compare: (x: A, y: A) => number) {
    this.compare = compare
  }

  get size(): number {
    return this.items.length
  }

  peek(): A | undefined {
    return this.items[0]
  }

  push(item: A): void {
    let at = this.items.push(item) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.isLess(at, above)) return
      this.swap(at, above)
      at = above
    }
  }

  pop(): A | undefined {
    const first = this.items[0]
    const last = this.items.pop()
    if (last === undefined || this.items.length === 0) return first
    this.items[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const least = left + 1 < this.items.length && this.isLess(left + 1, left) ? left + 1 : left
      if (least >= this.items.length || !this.isLess(least, at)) return first
      this.swap(at, least)
      at = least
    }
  }

  /** Drops every item that `predicate` refuses. */
  keep(predicate: (item: A) => boolean): void {
    const kept = this.items.filter(predicate)
    this.items = []
    for (const item of kept) this.push(item)
  }

  private isLess(x: number, y: number): boolean {
    const [a, b] = [this.items[x], this.items[y]]
    return a !== undefined && b !== undefined && this.compare(a, b) < 0
  }

  private swap(x: number, y: number): void {
    const [a, b] = [this.items[x], this.items[y]]
    if (a === undefined || b === undefined) return
    this.items[x] = b
    this.items[y] = a
  }
}
