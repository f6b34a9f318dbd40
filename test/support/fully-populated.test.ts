import { expect, test } from 'vitest'
import * as z from 'zod'
import { jobConfiguration } from '../../lib/model/cron-job.ts'
import { jobUpdate } from '../../lib/model/job-update.ts'
import { assertFullyPopulated } from './fully-populated.ts'
import { fullCronJob } from './records.ts'
import { fullJobUpdate } from './update-records.ts'

/** A check that accepts everything would make every round trip look complete. */

const job = { role: 'www', environment: 'prod', name: 'hello' }
const check = (record: object) => () => assertFullyPopulated(jobConfiguration, record, ['version'])

test('a record with every field is fully populated', () => {
  expect(check(fullCronJob(job))).not.toThrow()
  expect(() => assertFullyPopulated(jobUpdate, fullJobUpdate({ job, id: 'u' }), ['summary.state'])).not.toThrow()
})

test.each([
  ['a field that is absent', { cronSchedule: undefined }, 'cronSchedule is absent'],
  ['an empty text', { cronSchedule: '' }, 'cronSchedule is ""'],
  ['a default', { cronCollisionPolicy: 'KILL_EXISTING' }, 'cronCollisionPolicy has its default value'],
  ['a zero', { instanceCount: 0 }, 'instanceCount is 0'],
  ['a field that is absent further down', { owner: {} }, 'owner.user is absent'],
  ['an empty object', { taskConfig: {} }, 'taskConfig.job is absent'],
  [
    'a list of one',
    { taskConfig: { ...fullCronJob(job).taskConfig, metadata: [{ key: 'k', value: 'v' }] } },
    'metadata',
  ],
])('a record with %s is not', (_name, change, message) => {
  expect(check({ ...fullCronJob(job), ...change })).toThrow(message)
})

test('a default that stands for an object is looked into, and so is what it wraps', () => {
  const schema = z.object({ settings: z.strictObject({ flag: z.boolean().default(false) }).prefault({}) })
  expect(() => assertFullyPopulated(schema, { settings: {} })).toThrow('settings has its default value')
  expect(() => assertFullyPopulated(schema, { settings: { flag: false } })).toThrow('flag has its default value')
  expect(() => assertFullyPopulated(schema, { settings: { flag: true } })).not.toThrow()
})

test('what the check cannot look into it does not accept', () => {
  expect(() => assertFullyPopulated(z.object({ any: z.unknown() }), { any: {} })).toThrow('cannot look into')
})
