import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../lib/model/errors.ts'
import { type RawRequest, rawRequest } from '../support/raw-request.ts'
import { quota } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, READ_TOKEN, WRITE_TOKEN } from '../support/test-api.ts'

/** What a request can have wrong around its body: method, headers, token, path, parameters, cursor. */

const api = await memoryApi({ cleanup: afterAll, readTimeoutMs: 300 })
const store = new TaskStore(api)
const TRICKS = ['..', '.', '../../etc/passwd', 'a/b', 'a\\b', 'a%2fb', '%00', '?x=1', '#x', 'a b+c', '//x', '~', 'é😀']

beforeAll(async () => {
  await store.save(...TRICKS.map((taskId) => taskIn('www', taskId)))
})

const refused = (code: ErrorCode, request: RawRequest, path?: string) =>
  expectRefused(api, code, () => rawRequest(api.url, request), path)

const submission = { method: 'POST', path: '/v1/transactions', body: '{"operations": []}' }

describe('method', () => {
  test.each([
    ['PUT', '/v1/tasks', 'GET'],
    ['DELETE', '/v1/tasks/t-1', 'GET'],
    ['POST', '/v1/roles', 'GET'],
    ['PATCH', '/v1/quotas/www', 'GET'],
    ['GET', '/v1/transactions', 'POST'],
    ['GET', '/v1/query', 'POST'],
    ['OPTIONS', '/v1/tasks', 'GET'],
    ['POST', '/openapi.json', 'GET'],
  ])('%s %s is not allowed, and the answer says what is', async (method, path, allowed) => {
    const { headers } = await refused('method_not_allowed', { method, path })
    expect(headers.get('allow')).toBe(allowed)
  })
})

describe('content type', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'json',
    '',
  ])('%j is refused', async (type) => {
    await refused('unsupported_media_type', { ...submission, headers: { 'content-type': type } })
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/vnd.x+json'])(
    '%j is taken',
    async (type) => {
      expect((await rawRequest(api.url, { ...submission, headers: { 'content-type': type } })).status).toBe(200)
    },
  )

  test('a compressed body is refused', async () => {
    await refused('unsupported_media_type', { ...submission, headers: { 'content-encoding': 'gzip' } })
  })
})

describe('token', () => {
  const tokens = ['', 'Bearer', 'Bearer ', 'Bearer wrong', `Basic ${READ_TOKEN}`, READ_TOKEN, `Bearer ${READ_TOKEN} x`]

  test.each(tokens)('%j is nobody', async (authorization) => {
    const { headers } = await refused('unauthenticated', { ...submission, headers: { authorization } })
    expect(headers.get('www-authenticate')).toBe('Bearer')
    await refused('unauthenticated', { path: '/v1/tasks', headers: { authorization } })
  })

  test('no token at all is nobody, and learns nothing about the request', async () => {
    const answer = await expectRefused(api, 'unauthenticated', async () => {
      const response = await fetch(`${api.url}/v1/tasks?limit=0&cursor=x`)
      return { status: response.status, headers: response.headers, body: await response.json() }
    })
    expect(answer.body).not.toHaveProperty('errors')
  })

  test('reading needs no more than read, and read does not write', async () => {
    const operations = [{ op: 'saveQuota', role: 'scope', quota: quota(1) }]
    await expectRefused(api, 'forbidden', () => api.as(READ_TOKEN).transact(operations))
    expect((await api.as(READ_TOKEN).get('/v1/tasks')).status).toBe(200)
    expect((await api.as(WRITE_TOKEN).transact(operations)).status).toBe(200)
    expect((await api.as(WRITE_TOKEN).get('/v1/tasks')).status).toBe(200)
  })
})

describe('path', () => {
  test.each(TRICKS)('the task id %j is a name like any other', async (taskId) => {
    const path = `/v1/tasks/${encodeURIComponent(taskId).replaceAll('.', '%2e')}`
    const { status, body } = await rawRequest(api.url, { path })
    expect([status, body.assignedTask?.taskId]).toEqual([200, taskId])
    const { answers } = (await api.send('POST', '/v1/reads', { reads: [{ path }] })).body
    expect(answers).toEqual([{ status: 200, body }])
  })

  test.each([
    ['no_route', '/'],
    ['no_route', '/v1'],
    ['no_route', '/v1/tasks/x/y'],
    ['no_route', '/v1//tasks'],
    ['no_route', '/v1/tasks/../status'],
    ['no_route', '/v1/tasks/../../etc/passwd'],
    ['no_route', '/V1/tasks'],
    ['no_route', '//v1/tasks'],
    ['no_route', 'http://elsewhere/v1/tasks'],
    ['no_route', '/v1/tasks%3Flimit=1'],
    ['not_found', '/v1/tasks/..%2fstatus'],
    ['not_found', '/v1/hosts/%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
    ['not_found', '/v1/log/999999'],
    ['invalid_field', '/v1/roles/..%2f..%2fetc'],
    ['invalid_field', '/v1/quotas/a%2fb'],
    ['invalid_field', '/v1/jobs/a/b/c%00'],
    ['invalid_field', '/v1/tasks/%00'],
    ['invalid_field', `/v1/tasks/${'x'.repeat(256)}`],
    ['invalid_field', '/v1/log/1.5'],
    ['invalid_field', '/v1/log/-1'],
    ['malformed', '/v1/tasks/%'],
    ['malformed', '/v1/tasks/%zz'],
    ['malformed', '/v1/tasks/%ff'],
    ['malformed', '/v1/tasks/%ed%a0%80'],
    ['malformed', '/v1/tasks?taskId=%ff'],
    ['malformed', '/v1/tasks?taskId=%'],
    ['malformed', '/v1/tasks?%c0=1'],
  ] as [ErrorCode, string][])('%s: %s', async (code, path) => {
    await refused(code, { path })
  })
})

describe('parameters', () => {
  test.each([
    ['limit', '/v1/tasks?limit=0'],
    ['limit', '/v1/tasks?limit=1001'],
    ['limit', '/v1/tasks?limit=abc'],
    ['limit', '/v1/tasks?limit=-1'],
    ['limit', '/v1/tasks?limit=1e2'],
    ['limit', '/v1/tasks?limit='],
    ['limit', '/v1/tasks?limit=5&limit=5'],
    ['limit', '/v1/log?limit=0'],
    ['after', '/v1/log?after=x'],
    ['cursor', '/v1/tasks?cursor=a&cursor=b'],
    ['consistency', '/v1/tasks?consistency=strong'],
    ['consistency', '/v1/tasks?consistency=weak&consistency=weak'],
    ['minLsn', '/v1/tasks?minLsn=-1'],
    ['minLsn', '/v1/tasks?minLsn=1.5'],
    ['minLsn', '/v1/tasks?minLsn=9007199254740993'],
    ['minLsn', '/v1/tasks?minLsn=1&consistency=consistent'],
    ['status.0', '/v1/tasks?status=running'],
    ['status.1', '/v1/tasks?status=RUNNING&status=nothing'],
    ['role.0', '/v1/tasks?role='],
    ['role.0', '/v1/tasks?role=a%20b'],
    ['jobKey.0', '/v1/tasks?jobKey=a/b'],
    ['jobKey.0', '/v1/tasks?jobKey=a/b/c/d'],
    ['instanceId.0', '/v1/tasks?instanceId=-1'],
    ['instanceId.0', '/v1/tasks?instanceId=2147483648'],
    ['taskId.0', '/v1/tasks?taskId=%00'],
    ['active', '/v1/tasks?active=yes'],
    ['active', '/v1/tasks?active=true&active=true'],
    ['mode.0', '/v1/hosts?mode=BROKEN'],
    ['digest', '/v1/status?digest=1'],
    ['statuses', '/v1/tasks?statuses=RUNNING'],
    ['limit', '/v1/tasks/..?limit=5'],
    ['x', '/v1/quotas/www?x=1'],
    ['x', '/v1/transactions/key?x=1'],
    ['__proto__', '/v1/tasks?__proto__=1'],
    ['constructor', '/v1/tasks?constructor=1'],
    ['', '/v1/tasks?=1'],
  ])('%s: %s', async (name, path) => {
    await refused('invalid_field', { path }, `query.${name}`)
  })

  test('an unknown parameter of a request with a body is refused too', async () => {
    await refused('invalid_field', { ...submission, path: '/v1/transactions?dryRun=true' }, 'query.dryRun')
    await refused('invalid_field', { path: '/openapi.json?x=1' }, 'query.x')
  })

  test('a thousand values of one parameter are taken, more are not', async () => {
    const ids = (count: number) => Array.from({ length: count }, (_, index) => `instanceId=${index}`).join('&')
    expect((await rawRequest(api.url, { path: `/v1/tasks?${ids(1_000)}` })).status).toBe(200)
    await refused('invalid_field', { path: `/v1/tasks?${ids(1_001)}` }, 'query.instanceId')
  })

  test('an LSN that is not there yet is waited for until the deadline', async () => {
    const { headers } = await refused('lsn_not_reached', { path: '/v1/tasks?minLsn=999999' })
    expect(headers.get('retry-after')).toBe('1')
  })

  test('what is no earlier state is refused, and says what would be one', async () => {
    for (const value of ['-1', '1.', '1.x', 'newest', '1e3', '99999999999999999', '']) {
      await refused('invalid_field', { path: `/v1/tasks?asOfLsn=${value}` }, 'query.asOfLsn')
    }
    const times = [
      'yesterday',
      '2026-01-01',
      '2026-01-01T00:00:00',
      '2026-02-30T00:00:00Z',
      '2h',
      '-2w',
      '-h',
      '99999999999999999',
      '',
    ]
    for (const time of times) {
      await refused('invalid_field', { path: `/v1/tasks?asOfTime=${time}` }, 'query.asOfTime')
    }
    await refused('invalid_field', { path: '/v1/tasks?asOfLsn=999999' })
    await refused('invalid_field', { path: '/v1/tasks?asOfLsn=1.999' })
    await refused('invalid_field', { path: '/v1/tasks?asOfTime=2999-01-01T00:00:00Z' })
    await refused('out_of_retention', { path: '/v1/tasks?asOfTime=1999-01-01T00:00:00Z' })
    for (const id of ['nobody', '0123456789abcdef0123', '..%2F..']) {
      await refused('not_found', { path: `/v1/tasks?recovery=${id}` })
    }
  })

  test('one state is asked for, not two', async () => {
    const each = ['consistency=weak', 'minLsn=1', 'asOfLsn=1', 'asOfTime=-1s', 'recovery=x']
    for (const [index, one] of each.entries()) {
      for (const other of each.slice(index + 1)) {
        // Weak reads that are not older than something are the one pair that means something.
        if (one === 'consistency=weak' && other === 'minLsn=1') continue
        await refused('invalid_field', { path: `/v1/tasks?${one}&${other}` }, `query.${one.split('=')[0]}`)
      }
    }
    await refused('invalid_field', { path: '/v1/tasks?asOfLsn=1&asOfLsn=2' }, 'query.asOfLsn')
  })
})

describe('cursor', () => {
  const cursorOf = async (path: string) => (await api.get(path)).body.nextCursor as string

  test('one of the same query goes on, also with another limit', async () => {
    const cursor = await cursorOf('/v1/tasks?role=www&limit=1')
    expect((await api.get(`/v1/tasks?role=www&limit=5&cursor=${cursor}`)).body.items).toHaveLength(5)
    expect((await api.get(`/v1/tasks?limit=5&consistency=weak&role=www&cursor=${cursor}`)).status).toBe(200)
  })

  test('one of another query, list or store is refused', async () => {
    const cursor = await cursorOf('/v1/tasks?role=www&limit=1')
    for (const path of ['/v1/tasks?', '/v1/tasks?role=other&', '/v1/tasks?role=www&status=PENDING&', '/v1/hosts?']) {
      await refused('invalid_cursor', { path: `${path}cursor=${cursor}` })
    }
    const other = await memoryApi({ storeId: 'another-store' })
    await new TaskStore(other).save(taskIn('www', 'a'), taskIn('www', 'b'))
    await expectRefused(other, 'store_changed', () => other.get(`/v1/tasks?role=www&cursor=${cursor}`))
  })

  test.each([
    ['empty', ''],
    ['no base64', '!!!'],
    ['a number', '42'],
    ['a key', Buffer.from('"t-1"').toString('base64url')],
    ['a list of one', Buffer.from('["x"]').toString('base64url')],
    ['a foreign binding', Buffer.from('["AAAAAAAAAAAA","t-1"]').toString('base64url')],
    ['nested', Buffer.from('['.repeat(700)).toString('base64url')],
  ])('garbage is refused: %s', async (_name, cursor) => {
    await refused('invalid_cursor', { path: `/v1/tasks?cursor=${cursor}` })
  })

  test('one with a key that is no text, or was cut, is refused', async () => {
    const cursor = await cursorOf('/v1/tasks?limit=1')
    const [binding] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    for (const key of [7, null, {}, 'a\0b', '\ud800']) {
      const forged = Buffer.from(JSON.stringify([binding, key])).toString('base64url')
      await refused('invalid_cursor', { path: `/v1/tasks?cursor=${forged}` })
    }
    await refused('invalid_cursor', { path: `/v1/tasks?cursor=${cursor.slice(0, -3)}` })
    await refused('invalid_field', { path: `/v1/tasks?cursor=${'x'.repeat(2_001)}` }, 'query.cursor')
  })
})
