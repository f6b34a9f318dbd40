import type { AnyOperation, OperationName, OperationResult } from '../../model/operations.ts'
import type { BatchReads } from '../batch-reads.ts'
import type { Overlay } from '../overlay.ts'
import { finalizeFormat } from './finalize-format.ts'
import { mutateTasks } from './mutate-tasks.ts'
import type { OperationHandler } from './operation-handler.ts'
import { pruneJobUpdates } from './prune-job-updates.ts'
import { removeCronJob } from './remove-cron-job.ts'
import { removeHostAttributes } from './remove-host-attributes.ts'
import { removeHostMaintenanceRequest } from './remove-host-maintenance-request.ts'
import { removeJobUpdates } from './remove-job-updates.ts'
import { removeLock } from './remove-lock.ts'
import { removeQuota } from './remove-quota.ts'
import { removeTasks } from './remove-tasks.ts'
import { saveCronJob } from './save-cron-job.ts'
import { saveFrameworkId } from './save-framework-id.ts'
import { saveHostAttributes } from './save-host-attributes.ts'
import { saveHostMaintenanceRequest } from './save-host-maintenance-request.ts'
import { saveJobInstanceUpdateEvent } from './save-job-instance-update-event.ts'
import { saveJobUpdate } from './save-job-update.ts'
import { saveJobUpdateEvent } from './save-job-update-event.ts'
import { saveLock } from './save-lock.ts'
import { saveQuota } from './save-quota.ts'
import { saveTasks } from './save-tasks.ts'

/** Every operation and who carries it out. */
const HANDLERS: { [N in OperationName]: OperationHandler<N> } = {
  saveTasks,
  mutateTasks,
  removeTasks,
  saveQuota,
  removeQuota,
  saveHostAttributes,
  removeHostAttributes,
  saveCronJob,
  removeCronJob,
  saveHostMaintenanceRequest,
  removeHostMaintenanceRequest,
  saveJobUpdate,
  saveJobUpdateEvent,
  saveJobInstanceUpdateEvent,
  removeJobUpdates,
  pruneJobUpdates,
  saveLock,
  removeLock,
  saveFrameworkId,
  finalizeFormat,
}

const handlerOf = (operation: AnyOperation) => HANDLERS[operation.op] as OperationHandler<OperationName>

export function announceOperation(operation: AnyOperation, reads: BatchReads): void {
  handlerOf(operation).announce(operation, reads)
}

export function decideOperation(operation: AnyOperation, state: Overlay): OperationResult {
  return handlerOf(operation).decide(operation, state)
}
