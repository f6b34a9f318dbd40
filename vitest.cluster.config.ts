import { defineConfig } from 'vitest/config'

/** Real processes, killed and stopped: minutes instead of seconds. Run by `npm run test:cluster` and by CI. */
export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // The processes under test fill the machine; one file at a time.
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
})
