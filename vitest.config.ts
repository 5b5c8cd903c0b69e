import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // What a test allocates dies young: with little room for it, a fifth of the time would go to the garbage collector.
    poolOptions: { forks: { execArgv: ["--max-semi-space-size=64"] } },
    // No test file changes what others import; and to import Effect anew for each takes a quarter of all the time.
    isolate: false,
    // By default one core is left idle: of two, that is half.
    maxWorkers: "100%",
    minWorkers: 1,
    testTimeout: 20_000,
    hookTimeout: 20_000
  }
})
