import { afterAll, expect, test } from 'vitest'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { memoryNode } from '../support/memory-node.ts'
import { saveTask } from '../support/requests.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** Clones over HTTP. */

const { endpoint } = await startTable(afterAll)

test('a clone is made, listed and deleted by admins alone, and a deletion is confirmed', {
  timeout: 60_000,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const node = await bed.node()
  await write(node, [saveTask('t-1')])
  await write(node, [saveTask('t-2')])
  const api = await serveNode(node)
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    expect((await api.as(token).send('POST', '/v1/clones', { name: 'test' })).body.code).toBe('forbidden')
    for (const path of ['/v1/clones', '/v1/stores']) expect((await api.as(token).get(path)).status).toBe(403)
    expect((await api.as(token).send('DELETE', '/v1/clones/test')).body.code).toBe('forbidden')
  }
  const { status, body: made, headers } = await api.send('POST', '/v1/clones', { name: 'test', at: 1 })
  expect([status, made]).toEqual([
    200,
    {
      name: 'test',
      storeId: expect.any(String),
      state: 'open',
      createdAt: expect.any(Number),
      startsAt: 0,
      origin: { kind: 'clone', storeId: node.storeId, lsn: 1 },
    },
  ])
  const operation = await api.get(headers.get('location')!)
  expect(operation.body).toMatchObject({ kind: 'clone', state: 'done', result: made })
  expect((await api.get('/v1/clones')).body.items).toEqual([made])
  expect((await api.get('/v1/stores')).body.items).toMatchObject([{ name: 'main', storeId: node.storeId }, made])

  const twice = await api.send('POST', '/v1/clones', { name: 'test' })
  expect([twice.status, twice.body.code]).toEqual([409, 'already_exists'])
  expect(twice.body.detail).toContain(made.storeId)

  const unconfirmed = await api.send('DELETE', '/v1/clones/test')
  expect([unconfirmed.status, unconfirmed.body.code]).toEqual([409, 'confirmation_required'])
  const dry = await api.send('DELETE', '/v1/clones/test?dryRun=true&confirm=true')
  expect(dry.body).toEqual({ name: 'test', storeId: made.storeId, dryRun: true })
  expect((await api.get('/v1/clones')).body.items).toHaveLength(1)
  const deleted = await api.send('DELETE', '/v1/clones/test?confirm=true')
  expect(deleted.body).toEqual({ name: 'test', storeId: made.storeId, lsn: 1, dryRun: false })
  expect((await api.get('/v1/clones')).body.items).toEqual([])
  expect((await api.get('/v1/stores')).body.items[1]).toMatchObject({ state: 'sealed', ended: { because: 'deleted' } })
  expect((await api.send('DELETE', '/v1/clones/main?confirm=true')).body.code).toBe('constraint_violation')
})

test('two requests for one clone that differ are two: one is made, the other is told', {
  timeout: 60_000,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const node = await bed.node()
  await write(node, [saveTask('t')])
  const api = await serveNode(node)
  const requests = [{ name: 'test' }, { name: 'test', at: 0 }, { name: 'other', at: new Date().toISOString() }]
  const answers = await Promise.all(requests.map((body) => api.send('POST', '/v1/clones', body)))
  expect(
    answers
      .slice(0, 2)
      .map(({ status }) => status)
      .sort(),
  ).toEqual([200, 409])
  expect(answers[2]!.status).toBe(200)
  expect((await api.get('/v1/clones')).body.items).toHaveLength(2)
})

test('what there is not, and what is not understood', { timeout: 60_000 }, async () => {
  const bed = await StoresBed.open(endpoint)
  const api = await serveNode(await bed.node())
  for (const body of [
    {},
    ...['', '@', 'a@b', '../x', '.hidden', 'a'.repeat(64), 'ä'].map((name) => ({ name })),
    ...[-1, 1.5, 'yesterday', null, 7].map((at) => ({ name: 'x', at })),
    { name: 'x', more: 1 },
  ]) {
    const { status, body: answer } = await api.send('POST', '/v1/clones', body)
    expect([status, answer.code], JSON.stringify(body)).toEqual([400, 'invalid_field'])
  }
  expect((await api.send('POST', '/v1/clones', { name: 'x', at: '2001-01-01T00:00:00Z' })).status).not.toBe(500)
  for (const name of ['nobody', '..%2F..', 'main@01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
    expect((await api.send('DELETE', `/v1/clones/${name}?confirm=true`)).body.code, name).toBe('not_found')
  }
  expect((await api.send('PUT', '/v1/clones', {})).status).toBe(405)
  const bare = await serveNode((await memoryNode()).node)
  expect((await bare.send('POST', '/v1/clones', { name: 'x' })).body.code).toBe('not_available')
  expect((await bare.get('/v1/stores')).body.code).toBe('not_available')
})
