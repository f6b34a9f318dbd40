import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { config, lock } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'
import { fullJobUpdate, instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Updates under locks, and what goes with an update that is removed: Aurora's cases, with their names. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

const instances = [{ first: 0, last: 2 }]

async function configsOf(role: string): Promise<number> {
  const { body } = await api.query(`select count(*) from task_config where config -> 'job' ->> 'role' = $1`, [role])
  return body.rows[0].count
}

describe('locks', () => {
  const job = (role: string) => keyIn(role).job
  const saveLock = (role: string, token: string) => api.transact([{ op: 'saveLock', lock: lock(job(role), token) }])
  const tokenOf = async (role: string) =>
    (await api.query('select update_id, lock_token from job_update where role = $1', [role])).body.rows

  test('a token that is given must be that of the lock on the job (testSaveUpdateWithoutLock)', async () => {
    await saveLock('locked-other', 'token-of-another-job')
    const save = (lockToken: string) =>
      api.transact([{ op: 'saveJobUpdate', jobUpdate: update(keyIn('locked')), lockToken }])
    await expectRefused(api, 'constraint_violation', () => save('token'))
    await expectRefused(api, 'constraint_violation', () => save('token-of-another-job'))
    await saveLock('locked', 'token')
    await expectRefused(api, 'constraint_violation', () => save('another'))
    expect((await save('token')).status).toBe(200)
  })

  test('a lock and the update under it can come in one transaction, in this order', async () => {
    const operations = [
      { op: 'saveLock', lock: lock(job('one-go'), 'one-go') },
      { op: 'saveJobUpdate', jobUpdate: update(keyIn('one-go')), lockToken: 'one-go' },
    ]
    await expectRefused(api, 'constraint_violation', () => api.transact([...operations].reverse()))
    expect((await api.transact(operations)).status).toBe(200)
  })

  test('the token stays with its update (testGetLockToken)', async () => {
    await saveLock('token-of', 'token-of')
    await store.save(keyIn('token-of', 'with'), 'token-of')
    await store.save(keyIn('token-of', 'without'))
    expect(await tokenOf('token-of')).toEqual(
      expect.arrayContaining([
        { update_id: 'with', lock_token: 'token-of' },
        { update_id: 'without', lock_token: null },
      ]),
    )
  })

  test('one lock at a time keeps it to one update at a time (testSaveTwoUpdatesForOneJob, testSaveTwoUpdatesSameJobKey)', async () => {
    await saveLock('one-update', 'first')
    await store.save(keyIn('one-update', 'u1'), 'first')
    const second = [
      { op: 'saveLock', lock: lock(job('one-update'), 'second') },
      { op: 'saveJobUpdate', jobUpdate: update(keyIn('one-update', 'u2')), lockToken: 'second' },
    ]
    await expectRefused(api, 'already_exists', () => api.transact(second))
    expect(await store.ids('role=one-update')).toEqual(['u1'])
  })

  test('a lock that is removed leaves the update, and frees the job for another (testLockCleared)', async () => {
    await saveLock('cleared', 'cleared-1')
    await store.save(keyIn('cleared', 'u1'), 'cleared-1')
    await store.addEvents(keyIn('cleared', 'u1'), updateEvent('ROLLED_FORWARD', 1))
    const before = await store.fetch(keyIn('cleared', 'u1'))
    await api.transact([{ op: 'removeLock', lockKey: { job: job('cleared') } }])
    expect(await store.fetch(keyIn('cleared', 'u1'))).toEqual(before)
    await saveLock('cleared', 'cleared-2')
    await store.save(keyIn('cleared', 'u2'), 'cleared-2')
    expect((await store.ids('role=cleared')).sort()).toEqual(['u1', 'u2'])
  })
})

describe('removing', () => {
  test('a set of updates goes with its events; unknown ones are ignored; others stay (testRemoveUpdates)', async () => {
    const keys = ['u1', 'u2', 'u3'].map((id) => keyIn('remove', id))
    for (const key of keys) {
      await store.save(key)
      await store.addEvents(key, updateEvent('ROLLING_FORWARD', 1))
      await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATING', 2))
    }
    const stays = await store.fetch(keys[2]!)
    expect(await store.remove(keys[0]!, keyIn('remove', 'nobody'), keys[1]!, keys[0]!)).toEqual(['u1', 'u2'])
    expect((await store.get(keys[0]!)).status).toBe(404)
    expect((await store.get(keys[0]!, '/progress')).status).toBe(404)
    expect((await store.get(keys[0]!, '/instance-events')).body.items).toEqual([])
    expect(await store.fetch(keys[2]!)).toEqual(stays)
    const before = await api.state()
    expect(await store.remove(keys[0]!, keys[1]!)).toEqual([])
    expect(await api.state()).toEqual(before)
    expect(await store.ids('role=remove')).toEqual(['u3'])
    const left = await api.query(`select update_key from job_update_event where update_key like 'remove/%' union all
      select update_key from job_instance_update_event where update_key like 'remove/%' union all
      select update_key from job_update_instructions where update_key like 'remove/%' union all
      select update_key from job_update_config where update_key like 'remove/%'`)
    expect(left.body.rows).toEqual(Array(4).fill({ update_key: 'remove/prod/hello/u3' }))
  })

  test('all updates can be removed, and again without effect (testTruncateJobUpdates)', async () => {
    const fresh = await memoryApi({ readers: 1 })
    const updates = new JobUpdateStore(fresh)
    const keys = ['u1', 'u2'].map((id) => keyIn('truncate', id))
    for (const key of keys) await updates.save(fullJobUpdate(key))
    await updates.addEvents(keys[0]!, updateEvent('ROLLING_FORWARD', 1))
    expect(await updates.remove(...keys)).toEqual(['u1', 'u2'])
    expect(await updates.remove(...keys)).toEqual([])
    expect(await fresh.list('/v1/job-updates')).toEqual([])
    expect(await fresh.list('/v1/jobs')).toEqual([])
    expect((await fresh.query('select count(*) from task_config')).body.rows).toEqual([{ count: 0 }])
  })

  test('an update under the key of one that was removed is a new one, without its events', async () => {
    const key = keyIn('again')
    await store.save(fullJobUpdate(key))
    await store.addEvents(key, updateEvent('ABORTED', 1, { id: 'e' }))
    await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATED', 1, { id: 'e' }))
    const { status } = await api.transact([
      { op: 'removeJobUpdates', keys: [key] },
      { op: 'saveJobUpdate', jobUpdate: update(key) },
      { op: 'saveJobUpdateEvent', key, event: updateEvent('ROLLING_FORWARD', 5, { id: 'e' }) },
    ])
    expect(status).toBe(200)
    const { version, ...details } = await store.fetch(key)
    const state = { status: 'ROLLING_FORWARD', createdTimestampMs: 5, lastModifiedTimestampMs: 5 }
    expect(details).toEqual({
      update: { ...update(key), summary: { ...update(key).summary, state } },
      updateEvents: [updateEvent('ROLLING_FORWARD', 5, { id: 'e' })],
      instanceEvents: [],
    })
  })

  test('configs and jobs stay while an update refers to them, and go with the last that does (testGarbageCollection)', async () => {
    const tasks = new TaskStore(api)
    const key = keyIn('garbage')
    await tasks.save(taskIn('garbage', 'garbage-1'))
    const initial = config({ job: key.job, priority: 1 })
    await store.save(update(key, { instructions: { initialState: [{ task: initial, instances }] } }))
    expect(await configsOf('garbage')).toBe(2)
    await tasks.remove('garbage-1')
    expect(await configsOf('garbage')).toBe(2)
    expect((await store.fetch(key)).update.instructions.desiredState.task).toEqual(config({ job: key.job }))
    expect((await api.get('/v1/jobs/garbage/prod/hello')).status).toBe(200)
    await store.remove(key)
    expect(await configsOf('garbage')).toBe(0)
    expect((await api.get('/v1/jobs/garbage/prod/hello')).status).toBe(404)
    expect((await api.get('/v1/roles/garbage')).status).toBe(404)
  })
})
