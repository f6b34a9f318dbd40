import { readdir } from 'node:fs/promises'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openSource } from '../../lib/doctor/open-source.ts'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { refuseWrites } from '../../lib/log/dynamo-inspection.ts'
import { BUCKET_SIZE } from '../../lib/log/keys.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { FaultyObjects } from '../support/snapshots.ts'
import { type Cleanup, temporaryFolder } from '../support/temporary.ts'
import { DoctorBed, found, submitTask } from './doctor-bed.ts'

/** Where nothing is wrong nothing is found, and nothing is ever changed by looking. */

const cleanups: (() => Promise<void>)[] = []
const cleanup: Cleanup = (work) => cleanups.unshift(work)
let bed: DoctorBed

beforeAll(async () => {
  bed = await DoctorBed.open(cleanup)
  await bed.save('t-1', 't-2')
  await bed.saveLarge()
  await bed.snapshot()
}, 120_000)

afterAll(async () => {
  for (const work of cleanups) await work()
})

test('a healthy store has no findings, also when every snapshot is restored', { timeout: 120_000 }, async () => {
  const diagnosis = await bed.diagnose({ deep: true })
  expect(found(diagnosis)).toEqual([])
  expect(diagnosis.severity).toBe('ok')
  const summaries = Object.fromEntries(diagnosis.checks.map(({ check, summary }) => [check, summary]))
  expect(summaries).toMatchObject({
    log: '3 entries, 4 transactions, up to LSN 3',
    bodies: '1 beside the log',
    snapshots: '1, 1 of them verified',
    restores: '1 restored and compared with a replay of the log',
  })
})

test('what is appended while it looks is no finding', { timeout: 120_000 }, async () => {
  const node = await bed.node()
  onTestFinished(() => node.close())
  let writing = true
  const writer = (async () => {
    for (let i = 0; writing; i++) await submitTask(node, `w-${i}`)
  })()
  for (let round = 0; round < 10; round++) expect(found(await bed.diagnose())).toEqual([])
  writing = false
  await writer
  expect(node.tailLsn).toBeGreaterThan(10)
})

test('nothing is written: neither to the table nor to the objects', async () => {
  const { client } = createDynamoClient({ endpoint: 'http://127.0.0.1:1' }, systemRuntime)
  refuseWrites(client)
  const put = new PutItemCommand({ TableName: 'boreal', Item: { pk: { S: 'x' }, sk: { N: '0' } } })
  await expect(client.send(put)).rejects.toThrow('PutItemCommand: this table is opened for reading only')

  const objects = new FaultyObjects(bed.objects)
  objects.fault = {
    before: (operation) => {
      if (['put', 'delete', 'copy'].includes(operation)) throw new Error(`the doctor called ${operation}`)
    },
  }
  const files = await readdir(bed.folder, { recursive: true })
  const source = { ...(await bed.source()), objects, bodies: objects }
  expect(found(await bed.diagnose({ deep: true, source }))).toEqual([])
  expect(await readdir(bed.folder, { recursive: true })).toEqual(files)
  expect(Object.keys(source.log)).not.toContain('put')
}, 120_000)

test('refuses to create anything: a folder without a table, a table without the store', async () => {
  const data = await temporaryFolder()
  const embedded = { kind: 'embedded', data, sync: true } as const
  await expect(openSource(embedded, { name: 'main' }, systemRuntime)).rejects.toMatchObject({ code: 'not_found' })
  expect(await readdir(data)).toEqual([])
  await expect(bed.source('nobody')).rejects.toThrow(/does not know a store "nobody"; the objects have/)
})

test('an entry that was written while its page was read is not missing', async () => {
  const { walk } = await import('../../lib/doctor/walk.ts')
  const slot = (lsn: number) => ({ item: { lsn }, strange: [] }) as never
  let looked = 0
  const log = {
    storeId: 's',
    // Two looks miss 1, which was there before 2.
    slots: async (after: number) => {
      if (after >= 2 || after >= BUCKET_SIZE - 1) return []
      return [0, 1, 2].filter((lsn) => lsn > after && (lsn !== 1 || looked++ > 1)).map(slot)
    },
    slot: async (lsn: number) => (lsn <= 2 ? slot(lsn) : undefined),
    head: async () => undefined,
    registration: async () => undefined,
  }
  const steps = []
  for await (const page of walk(log, 0)) steps.push(...page)
  expect(steps).toEqual([{ slot: slot(0) }, { slot: slot(1) }, { slot: slot(2) }])
})
