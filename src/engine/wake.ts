/**
 * What one fiber waits for, again and again: `ring` wakes it, or keeps it from going to sleep.
 */
import * as Effect from "effect/Effect"

export class Wake {
  private hasRung = false
  private sleeper: (() => void) | undefined

  readonly ring = (): void => {
    this.hasRung = true
    const wake = this.sleeper
    this.sleeper = undefined
    wake?.()
  }

  /** From now on only what rings later counts. */
  reset(): void {
    this.hasRung = false
  }

  /** Whether somebody waits. */
  get isAwaited(): boolean {
    return this.sleeper !== undefined
  }

  /** Calls `wake` when it rings; at once if it has rung since the last reset. */
  sleep(wake: () => void): void {
    if (this.hasRung) wake()
    else this.sleeper = wake
  }

  /** The same, as an effect. */
  readonly wait: Effect.Effect<void> = Effect.async((resume) => {
    this.sleep(() => {
      resume(Effect.void)
    })
  })
}
