import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/servers/**', 'test/cluster/**', 'test/long/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // A store takes 300 MB and a core: two workers fill a small machine.
    pool: 'forks',
    // Files share a worker's modules: loading them for each would take as long as the tests.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Something is waited for that must come: on a busy machine a second is short.
    expect: { poll: { timeout: 15_000 } },
  },
})
