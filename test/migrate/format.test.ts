import { expect, test } from 'vitest'
import { encodeEntry } from '../../lib/log/entry-codec.ts'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { currentVersion, EVENT_REGISTRY } from '../../lib/model/event-registry.ts'
import { FORMAT_VERSION, formatOf } from '../../lib/model/format.ts'
import { following, leading } from '../support/log-streams.ts'
import { memoryNode, type TestNode } from '../support/memory-node.ts'
import { host, quota } from '../support/records.ts'
import { as, request } from '../support/requests.ts'
import { entriesOf } from '../support/state.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'
import { MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

/** Until a store is finalized its log holds what the release before can read. */

/** What the first release writes. Whatever came later belongs to a later format. */
const FIRST = `tasksSaved tasksRemoved cronJobSaved cronJobRemoved quotaSaved quotaRemoved hostAttributesSaved
  hostMaintenanceSaved hostMaintenanceRemoved jobUpdateSaved jobUpdateEventsSaved jobUpdatesRemoved lockSaved lockRemoved
  schedulerSaved horizonMoved formatVersion`.split(/\s+/)

const REMOVE = { op: 'removeHostAttributes', host: 'h' }

test('every kind and version that the first release did not write belongs to a format of its own', () => {
  for (const event of EVENT_REGISTRY.keys()) {
    for (let v = 1; v <= currentVersion(EVENT_REGISTRY, event)!; v++) {
      const format = formatOf({ event, v })
      if (FIRST.includes(event) && v === 1) expect(format).toBe(1)
      else expect([2, FORMAT_VERSION], `${event} v${v} in lib/model/format.ts`).toContain(format)
    }
  }
})

test('a log that was begun by the release before is not written to in a newer format until it is finalized', {
  timeout: 60_000,
}, async () => {
  const { node, ...log } = await memoryNode({ newLogFormat: 1, readers: 1 })
  const api = await serveNode(node)
  await api.transact([{ op: 'saveHostAttributes', hostAttributes: host('h') }])
  expect((await api.get('/v1/status')).body.format).toBe(1)
  const state = await api.state()

  const refused = await api.transact([REMOVE])
  expect([refused.status, refused.body.code]).toEqual([409, 'not_finalized'])
  expect(refused.body.detail).toMatch(/this needs format 2, and the store has format 1.*boreal upgrade finalize$/)
  const speculative = { reads: [{ path: '/v1/hosts' }], operations: [REMOVE] }
  expect((await api.send('POST', '/v1/reads', speculative)).body.code).toBe('not_finalized')
  // What would change nothing would write nothing.
  expect((await api.transact([{ ...REMOVE, host: 'nobody' }])).status).toBe(200)
  expect(await api.state()).toEqual(state)

  const status = {
    format: 1,
    newestFormat: 2,
    finalized: false,
    waiting: ['removeHostAttributes, backtrack, commits of recoveries'],
  }
  expect((await api.get('/v1/upgrade')).body).toMatchObject(status)
  const finalize = (body: object) => api.send('POST', '/v1/upgrade/finalize', body)
  expect((await finalize({ dryRun: true, confirm: true })).body).toMatchObject({ ...status, changed: false })
  expect((await finalize({})).body).toMatchObject({ status: 409, code: 'confirmation_required' })
  expect((await finalize({ yes: true })).body.code).toBe('invalid_field')
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    expect((await api.as(token).send('POST', '/v1/upgrade/finalize', { confirm: true })).body.code).toBe('forbidden')
  }
  expect((await api.transact([{ op: 'finalizeFormat', format: 2 }])).body.code).toBe('invalid_field')
  expect(await api.state()).toEqual(state)

  const done = { format: 2, newestFormat: 2, finalized: true, waiting: [] }
  expect((await finalize({ confirm: true })).body).toMatchObject({ ...done, changed: true })
  expect((await finalize({ confirm: true })).body).toMatchObject({ ...done, changed: false })
  expect((await api.transact([REMOVE])).body.results).toEqual([{ op: 'removeHostAttributes', affected: 1 }])
  const { rows } = (await api.query('select format, version from boreal.format')).body
  expect(rows).toEqual([{ format: 2, version: state.lsn + 1 }])
  // It is part of the state: whoever replays the log knows it.
  const { node: other } = await memoryNode(log)
  expect(other.format).toBe(2)
  expect(await other.digest()).toEqual(await node.digest())
})

test('two nodes side by side: when one is finalized the other knows', async () => {
  const { node: one, ...log } = await memoryNode({ newLogFormat: 1 })
  await one.submit(request([{ op: 'saveHostAttributes', hostAttributes: host('h') }]), as('p'))
  const { node: two } = await memoryNode(log)
  await expect(two.submit(request([REMOVE]), as('p'))).rejects.toMatchObject({ code: 'not_finalized' })
  const api = await serveNode(one)
  await api.send('POST', '/v1/upgrade/finalize', { confirm: true })
  // Decided on the newest state, whatever the node had heard of it.
  expect((await two.submit(request([REMOVE]), as('p'))).results).toMatchObject([{ affected: 1 }])
})

test('a new log begins in the format of the build that writes it, in its first entry', async () => {
  const { node, ...log } = await memoryNode()
  const removals = Array.from({ length: 3 }, () => node.submit(request([{ ...REMOVE, host: 'h' }]), as('p')))
  for (const { lsn } of await Promise.all(removals)) expect(lsn).toBe(0)
  const saved = node.submit(request([{ op: 'saveHostAttributes', hostAttributes: host('h') }, REMOVE]), as('p'))
  expect((await saved).lsn).toBe(1)
  const [first, ...rest] = await entriesOf(node.log)
  expect(rest).toEqual([])
  expect(first!.transactions.at(-1)).toMatchObject({
    actor: 'boreal',
    reason: 'format',
    events: [{ event: 'formatVersion', v: 1, format: FORMAT_VERSION }],
  })
  expect(node.format).toBe(FORMAT_VERSION)
  expect((await memoryNode(log)).node.format).toBe(FORMAT_VERSION)
})

/** Appends what a newer build would write when its store is finalized. */
async function finalizedByNewerBuild({ node, table, storeId }: TestNode): Promise<void> {
  const { hash, time, lsn } = (await entriesOf(node.log)).at(-1)!
  const events = [{ event: 'formatVersion', v: 1, format: 99 }]
  const transactions = [{ id: 't', actor: 'ann', events, results: [] }] as never
  const ids = { storeId, writer: 'w', attempt: 'a' }
  const { item } = encodeEntry({ lsn: lsn + 1, time, prev: hash, transactions }, ids)
  table.slots.set(lsn + 1, item)
}

const NEWER =
  /the store finalized to format 99, while this build knows formats up to 2\. A newer build wrote it: run that/

test('a build stops, and says why, where a newer one has finalized the store', async () => {
  const newer = await memoryNode()
  await newer.node.submit(request([{ op: 'saveQuota', role: 'r', quota: quota(1) }]), as('p'))
  const state = await newer.node.digest()
  await finalizedByNewerBuild(newer)
  const refusal = { code: 'log_corrupt', message: expect.stringMatching(NEWER) }
  await expect(newer.node.confirm()).rejects.toMatchObject(refusal)
  await expect(newer.node.submit(request([{ op: 'removeQuota', role: 'r' }]), as('p'))).rejects.toMatchObject(refusal)
  const { lsn } = await newer.node.read([], { level: 'weak' })
  expect(lsn).toBe(state.lsn)
  await expect(memoryNode({ table: newer.table, storeId: newer.storeId })).rejects.toMatchObject(refusal)
})

test('a running node that a newer build has left behind says so, serves what it has, and does not ask in vain', async () => {
  const newer = await leading()
  const warnings: string[] = []
  const older = await following(newer, newer.url, { pollMs: 5 })
  await newer.node.submit(request([{ op: 'saveQuota', role: 'r', quota: quota(1) }]), as('p'))
  await expect.poll(async () => (await older.node.status()).appliedLsn).toBe(1)
  await finalizedByNewerBuild(newer)
  const api = await serveNode(older.node)
  await expect.poll(async () => (await api.get('/v1/status')).body.stopped?.detail).toMatch(NEWER)
  const { status, body } = await api.get('/readyz')
  expect([status, body.code]).toEqual([503, 'not_ready'])
  expect(body.detail).toMatch(NEWER)
  // Nobody replaces it by itself, over and over: it lives, and can serve weak reads.
  expect((await api.get('/livez')).status).toBe(200)
  expect((await api.get('/readyz?level=weak')).status).toBe(200)
  const weak = await api.get('/v1/quotas/r?consistency=weak')
  expect([weak.status, weak.headers.get('boreal-lsn')]).toEqual([200, '1'])
  const refused = await api.transact([{ op: 'removeQuota', role: 'r' }])
  expect([refused.status, refused.body.code]).toEqual([503, 'log_corrupt'])
  await expect.poll(async () => (await older.node.read([], { level: 'weak' })).ageMs).toBeGreaterThan(500)
  for (const { message, fields } of older.warnings) warnings.push(`${message} ${fields?.error ?? fields?.reason}`)
  expect(new Set(warnings).size).toBe(warnings.length)
})

test('nor does a store start from an image whose log a newer build has finalized', async () => {
  const finalized = await storeAt(SCHEMA)
  await finalized.run([{ sql: `insert into boreal.format values ('', 99, 1)`, params: [] }])
  await expect(migrateStore(finalized.engine, MIGRATIONS)).rejects.toMatchObject({
    code: 'migration_failed',
    message: /finalized to format 99, while this build knows formats up to 2: run the newer build/,
  })
})
