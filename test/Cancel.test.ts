import * as Journal from "../src/Journal.ts"
import * as Cancel from "./engine-suite/cancel.ts"
import { layer } from "./sqlite/support.ts"

Cancel.suite("memory", Journal.layerMemory)
Cancel.suite("sqlite", layer)
