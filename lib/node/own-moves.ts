import { moveContextOf } from './move-context.ts'
import type { BorealNode, NodeOptions } from './node.ts'
import { NodeBacktrack } from './node-backtrack.ts'
import { noRecoveries } from './node-past.ts'
import { RecoveryChanges } from './recovery-changes.ts'

/** What makes the live store like an earlier state. */
export interface NodeMoves {
  readonly backtrack: NodeBacktrack
  /** @throws BorealError `not_available` when the node has no object store */
  readonly recoveries: RecoveryChanges
}

export function movesOf(node: BorealNode, { runtime, objects }: NodeOptions): NodeMoves {
  const move = moveContextOf(node, runtime)
  const { past } = node
  const changes = objects === undefined ? undefined : new RecoveryChanges({ move, past, objects })
  return {
    backtrack: new NodeBacktrack({ move, past, objects }),
    get recoveries() {
      if (changes === undefined) throw noRecoveries()
      return changes
    },
  }
}
