import { defineConfig } from 'vitest/config'

/** Measurements: they print figures and prove nothing. One at a time, on a machine that does nothing else. */
export default defineConfig({
  test: {
    include: ['test/bench/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
  },
})
