import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import { problem } from '../../lib/api/problem.ts'
import { matchRoute } from '../../lib/api/router.ts'
import { routes } from '../../lib/api/routes.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, fullTask, host, jobKey, quota } from '../support/records.ts'
import { memoryApi, serveNode } from '../support/test-api.ts'

/** The document describes every route, and every answer is what the document says. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

const LISTS = [
  '/v1/tasks',
  '/v1/jobs',
  '/v1/roles',
  '/v1/hosts',
  '/v1/quotas',
  '/v1/cron-jobs',
  '/v1/host-maintenance',
  '/v1/job-updates',
  '/v1/locks',
  '/v1/log',
]

type Schema = Parameters<typeof z.fromJSONSchema>[0]

interface Operation {
  operationId: string
  parameters: { name: string; in: string; required: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

async function documented(): Promise<{ openapi: string; paths: Record<string, Record<string, Operation>> }> {
  const { status, body } = await api.get('/openapi.json')
  expect(status).toBe(200)
  return body
}

test('the document needs no token, and is OpenAPI 3.1', async () => {
  const response = await fetch(`${api.url}/openapi.json`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Boreal', version: expect.any(String) },
  })
})

test('every route is in the document, with its parameters, body and answer', async () => {
  const { paths } = await documented()
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ key: `${method.toUpperCase()} ${path}`, operation })),
  )
  expect(operations.map(({ key }) => key).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
  for (const { key, operation } of operations) {
    const inPath = [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const parameters = operation.parameters.filter((parameter) => parameter.in === 'path')
    expect(
      parameters.map(({ name, required }) => [name, required]),
      key,
    ).toEqual(inPath.map((name) => [name, true]))
    expect(operation.requestBody !== undefined, key).toBe(key.startsWith('POST'))
    expect(operation.responses['200']?.content?.['application/json']?.schema, key).toBeTypeOf('object')
    expect(operation.responses, key).toHaveProperty('default')
  }
})

test('every reference in the document leads somewhere', async () => {
  const document = await documented()
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference!)
  expect(references.length).toBeGreaterThan(0)
  for (const reference of references) {
    const [root, ...parts] = reference.split('/')
    expect(root).toBe('#')
    const target = parts.reduce<unknown>(
      (value, part) => (value as Record<string, unknown> | undefined)?.[part],
      document,
    )
    expect(target, reference).toBeDefined()
  }
})

test('every answer of every route is what the document says, nothing more and nothing less', async () => {
  const { paths } = await documented()
  const schemaOf = ({ method, path }: { method: string; path: string }) =>
    paths[path]![method.toLowerCase()]!.responses['200']!.content!['application/json']!.schema
  const answered = new Set<string>()
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown, key?: string) => {
    const answer = await api.send(method, path, body, key === undefined ? {} : { 'idempotency-key': key })
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    const { route } = matchRoute(routes, method, path.split('?')[0]!)
    expect(z.fromJSONSchema(schemaOf(route)).parse(answer.body), path).toEqual(answer.body)
    answered.add(`${method} ${route.path}`)
    return answer.body
  }
  const update = { job: jobKey, id: 'u-1' }
  const instructions = { desiredState: { task: config(), instances: [{ first: 0, last: 2 }] } }
  const instanceEvent = { id: 'e-1', instanceId: 1, timestampMs: 2, action: 'INSTANCE_UPDATED', message: 'done' }
  const operations = [
    { op: 'saveTasks', tasks: [fullTask('t-1'), fullTask('t-2')] },
    { op: 'mutateTasks', query: { taskIds: ['t-2'] }, patch: { status: 'LOST', slaveHost: null } },
    { op: 'saveQuota', role: 'www', quota: quota(1.5, '9223372036854775807') },
    { op: 'saveHostAttributes', hostAttributes: host('h7', { attributes: [{ name: 'rack', values: ['a'] }] }) },
    { op: 'removeTasks', taskIds: ['nobody'] },
    { op: 'removeQuota', role: 'nobody' },
    { op: 'saveCronJob', jobConfiguration: { key: jobKey, cronSchedule: '* * * * *', taskConfig: config() } },
    { op: 'saveHostMaintenanceRequest', request: { host: 'h7', timeoutSecs: 60, createdTimestampMs: 1 } },
    { op: 'saveLock', lock: { key: { job: jobKey }, token: 'token', user: 'ann', timestampMs: 1, message: 'mine' } },
    { op: 'saveJobUpdate', jobUpdate: { summary: { key: update, user: 'ann' }, instructions }, lockToken: 'token' },
    { op: 'saveJobUpdateEvent', key: update, event: { status: 'ROLLING_FORWARD', timestampMs: 1 } },
    { op: 'saveJobInstanceUpdateEvent', key: update, event: instanceEvent },
    { op: 'removeJobUpdates', keys: [{ job: jobKey, id: 'nobody' }] },
    { op: 'saveFrameworkId', id: 'framework' },
  ]
  const { lsn } = await call('POST', '/v1/transactions', { operations }, 'smoke')
  await call('GET', '/v1/transactions/smoke')
  await call('GET', '/v1/transactions/nobody')
  for (const path of LISTS) {
    expect((await call('GET', `${path}?limit=1`)).items, path).toHaveLength(1)
  }
  for (const path of [
    'tasks/t-1',
    'tasks/t-2',
    'jobs/www/prod/hello',
    'roles/www',
    'hosts/h7',
    'quotas/www',
    'cron-jobs/www/prod/hello',
    'host-maintenance/h7',
    'job-updates/www/prod/hello/u-1',
    'job-updates/www/prod/hello/u-1/progress',
    'job-updates/www/prod/hello/u-1/instance-events',
    'locks/www/prod/hello',
    'scheduler',
    `log/${lsn}`,
  ]) {
    await call('GET', `/v1/${path}`)
  }
  await call('POST', '/v1/reads', { reads: [{ path: '/v1/tasks/t-1' }, { path: '/v1/tasks/nobody' }] })
  const preconditions = [{ entity: 'task', key: 't-1', exists: true }]
  await call('POST', '/v1/reads', { reads: [{ path: '/v1/jobs' }], preconditions, operations: operations.slice(0, 8) })
  await call('POST', '/v1/query', { sql: 'select task_id, version, $1::int as one from task', params: [1] })
  for (const path of [
    '/v1/status',
    '/v1/status?digest=true',
    '/livez',
    '/readyz',
    '/readyz?level=weak',
    '/openapi.json',
  ]) {
    await call('GET', path)
  }
  expect([...answered].sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
})

test('whoever may not read may still ask whether the node lives and is ready', async () => {
  for (const path of ['/livez', '/readyz', '/readyz?level=weak', '/openapi.json']) {
    expect((await fetch(api.url + path)).status, path).toBe(200)
  }
  expect((await fetch(`${api.url}/v1/status`)).status).toBe(401)
})

test('while the log is away the node lives and serves weak reads, and is not ready for more', async () => {
  const { node, events } = await memoryNode({ pollMs: 3_600_000 })
  const away = await serveNode(node)
  events.onRead = () => {
    throw new Error('the log is away')
  }
  expect((await away.get('/livez')).body).toEqual({ live: true })
  expect((await away.get('/readyz?level=weak')).body).toEqual({ ready: true, appliedLsn: 0 })
  const { status, body, headers } = await away.get('/readyz')
  expect([status, body.code, headers.get('content-type')]).toEqual([503, 'not_ready', 'application/problem+json'])
  expect(problem.strict().parse(body).detail).toContain('the log is away')
  events.onRead = undefined
  expect((await away.get('/readyz')).status).toBe(200)
})

test('status says where the node stands, and with a digest what it holds', async () => {
  const { body } = await api.get('/v1/status')
  expect(body).toMatchObject({ role: 'writer', schemaVersion: 2, waiting: 0, storeFull: false })
  expect(body.readers).toEqual([
    { appliedLsn: expect.any(Number), load: expect.any(Number), bytes: expect.any(Number) },
  ])
  expect(body).not.toHaveProperty('digest')
  const { digest, appliedLsn } = (await api.get('/v1/status?digest=true')).body
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  const answer = await api.transact([{ op: 'saveQuota', role: 'status', quota: quota(1) }])
  const after = (await api.get('/v1/status?digest=true')).body
  expect(after.appliedLsn).toBe(answer.body.lsn)
  expect(after.appliedLsn).toBeGreaterThan(appliedLsn)
  expect(after.digest).not.toBe(digest)
})
