import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // By default one core is left idle: of two, that is half.
    maxWorkers: "100%",
    minWorkers: 1,
    testTimeout: 20_000,
    hookTimeout: 20_000
  }
})
