import { type TransactionRequest, transactionRequest } from '../../lib/model/transaction.ts'
import { QUEUE_LIMITS } from '../../lib/writer/queue.ts'
import type { SubmitOptions } from '../../lib/writer/submission.ts'
import { config, quota, type TaskOverrides, task } from './records.ts'

/** Requests as the API would have parsed them. */
export function request(operations: unknown[], preconditions: unknown[] = []): TransactionRequest {
  return transactionRequest.parse({ operations, preconditions })
}

export const saveTask = (taskId: string, overrides: TaskOverrides = {}) => ({
  op: 'saveTasks',
  tasks: [task(taskId, overrides)],
})

export const setStatus = (taskId: string, status: string) => ({
  op: 'mutateTasks',
  query: { taskIds: [taskId] },
  patch: { status },
})

export const saveQuota = (role: string, cpus = 1) => ({ op: 'saveQuota', role, quota: quota(cpus) })

/** What gathers becomes one entry, however slow the machine is. */
export const LARGE_BATCHES = { ...QUEUE_LIMITS, batchTargetMs: 60_000 }

/** A config of a job of its own. */
export const jobConfig = (role: string, name: string) => config({ job: { role, environment: 'prod', name } })

export const as = (principal: string, key?: string): SubmitOptions => ({ principal, key })
