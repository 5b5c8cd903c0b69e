import * as Journal from "../src/Journal.ts"
import * as Children from "./engine-suite/children.ts"
import { layer } from "./sqlite/support.ts"

Children.suite("memory", Journal.layerMemory)
Children.suite("sqlite", layer)
