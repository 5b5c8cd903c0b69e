import * as Journal from "../src/Journal.ts"
import * as Matrix from "./engine-suite/matrix.ts"
import { layer } from "./sqlite/support.ts"

Matrix.suite("memory", Journal.layerMemory)
Matrix.suite("sqlite", layer)
