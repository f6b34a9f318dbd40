import type { Session } from './session.ts'
import { type HostStore, hostStore, type MutableHostStore } from './stores/hosts.ts'
import { type JobStore, jobStore } from './stores/jobs.ts'
import { type MutableQuotaStore, type QuotaStore, quotaStore } from './stores/quotas.ts'
import { type RoleStore, roleStore } from './stores/roles.ts'
import { type MutableTaskStore, type TaskStore, taskStore } from './stores/tasks.ts'

/** The stores of a closure that reads. */
export interface Stores {
  tasks: TaskStore
  jobs: JobStore
  roles: RoleStore
  quotas: QuotaStore
  hosts: HostStore
}

/** The stores of a closure that writes. */
export interface MutableStores extends Stores {
  tasks: MutableTaskStore
  quotas: MutableQuotaStore
  hosts: MutableHostStore
}

/** The stores of a session. Those of one that reads refuse to write when they are asked to all the same. */
export function storesOf(session: Session): MutableStores {
  return {
    tasks: taskStore(session),
    jobs: jobStore(session),
    roles: roleStore(session),
    quotas: quotaStore(session),
    hosts: hostStore(session),
  }
}
