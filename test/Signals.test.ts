import * as Journal from "../src/Journal.ts"
import * as Signals from "./engine-suite/signals.ts"
import { layer } from "./sqlite/support.ts"

Signals.suite("memory", Journal.layerMemory)
Signals.suite("sqlite", layer)
