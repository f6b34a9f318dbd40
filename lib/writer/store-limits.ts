/**
 * Limits that keep one mistake from filling the store. The defaults are Apache Aurora's (`-max_tasks_per_job`,
 * `-max_update_instance_failures`).
 */
export interface StoreLimits {
  /** Active tasks that a job may have, and instances that an update or a cron job may ask for. */
  maxTasksPerJob: number
  /** Failures that an update may tolerate in all: instances times failures of one. Each would leave an event. */
  maxUpdateInstanceFailures: number
}

export const STORE_LIMITS: StoreLimits = { maxTasksPerJob: 4_000, maxUpdateInstanceFailures: 20_000 }
