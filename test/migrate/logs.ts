import fc from 'fast-check'
import type { Entry } from '../../lib/log/entry.ts'
import type { MemoryTable } from '../../lib/log/memory-log.ts'
import { type TransactionRequest, transactionRequest } from '../../lib/model/transaction.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { config, host, quota, task } from '../support/records.ts'
import { submitAll } from '../support/snapshots.ts'
import { entriesOf } from '../support/state.ts'

/** What the first schema knows: tasks that come, and stay; quotas and hosts. */
export const early: fc.Arbitrary<TransactionRequest> = fc
  .oneof(
    fc.record({ id: fc.uuid(), role: fc.constantFrom('a', 'b'), cpus: fc.nat(3) }).map(({ id, role, cpus }) => ({
      op: 'saveTasks',
      tasks: [
        task(id, {
          task: config({
            job: { role, environment: 'prod', name: 'x' },
            resources: cpus === 0 ? [] : [{ numCpus: cpus / 4 }, { ramMb: '9007199254740993' }, { diskMb: cpus }],
          }),
        }),
      ],
    })),
    fc.record({ role: fc.constantFrom('a', 'b', 'c'), cpus: fc.nat(9) }).map(({ role, cpus }) => ({
      op: 'saveQuota',
      role,
      quota: quota(cpus),
    })),
    fc.constantFrom('a', 'b', 'c').map((role) => ({ op: 'removeQuota', role })),
    fc.constantFrom('h1', 'h2').map((name) => ({ op: 'saveHostAttributes', hostAttributes: host(name) })),
  )
  .map((operation) => transactionRequest.parse({ operations: [operation] }))

export interface WrittenLog {
  entries: Entry[]
  table: MemoryTable
  storeId: string
}

/**
 * A log of random transactions that builds of a schema can read: what came later is not in it. With `format` 2 it also has
 * what builds before cannot read.
 */
export async function logOf(
  schema: number,
  { seed, transactions, format = 1 }: { seed: number; transactions: number; format?: number },
): Promise<WrittenLog> {
  const requests = fc.sample(schema === 1 ? early : randomTransaction, { numRuns: transactions, seed })
  const { node, table, storeId } = await memoryNode({ newLogFormat: format })
  await submitAll(node, requests)
  return { entries: await entriesOf(node.log), table, storeId }
}
