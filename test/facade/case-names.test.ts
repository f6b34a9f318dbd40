import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Every test case of Aurora's stores has its counterpart here: a test whose title ends with the case in brackets. */

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** Tests of Aurora, the files that hold their counterparts, and their cases. */
const CASES: [string, string[], string][] = [
  [
    'TaskStore',
    ['stores/task-store-cases.ts', 'stores/task-query-cases.ts', 'stores/task-index-cases.ts'],
    `testSave testSaveWithMetadata testSaveWithMesosFetcherUris testSaveWithContainerVolumes testSaveWithDockerImage
     testSaveWithAppcImage testSaveWithMultiplePorts testQuery testQueryMultipleInstances testQueryBySlaveHost
     testQueryByJobKeys testMutate testDelete testDeleteAll testConsistentJobIndex testCanonicalTaskConfigs
     testAddSlaveHost testUnsetSlaveHost testTasksOnSameHost testSaveOverwrites testGetsJobKeys
     testReadSecondaryIndexMultipleThreads testSecondaryIndexConsistency`,
  ],
  [
    'CronJobStore',
    ['stores/cron-job-store-cases.ts'],
    'testJobStore testJobStoreSameEnvironment testTaskConfigDedupe testUpdate testStoreSize',
  ],
  ['QuotaStore', ['stores/quota-store-cases.ts'], 'testCrud testDeleteNonExistent testUpsert testStoreSize'],
  [
    'AttributeStore',
    ['stores/attribute-store-cases.ts'],
    `testSaveAttributes testCrud testEmptyAttributeValues testNoAttributes testNoMode testSaveAttributesEmpty
     testSlaveIdChanges testUpdateAttributesWithRelations testStoreSize`,
  ],
  ['SchedulerStore', ['stores/scheduler-store-cases.ts'], 'testSchedulerStore'],
  [
    'HostMaintenanceStore',
    ['stores/host-maintenance-store-cases.ts'],
    `testReadHostMaintenanceRequestNonExistant testReadHostMaintenanceRequest testReadAllHostMaintenanceRequest
     testSaveHostMaintenanceRequest testSaveHostMaintenanceRequestUpdates
     testRemoveHostMaintenanceRequestNotExistant testRemoveHostMaintenanceRequest testStoreSize`,
  ],
  [
    'JobUpdateStore',
    [
      'stores/job-update-store-cases.ts',
      'stores/job-update-event-cases.ts',
      'stores/job-update-history-cases.ts',
      'stores/job-update-query-cases.ts',
    ],
    `testSaveJobUpdates testSaveJobUpdateWithLargeTaskConfigValues testSaveNullInitialState testSaveNullDesiredState
     testSaveBothInitialAndDesiredMissingThrows testSaveNullInitialStateTaskThrows
     testSaveEmptyInitialStateRangesThrows testSaveNullDesiredStateTaskThrows testSaveEmptyDesiredStateRangesThrows
     testSaveJobUpdateEmptyInstanceOverrides testSaveJobUpdateNullInstanceOverrides testSaveJobUpdateStateIgnored
     testMultipleJobDetails testTruncateJobUpdates testRemoveUpdates testSaveJobUpdateWithDuplicateMetadataKeys
     testQueryDetails testSaveJobUpdateTwiceThrows testSaveJobEvents testSaveInstanceEvents
     testSaveJobEventWithoutUpdateFails testSaveInstanceEventWithoutUpdateFails
     testSaveJobUpdateWithoutEventFailsSelect testPruneHistory testSaveUpdateWithoutLock testSaveTwoUpdatesForOneJob
     testSaveTwoUpdatesSameJobKey testLockCleared testGetLockToken testGetSummaries`,
  ],
  [
    'LockStore',
    ['stores/lock-store-cases.ts'],
    'testLocks testRepeatedWrite testExistingJobKey testGetLock testDeleteAllLocks testDuplicateToken',
  ],
  [
    'StorageTransaction',
    ['stores/transaction-cases.ts'],
    'testConcurrentReaders testWritesUnderTransaction testOperations',
  ],
  [
    'DurableStorage: replay',
    ['durability.test.ts'],
    `testStart testSaveFrameworkId testSaveAcceptedJob testRemoveJob testSaveTasks testMutateTasks
     testRemoveTasksQuery testRemoveTasksIds testSaveQuota testRemoveQuota testSaveHostAttributes testSaveUpdate
     testSaveJobUpdateEvent testSaveJobInstanceUpdateEvent testRemoveJobUpdates testSaveHostMaintenanceRequest
     testRemoveHostMaintenanceRequest testUnsafeModifyInPlace testSaveLock testRemoveLock
     testSaveUpdateWithLockToken testSaveUpdateWithNullLockToken testPruneHistory`,
  ],
  [
    'DurableStorage: writes, WriteRecorder, TransactionRecorder, NonVolatileStorage',
    ['log-writes.test.ts'],
    `testNestedTransactions testSaveAndMutateTasks testSaveAndMutateTasksNoCoalesceUniqueIds testCoalesce
     testRemoveUpdates testMutate testSaveHostAttributes testDeleteAllTasks testDeleteHostAttributes testDeleteJobs
     testDeleteQuotas testDeleteAllUpdatesAndEvents testDurability`,
  ],
]

const sourceOf = (file: string) => readFileSync(join(HERE, file), 'utf8')

/** The cases that the titles of a file name. */
function casesIn(file: string): string[] {
  const titles = sourceOf(file).matchAll(/(['"`]).*\[(test\w+(?:, test\w+)*)\]\1,/g)
  return [...titles].flatMap(([, , names]) => names!.split(', '))
}

test.each(CASES)('%s: every case has a test, and every test a case', (_, files, cases) => {
  const expected = cases.split(/\s+/)
  expect(new Set(expected).size).toBe(expected.length)
  expect([...new Set(files.flatMap(casesIn))].sort()).toEqual(expected.sort())
})

test('the cases of every file are run', () => {
  const files = readdirSync(HERE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const named = files.filter((file) => casesIn(file).length > 0)
  expect(named.sort()).toEqual(CASES.flatMap(([, own]) => own).sort())
  const stores = sourceOf('stores.test.ts')
  for (const file of named.filter((each) => each.startsWith('stores/'))) {
    const [, name] = /export function (\w+Cases)\(/.exec(sourceOf(file))!
    expect(stores, file).toMatch(new RegExp(`^ .*\\b${name}\\(storage\\)`, 'm'))
  }
  for (const file of named) expect(sourceOf(file), file).not.toMatch(/\.(skip|todo|fails|only)\b/)
})
