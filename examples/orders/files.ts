import { Config } from "effect"
import * as Path from "node:path"

/** Where the demo keeps its files. */
export const directory = Config.withDefault(Config.string("ORDERS_DIR"), ".demo")

export const file = (name: string): Config.Config<string> => Config.map(directory, (path) => Path.join(path, name))
