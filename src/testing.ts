/**
 * Tools for tests of workflows. They need only `effect`, and no test runner.
 *
 * @since 0.2.0
 */
export * as Testing from "./testing/Testing.ts"
