import { expect, test } from 'vitest'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { quota } from '../support/records.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** The archive over HTTP. */

const DAY = 24 * 60 * 60_000

test('is shown, run and trimmed by admins alone; trimming is shown before it is done', {
  timeout: 120_000,
}, async () => {
  const runtime = new ManualRuntime()
  const { node, storeId, bodies } = await memoryNode({ runtime })
  const api = await serveNode(node)
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    expect((await api.as(token).get('/v1/archive')).body.code).toBe('forbidden')
    expect((await api.as(token).send('POST', '/v1/archive', {})).body.code).toBe('forbidden')
    expect((await api.as(token).send('POST', '/v1/archive/trim', { dryRun: true })).body.code).toBe('forbidden')
  }
  for (const role of ['a', 'b', 'c']) await api.transact([{ op: 'saveQuota', role, quota: quota(1) }])
  expect((await api.get('/v1/archive')).body).toMatchObject({
    ...{ segments: 0, behind: 4, missing: [] },
    table: { from: 0, trimmedTo: 0, to: 3 },
    coverage: { from: 0, restorableFrom: 0, uncovered: [], points: [{ id: 'empty store', lsn: 0 }] },
  })
  expect((await api.send('POST', '/v1/archive', {})).body).toEqual({ lsn: 3, entries: 4, segments: 1, merged: 0 })
  expect((await api.send('POST', '/v1/archive', { check: true })).body).toMatchObject({
    check: { segments: 1, damaged: [] },
  })
  await api.send('POST', '/v1/snapshots', {})
  runtime.elapse({ wall: 2 * DAY, monotonic: 2 * DAY })
  expect((await api.send('POST', '/v1/archive/trim', {})).body.code).toBe('confirmation_required')
  // Without a dump a build that can use no image would have nothing to start from.
  const refused = (await api.send('POST', '/v1/archive/trim', { confirm: true })).body
  expect(refused).not.toHaveProperty('emptied')
  expect(refused.limit).toMatch(/no backup with a dump; boreal backup now/)
  const { backupId } = (await api.send('POST', '/v1/backups', {})).body
  const planned = { emptied: { from: 0, to: 2 }, limit: 'the newest verified snapshot is at LSN 3' }
  expect((await api.send('POST', '/v1/archive/trim', { dryRun: true })).body).toMatchObject({
    dryRun: true,
    ...planned,
  })
  expect((await api.get('/v1/archive')).body.table).toEqual({ from: 0, trimmedTo: 0, to: 3 })
  const { body, headers } = await api.send('POST', '/v1/archive/trim', { confirm: true })
  expect(body).toMatchObject({ dryRun: false, ...planned, refused: [] })
  expect((await api.get(headers.get('location')!)).body).toMatchObject({ kind: 'trim', state: 'done' })
  expect((await api.get('/v1/archive')).body).toMatchObject({ table: { from: 3 }, behind: 0, from: 0, to: 3 })
  // What was trimmed is served as before.
  expect((await api.get('/v1/log?after=0')).body.items.map(({ lsn }: { lsn: number }) => lsn)).toEqual([1, 2, 3])
  expect((await api.get('/v1/log/2')).body.lsn).toBe(2)
  expect((await api.send('POST', '/v1/archive/trim', { yes: true })).body.code).toBe('invalid_field')
  // A release with a migration needs the dump, too.
  const plan = async () => (await api.send('POST', '/v1/migrations/plan', {})).body.dump
  expect(await plan()).toEqual({ backupId, lsn: 3, wholeFrom: 3 })
  await bodies.delete(`${storeId}/backups/${backupId}/dump/00000`)
  expect(await plan()).toEqual({ wholeFrom: 3, missing: expect.stringMatching(/no dump.*LSN 3 on: boreal backup now/) })
  const bare = await serveNode((await memoryNode({ objects: undefined })).node)
  expect((await bare.get('/v1/archive')).body.code).toBe('not_available')
})
