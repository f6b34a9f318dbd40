import { defineConfig } from 'vitest/config'
import base, { RECOVERY } from './vitest.config.ts'

/** What gets a store back: the slower half of the tests. Run by `npm run test:recovery` and by CI. */
export default defineConfig({ test: { ...base.test, include: RECOVERY, exclude: [] } })
