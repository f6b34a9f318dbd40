import { defineConfig } from 'vitest/config'

/** What runs against a deployed API: run by `npm run test:localstack`, which deploys it. */
export default defineConfig({
  test: {
    // Contract tests that serve any store: they name what is theirs.
    include: [
      'test/api/{task-store,quota-store,lock-store,cron-job-store,attribute-store}.test.ts',
      'test/localstack/*.test.ts',
    ],
    // Without those that ask in SQL, for which a function has no reader, remove what others have saved, or start dozens of
    // environments at once.
    testNamePattern:
      /^(?!.*(in SQL|keeps its value|testUpsert|of many that want|testTaskConfigDedupe|testUpdate, AURORA|testGarbageCollection|testNoop|testDeleteAll|testCanonical))/,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 240_000,
  },
})
