import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { jobUpdateKeyText } from '../../lib/model/job-update.ts'
import { expectRefused } from '../support/refused.ts'
import { memoryApi } from '../support/test-api.ts'
import { OPERATION_OF_FIELD, operationOfThrift, type ThriftStruct } from '../support/thrift-records.ts'

/**
 * Apache Aurora's golden records: what its log holds, as Thrift JSON. Every field of each one becomes a field of an
 * operation, and what is saved comes back with all of them. The records are not part of this project.
 */

const folder = fileURLToPath(new URL('../../../shared/data/apache-aurora-goldens', import.meta.url))
const there = existsSync(folder)
if (!there) console.warn(`Skipped: Aurora's golden records, because there is no ${folder}`)
const files = there ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []

const golden = (file: string): ThriftStruct => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'))

const api = await memoryApi({ cleanup: afterAll })

/** Our operation for a golden, in which every value of the original is found again. */
function converted(file: string) {
  const { operation, scalars } = operationOfThrift(golden(file))
  expect(scalarsOf(operation).sort(), file).toEqual([...scalars, operation.op].sort())
  return operation
}

/** Every scalar in a value, all the way down. */
function scalarsOf(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [String(value)]
  const keys = Array.isArray(value) ? [] : Object.keys(value).filter((key) => key === 'string-value')
  return [...keys, ...Object.values(value).flatMap(scalarsOf)]
}

async function transact(...operations: unknown[]): Promise<number> {
  const { status, body } = await api.transact(operations)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.lsn
}

const get = async (path: string) => {
  const { status, body } = await api.get(path)
  expect(status, JSON.stringify(body)).toBe(200)
  const { version, ...record } = body
  expect(version).toBeTypeOf('number')
  return record
}

const key = { role: 'string-value', environment: 'string-value', name: 'string-value' }
const keyPath = 'string-value/string-value/string-value'

test.skipIf(!there)('there is a golden of every operation of the log, and each is known', () => {
  const ids = files.map((file) => Object.keys(golden(file))[0]!)
  expect(ids.sort()).toEqual(Object.keys(OPERATION_OF_FIELD).sort())
})

test.skipIf(!there)('a task comes back with every field', async () => {
  const operation = converted('saveTasks.json')
  await transact(operation)
  expect(await get('/v1/tasks/string-value')).toEqual((operation.tasks as unknown[])[0])
  await transact(converted('removeTasks.json'))
  expect((await api.get('/v1/tasks/string-value')).status).toBe(404)
})

test.skipIf(!there)('a cron job comes back with every field', async () => {
  const operation = converted('saveCronJob.json')
  await transact(operation)
  expect(await get(`/v1/cron-jobs/${keyPath}`)).toEqual(operation.jobConfiguration)
  await transact(converted('removeJob.json'))
  expect((await api.get(`/v1/cron-jobs/${keyPath}`)).status).toBe(404)
})

test.skipIf(!there)('host attributes come back with every field', async () => {
  const operation = converted('saveHostAttributes.json')
  await transact(operation)
  expect(await get('/v1/hosts/string-value')).toEqual(operation.hostAttributes)
})

test.skipIf(!there)('a maintenance request comes back with every field', async () => {
  const operation = converted('saveHostMaintenanceRequest.json')
  await transact(operation)
  expect(await get('/v1/host-maintenance/string-value')).toEqual(operation.request)
  await transact(converted('removeHostMaintenanceRequest.json'))
  expect((await api.get('/v1/host-maintenance/string-value')).status).toBe(404)
})

test.skipIf(!there)('a lock comes back with every field', async () => {
  const operation = converted('saveLock.json')
  await transact(operation)
  expect(await get(`/v1/locks/${keyPath}`)).toEqual(operation.lock)
  await transact(converted('removeLock.json'))
  expect((await api.get(`/v1/locks/${keyPath}`)).status).toBe(404)
})

test.skipIf(!there)('the framework id comes back', async () => {
  await transact(converted('saveFrameworkId.json'))
  expect(await get('/v1/scheduler')).toEqual({ frameworkId: 'string-value' })
})

test.skipIf(!there)(
  'a job update comes back with every field but its state, which follows from the events',
  async () => {
    const operation = converted('saveJobUpdate.json')
    const { summary, instructions } = operation.jobUpdate as { summary: { state: object }; instructions: object }
    const [update, instance] = [converted('saveJobUpdateEvent.json'), converted('saveJobInstanceUpdateEvent.json')]
    await transact(operation, update, instance)
    const { state, ...rest } = summary
    // The golden says of itself what its events make of it.
    expect(state).toEqual({ status: 'ROLLING_FORWARD', createdTimestampMs: 4, lastModifiedTimestampMs: 4 })
    expect(await get(`/v1/job-updates/${keyPath}/string-value`)).toEqual({
      update: { summary: { ...rest, state }, instructions },
      updateEvents: [update.event],
      instanceEvents: [instance.event],
    })
    const prune = converted('pruneJobUpdateHistory.json')
    const { results } = (await api.transact([prune, converted('removeJobUpdate.json')])).body
    expect(
      results.map(({ affected, keys }: { affected: number; keys: [] }) => [affected, keys.map(jobUpdateKeyText)]),
    ).toEqual([
      [0, []],
      [1, [jobUpdateKeyText({ job: key, id: 'string-value' })]],
    ])
  },
)

test.skipIf(!there)("a quota must have CPU, RAM and disk, as Aurora's own has when it is loaded", async () => {
  const operation = converted('saveQuota.json')
  await expectRefused(api, 'invalid_field', () => api.transact([operation]), 'operations.0.quota.resources')
  const { resources } = operation.quota as { resources: object[] }
  const quota = { resources: [...resources, { numCpus: 1 }, { ramMb: 2 }] }
  await transact({ ...operation, quota })
  expect((await get('/v1/quotas/string-value')).quota.resources).toEqual([{ diskMb: 4 }, { numCpus: 1 }, { ramMb: 2 }])
  await transact(converted('removeQuota.json'))
  expect((await api.get('/v1/quotas/string-value')).status).toBe(404)
})
