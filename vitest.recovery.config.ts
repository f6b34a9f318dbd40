import { defineConfig } from 'vitest/config'
import base, { RECOVERY } from './vitest.config.ts'

/** What gets a store back: the slower half of the tests. Run by `npm run test:recovery` and by CI. */
// Many threads and real time: what fails once on a busy machine is tried again, what fails twice is wrong.
export default defineConfig({ test: { ...base.test, include: RECOVERY, exclude: [], retry: 1 } })
