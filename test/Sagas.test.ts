import * as Journal from "../src/Journal.ts"
import * as Sagas from "./engine-suite/sagas.ts"
import { layer } from "./sqlite/support.ts"

Sagas.suite("memory", Journal.layerMemory)
Sagas.suite("sqlite", layer)
