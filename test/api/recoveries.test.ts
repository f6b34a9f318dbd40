import { afterAll, expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { saveQuota } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { temporaryObjects, withFlippedBit } from '../support/snapshots.ts'
import { READ_TOKEN, serveNode, type TestApi, WRITE_TOKEN } from '../support/test-api.ts'

/** Recoveries over HTTP: earlier states with a name, which every node of the store serves. */

const objects = await temporaryObjects(afterAll)
const { node, table, storeId } = await memoryNode({ objects, cleanup: afterAll })
const api = await serveNode(node, afterAll)
const lsns: number[] = []
for (const cpus of [1, 2, 3]) lsns.push((await api.transact([saveQuota('www', cpus)])).body.lsn)
const [first, second, third] = lsns as [number, number, number]

const stage = (target: unknown, headers: Record<string, string> = {}, at: TestApi = api) =>
  at.send('POST', '/v1/recoveries', { target }, headers)

test('several are staged, listed, read in every way, and unloaded', { timeout: 60_000 }, async () => {
  const { body: one, status, headers } = await stage({ lsn: first }, { 'boreal-reason': 'what was it' })
  expect(status).toBe(200)
  expect(headers.get('idempotency-key')).toBeTruthy()
  const { time } = (await api.get(`/v1/log/${first}`)).body
  expect(one).toEqual({
    ...{ id: expect.stringMatching(/^[0-9a-f]{20}$/), state: 'staged', point: { lsn: first }, target: { lsn: first } },
    ...{
      entryTime: time,
      stagedAt: expect.any(Number),
      stagedBy: 'admin',
      reason: 'what was it',
      edits: 0,
      here: 'open',
    },
  })
  const { body: two } = await stage({ time: (await api.get(`/v1/log/${second}`)).body.time })
  const { items, damaged } = (await api.get('/v1/recoveries')).body
  expect(items.map(({ id }: { id: string }) => id).sort()).toEqual([one.id, two.id].sort())
  expect(damaged).toEqual([])
  expect((await api.get(`/v1/recoveries/${one.id}`)).body).toEqual(one)

  const reader = api.as(READ_TOKEN)
  const record = await reader.get(`/v1/quotas/www?recovery=${one.id}`)
  expect([record.body.version, record.headers.get('boreal-lsn')]).toEqual([first, String(first)])
  expect((await reader.get(`/v1/quotas?recovery=${one.id}`)).body.items).toMatchObject([{ version: first }])
  const sql = { sql: 'select num_cpus::int as cpus from quota' }
  expect((await reader.send('POST', `/v1/query?recovery=${one.id}`, sql)).body.rows).toEqual([{ cpus: 1 }])
  const reads = { reads: [{ path: '/v1/quotas/www' }] }
  const { body: many } = await reader.send('POST', `/v1/reads?recovery=${one.id}`, reads)
  expect(many).toMatchObject({ lsn: first, answers: [{ status: 200, body: { version: first } }] })
  expect((await reader.get('/v1/quotas/www')).body.version).toBe(third)

  expect((await api.send('DELETE', `/v1/recoveries/${one.id}`)).body).toEqual({ id: one.id, unloaded: true })
  expect((await reader.get(`/v1/quotas/www?recovery=${one.id}`)).body.code).toBe('not_found')
  expect((await api.get(`/v1/recoveries/${one.id}`)).body.code).toBe('not_found')
  expect((await api.send('DELETE', `/v1/recoveries/${one.id}`)).body.code).toBe('not_found')
  // Its engine has ended with it.
  expect(node.past.stores.figures.map(({ lsn }) => lsn)).not.toContain(first)
  expect((await api.send('DELETE', `/v1/recoveries/${two.id}`)).status).toBe(200)
  expect((await api.get('/v1/recoveries')).body.items).toEqual([])
})

test('another node of the store serves what one has staged', { timeout: 60_000 }, async () => {
  const { body: staged } = await stage({ lsn: second })
  const other = await serveNode((await memoryNode({ table, storeId, objects })).node)
  expect((await other.get('/v1/recoveries')).body.items).toMatchObject([{ id: staged.id, here: 'closed' }])
  expect((await other.get(`/v1/quotas/www?recovery=${staged.id}`)).body.version).toBe(second)
  expect((await other.send('DELETE', `/v1/recoveries/${staged.id}`)).status).toBe(200)
  expect((await api.get(`/v1/quotas/www?recovery=${staged.id}`)).body.code).toBe('not_found')
})

test('the same request under the same key finds what was staged, whatever has happened since', {
  timeout: 60_000,
}, async () => {
  const key = { 'idempotency-key': 'my-key' }
  const { body: staged } = await stage({ time: '-0s' }, key)
  await api.transact([saveQuota('later')])
  const [again, beside] = await Promise.all([stage({ time: '-0s' }, key), stage({ time: '-0s' }, key)])
  expect(again.body).toEqual(staged)
  expect(beside.body).toEqual(staged)
  expect((await stage({ time: '-1s' }, key)).body.code).toBe('idempotency_key_reused')
  expect((await stage({ time: '-0s' })).body.point.lsn).toBeGreaterThan(staged.point.lsn)
  const both = await Promise.all([
    stage({ lsn: first }, { 'idempotency-key': 'both' }),
    stage({ lsn: first }, { 'idempotency-key': 'both' }),
  ])
  expect(both[0]!.body.id).toBe(both[1]!.body.id)
  for (const { id } of (await api.get('/v1/recoveries')).body.items) await api.send('DELETE', `/v1/recoveries/${id}`)
})

test('only admins stage and unload, and what is no point is refused before anything is kept', async () => {
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    expect((await stage({ lsn: 1 }, {}, api.as(token))).body.code).toBe('forbidden')
    expect((await api.as(token).get('/v1/recoveries')).body.code).toBe('forbidden')
    expect((await api.as(token).send('DELETE', '/v1/recoveries/x')).body.code).toBe('forbidden')
  }
  const bad: [unknown, string][] = [
    [{}, 'target'],
    [undefined, 'target'],
    [{ lsn: 1, time: '-1h' }, 'target'],
    [{ index: 1 }, 'target'],
    [{ time: '-1h', index: 1 }, 'target.index'],
    [{ lsn: -1 }, 'target.lsn'],
    [{ lsn: 1.5 }, 'target.lsn'],
    [{ lsn: '1' }, 'target.lsn'],
    [{ lsn: 1, index: -1 }, 'target.index'],
    [{ time: 'yesterday' }, 'target.time'],
    [{ time: '2026-01-01' }, 'target.time'],
    [{ time: -5 }, 'target.time'],
    [{ backupId: 7 }, 'target.backupId'],
    [{ lsn: 1, of: 'x' }, 'target'],
  ]
  for (const [target, path] of bad) {
    const { status, body } = await stage(target)
    expect([status, body.code, body.errors?.[0]?.path], JSON.stringify(target)).toEqual([400, 'invalid_field', path])
  }
  for (const target of [{ lsn: 1_000_000 }, { lsn: 1, index: 99 }, { time: '2999-01-01T00:00:00Z' }]) {
    expect((await stage(target)).body.code, JSON.stringify(target)).toBe('invalid_field')
  }
  expect((await stage({ time: 0 })).body.code).toBe('out_of_retention')
  for (const backupId of ['nobody', '../x', '0000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
    expect((await stage({ backupId })).body.code).toBe('not_found')
  }
  expect((await stage({ lsn: 1 }, { 'idempotency-key': 'with space' })).body.code).toBe('invalid_field')
  expect((await stage({ lsn: 1 }, { 'boreal-reason': 'x'.repeat(501) })).body.code).toBe('invalid_field')
  expect((await api.send('PUT', '/v1/recoveries/x')).body.code).toBe('method_not_allowed')
  expect((await api.get('/v1/recoveries')).body.items).toEqual([])
  const bare = await serveNode((await memoryNode({ objects: undefined })).node)
  expect((await stage({ lsn: 0 }, {}, bare)).body.code).toBe('not_available')
  expect((await bare.get('/v1/tasks?recovery=x')).body.code).toBe('not_available')
})

test('a descriptor that is damaged is never believed, hides no other one, and can be unloaded', {
  timeout: 60_000,
}, async () => {
  const { body: good } = await stage({ lsn: first })
  const { body: bad } = await stage({ lsn: second })
  for (const bit of [0, 77, 500, 1_003]) {
    objects.fault.read = (key, bytes) => (key.includes(bad.id) ? withFlippedBit(bytes, bit) : bytes)
    expect((await api.get(`/v1/quotas/www?recovery=${bad.id}`)).body.code, String(bit)).toBe('snapshot_corrupt')
  }
  const { items, damaged } = (await api.get('/v1/recoveries')).body
  expect([items, damaged]).toMatchObject([[{ id: good.id }], [{ id: bad.id, why: expect.stringContaining('damaged') }]])
  expect((await api.send('DELETE', `/v1/recoveries/${bad.id}`)).status).toBe(200)
  objects.fault = {}
  expect((await api.get('/v1/recoveries')).body).toMatchObject({ items: [{ id: good.id }], damaged: [] })
  await api.send('DELETE', `/v1/recoveries/${good.id}`)
})

test('what takes longer says how far it is; what cannot be restored leaves nothing', { timeout: 60_000 }, async () => {
  const { node, events, table } = await memoryNode()
  const slow = await serveNode(node)
  for (const cpus of [1, 2]) await slow.transact([saveQuota('www', cpus)])
  const { opened, open } = gate()
  events.holdPages = opened
  const staged = stage({ lsn: 2 }, { 'idempotency-key': 'k' }, slow)
  await expect.poll(() => node.past.stores.figures.length).toBe(1)
  const { recovery } = await node.recoveries.stage({ target: { lsn: 2 } }, { principal: 'admin', key: 'k' })
  const joined = await node.operations.run('recovery', 10, async () => undefined, { name: recovery.recoveryId })
  await expect
    .poll(async () => (await slow.get(`/v1/operations/${joined.id}`)).body)
    .toMatchObject({
      kind: 'recovery',
      state: 'running',
      progress: { recoveryId: recovery.recoveryId, lsn: 0, targetLsn: 2 },
    })
  expect((await slow.get(`/v1/recoveries/${recovery.recoveryId}`)).body.here).toBe('opening')
  const entry = table.slots.get(2)!
  table.slots.set(2, { ...entry, bodyHash: '0'.repeat(64) })
  open()
  expect((await staged).body.code).toBe('log_corrupt')
  expect((await slow.get('/v1/recoveries')).body.items).toEqual([])
  table.slots.set(2, entry)
  expect((await stage({ lsn: 2 }, { 'idempotency-key': 'k' }, slow)).body).toMatchObject({ id: recovery.recoveryId })
})
