import { afterAll, describe, expect, test } from 'vitest'
import { quota } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, READ_TOKEN, WRITE_TOKEN } from '../support/test-api.ts'

/** Reads after preconditions, and behind operations that are not committed. */

describe.each([0, 1])('with %d readers', async (readers) => {
  const api = await memoryApi({ readers, cleanup: afterAll })
  const store = new TaskStore(api)
  const read = (paths: string[], more: object = {}, query = '') =>
    api.send('POST', `/v1/reads${query}`, { reads: paths.map((path) => ({ path })), ...more })

  test('answers show what the operations would do, with a result each, and nothing is done', async () => {
    const version = await store.save(taskIn('spec', 'spec-1'), taskIn('spec', 'spec-2'))
    const before = await api.state()
    const operations = [
      { op: 'mutateTasks', query: { role: 'spec' }, patch: { status: 'RUNNING' } },
      { op: 'removeTasks', taskIds: ['spec-2', 'nobody'] },
      { op: 'saveQuota', role: 'spec', quota: quota(3) },
    ]
    const paths = ['/v1/tasks?role=spec', '/v1/jobs/spec/prod/hello', '/v1/quotas/spec', '/v1/tasks/spec-2']
    const { status, body } = await read(paths, { operations })
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body.lsn).toBe(version)
    expect(body.answers.map((answer: { status: number }) => answer.status)).toEqual([200, 200, 200, 404])
    expect(body.answers[0].body.items).toMatchObject([{ status: 'RUNNING', version: version + 1 }])
    expect(body.answers[1].body).toMatchObject({ tasks: { RUNNING: 1 }, active: 1 })
    expect(body.answers[2].body).toMatchObject({ quota: quota(3) })
    expect(body.results).toEqual([
      { op: 'mutateTasks', affected: 2, taskIds: ['spec-1', 'spec-2'] },
      { op: 'removeTasks', affected: 1, taskIds: ['spec-2'] },
      { op: 'saveQuota', affected: 1 },
    ])
    expect(await api.state()).toEqual(before)
    expect((await store.fetch('spec-1')).status).toBe('PENDING')
  })

  test('operations alone give their results', async () => {
    const { body } = await read([], { operations: [{ op: 'removeQuota', role: 'nobody' }] })
    expect(body).toMatchObject({ answers: [], results: [{ op: 'removeQuota', affected: 0 }] })
    expect((await read(['/v1/roles'], { operations: [] })).body.results).toEqual([])
  })

  test('preconditions are checked where the answers come from, and before the operations', async () => {
    const version = await store.save(taskIn('pre', 'pre-1'))
    const held = [{ entity: 'task', key: 'pre-1', version }]
    const failing = [...held, { entity: 'quota', key: 'pre', version: 1 }]
    expect((await read(['/v1/tasks/pre-1'], { preconditions: held })).body.answers[0].status).toBe(200)
    expect((await read([], { preconditions: held })).body).toEqual({ lsn: expect.any(Number), answers: [] })
    const operations = [{ op: 'removeTasks', taskIds: ['pre-1'] }]
    expect((await read(['/v1/tasks/pre-1'], { preconditions: held, operations })).body.answers[0].status).toBe(404)
    for (const more of [{}, { operations }]) {
      const answer = await expectRefused(api, 'precondition_failed', () =>
        read(['/v1/tasks/pre-1'], { preconditions: failing, ...more }),
      )
      expect(answer.body.failed).toEqual([{ index: 1, expected: { version: 1 }, found: { absent: true } }])
    }
  })

  test('bad input is refused', async () => {
    const operations = [{ op: 'removeQuota', role: 'x' }]
    await expectRefused(api, 'invalid_field', () => read([], { operations: [], preconditions: [] }), 'reads')
    await expectRefused(api, 'invalid_field', () => read([], { operations: [{ op: 'nothing' }] }))
    await expectRefused(api, 'invalid_field', () => read([], { preconditions: [{ entity: 'task' }] }))
    await expectRefused(api, 'too_many_operations', () =>
      read([], { operations: Array.from({ length: 5_001 }, () => operations[0]) }),
    )
    await expectRefused(api, 'too_large', () => read([], { preconditions: Array.from({ length: 501 }, () => ({})) }))
    expect((await api.as(WRITE_TOKEN).send('POST', '/v1/reads', { reads: [], operations })).status).toBe(200)
    expect((await api.as(READ_TOKEN).send('POST', '/v1/reads', { reads: [], operations })).status).toBe(403)
    const preconditions = [{ entity: 'quota', key: 'x', absent: true }]
    expect((await api.as(READ_TOKEN).send('POST', '/v1/reads', { reads: [], preconditions })).status).toBe(200)
  })

  test('all levels of consistency are taken', async () => {
    const version = await store.save(taskIn('level', 'level-1'))
    const operations = [{ op: 'removeTasks', taskIds: ['level-1'] }]
    for (const query of ['?consistency=weak', '?consistency=consistent', `?minLsn=${version}`]) {
      expect((await read(['/v1/roles/level'], { operations }, query)).status).toBe(200)
    }
    expect((await read([], { operations }, `?minLsn=${version}`)).body.lsn).toBe(version)
  })

  test('they belong to one place of the log while others write, and do not hold them up', async () => {
    let writing = true
    const write = async () => {
      let count = 0
      for (; writing; count++) await store.save(taskIn('busy', `busy-${count % 7}`, { instanceId: count }))
      return count
    }
    const written = write()
    const operations = [{ op: 'saveTasks', tasks: [taskIn('busy', 'mine')] }]
    const rounds = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 20; round++) {
        const { status, body } = await read(['/v1/tasks/mine', '/v1/roles/busy'], { operations })
        expect(status, JSON.stringify(body)).toBe(200)
        expect(body.answers[0].body.version).toBe(body.lsn + 1)
        expect(body.answers[1].body.changedLsn).toBe(body.lsn + 1)
      }
    })
    await Promise.all(rounds)
    writing = false
    // Without readers they take turns at one store: a write for each round, less where the writer leaves others a gap.
    expect(await written).toBeGreaterThan(10)
    expect((await api.get('/v1/tasks/mine')).status).toBe(404)
  })
})
