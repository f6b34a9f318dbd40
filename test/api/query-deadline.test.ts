import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** A query that does not end is ended, together with its reader; nobody else notices more than a pause. */

const TIMEOUT_MS = 700

const api = await memoryApi({ readers: 1, queryTimeoutMs: TIMEOUT_MS, cleanup: afterAll })
const store = new TaskStore(api)

beforeAll(async () => {
  await store.save(taskIn('www', 't-1'))
})

const ENDLESS = 'with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r'

test.each([
  ['a sleep', 'select pg_sleep(60)'],
  ['a sleep behind the first row', 'select pg_sleep(i) from generate_series(0, 60, 30) i'],
  ['an endless recursion', ENDLESS],
  ['a large join', 'select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b'],
  ['a large sort', 'select * from generate_series(1, 1000000000) i order by i desc'],
])('%s ends at the deadline, and the next reads work again', async (name, sql) => {
  const startedAt = performance.now()
  await expectRefused(api, 'deadline_exceeded', async () => {
    const answer = await api.query(sql)
    const took = performance.now() - startedAt
    expect(took).toBeGreaterThan(TIMEOUT_MS - 50)
    expect(took).toBeLessThan(10_000)
    return answer
  })
  const version = await store.save(taskIn(name.replaceAll(' ', '-'), `t-${name}`))
  expect((await store.fetch(`t-${name}`)).version).toBe(version)
  const { body } = await api.query('select max(version) as version from task')
  expect(body.rows).toEqual([{ version }])
})

test('writes go on, and reads that wait behind an endless query are answered', async () => {
  const endless = api.query(ENDLESS)
  const writes = Array.from({ length: 10 }, (_, index) => store.save(taskIn('behind', `behind-${index}`)))
  await Promise.all(writes)
  expect(await store.ids('role=behind')).toHaveLength(10)
  expect((await endless).body.code).toBe('deadline_exceeded')
})

test('a query that is in time is not ended by one that was before it', async () => {
  const answers = await Promise.all([ENDLESS, 'select 1 as one', 'select 2 as two'].map((sql) => api.query(sql)))
  expect(answers.map(({ status }) => status)).toEqual([504, 200, 200])
})
