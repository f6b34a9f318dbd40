import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Finding and paging updates: the rest of Aurora's job update store tests, with the name of the case. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

describe('queries (testQueryDetails, testGetSummaries)', () => {
  const UPDATES = [
    ['q-one', 'hello', 'u1', 'ann', 'ABORTED', 100],
    ['q-one', 'hello', 'u2', 'ben', 'ROLLING_FORWARD', 200],
    ['q-one', 'other', 'u3', 'ann', 'ROLLED_BACK', 300],
    ['q-two', 'hello', 'u4', 'ann', 'ABORTED', 400],
    ['q-two', 'hello', 'u5', 'cy/😀 +', 'ROLL_BACK_PAUSED', 500],
  ] as const

  beforeAll(async () => {
    for (const [role, name, id, user, status, time] of UPDATES) {
      const key = keyIn(role, id, name)
      await store.save(update(key, { user }))
      await store.addEvents(key, updateEvent(status, time))
    }
    await store.save(update(keyIn('q-two', 'u6'), { user: 'ann' }))
  })

  test.each([
    ['a role', 'role=q-one', ['u3', 'u2', 'u1']],
    ['several roles', 'role=q-two&role=q-one', ['u5', 'u4', 'u3', 'u2', 'u1', 'u6']],
    ['a job', 'jobKey=q-one/prod/hello', ['u2', 'u1']],
    ['several jobs', 'jobKey=q-one/prod/other&jobKey=q-two/prod/hello', ['u5', 'u4', 'u3', 'u6']],
    ['a job of another role', 'jobKey=q-one/prod/hello&role=q-two', []],
    ['a user', 'role=q-one&user=ann', ['u3', 'u1']],
    ['a user with any name', `user=${encodeURIComponent('cy/😀 +')}`, ['u5']],
    ['a status', 'role=q-one&role=q-two&status=ABORTED', ['u4', 'u1']],
    ['several statuses', 'role=q-one&status=ABORTED&status=ROLLED_BACK', ['u3', 'u1']],
    ['everything together', 'role=q-two&jobKey=q-two/prod/hello&user=ann&status=ABORTED', ['u4']],
    ['a status that none has', 'role=q-one&status=ERROR', []],
    ['a user that none has', 'user=nobody', []],
    ['a role that is not there', 'role=nobody', []],
    ['a job that is not there', 'jobKey=q-one/prod/nothing', []],
  ])('%s', async (_name, query, ids) => {
    expect(await store.ids(query)).toEqual(ids)
    expect(await store.ids(`${query}&limit=1`)).toEqual(ids)
  })

  test('a key finds its update, and a key that is wrong in any part finds none', async () => {
    const key = keyIn('q-one', 'u1')
    expect((await store.fetch(key)).update.summary.key).toEqual(key)
    for (const wrong of [
      keyIn('q-one', 'u4'),
      keyIn('q-one', 'u1', 'other'),
      keyIn('q-two', 'u1'),
      { job: { ...key.job, environment: 'test' }, id: 'u1' },
      keyIn('q-one', 'U1'),
    ]) {
      expect((await store.get(wrong)).status).toBe(404)
    }
  })

  test('pages hold as many as the limit says, the last one the rest, and none follows it', async () => {
    const page = async (cursor = '') =>
      (await api.get(`/v1/job-updates?role=q-one&role=q-two&limit=2${cursor && `&cursor=${cursor}`}`)).body
    const ids = ({ items }: { items: { key: { id: string } }[] }) => items.map(({ key }) => key.id)
    const first = await page()
    const second = await page(first.nextCursor)
    const third = await page(second.nextCursor)
    expect([first, second, third].map(ids)).toEqual([
      ['u5', 'u4'],
      ['u3', 'u2'],
      ['u1', 'u6'],
    ])
    expect(third).not.toHaveProperty('nextCursor')
    const all = (await api.get('/v1/job-updates?role=q-one&role=q-two&limit=1000')).body
    expect(all.items).toEqual([...first.items, ...second.items, ...third.items])
    expect(all).not.toHaveProperty('nextCursor')
  })

  test('a cursor belongs to its query', async () => {
    const { nextCursor } = (await api.get('/v1/job-updates?role=q-one&limit=1')).body
    const { status, body } = await api.get(`/v1/job-updates?role=q-two&limit=1&cursor=${nextCursor}`)
    expect([status, body.code]).toEqual([400, 'invalid_cursor'])
  })
})

test('pages are newest modified first, by key at one time, and those without events last', async () => {
  const times = ['-9223372036854775808', -5, 0, 7, 7, 7, '9007199254740993', '9223372036854775807']
  for (const [index, time] of times.entries()) {
    const key = keyIn('order', `u${index}`)
    await store.save(key)
    await store.addEvents(key, updateEvent('ROLLING_FORWARD', time))
  }
  await store.save(keyIn('order', 'z-new'))
  await store.save(keyIn('order', 'a-new'))
  const ids = await store.ids('role=order&limit=1')
  expect(ids.slice(0, 7)).toEqual(['u7', 'u6', 'u3', 'u4', 'u5', 'u2', 'u1'])
  // At the very first millisecond there is no telling them apart: by key.
  expect(ids.slice(7)).toEqual(['a-new', 'u0', 'z-new'])
  expect(await store.ids('role=order&limit=3')).toEqual(ids)
  expect(await store.ids('role=order')).toEqual(ids)
})

test('an update that does not change while one pages comes exactly once, whatever others do', async () => {
  const ids = Array.from({ length: 9 }, (_, index) => `u${index}`)
  for (const [index, id] of ids.entries()) {
    await store.save(keyIn('moving', id))
    await store.addEvents(keyIn('moving', id), updateEvent('ROLLING_FORWARD', 100 - index))
  }
  const seen: string[] = []
  let cursor = ''
  for (let page = 0; ; page++) {
    const { body } = await api.get(`/v1/job-updates?role=moving&limit=2${cursor}`)
    seen.push(...body.items.map(({ key }: { key: { id: string } }) => key.id))
    if (body.nextCursor === undefined) break
    cursor = `&cursor=${body.nextCursor}`
    // One that was seen and one that is to come move to the front, one is removed, one is new.
    if (page === 0) {
      await store.addEvents(keyIn('moving', 'u0'), updateEvent('ABORTED', 200))
      await store.addEvents(keyIn('moving', 'u5'), updateEvent('ABORTED', 201))
      await store.remove(keyIn('moving', 'u1'), keyIn('moving', 'u6'))
      await store.save(keyIn('moving', 'new'))
      await store.addEvents(keyIn('moving', 'new'), updateEvent('ABORTED', 202))
    }
  }
  expect(seen).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', 'u7', 'u8'])
})

test('instance events come in pages, of all instances or of some, and go on behind those that were seen', async () => {
  const key = keyIn('instance-pages')
  await store.save(key)
  const events = Array.from({ length: 30 }, (_, index) =>
    instanceEvent(index % 3, 'INSTANCE_UPDATING', Math.floor(index / 4), { id: `e${index}` }),
  )
  await store.addInstanceEvents(key, ...events)
  const path = '/v1/job-updates/instance-pages/prod/hello/u/instance-events'
  expect(await api.list(`${path}?limit=4`)).toEqual(events)
  const some = events.filter(({ instanceId }) => instanceId !== 1)
  expect(await api.list(`${path}?instanceId=2&instanceId=0&limit=4`)).toEqual(some)
  expect(await api.list(`${path}?instanceId=7`)).toEqual([])
  const first = (await api.get(`${path}?limit=20`)).body
  await store.addInstanceEvents(
    key,
    instanceEvent(0, 'INSTANCE_UPDATED', 0, { id: 'before' }),
    instanceEvent(0, 'INSTANCE_UPDATED', 99, { id: 'behind' }),
  )
  const rest = (await api.get(`${path}?limit=20&cursor=${first.nextCursor}`)).body
  expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual([...events.map(({ id }) => id), 'behind'])
})
