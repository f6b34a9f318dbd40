import { defineConfig } from 'vitest/config'

/** Suites of what gets a store back; they have a command of their own (vitest.recovery.config.ts). */
export const RECOVERY = [
  'archive',
  'backup',
  'clone',
  'difference',
  'doctor',
  'dump',
  'migrate',
  'recovery',
  'snapshot',
].map((folder) => `test/${folder}/**/*.test.ts`)

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      ...['servers', 'cluster', 'long', 'localstack', 'cdk', 'lambda'].map((name) => `test/${name}/**`),
      ...RECOVERY,
    ],
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
