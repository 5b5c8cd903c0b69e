import * as Journal from "../src/Journal.ts"
import * as Listing from "./engine-suite/listing.ts"
import { layer } from "./sqlite/support.ts"

Listing.suite("memory", Journal.layerMemory)
Listing.suite("sqlite", layer)
