import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { expectRefused } from '../support/refused.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, updateEvent } from '../support/update-records.ts'

/** An event that says its id can be sent again without harm. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

const MAX = '9223372036854775807'

/** A new update in a role of the test's own. */
async function fresh(role: string, id = 'u') {
  const key = keyIn(role, id)
  await store.save(key)
  return key
}

/** Both kinds of events, with two that differ. */
const KINDS = [
  [
    'of the update',
    'saveJobUpdateEvent',
    'updateEvents',
    (id: string) => updateEvent('ROLLING_FORWARD', 1, { id, user: 'ann', message: 'm' }),
    [{ status: 'ABORTED' }, { timestampMs: 2 }, { user: 'ben' }, { message: 'other' }, { message: undefined }],
  ],
  [
    'of an instance',
    'saveJobInstanceUpdateEvent',
    'instanceEvents',
    (id: string) => instanceEvent(1, 'INSTANCE_UPDATING', 1, { id, message: 'm' }),
    [
      { action: 'INSTANCE_UPDATED' },
      { timestampMs: 2 },
      { instanceId: 2 },
      { message: 'other' },
      { message: undefined },
    ],
  ],
] as const

describe.each(KINDS)('events %s', (_kind, op, list, event, changes) => {
  const add = (role: string, ...events: object[]) =>
    api.transact(events.map((each) => ({ op, key: keyIn(role), event: each })))

  test('one with an id that is there is not added again, and nothing changes', async () => {
    const role = `repeat-${list}`
    const key = await fresh(role)
    expect((await add(role, event('e'))).body.results).toEqual([{ op, affected: 1 }])
    const before = await api.state()
    expect((await add(role, event('e'), event('e'))).body.results).toEqual(Array(2).fill({ op, affected: 0 }))
    expect(await api.state()).toEqual(before)
    expect((await store.fetch(key))[list]).toEqual([event('e')])
  })

  test('one is known as a repetition in its own transaction, and beside others that were sent at once', async () => {
    const role = `repeat-at-once-${list}`
    const key = await fresh(role)
    expect(
      (await add(role, event('e'), event('e'))).body.results.map(({ affected }: { affected: number }) => affected),
    ).toEqual([1, 0])
    const answers = await Promise.all(Array.from({ length: 8 }, () => add(role, event('f'))))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(answers.filter(({ body }) => body.results[0].affected === 1)).toHaveLength(1)
    expect((await store.fetch(key))[list]).toEqual([event('e'), event('f')])
  })

  test.each([...changes] as object[])('an id that is there with another content is refused: %j', async (change) => {
    const role = `other-content-${list}`
    const key = keyIn(role)
    if ((await store.get(key)).status === 404) {
      await store.save(key)
      await add(role, event('e'))
    }
    await expectRefused(api, 'already_exists', () => add(role, { ...event('e'), ...change }))
    await expectRefused(api, 'already_exists', () => add(role, event('new'), { ...event('new'), ...change }))
  })

  test('the id of an int64 time may come as a number or as text, and is the same event', async () => {
    const role = `same-time-${list}`
    await fresh(role)
    await add(role, { ...event('e'), timestampMs: 7 })
    expect((await add(role, { ...event('e'), timestampMs: '7' })).body.results).toEqual([{ op, affected: 0 }])
    await add(role, { ...event('f'), timestampMs: MAX })
    expect((await add(role, { ...event('f'), timestampMs: MAX })).body.results).toEqual([{ op, affected: 0 }])
  })

  test('those without an id are added every time, and come back without one', async () => {
    const role = `without-id-${list}`
    const key = await fresh(role)
    const { id, ...without } = event('e')
    expect((await add(role, without, without)).body.results).toEqual(Array(2).fill({ op, affected: 1 }))
    await add(role, without)
    expect((await store.fetch(key))[list]).toEqual([without, without, without])
  })

  test('ids belong to one update and one kind of event', async () => {
    const roles = [`ids-a-${list}`, `ids-b-${list}`]
    for (const role of roles) {
      const key = await fresh(role)
      expect((await add(role, event('e'))).body.results).toEqual([{ op, affected: 1 }])
      expect(await store.addEvents(key, updateEvent('ABORTED', 9, { id: 'e2' }))).toBe(1)
      expect(await store.addInstanceEvents(key, instanceEvent(9, 'INSTANCE_UPDATED', 9, { id: 'e2' }))).toBe(1)
    }
  })

  test.each(['a/b', '["x","y"]', `"`, '😀', 'x'.repeat(255)])('an id may be %j', async (id) => {
    const role = `any-id-${list}`
    const key = keyIn(role)
    await store.save(key)
    await add(role, event(id))
    expect((await add(role, event(id))).body.results).toEqual([{ op, affected: 0 }])
    expect((await store.fetch(key))[list]).toEqual([event(id)])
    await store.remove(key)
  })

  test.each(['#', '#0', '#e', '', 'x'.repeat(256)])('an id may not be %j', async (id) => {
    await fresh(`no-id-${list}`, `u${id.length}${id.slice(0, 3)}`)
    await expectRefused(api, 'invalid_field', () => add(`no-id-${list}`, event(id)), 'operations.0.event.id')
  })
})
