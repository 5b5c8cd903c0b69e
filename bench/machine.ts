/**
 * Where a suite runs.
 */
import Sqlite from "better-sqlite3"
import { readFileSync, realpathSync } from "node:fs"
import * as Os from "node:os"
import { rowsOf } from "./limit.ts"

interface Disk {
  readonly device: string
  readonly type: string
}

/** The mount that a path is on, where the system tells. */
export const diskOf = (path: string): Disk => {
  if (process.platform !== "linux") return { device: "unknown", type: "unknown" }
  const real = realpathSync(path)
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n").flatMap((line) => {
    const [device = "", at = "", type = ""] = line.split(" ")
    return real === at || real.startsWith(at.endsWith("/") ? at : `${at}/`) ? [{ device, type, at }] : []
  })
  // Of two on the same place, the later one covers the earlier.
  return mounts.reduce<Disk & { readonly at: string }>(
    (found, mount) => mount.at.length >= found.at.length ? mount : found,
    { device: "unknown", type: "unknown", at: "" }
  )
}

export const machine = (path: string) => {
  const memory = new Sqlite(":memory:")
  const [row] = rowsOf(memory, "SELECT sqlite_version() AS version")
  memory.close()
  const { device, type } = diskOf(path)
  return {
    cpu: Os.cpus()[0]?.model ?? "unknown",
    cores: Os.availableParallelism(),
    load: Number(Os.loadavg()[0]?.toFixed(2)),
    memory: `${Math.round(Os.totalmem() / 2 ** 30)} GiB`,
    system: `${Os.type()} ${Os.release()}`,
    node: process.version,
    sqlite: row?.["version"] ?? "unknown",
    directory: path,
    disk: `${device} (${type})`
  }
}
