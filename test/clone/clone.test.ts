import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { uuidv7 } from 'uuidv7'
import { afterAll, expect, test } from 'vitest'
import { createClone } from '../../lib/clone/create.ts'
import { DynamoRepair } from '../../lib/log/dynamo-repair.ts'
import { bucketKey } from '../../lib/log/keys.ts'
import { encodeQuarantine } from '../../lib/log/quarantine.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { verifySnapshot } from '../../lib/snapshot/verify.ts'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { quota, task } from '../support/records.ts'
import { saveTask } from '../support/requests.ts'
import { listed } from '../support/snapshots.ts'

/** A clone has what its parent had, and neither has anything of the other from then on. */

const { endpoint } = await startTable(afterAll)
const MINUTE = 60_000

const saveQuota = (role: string, cpus: number) => ({ op: 'saveQuota', role, quota: quota(cpus) })

/** Hashes of what users see: without the keys that a clone forgets. */
async function data(node: Awaited<ReturnType<StoresBed['node']>>) {
  const { tableHashesStatement } = await import('../../lib/store/digest.ts')
  const { jsonOf } = await import('../../lib/store/result-set.ts')
  const { results } = await node.read([tableHashesStatement], { level: 'consistent' })
  const { 'boreal.idempotency': _, 'boreal.horizon': __, ...tables } = jsonOf<Record<string, string>>(results[0])!
  return tables
}

test.each([
  ['from a snapshot at its end', { snapshotAfter: 3 }],
  ['from a snapshot and the entries behind it', { snapshotAfter: 2 }],
  ['without a snapshot, from the entries alone', {}],
  ['from a snapshot that is taken for it', { mostCarried: 0 }],
])('a clone %s has all of its parent, and goes on at its LSN', { timeout: 2 * MINUTE }, async (_, how) => {
  const { snapshotAfter, mostCarried } = how as { snapshotAfter?: number; mostCarried?: number }
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  const context = await bed.cloneContext()
  for (let i = 1; i <= 3; i++) {
    await write(main, [saveTask(`t-${i}`)], `key-${i}`)
    if (i === snapshotAfter) await takeSnapshot(context)
  }
  const made = await createClone({ ...context, mostCarried }, { name: 'test' })
  expect(made).toMatchObject({ name: 'test', state: 'open', origin: { kind: 'clone', storeId: main.storeId, lsn: 3 } })
  expect(made.storeId).not.toBe(main.storeId)
  const clone = await bed.node('test')
  expect([clone.storeId, clone.tailLsn]).toEqual([made.storeId, 3])
  expect(await data(clone)).toEqual(await data(main))

  expect(await write(clone, [saveTask('of the clone')])).toBe(4)
  expect(await write(main, [saveTask('of the parent')])).toBe(4)
  expect(await data(clone)).not.toEqual(await data(main))
  // A restart gives the same, and a snapshot of its own is verified like any other.
  const state = await clone.digest()
  expect(await (await bed.node('test')).digest()).toEqual(state)
  expect(await takeSnapshot(await bed.cloneContext('test'))).toMatchObject({ made: true, lsn: 4 })
  expect(await (await bed.node('test')).digest()).toEqual(state)
})

test('what the parent steps over is an entry that does nothing in the clone, and none leaves it there', {
  timeout: 2 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const before = await bed.node()
  for (let i = 1; i <= 4; i++) await write(before, [saveTask(`t-${i}`)])
  await before.close()
  const { client, table } = bed.tableContext()
  const { storeId, log } = before
  const hash = (await log.entry(3))!.prev
  await client.send(
    new DeleteItemCommand({ TableName: table, Key: { pk: { S: bucketKey(storeId, 2) }, sk: { N: '2' } } }),
  )
  const record = {
    lsn: 2,
    to: 2,
    hash,
    failure: 'gone',
    transactions: null,
    reason: 'the disk',
    by: 'ann',
    at: Date.now(),
  }
  await new DynamoRepair(client, { table, storeId }).setQuarantine(undefined, encodeQuarantine([record]))
  const main = await bed.node()
  const context = await bed.cloneContext()
  await createClone(context, { name: 'test' })
  const clone = await bed.node('test')
  expect(await data(clone)).toEqual(await data(main))
  // In the last one a transaction of the clone closes what its parent remembers.
  expect((await clone.log.page(0, 10)).map(({ transactions }) => transactions.length)).toEqual([2, 0, 1, 2])
  await expect(createClone(context, { name: 'other', atLsn: 2 })).rejects.toMatchObject({
    code: 'out_of_retention',
    message: expect.stringMatching(/quarantined by ann/),
  })
})

test('the copied snapshot is what its manifest says: restored and compared, it is verified', {
  timeout: 2 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [saveTask('t')], 'key')
  const context = await bed.cloneContext()
  await takeSnapshot(context)
  const { storeId } = await createClone(context, { name: 'test' })
  const [copy] = await listed(bed.objects, storeId)
  expect(copy).toMatchObject({ state: 'verified', lsn: 1, verification: { by: 'copy' } })
  expect(copy!.manifest!.rows).toMatchObject({ task: 1, 'boreal.idempotency': 0 })
  await bed.objects.delete(`${storeId}/snapshots/${copy!.id}/verified.json`)
  await verifySnapshot({ ...context, log: await bed.log('test') }, copy!.manifest!)
  expect((await listed(bed.objects, storeId))[0]).toMatchObject({ state: 'verified', verification: { by: 'replay' } })
  expect((await (await bed.node('test')).digest()).digest).toBe(copy!.manifest!.digest)
})

test.each([{ snapshot: true }, { snapshot: false }])(
  'keys of the parent are free in a clone, and those that carry a time from before it are refused (%j)',
  { timeout: 2 * MINUTE },
  async ({ snapshot }) => {
    const bed = await StoresBed.open(endpoint)
    const main = await bed.node()
    const old = uuidv7()
    expect(await write(main, [saveQuota('www', 1)], 'key')).toBe(1)
    expect(await write(main, [saveQuota('old', 1)], old)).toBe(2)
    const context = await bed.cloneContext()
    if (snapshot) await takeSnapshot(context)
    await createClone(context, { name: 'test' })
    const clone = await bed.node('test')
    // Another request with the same key: in the parent it is an error, the clone has never seen it.
    expect(await write(clone, [saveQuota('www', 2)], 'key')).toBe(3)
    await expect(write(main, [saveQuota('www', 2)], 'key')).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    expect(await write(main, [saveQuota('www', 1)], 'key')).toBe(1)
    expect(await write(clone, [saveQuota('www', 2)], 'key')).toBe(3)
    await expect(write(clone, [saveQuota('old', 1)], old)).rejects.toMatchObject({ code: 'idempotency_key_expired' })
    const fresh = uuidv7()
    for (const node of [main, clone]) expect(await write(node, [saveQuota('new', 1)], fresh)).toBeGreaterThan(2)
    // Also after a restart, for which the keys come from the snapshot and the log.
    const again = await bed.node('test')
    expect(await write(again, [saveQuota('www', 2)], 'key')).toBe(3)
    await expect(write(again, [saveQuota('old', 1)], old)).rejects.toMatchObject({ code: 'idempotency_key_expired' })
    expect(await again.digest()).toEqual(await clone.digest())
  },
)

test('what a scope saw before the clone still holds in it', { timeout: 2 * MINUTE }, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [{ op: 'saveTasks', tasks: [task('t-1'), task('t-2')] }])
  await write(main, [{ op: 'removeTasks', taskIds: ['t-1', 't-2'] }])
  const context = await bed.cloneContext()
  await takeSnapshot(context)
  await createClone(context, { name: 'test' })
  const clone = await bed.node('test')
  const scope = { role: task('t').assignedTask.task.job.role }
  const since = (unchangedSince: number) => ({
    preconditions: [{ entity: 'task' as const, scope, unchangedSince }],
    operations: [],
  })
  await expect(clone.submit(since(1), { principal: 'p' })).rejects.toMatchObject({ code: 'precondition_failed' })
  await clone.submit(since(2), { principal: 'p' })
})

test('a clone at an earlier LSN or time has what was there then', { timeout: 2 * MINUTE }, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  const states: Awaited<ReturnType<typeof data>>[] = [await data(main)]
  const times: number[] = [0]
  for (let i = 1; i <= 5; i++) {
    await write(main, [saveTask(`t-${i}`)])
    states.push(await data(main))
    times.push((await main.log.entry(i))!.time)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const context = await bed.cloneContext()
  await takeSnapshot(context, { upTo: 3 })
  await takeSnapshot(context)
  for (const at of [0, 2, 3, 4, 5]) {
    const { origin, storeId } = await createClone({ ...context, mostCarried: 1 }, { name: `at-${at}`, atLsn: at })
    expect(origin).toMatchObject({ lsn: at, storeId: main.storeId })
    const clone = await bed.node(`at-${at}`)
    expect([clone.storeId, clone.tailLsn]).toEqual([storeId, at])
    expect(await data(clone), `at LSN ${at}`).toEqual(states[at])
    expect(await write(clone, [saveTask('more')])).toBe(at + 1)
  }
  const timed = await createClone(context, { name: 'timed', atTime: times[4]! + 1 })
  expect(timed.origin!.lsn).toBe(4)
  expect(await data(await bed.node('timed'))).toEqual(states[4])
  for (const wrong of [{ atLsn: 6 }, { atTime: 5 }]) {
    const failure = { code: expect.stringMatching(/invalid_field|out_of_retention/) }
    await expect(createClone(context, { name: 'wrong', ...wrong })).rejects.toMatchObject(failure)
  }
  expect(await context.stores.find('wrong')).toBeUndefined()
})
