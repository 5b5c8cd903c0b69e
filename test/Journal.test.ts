import * as Journal from "../src/Journal.ts"
import * as JournalSuite from "./JournalSuite.ts"

JournalSuite.suite("memory", Journal.layerMemory)
