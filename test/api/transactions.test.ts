import { afterAll, expect, test } from 'vitest'
import { keyIn } from '../support/job-update-store.ts'
import { fullCronJob, host, lock, maintenance, quota } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, READ_TOKEN } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** A transaction is whole or nothing, its operations follow one another, and its answer says what each one did. */

const api = await memoryApi({ cleanup: afterAll })
const store = new TaskStore(api)

/** As many small tasks as are wanted, in few bytes. */
const smallTasks = (role: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    assignedTask: {
      taskId: `${role}-${from + index}`,
      instanceId: 0,
      task: { job: { role, environment: 'e', name: 'n' } },
    },
    status: 'FINISHED',
  }))

test('a transaction whose last operation fails leaves nothing of those before it', async () => {
  await store.save(taskIn('whole', 'whole-1'))
  const before = await api.state()
  const { status, body } = await api.transact(
    [
      { op: 'saveQuota', role: 'whole', quota: quota(1) },
      { op: 'removeTasks', query: { all: true } },
      { op: 'saveHostAttributes', hostAttributes: host('whole') },
      { op: 'saveTasks', tasks: smallTasks('whole-2', 10_000) },
      { op: 'saveTasks', tasks: smallTasks('whole-2', 10_001, 10_000) },
    ],
    { key: 'whole' },
  )
  expect([status, body.code]).toEqual([413, 'too_large'])
  expect(await api.state()).toEqual(before)
  expect(await store.ids('role=whole&role=whole-2')).toEqual(['whole-1'])
  expect((await api.get('/v1/quotas/whole')).status).toBe(404)
  expect((await api.get('/v1/hosts/whole')).status).toBe(404)
  expect((await api.get('/v1/transactions/whole')).body.state).toBe('unknown')
})

test('a transaction whose last operation is malformed leaves nothing of those before it', async () => {
  const before = await api.state()
  const { status, body } = await api.transact([
    { op: 'saveQuota', role: 'malformed', quota: quota(1) },
    { op: 'saveQuota', role: 'malformed', quota: {} },
  ])
  expect([status, body.errors[0].path]).toEqual([400, 'operations.1.quota.resources'])
  expect(await api.state()).toEqual(before)
})

test('a transaction that is refused does not touch those that wait beside it', async () => {
  const save = (role: string, version?: number) =>
    api.transact([{ op: 'saveQuota', role, quota: quota(1) }], {
      preconditions: version === undefined ? [] : [{ entity: 'quota', key: role, version }],
    })
  const answers = await Promise.all([save('beside-1'), save('beside-2', 1), save('beside-3'), save('beside-4', 1)])
  expect(answers.map(({ status }) => status)).toEqual([200, 409, 200, 409])
  const found = await Promise.all([1, 2, 3, 4].map((index) => api.get(`/v1/quotas/beside-${index}`)))
  expect(found.map(({ status }) => status)).toEqual([200, 404, 200, 404])
})

test('operations see what those before them in the transaction have done', async () => {
  const tasks = [taskIn('see', 'see-1'), taskIn('see', 'see-2'), taskIn('see', 'see-3')]
  const assigned = { status: 'ASSIGNED', slaveHost: 'see-h' }
  const { body } = await api.transact([
    { op: 'removeTasks', taskIds: ['see-1'] },
    { op: 'saveTasks', tasks },
    { op: 'mutateTasks', query: { role: 'see', statuses: ['PENDING'] }, patch: assigned },
    {
      op: 'removeTasks',
      query: { jobKeys: [{ role: 'see', environment: 'prod', name: 'hello' }], taskIds: ['see-2'] },
    },
    { op: 'mutateTasks', query: { slaveHosts: ['see-h'] }, patch: { task: configIn('see-moved') } },
    { op: 'mutateTasks', query: { role: 'see' }, patch: { status: 'LOST' } },
    { op: 'saveQuota', role: 'see', quota: quota(1) },
    { op: 'removeQuota', role: 'see' },
    { op: 'removeQuota', role: 'see' },
    { op: 'saveHostAttributes', hostAttributes: host('see-h') },
    { op: 'saveHostAttributes', hostAttributes: host('see-h') },
  ])
  expect(body.results).toEqual([
    { op: 'removeTasks', affected: 0, taskIds: [] },
    { op: 'saveTasks', affected: 3 },
    { op: 'mutateTasks', affected: 3, taskIds: ['see-1', 'see-2', 'see-3'] },
    { op: 'removeTasks', affected: 1, taskIds: ['see-2'] },
    { op: 'mutateTasks', affected: 2, taskIds: ['see-1', 'see-3'] },
    { op: 'mutateTasks', affected: 0, taskIds: [] },
    { op: 'saveQuota', affected: 1 },
    { op: 'removeQuota', affected: 1 },
    { op: 'removeQuota', affected: 0 },
    { op: 'saveHostAttributes', affected: 1, changed: true },
    { op: 'saveHostAttributes', affected: 0, changed: false },
  ])
  expect(await store.ids('role=see')).toEqual([])
  expect(await store.ids('role=see-moved&status=ASSIGNED&slaveHost=see-h')).toEqual(['see-1', 'see-3'])
  expect((await api.get('/v1/roles/see')).status).toBe(404)
  expect((await api.get('/v1/jobs/see-moved/prod/hello')).body).toMatchObject({ tasks: { ASSIGNED: 2 }, active: 2 })
})

test('everything that a transaction changes has its LSN as version, and the log has it as one', async () => {
  const { body } = await api.transact([
    { op: 'saveTasks', tasks: [taskIn('version', 'version-1'), taskIn('version', 'version-2')] },
    { op: 'saveQuota', role: 'version', quota: quota(1) },
    { op: 'saveHostAttributes', hostAttributes: host('version') },
  ])
  const paths = ['/v1/tasks/version-1', '/v1/tasks/version-2', '/v1/quotas/version', '/v1/hosts/version']
  const records = await Promise.all(paths.map((path) => api.get(path)))
  expect(records.map((record) => record.body.version)).toEqual([body.lsn, body.lsn, body.lsn, body.lsn])
  expect((await api.get('/v1/jobs/version/prod/hello')).body.changedLsn).toBe(body.lsn)
  expect((await api.get('/v1/roles/version')).body.changedLsn).toBe(body.lsn)
  const entry = (await api.get(`/v1/log/${body.lsn}`)).body
  expect(entry.transactions).toMatchObject([
    { id: body.transactionId, index: 0, actor: 'admin', results: body.results },
  ])
  expect(entry.transactions[0].events.map(({ event }: { event: string }) => event)).toEqual([
    'tasksSaved',
    'quotaSaved',
    'hostAttributesSaved',
  ])
})

test('a transaction that changes nothing is answered and not logged', async () => {
  const before = await api.state()
  const { status, body } = await api.transact([{ op: 'removeTasks', taskIds: ['nobody'] }], { key: 'nothing' })
  expect([status, body.lsn, body.results]).toEqual([200, before.lsn, [{ op: 'removeTasks', affected: 0, taskIds: [] }]])
  expect((await api.transact([])).body.results).toEqual([])
  expect(await api.state()).toEqual(before)
})

test('a reason is kept in the log', async () => {
  const operations = [{ op: 'saveQuota', role: 'reason', quota: quota(1) }]
  const { body } = await api.send('POST', '/v1/transactions', { operations }, { 'boreal-reason': 'ticket 7' })
  expect((await api.get(`/v1/log/${body.lsn}`)).body.transactions[0].reason).toBe('ticket 7')
  const long = await api.send('POST', '/v1/transactions', { operations }, { 'boreal-reason': 'x'.repeat(501) })
  expect([long.status, long.body.code, long.body.errors[0].path]).toEqual([400, 'invalid_field', 'Boreal-Reason'])
})

test('every answer names its store; states come with their LSN and age', async () => {
  const written = await api.transact([{ op: 'saveQuota', role: 'headers', quota: quota(1) }])
  const store = written.headers.get('boreal-store')
  expect(store).toBe((await api.get('/v1/status')).body.storeId)
  expect(written.headers.get('boreal-lsn')).toBe(String(written.body.lsn))

  const read = await api.get('/v1/quotas/headers')
  expect(Number(read.headers.get('boreal-lsn'))).toBeGreaterThanOrEqual(written.body.lsn)
  expect(read.headers.get('boreal-age-ms')).toMatch(/^\d+$/)
  expect(read.headers.get('content-type')).toBe('application/json')

  const refusals = [
    await api.get('/v1/nothing'),
    await api.get('/v1/tasks/nobody'),
    await api.get('/v1/tasks?limit=0'),
    await api.as('wrong').get('/v1/tasks'),
    await api.as(READ_TOKEN).transact([]),
  ]
  for (const { status, headers } of refusals) {
    expect(headers.get('boreal-store'), String(status)).toBe(store)
    expect(headers.get('content-type'), String(status)).toBe('application/problem+json')
  }
})

test('a client that knows another store is refused', async () => {
  const path = '/v1/transactions'
  const body = { operations: [{ op: 'saveQuota', role: 'other', quota: quota(1) }] }
  const before = await api.state()
  const refused = await api.send('POST', path, body, { 'boreal-store': 'another-store' })
  expect([refused.status, refused.body.code]).toEqual([410, 'store_changed'])
  expect((await api.send('GET', '/v1/roles', undefined, { 'boreal-store': 'another-store' })).status).toBe(410)
  expect(await api.state()).toEqual(before)
  const { storeId } = (await api.get('/v1/status')).body
  expect((await api.send('POST', path, body, { 'boreal-store': storeId })).status).toBe(200)
})

test('what a transaction did in every store is gone when its last operation is refused (StorageTransactionTest)', async () => {
  const key = keyIn('every')
  const held = { op: 'saveLock', lock: lock(key.job, 'every-held') }
  await api.transact([held, { op: 'saveJobUpdate', jobUpdate: update(key) }])
  const before = await api.state()
  const other = keyIn('every', 'other', 'other')
  const { status, body } = await api.transact([
    { op: 'saveTasks', tasks: [taskIn('every', 'every-1')] },
    { op: 'saveQuota', role: 'every', quota: quota(1) },
    { op: 'saveHostAttributes', hostAttributes: host('every') },
    { op: 'saveCronJob', jobConfiguration: fullCronJob(key.job) },
    { op: 'saveHostMaintenanceRequest', request: maintenance('every') },
    { op: 'saveLock', lock: lock(other.job, 'every-other') },
    { op: 'saveJobUpdate', jobUpdate: update(other), lockToken: 'every-other' },
    { op: 'saveJobUpdateEvent', key: other, event: updateEvent('ABORTED', 1) },
    { op: 'saveJobInstanceUpdateEvent', key, event: instanceEvent(0, 'INSTANCE_UPDATED', 1) },
    { op: 'pruneJobUpdates', perJobRetainCount: 0, historyPruneThresholdMs: 0 },
    { op: 'removeJobUpdates', keys: [key] },
    { op: 'removeLock', lockKey: { job: other.job } },
    { op: 'saveFrameworkId', id: 'every' },
    held,
  ])
  expect([status, body.code]).toEqual([409, 'already_exists'])
  expect(await api.state()).toEqual(before)
  expect((await api.get('/v1/job-updates/every/prod/hello/u')).status).toBe(200)
  expect((await api.get('/v1/scheduler')).body).not.toHaveProperty('frameworkId')
})

test('a read that takes long does not hold up another (testConcurrentReaders)', async () => {
  const both = await memoryApi({ readers: 2 })
  await both.transact([{ op: 'saveQuota', role: 'readers', quota: quota(1) }])
  const done: string[] = []
  const slow = both.query('select count(*) from generate_series(1, 3000000) a').then(() => done.push('slow'))
  const quick = both.get('/v1/quotas/readers').then(({ status }) => done.push(`quick ${status}`))
  await Promise.all([slow, quick])
  expect(done).toEqual(['quick 200', 'slow'])
})
