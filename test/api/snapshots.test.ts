import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { quota } from '../support/records.ts'
import { gate } from '../support/scripted-log.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** Snapshots over HTTP. */

test('a snapshot is taken, listed and looked into by admins alone', { timeout: 60_000 }, async () => {
  const api = await serveNode((await memoryNode({ readers: 1 })).node)
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    expect((await api.as(token).send('POST', '/v1/snapshots', {})).body.code).toBe('forbidden')
    expect((await api.as(token).get('/v1/snapshots')).status).toBe(403)
  }
  expect((await api.send('POST', '/v1/snapshots', {})).body).toEqual({
    made: false,
    lsn: 0,
    reason: 'the log has no entries yet',
  })
  await api.transact([{ op: 'saveQuota', role: 'www', quota: quota(1) }])
  const { body: taken, headers } = await api.send('POST', '/v1/snapshots', {})
  expect(taken).toEqual({ made: true, lsn: 1, snapshotId: expect.any(String) })
  expect((await api.get(headers.get('location')!)).body).toMatchObject({
    kind: 'snapshot',
    state: 'done',
    result: taken,
  })
  const { digest } = await api.state()
  const summary = { id: taken.snapshotId, lsn: 1, state: 'verified', verifiedBy: 'peer', digest, schemaVersion: 2 }
  expect((await api.get('/v1/snapshots')).body.items).toMatchObject([summary])
  const { body } = await api.get(`/v1/snapshots/${taken.snapshotId}?check=true`)
  expect(body).toMatchObject({ ...summary, manifest: { lsn: 1, rows: { quota: 1, task: 0 } } })
  expect((await api.send('POST', '/v1/snapshots', {})).body).toMatchObject({ made: false, lsn: 1 })
})

test('what there is not, and what is not understood', async () => {
  const api = await serveNode((await memoryNode()).node)
  for (const id of ['nonsense', '0000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV', '..%2F..']) {
    expect((await api.get(`/v1/snapshots/${id}`)).body.code, id).toBe('not_found')
  }
  expect((await api.get('/v1/operations/nobody')).body.code).toBe('not_found')
  expect((await api.send('POST', '/v1/snapshots', { now: true })).body.code).toBe('invalid_field')
  expect((await api.get('/v1/snapshots?limit=0')).body.code).toBe('invalid_field')
  const bare = await serveNode((await memoryNode({ objects: undefined })).node)
  expect((await bare.send('POST', '/v1/snapshots', {})).body.code).toBe('not_available')
})

test('what takes longer is answered with where to look for it; a second request joins the first', async () => {
  const { opened, open } = gate()
  let runs = 0
  const { node } = await memoryNode({
    runJob: async () => {
      runs++
      await opened
      return { made: true, snapshotId: 'the-id', lsn: 7 } as never
    },
  })
  const waited = node.operations.run('snapshot', 10, () => node.snapshots.take())
  const { id, state } = await waited
  expect(state).toBe('running')
  const api = await serveNode(node)
  expect((await api.get(`/v1/operations/${id}`)).body).toMatchObject({ id, kind: 'snapshot', state: 'running' })
  const second = node.operations.run('snapshot', 25_000, () => node.snapshots.take())
  open()
  expect(await second).toMatchObject({ id, state: 'done', result: { made: true, snapshotId: 'the-id', lsn: 7 } })
  expect((await api.get(`/v1/operations/${id}`)).body).toMatchObject({ state: 'done', result: { lsn: 7 } })
  expect(runs).toBe(1)
})

test('a snapshot that fails says why, then and later', async () => {
  const { node } = await memoryNode({
    runJob: () => Promise.reject(new Error('the disk is full')),
  })
  const api = await serveNode(node)
  const { status, body } = await api.send('POST', '/v1/snapshots', {})
  expect([status, body.code]).toEqual([500, 'internal'])
  expect((await api.get('/v1/status')).status).toBe(200)
})
