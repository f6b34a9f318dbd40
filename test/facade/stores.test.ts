import { describe } from 'vitest'
import { describeStores } from '../support/store-beds.ts'
import { attributeStoreCases } from './stores/attribute-store-cases.ts'
import { cronJobStoreCases } from './stores/cron-job-store-cases.ts'
import { hostMaintenanceStoreCases } from './stores/host-maintenance-store-cases.ts'
import { jobUpdateEventCases } from './stores/job-update-event-cases.ts'
import { jobUpdateHistoryCases } from './stores/job-update-history-cases.ts'
import { jobUpdateQueryCases } from './stores/job-update-query-cases.ts'
import { jobUpdateStoreCases } from './stores/job-update-store-cases.ts'
import { lockStoreCases } from './stores/lock-store-cases.ts'
import { quotaStoreCases } from './stores/quota-store-cases.ts'
import { schedulerStoreCases } from './stores/scheduler-store-cases.ts'
import { taskIndexCases } from './stores/task-index-cases.ts'
import { taskQueryCases } from './stores/task-query-cases.ts'
import { taskStoreCases } from './stores/task-store-cases.ts'
import { transactionCases } from './stores/transaction-cases.ts'

/**
 * The cases of Aurora's store tests through the façade: in process, over HTTP, and after a restart. A test names its
 * case in brackets; case-names.test.ts has the list. What clears a store comes first.
 */
describeStores((storage) => {
  describe('TaskStore', () => {
    taskStoreCases(storage)
    taskIndexCases(storage)
    describe('queries', () => taskQueryCases(storage))
  })
  describe('QuotaStore', () => quotaStoreCases(storage))
  describe('CronJobStore', () => cronJobStoreCases(storage))
  describe('AttributeStore', () => attributeStoreCases(storage))
  describe('SchedulerStore', () => schedulerStoreCases(storage))
  describe('HostMaintenanceStore', () => hostMaintenanceStoreCases(storage))
  describe('JobUpdateStore', () => {
    jobUpdateHistoryCases(storage)
    jobUpdateStoreCases(storage)
    jobUpdateEventCases(storage)
    describe('queries', () => jobUpdateQueryCases(storage))
  })
  describe('LockStore', () => lockStoreCases(storage))
  describe('transactions', () => transactionCases(storage))
})
