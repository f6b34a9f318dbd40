import { defineConfig } from 'vitest/config'

/** `npm run goldens`: adds the golden files and the fixtures that are missing. */
export default defineConfig({
  test: {
    include: ['test/goldens/add-missing.ts', 'test/migrate/make-fixtures.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    testTimeout: 120_000,
  },
})
