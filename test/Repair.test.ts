import * as Journal from "../src/Journal.ts"
import * as Repair from "./engine-suite/repair.ts"
import { layer } from "./sqlite/support.ts"

Repair.suite("memory", Journal.layerMemory)
Repair.suite("sqlite", layer)
