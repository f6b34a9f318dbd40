import type { Session } from './session.ts'
import { type CronJobStore, cronJobStore, type MutableCronJobStore } from './stores/cron-jobs.ts'
import {
  type HostMaintenanceStore,
  hostMaintenanceStore,
  type MutableHostMaintenanceStore,
} from './stores/host-maintenance.ts'
import { type HostStore, hostStore, type MutableHostStore } from './stores/hosts.ts'
import { type JobUpdateStore, jobUpdateStore, type MutableJobUpdateStore } from './stores/job-updates.ts'
import { type JobStore, jobStore } from './stores/jobs.ts'
import { type LockStore, lockStore, type MutableLockStore } from './stores/locks.ts'
import { type MutableQuotaStore, type QuotaStore, quotaStore } from './stores/quotas.ts'
import { type RoleStore, roleStore } from './stores/roles.ts'
import { type MutableSchedulerStore, type SchedulerStore, schedulerStore } from './stores/scheduler.ts'
import { type MutableTaskStore, type TaskStore, taskStore } from './stores/tasks.ts'

/** The stores of a closure that reads. */
export interface Stores {
  tasks: TaskStore
  jobs: JobStore
  roles: RoleStore
  quotas: QuotaStore
  hosts: HostStore
  hostMaintenance: HostMaintenanceStore
  cronJobs: CronJobStore
  jobUpdates: JobUpdateStore
  locks: LockStore
  scheduler: SchedulerStore
}

/** The stores of a closure that writes. */
export interface MutableStores extends Stores {
  tasks: MutableTaskStore
  quotas: MutableQuotaStore
  hosts: MutableHostStore
  hostMaintenance: MutableHostMaintenanceStore
  cronJobs: MutableCronJobStore
  jobUpdates: MutableJobUpdateStore
  locks: MutableLockStore
  scheduler: MutableSchedulerStore
}

/** The stores of a session. Those of one that reads refuse to write when they are asked to all the same. */
export function storesOf(session: Session): MutableStores {
  return {
    tasks: taskStore(session),
    jobs: jobStore(session),
    roles: roleStore(session),
    quotas: quotaStore(session),
    hosts: hostStore(session),
    hostMaintenance: hostMaintenanceStore(session),
    cronJobs: cronJobStore(session),
    jobUpdates: jobUpdateStore(session),
    locks: lockStore(session),
    scheduler: schedulerStore(session),
  }
}
