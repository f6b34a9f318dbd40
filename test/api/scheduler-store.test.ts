import { expect, test } from 'vitest'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractSchedulerStoreTest through HTTP, with the name of the case. */

test('the framework id is none, then what was saved last (testSchedulerStore)', async () => {
  const api = await memoryApi({ readers: 1 })
  const fetch = async () => (await api.get('/v1/scheduler')).body
  expect(await fetch()).toEqual({ version: 0 })
  for (const id of ['a', 'b', 'b', '20120101-😀 é']) {
    const { status, body } = await api.transact([{ op: 'saveFrameworkId', id }])
    expect([status, body.results]).toEqual([200, [{ op: 'saveFrameworkId', affected: 1 }]])
    expect(await fetch()).toEqual({ frameworkId: id, version: body.lsn })
  }
  const { body } = await api.query('select framework_id from scheduler')
  expect(body.rows).toEqual([{ framework_id: '20120101-😀 é' }])
})
