import { afterAll, describe, expect, test } from 'vitest'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { host, quota } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Reads of one moment, and what the levels of consistency promise, over HTTP. */

const table = new MemoryTable()
const api = await memoryApi({ readers: 1, table, cleanup: afterAll })
/** Another node of the same store, which looks at the log only when it must. */
const other = await memoryApi({ table, cleanup: afterAll, pollMs: 3_600_000, readTimeoutMs: 1_000 })
const store = new TaskStore(api)

const readMany = (paths: string[], query = '') =>
  api.send('POST', `/v1/reads${query}`, { reads: paths.map((path) => ({ path })) })

describe('several reads', () => {
  test('answer as each would alone, in their order', async () => {
    await store.save(taskIn('many', 'many-1'), taskIn('many', 'many 2/é?'))
    await api.transact([
      { op: 'saveQuota', role: 'many', quota: quota(1) },
      { op: 'saveHostAttributes', hostAttributes: host('many-h') },
    ])
    const paths = [
      '/v1/tasks/many-1',
      `/v1/tasks/${encodeURIComponent('many 2/é?')}`,
      '/v1/tasks?role=many&limit=1',
      '/v1/jobs/many/prod/hello',
      '/v1/jobs?role=many',
      '/v1/roles/many',
      '/v1/roles',
      '/v1/hosts/many-h',
      '/v1/hosts?mode=NONE&mode=DRAINED',
      '/v1/quotas/many',
      '/v1/quotas',
      '/v1/tasks/many-1',
    ]
    const alone = await Promise.all(paths.map((path) => api.get(path)))
    const { status, body, headers } = await readMany(paths)
    expect(status).toBe(200)
    expect(body.answers).toEqual(alone.map((answer) => ({ status: 200, body: answer.body })))
    expect(headers.get('boreal-lsn')).toBe(String(body.lsn))
    expect(headers.get('boreal-age-ms')).toMatch(/^\d+$/)
    const cursor = body.answers[2].body.nextCursor
    expect((await readMany([`/v1/tasks?role=many&limit=1&cursor=${cursor}`])).body.answers[0].body.items).toHaveLength(
      1,
    )
  })

  test('show one moment, whatever is written meanwhile', async () => {
    let writing = true
    const write = async () => {
      for (let cpus = 1; writing; cpus++) {
        await api.transact(['moment-a', 'moment-b'].map((role) => ({ op: 'saveQuota', role, quota: quota(cpus) })))
      }
    }
    const written = write()
    for (let round = 0; round < 30; round++) {
      const { lsn, answers } = (await readMany(['/v1/quotas/moment-a', '/v1/roles/moment-a', '/v1/quotas/moment-b']))
        .body
      const versions = answers.flatMap(
        ({ status, body }: { status: number; body: { version: number; changedLsn: number } }) =>
          status === 200 ? [body.version ?? body.changedLsn] : [],
      )
      expect(new Set(versions).size).toBeLessThanOrEqual(1)
      for (const version of versions) expect(version).toBeLessThanOrEqual(lsn)
    }
    writing = false
    await written
  })

  test.each([
    [404, 'not_found', '/v1/tasks/nobody'],
    [404, 'no_route', '/v1/nothing'],
    [404, 'no_route', '/v1/status'],
    [404, 'no_route', '/v1/log'],
    [404, 'no_route', '/v1/tasks/../roles'],
    [404, 'no_route', 'v1/tasks'],
    [404, 'no_route', '//evil/v1/tasks'],
    [404, 'no_route', ''],
    [400, 'malformed', '/v1/tasks/%zz'],
    [400, 'malformed', '/v1/tasks?taskId=%zz'],
    [400, 'invalid_field', '/v1/tasks?limit=0'],
    [400, 'invalid_field', '/v1/tasks?nothing=1'],
    [400, 'invalid_field', '/v1/tasks?consistency=weak'],
    [400, 'invalid_field', '/v1/tasks?minLsn=1'],
    [400, 'invalid_cursor', '/v1/tasks?cursor=x'],
  ])('a path that answers %d %s does not spoil the others: %s', async (status, code, path) => {
    await store.save(taskIn('spoil', 'spoil-1'))
    const { body } = await readMany(['/v1/tasks/spoil-1', path, '/v1/roles/spoil'])
    expect(body.answers.map((answer: { status: number }) => answer.status)).toEqual([200, status, 200])
    expect(body.answers[1].body).toMatchObject({ status, code })
  })

  test('are one to a hundred', async () => {
    await expectRefused(api, 'invalid_field', () => readMany([]), 'reads')
    await expectRefused(api, 'invalid_field', () => readMany(Array.from({ length: 101 }, () => '/v1/roles')), 'reads')
    await expectRefused(api, 'invalid_field', () => readMany(['/v1/tasks?taskId='.padEnd(8_001, 'x')]), 'reads.0.path')
    expect((await readMany(Array.from({ length: 100 }, () => '/v1/roles'))).body.answers).toHaveLength(100)
    await expectRefused(api, 'invalid_field', () => api.send('POST', '/v1/reads', { reads: ['/v1/roles'] }), 'reads.0')
  })

  test('that answer more than 5 MB together are refused', async () => {
    const message = 'é'.repeat(750_000)
    await store.save(taskIn('sum', 'sum-1', { taskEvents: [{ timestamp: 1, status: 'LOST', message }] }))
    const paths = (count: number) => Array.from({ length: count }, () => '/v1/tasks/sum-1')
    expect((await readMany(paths(3))).status).toBe(200)
    await expectRefused(api, 'too_large', () => readMany(paths(4)))
  })
})

describe('consistency', () => {
  const save = async (cpus: number) =>
    (await api.transact([{ op: 'saveQuota', role: 'seen', quota: quota(cpus) }])).body.lsn as number
  const seen = async (query: string) => {
    const { status, headers, body } = await other.get(`/v1/quotas/seen${query}`)
    return {
      status,
      version: body.version,
      lsn: Number(headers.get('boreal-lsn')),
      ageMs: Number(headers.get('boreal-age-ms')),
    }
  }

  test('a weak read shows some committed state, and says which and how old it is', async () => {
    const before = await seen('?consistency=consistent')
    const lsn = await save(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const weak = await seen('?consistency=weak')
    expect(weak.version).toBe(before.version)
    expect(weak.lsn).toBeLessThan(lsn)
    expect(weak.ageMs).toBeGreaterThanOrEqual(45)
  })

  test('a read is consistent when it says nothing else: it shows every write answered before', async () => {
    for (let round = 1; round <= 10; round++) {
      const lsn = await save(round)
      expect(await seen(round % 2 === 0 ? '' : '?consistency=consistent')).toMatchObject({
        status: 200,
        version: lsn,
        lsn,
      })
    }
  })

  test('minLsn waits for that place and gives no older one', async () => {
    const lsn = await save(1)
    expect(await seen(`?minLsn=${lsn}`)).toMatchObject({ status: 200, version: lsn, lsn })
    const next = seen(`?minLsn=${lsn + 1}`)
    await save(2)
    expect((await next).lsn).toBeGreaterThan(lsn)
    expect((await seen('?minLsn=0')).status).toBe(200)
    await expectRefused(other, 'lsn_not_reached', () => other.get(`/v1/quotas/seen?minLsn=${lsn + 1_000}`))
  })

  test('it holds for many reads as for one', async () => {
    const reads = [{ path: '/v1/quotas/seen' }]
    const lsn = await save(3)
    expect((await other.send('POST', '/v1/reads', { reads })).body.answers[0].body.version).toBe(lsn)
    await save(4)
    expect((await other.send('POST', '/v1/reads?consistency=weak', { reads })).body.lsn).toBe(lsn)
    await expectRefused(other, 'lsn_not_reached', () => other.send('POST', '/v1/reads?minLsn=99999', { reads }))
  })
})
