import * as Journal from "../src/Journal.ts"
import * as Control from "./engine-suite/control.ts"
import { layer } from "./sqlite/support.ts"

Control.suite("memory", Journal.layerMemory)
Control.suite("sqlite", layer)
