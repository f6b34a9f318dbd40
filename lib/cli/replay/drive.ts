import type { BorealClient } from '../../client/client.ts'
import { BorealError, isBorealError } from '../../model/errors.ts'
import type { Progress } from '../output.ts'
import { hostAttributesOf, type TaskChange } from './changes.ts'
import type { TraceNode } from './trace.ts'

/** Hosts that one transaction saves. */
const HOSTS_PER_TRANSACTION = 100

/** What was sent and how long it took. */
export interface Drive {
  transactions: number
  /** Ms of each transaction, from sending to the answer. */
  latencies: number[]
  elapsedMs: number
  lsn: number
}

/** Saves the nodes as hosts. */
export async function saveHosts(client: BorealClient, nodes: TraceNode[], prefix: string): Promise<number> {
  let transactions = 0
  for (let start = 0; start < nodes.length; start += HOSTS_PER_TRANSACTION) {
    const operations = nodes
      .slice(start, start + HOSTS_PER_TRANSACTION)
      .map((node) => ({ op: 'saveHostAttributes', hostAttributes: hostAttributesOf(node) }))
    await client.submit({ operations }, `replay:${prefix}hosts:${start}`)
    transactions++
  }
  return transactions
}

/**
 * Sends every change as a transaction of its own, so many in flight at once. Changes are started in the order of the
 * trace, and those of one task one after another. The keys name task and change: a replay that was broken off can be
 * started again and goes on where it was.
 */
export async function driveChanges(
  client: BorealClient,
  changes: TaskChange[],
  inFlight: number,
  progress: Progress,
): Promise<Drive> {
  const drive: Drive = { transactions: 0, latencies: [], elapsedMs: 0, lsn: 0 }
  const previous = new Map<string, Promise<void>>()
  const startedAt = performance.now()
  let next = 0
  const worker = async () => {
    while (next < changes.length) {
      const change = changes[next++]!
      const before = previous.get(change.taskId)
      const done = Promise.resolve(before).then(() => send(client, change, drive))
      previous.set(change.taskId, done)
      await done
      progress.advance()
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  drive.elapsedMs = performance.now() - startedAt
  return drive
}

async function send(client: BorealClient, change: TaskChange, drive: Drive): Promise<void> {
  const sentAt = performance.now()
  try {
    const { lsn } = await client.submit(change.transaction, `replay:${change.taskId}:${change.status}`)
    drive.lsn = Math.max(drive.lsn, lsn)
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
    throw new BorealError(
      'precondition_failed',
      `task ${change.taskId} cannot become ${change.status}: ${JSON.stringify(error.failed)}. The store holds tasks of ` +
        'another replay; use an empty store, or another --prefix.',
    )
  }
  drive.latencies.push(performance.now() - sentAt)
  drive.transactions++
}
