import { BorealError } from '../model/errors.ts'
import type { BorealNode } from './node.ts'
import type { NodeArchive } from './node-archive.ts'
import { type NodeBackups, nodeBackups } from './node-backups.ts'
import { clonesOf, type NodeClones } from './node-clones.ts'
import type { NodeOptions } from './node-options.ts'
import type { NodeRecoveries } from './node-recoveries.ts'
import type { NodeSnapshots } from './node-snapshots.ts'
import { archiveOf } from './own-archive.ts'
import { jobsOf } from './own-jobs.ts'
import { recoveriesOf } from './own-past.ts'
import { snapshotsOf } from './own-snapshots.ts'

/** What a node does with its object store; nothing of it without one. */
export interface NodeServices {
  snapshots: NodeSnapshots | undefined
  backups: NodeBackups | undefined
  archive: NodeArchive | undefined
  recoveries: NodeRecoveries | undefined
  /** These need a table, too. */
  clones: NodeClones | undefined
}

/** Makes the services of a node, and starts what they do by themselves; that ends with the signal. */
export function servicesOf(
  node: BorealNode,
  options: NodeOptions,
  { readers, signal }: { readers(): number; signal: AbortSignal },
): NodeServices {
  const run = jobsOf(options)
  return {
    snapshots: snapshotsOf(node, options, { run, readers, signal }),
    backups: nodeBackups(options, { run, onDuty: () => node.onDuty, signal }),
    archive: archiveOf(node, options, { run, signal }),
    recoveries: recoveriesOf(node, options),
    clones: clonesOf(node, options, signal),
  }
}

/** @throws BorealError `not_available` when the node does not have it */
export function available<T>(service: T | undefined, what: keyof NodeServices): T {
  if (service !== undefined) return service
  const without = what === 'clones' ? 'a table or an object store' : 'an object store'
  throw new BorealError('not_available', `this node was opened without ${without}, so it has no ${what}`)
}
