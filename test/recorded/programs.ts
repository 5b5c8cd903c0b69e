/**
 * Every program of which there are recorded journals.
 */
import * as Control from "./programs/control.ts"
import * as Sagas from "./programs/sagas.ts"
import * as Steps from "./programs/steps.ts"
import type { Program } from "./stage.ts"

export const programs: Readonly<Record<string, Program>> = {
  ...Steps.programs,
  ...Sagas.programs,
  ...Control.programs
}
