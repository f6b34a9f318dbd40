import { defineConfig } from 'vitest/config'

/** Suites that need servers which `npm test` does not install; see test/support/servers.ts. */
export default defineConfig({
  test: {
    include: ['test/servers/**/*.test.ts', 'test/dump/native.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
