import { defineConfig } from 'vitest/config'

/** Suites that need servers which `npm test` does not install; see test/support/servers.ts. */
export default defineConfig({
  test: {
    include: ['test/servers/**/*.test.ts', 'test/dump/native.test.ts'],
    // Servers of others, some of them slow: one that once does not answer within a second is no finding of ours.
    retry: 2,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
