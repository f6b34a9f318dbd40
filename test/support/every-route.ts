import { expect } from 'vitest'
import { matchRoute } from '../../lib/api/router.ts'
import { routes } from '../../lib/api/routes.ts'
import { fullCronJob, fullTask, host, jobKey, lock, maintenance, quota } from './records.ts'
import type { TestApi } from './test-api.ts'
import { fullJobUpdate, instanceEvent, update, updateEvent } from './update-records.ts'

/** What one route answered. */
export interface RecordedAnswer {
  method: string
  /** The path of the route, with its parameters in braces. */
  path: string
  /** What was asked for. */
  asked: string
  body: unknown
}

const full = { job: jobKey, id: 'u 1/2' }
const bare = { job: jobKey, id: 'bare' }

/** Every operation, with records that have every field and records that have few. */
const OPERATIONS = [
  { op: 'saveTasks', tasks: [fullTask('t-1'), fullTask('t-2')] },
  { op: 'mutateTasks', query: { taskIds: ['t-2'] }, patch: { status: 'LOST', slaveHost: null } },
  { op: 'removeTasks', taskIds: ['nobody'] },
  { op: 'saveQuota', role: 'www', quota: quota(1.5, '9223372036854775807') },
  { op: 'removeQuota', role: 'nobody' },
  { op: 'saveHostAttributes', hostAttributes: host('h7', { attributes: [{ name: 'rack', values: ['a'] }] }) },
  { op: 'saveCronJob', jobConfiguration: fullCronJob(jobKey) },
  { op: 'removeCronJob', jobKey: { ...jobKey, role: 'nobody' } },
  { op: 'saveHostMaintenanceRequest', request: maintenance('h7') },
  { op: 'removeHostMaintenanceRequest', host: 'nobody' },
  { op: 'saveLock', lock: lock(jobKey, 'token-1') },
  { op: 'removeLock', lockKey: { job: { ...jobKey, role: 'nobody' } } },
  { op: 'saveJobUpdate', jobUpdate: fullJobUpdate(full), lockToken: 'token-1' },
  { op: 'saveJobUpdate', jobUpdate: update(bare) },
  {
    op: 'saveJobUpdateEvent',
    key: full,
    event: updateEvent('ROLLING_FORWARD', '9223372036854775807', { id: 'e', user: 'ann', message: 'm' }),
  },
  {
    op: 'saveJobInstanceUpdateEvent',
    key: full,
    event: instanceEvent(1, 'INSTANCE_UPDATING', 7, { id: 'i', message: 'm' }),
  },
  { op: 'removeJobUpdates', keys: [{ job: jobKey, id: 'nobody' }] },
  { op: 'pruneJobUpdates', perJobRetainCount: 1, historyPruneThresholdMs: 0 },
  { op: 'saveFrameworkId', id: 'framework-1' },
]

const LISTS = 'tasks jobs roles hosts quotas log cron-jobs host-maintenance job-updates locks'.split(' ')

const RECORDS = [
  ...['tasks/t-1', 'tasks/t-2', 'jobs/www/prod/hello', 'roles/www', 'hosts/h7', 'quotas/www', 'scheduler'],
  ...['cron-jobs/www/prod/hello', 'host-maintenance/h7', 'locks/www/prod/hello'],
  ...['job-updates/www/prod/hello/u%201%2F2', 'job-updates/www/prod/hello/bare'],
  ...['job-updates/www/prod/hello/u%201%2F2/progress', 'job-updates/www/prod/hello/bare/progress'],
  'job-updates/www/prod/hello/u%201%2F2/instance-events?instanceId=1',
]

/** Fills an empty store with something of everything, and asks every route; each must answer 200. */
export async function answersOfEveryRoute(api: TestApi): Promise<RecordedAnswer[]> {
  const recorded: RecordedAnswer[] = []
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
  const call = async (method: 'GET' | 'POST', asked: string, sent?: unknown, key?: string): Promise<any> => {
    const answer = await api.send(method, asked, sent, key ? { 'idempotency-key': key } : {})
    const { status, headers, body } = await api.ended(answer)
    expect(status, `${method} ${asked}: ${JSON.stringify(body)}`).toBe(200)
    expect(headers.get('content-type')).toBe('application/json')
    recorded.push({ method, path: matchRoute(routes, method, asked.split('?')[0]!).route.path, asked, body })
    return body
  }
  expect((await call('GET', '/v1/scheduler')).version).toBe(0)
  const { lsn } = await call('POST', '/v1/transactions', { operations: OPERATIONS }, 'smoke')
  await call('GET', '/v1/transactions/smoke')
  await call('GET', '/v1/transactions/nobody')
  for (const list of LISTS) expect((await call('GET', `/v1/${list}?limit=1`)).items, list).toHaveLength(1)
  for (const record of RECORDS) await call('GET', `/v1/${record}`)
  await call('GET', `/v1/log/${lsn}`)
  await call('POST', '/v1/reads', { reads: [{ path: '/v1/tasks/t-1' }, { path: '/v1/tasks/nobody' }] })
  await call('POST', '/v1/query', { sql: 'select task_id, version, $1::int as one from task', params: [1] })
  for (const path of ['/v1/status', '/v1/status?digest=true', '/livez', '/readyz', '/readyz?level=weak']) {
    await call('GET', path)
  }
  const { snapshotId } = await call('POST', '/v1/snapshots', {})
  expect((await call('GET', '/v1/snapshots')).items).toMatchObject([{ id: snapshotId, state: 'verified' }])
  await call('GET', `/v1/snapshots/${snapshotId}?check=true`)
  const { headers } = await api.send('POST', '/v1/snapshots', { check: true })
  await call('GET', headers.get('location')!)
  const { backupId } = await call('POST', '/v1/backups', {})
  expect((await call('GET', '/v1/backups')).items).toMatchObject([{ id: backupId, state: 'complete' }])
  expect(await call('POST', `/v1/backups/${backupId}/verify`, {})).toMatchObject({ passed: true })
  expect((await call('GET', `/v1/backups/${backupId}`)).drill).toMatchObject({ passed: true })
  await call('GET', '/openapi.json')
  return recorded
}
