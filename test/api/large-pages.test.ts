import { afterAll, beforeAll, expect, test } from 'vitest'
import { MAX_PAGE_BYTES } from '../../lib/store/read.ts'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { config, lock, maintenance } from '../support/records.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, update } from '../support/update-records.ts'

/** A page ends early at 5 MB, whatever its records hold; all of them come all the same. */

const api = await memoryApi({ cleanup: afterAll })
const COUNT = 8
const large = (index: number) => `${index}`.repeat(1024 * 1024)
const names = Array.from({ length: COUNT }, (_, index) => `r-${index}`)

beforeAll(async () => {
  const store = new JobUpdateStore(api)
  const key = keyIn('r')
  await store.save(key)
  for (const [index, name] of names.entries()) {
    const text = large(index)
    const job = { role: 'r', environment: 'prod', name }
    await store.addInstanceEvents(key, instanceEvent(index, 'INSTANCE_UPDATED', 1, { message: text }))
    const small = update(keyIn('pages', name))
    await store.save({ ...small, summary: { ...small.summary, metadata: [{ key: 'k', value: text }] } })
    for (const operation of [
      { op: 'saveLock', lock: lock(job, name, { message: text }) },
      { op: 'saveCronJob', jobConfiguration: { key: job, taskConfig: config({ job, tier: text }) } },
      {
        op: 'saveHostMaintenanceRequest',
        request: maintenance(name, { defaultSlaPolicy: { coordinator: { coordinatorUrl: text } } }),
      },
    ]) {
      const { status } = await api.transact([operation])
      expect(status).toBe(200)
    }
  }
})

test.each([
  '/v1/job-updates/r/prod/hello/u/instance-events',
  '/v1/job-updates?role=pages',
  '/v1/locks',
  '/v1/host-maintenance',
  '/v1/cron-jobs',
])('%s', async (path) => {
  const { status, body } = await api.get(path)
  expect(status).toBe(200)
  expect(body.items.length).toBeGreaterThan(0)
  expect(Buffer.byteLength(JSON.stringify(body.items))).toBeLessThanOrEqual(MAX_PAGE_BYTES)
  expect(body.nextCursor).toBeDefined()
  const all = await api.list(path)
  expect(all).toHaveLength(COUNT)
  expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(COUNT)
})
