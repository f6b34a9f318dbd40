import { defineConfig } from 'vitest/config'

/** The deployment: its template, and its functions as Lambda starts them. Run by `npm run test:aws` and by CI. */
export default defineConfig({
  test: {
    include: ['test/cdk/**/*.test.ts', 'test/lambda/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Files share a worker's modules: loading the CDK for each would take as long as the tests.
    isolate: false,
    // Environments fill the machine; one file at a time.
    maxWorkers: 1,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
})
