import type { MoveContext } from '../difference/move.ts'
import type { Runtime } from '../model/runtime.ts'
import type { BorealNode } from './node.ts'

/** A node as what moves the live store needs it: the difference is computed on its readers. */
export function moveContextOf(node: BorealNode, runtime: Runtime): MoveContext {
  return {
    log: node.log,
    runtime,
    confirm: () => node.confirm(),
    liveAt: (lsn) => ({
      read: async (statements) => (await node.read(statements, { level: 'minLsn', lsn })).results,
    }),
    submitAlone: (transaction) => node.submitAlone(transaction),
  }
}
