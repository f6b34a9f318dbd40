import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoLease } from '../../lib/log/dynamo-lease.ts'
import { MemoryLease } from '../../lib/log/memory-lease.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { MemoryTrimmableLog } from '../../lib/log/memory-trimmable-log.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { startTable } from '../support/embedded-table.ts'
import { describeLeaseContract, type LeaseBed } from './lease-contract.ts'
import { dynamoBed } from './log-bed.ts'
import { Trimmer } from './trimmer.ts'

const { endpoint } = await startTable(afterAll)

function dynamoLease(of: { table: string; storeId: string }): DynamoLease {
  const { client, serverClock } = createDynamoClient({ endpoint, limits: { requestMs: 10_000 } }, systemRuntime)
  const leases = new DynamoLease(client, { ...of, serverClock })
  onTestFinished(() => leases.close())
  return leases
}

async function dynamoLeaseBed(): Promise<LeaseBed> {
  const bed = await dynamoBed(endpoint)
  const trimmer = new Trimmer(endpoint, bed)
  return {
    leases: async () => dynamoLease(bed),
    trimmedTo: () => trimmer.trimmedTo(),
    trimTo: (lsn) => trimmer.log.advanceTrimmedTo(lsn),
  }
}

async function memoryLeaseBed(): Promise<LeaseBed> {
  const table = new MemoryTable()
  const trimmable = new MemoryTrimmableLog(table)
  return {
    leases: async () => new MemoryLease(table),
    trimmedTo: async () => (await trimmable.head()).trimmedTo,
    trimTo: (lsn) => trimmable.advanceTrimmedTo(lsn),
  }
}

describeLeaseContract('the lease in memory', memoryLeaseBed)
describeLeaseContract('the lease in the embedded table', dynamoLeaseBed)

test('a store that is not there gets no head by a lease', async () => {
  const { table } = await dynamoBed(endpoint)
  const leases = dynamoLease({ table, storeId: 'no-such-store' })
  const wanted = { holder: 'a', endpoint: 'http://a', term: 1, expiresMs: 1, leaving: false }
  expect(await leases.swap(undefined, wanted)).toBe(false)
  expect(await leases.read()).toBeUndefined()
})
