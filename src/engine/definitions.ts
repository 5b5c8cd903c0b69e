/**
 * The code of workflows, as far as it is in this process.
 */
import type { Definition } from "../Engine.ts"
import { Watchers } from "./watchers.ts"

export class Definitions {
  private readonly byName = new Map<string, Definition>()
  private readonly registrations = new Watchers<void>()

  get(name: string): Definition | undefined {
    return this.byName.get(name)
  }

  /** Calls `go` once it is there, maybe at once. Returns what gives the wait up. */
  watch(name: string, go: () => void): () => void {
    const unwatch = this.registrations.watch(name, go)
    if (this.byName.has(name)) go()
    return unwatch
  }

  register(definition: Definition): void {
    this.byName.set(definition.name, definition)
    this.registrations.tell(definition.name, undefined)
  }

  unregister(definition: Definition): void {
    if (this.byName.get(definition.name) === definition) this.byName.delete(definition.name)
  }
}
