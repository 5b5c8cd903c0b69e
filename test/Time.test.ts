import * as Journal from "../src/Journal.ts"
import * as Time from "./engine-suite/time.ts"
import { layer } from "./sqlite/support.ts"

Time.suite("memory", Journal.layerMemory)
Time.suite("sqlite", layer)
