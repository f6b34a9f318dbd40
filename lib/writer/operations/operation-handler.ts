import type { OperationName, OperationOf, OperationResult } from '../../model/operations.ts'
import type { BatchReads } from '../batch-reads.ts'
import type { Overlay } from '../overlay.ts'

/**
 * How one operation is carried out, in two steps: announce everything that will be looked at, then decide without
 * waiting for anything. Deciding emits events; throwing refuses the whole transaction.
 */
export interface OperationHandler<N extends OperationName> {
  announce(operation: OperationOf<N>, reads: BatchReads): void
  decide(operation: OperationOf<N>, state: Overlay): OperationResult
}
