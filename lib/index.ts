/** The library: a scheduler's stores, in process or over HTTP. See docs/library.md. */

export type { JobConfiguration } from './model/cron-job.ts'
export { BorealError, type ErrorCode, isBorealError } from './model/errors.ts'
export type { HostAttributes, MaintenanceMode } from './model/host-attributes.ts'
export type { HostMaintenanceRequest } from './model/host-maintenance.ts'
export type { JobKey } from './model/job-key.ts'
export type {
  JobInstanceUpdateEvent,
  JobUpdate,
  JobUpdateEvent,
  JobUpdateKey,
  JobUpdateSummary,
} from './model/job-update.ts'
export type { JobUpdateAction, JobUpdateStatus } from './model/job-update-status.ts'
export type { Lock, LockKey } from './model/lock.ts'
export type { Quota, Resource } from './model/resource.ts'
export type { ScheduleStatus } from './model/schedule-status.ts'
export type { ScheduledTask, TaskEvent } from './model/task.ts'
export type { TaskConfig } from './model/task-config.ts'
export type { TaskMutationQuery, TaskQuery } from './model/task-query.ts'
export type { AsOf } from './node/node.ts'
export { type ConnectOptions, connect, openStorage, type StorageConfig } from './storage/open-storage.ts'
export type { Storage, StorageOptions, WriteOptions } from './storage/storage.ts'
export type { CronJobStore, MutableCronJobStore } from './storage/stores/cron-jobs.ts'
export type { HostMaintenanceStore, MutableHostMaintenanceStore } from './storage/stores/host-maintenance.ts'
export type { HostStore, MutableHostStore } from './storage/stores/hosts.ts'
export type {
  JobUpdateDetails,
  JobUpdateQuery,
  JobUpdateStore,
  MutableJobUpdateStore,
} from './storage/stores/job-updates.ts'
export type { JobStore, JobSummary } from './storage/stores/jobs.ts'
export type { LockStore, MutableLockStore } from './storage/stores/locks.ts'
export type { MutableQuotaStore, QuotaStore, RoleQuota } from './storage/stores/quotas.ts'
export type { RoleStore, RoleSummary } from './storage/stores/roles.ts'
export type { MutableSchedulerStore, SchedulerStore } from './storage/stores/scheduler.ts'
export type { MutableTaskStore, TaskInput, TaskStore } from './storage/stores/tasks.ts'
export type { MutableStores, Stores } from './storage/stores.ts'
