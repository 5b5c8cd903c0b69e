import * as Journal from "../src/Journal.ts"
import * as Dropping from "./engine-suite/dropping.ts"
import { layer } from "./sqlite/support.ts"

Dropping.suite("memory", Journal.layerMemory)
Dropping.suite("sqlite", layer)
