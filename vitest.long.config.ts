import { defineConfig } from 'vitest/config'

/** Much of everything: long histories, large stores, a thousand faults. Run by `npm run test:long`, before a release. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
  },
})
