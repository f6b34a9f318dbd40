import type { Operation, OperationName, OperationResult } from '../../model/operations.ts'
import type { BatchReads } from '../batch-reads.ts'
import type { Overlay } from '../overlay.ts'
import { mutateTasks } from './mutate-tasks.ts'
import type { OperationHandler } from './operation-handler.ts'
import { removeQuota } from './remove-quota.ts'
import { removeTasks } from './remove-tasks.ts'
import { saveHostAttributes } from './save-host-attributes.ts'
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
}

const handlerOf = (operation: Operation) => HANDLERS[operation.op] as OperationHandler<OperationName>

export function announceOperation(operation: Operation, reads: BatchReads): void {
  handlerOf(operation).announce(operation, reads)
}

export function decideOperation(operation: Operation, state: Overlay): OperationResult {
  return handlerOf(operation).decide(operation, state)
}
