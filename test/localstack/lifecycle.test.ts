import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { config, jobKey, quota, task } from '../support/records.ts'
import { READ_TOKEN } from '../support/test-api.ts'
import { api, BUCKETS, FUNCTIONS, invoke, keysOf, logged, setTimeoutOf } from './deployment.ts'

/** The life of a deployment, in order: it serves, its rules fire by themselves, it is killed, and starts from what they made. */

const save = (role: string, cpus = 1) => [{ op: 'saveQuota', role, quota: quota(cpus) }]

/**
 * A quota and so many tasks, each with a config of its own, that no environment that is started for it is done within a
 * second. With the quota alone a fast machine is.
 */
const saveMuch = (role: string) => [
  ...save(role),
  {
    op: 'saveTasks',
    // Two jobs, because one may not have so many.
    tasks: Array.from({ length: 5_000 }, (_, instanceId) =>
      task(`${role}-${instanceId}`, {
        instanceId,
        task: config({
          job: { ...jobKey, role, name: `job-${instanceId % 2}` },
          metadata: [{ key: 'n', value: String(instanceId) }],
        }),
      }),
    ),
  },
]

const run = promisify(execFile)
const BOREAL = fileURLToPath(new URL('../../bin/boreal.mjs', import.meta.url))

const MINUTES = { timeout: 300_000, interval: 2_000 }

test('serves the API through the gateway, with the tokens of the secret', async () => {
  expect((await api.get('/livez')).body).toEqual({ live: true })
  expect((await api.as('a-token-that-nobody-knows').get('/v1/status')).status).toBe(401)
  expect((await api.as(READ_TOKEN).transact(save('no'))).status).toBe(403)
  const { status, headers, body } = await api.send('GET', '/v1/no-such-route', undefined, {
    'x-correlation-id': 'mine-1',
  })
  expect([status, body.code, headers.get('x-correlation-id')]).toEqual([404, 'no_route', 'mine-1'])
  const malformed = await api.send('POST', '/v1/transactions', '{')
  expect([malformed.status, malformed.body.code]).toEqual([400, 'malformed'])
})

test('a retry with the same key gets the answer of the first try', async () => {
  const first = await api.transact(save('once', 1), { key: 'once' })
  expect(first.status).toBe(200)
  const retry = await api.transact(save('once', 1), { key: 'once' })
  expect([retry.status, retry.body]).toEqual([200, first.body])
  expect((await api.transact(save('once', 2), { key: 'once' })).body.code).toBe('idempotency_key_reused')
})

test('of tries at once in several environments one is done, and all get its answer', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => api.transact(save('at-once'), { key: 'at-once' })))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(new Set(answers.map(({ body }) => body.transactionId)).size).toBe(1)
})

test('a trace is replayed, and the store holds what was counted', async () => {
  const args = ['replay', '--url', api.url, '--token', api.token, '--tasks', '25', '--prefix', 'replayed-']
  const { stdout } = await run(process.execPath, [BOREAL, ...args, '--in-flight', '3'])
  expect(stdout).toMatch(/check: every task and state in the store is as counted/)
})

test('rules fire the functions by themselves, and they make a snapshot and a backup, and archive the log', async () => {
  const verified = /\/snapshots\/[^/]+\/verified\.json$/
  await expect.poll(() => keysOf(BUCKETS.objects, /\/archive\/\d{16}-/), MINUTES).not.toEqual([])
  await expect.poll(() => keysOf(BUCKETS.objects, verified), MINUTES).not.toEqual([])
  await expect.poll(() => keysOf(BUCKETS.backups, /\/backups\/[^/]+\/backup\.json$/), MINUTES).not.toEqual([])
})

test('the restore drill passes on that backup, and says so beside it', async () => {
  const { error, outcome } = await invoke(FUNCTIONS.verify)
  expect([error, outcome]).toMatchObject([false, { passed: true }])
  expect(await keysOf(BUCKETS.backups, /\/drill\.json$/)).not.toEqual([])
})

test('trimming and sweeping find nothing that may go', async () => {
  expect(await invoke(FUNCTIONS.trim)).toMatchObject({ error: false, outcome: { refused: [] } })
  expect(await invoke(FUNCTIONS.sweep)).toMatchObject({ error: false, outcome: { swept: [] } })
})

test('killed in the middle of a request and started cold, it restores the snapshot; the retry is answered', async () => {
  const before = await api.get('/v1/quotas/once')
  // Its environment ends at the time-out, before it has answered.
  await setTimeoutOf(FUNCTIONS.api, 1)
  const operations = saveMuch('killed')
  const killed = await api.transact(operations, { key: 'killed' })
  expect(killed.status).toBeGreaterThanOrEqual(500)
  await setTimeoutOf(FUNCTIONS.api, 29)
  const restored = (await logged('api', 'restoring a snapshot')).length
  // As a client does: the same request with the same key, until there is an answer.
  await expect.poll(async () => (await api.transact(operations, { key: 'killed' })).status, MINUTES).toBe(200)
  const { body } = await api.transact(operations, { key: 'killed' })
  expect((await api.get('/v1/quotas/killed')).body.version).toBe(body.lsn)
  expect((await api.get('/v1/tasks/killed-4999')).body.version).toBe(body.lsn)
  expect((await api.get('/v1/quotas/once')).body).toEqual(before.body)
  await expect.poll(async () => (await logged('api', 'restoring a snapshot')).length, MINUTES).toBeGreaterThan(restored)
})

test('a weak read of an environment that slept shows what others have written', async () => {
  const { body } = await api.transact(save('asleep', 3))
  const read = await api.get('/v1/quotas/asleep?consistency=weak')
  expect([read.status, read.body.version]).toEqual([200, body.lsn])
})
