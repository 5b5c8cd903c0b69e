import * as Journal from "../src/Journal.ts"
import * as Generations from "./engine-suite/generations.ts"
import { layer } from "./sqlite/support.ts"

Generations.suite("memory", Journal.layerMemory)
Generations.suite("sqlite", layer)
