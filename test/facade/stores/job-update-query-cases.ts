import { beforeAll, expect, test } from 'vitest'
import type { JobUpdateKey, JobUpdateQuery, JobUpdateStatus, Storage } from '../../../lib/index.ts'
import { updateKey, updateOf } from '../../support/job-updates.ts'

/** Aurora's job update store tests: what queries find. */
export function jobUpdateQueryCases(storage: Storage): void {
  const [one, two, three, four, five] = [
    updateKey('query-1', 'u-1', 'one'),
    updateKey('query-1', 'u-2', 'two'),
    updateKey('query-1', 'u-3', 'two'),
    updateKey('query-2', 'u-1', 'one'),
    updateKey('query-2', 'u 2/é', 'two'),
  ]
  const saved: [JobUpdateKey, JobUpdateStatus, string, number][] = [
    [one, 'ROLLED_BACK', 'query-ann', 10],
    [two, 'ROLLING_FORWARD', 'query-ann', 40],
    [three, 'ROLL_FORWARD_PAUSED', 'query-bob', 20],
    [four, 'ABORTED', 'query-bob', 50],
    [five, 'ROLLED_BACK', 'query-bob', 30],
  ]

  beforeAll(() =>
    storage.write(({ jobUpdates }) => {
      for (const [key, status, user, timestampMs] of saved) {
        jobUpdates.save(updateOf(key, {}, { user }))
        jobUpdates.saveEvent(key, { status, timestampMs })
      }
    }),
  )

  const found: [string, JobUpdateQuery, JobUpdateKey[]][] = [
    ['a key', { key: five }, [five]],
    ['a key that nobody has', { key: { ...one, id: 'u-9' } }, []],
    ['a key and what it is', { key: two, role: 'query-1', user: 'query-ann', jobKey: two.job }, [two]],
    ['a key and what it is not', { key: two, statuses: ['ABORTED'] }, []],
    ['a role', { role: 'query-1' }, [two, three, one]],
    ['a role that nobody has', { role: 'query-9' }, []],
    ['a job', { jobKey: two.job }, [two, three]],
    ['a job that nobody has', { jobKey: { ...two.job, environment: 'test' } }, []],
    ['a status', { role: 'query-1', statuses: ['ROLLED_BACK'] }, [one]],
    ['statuses', { user: 'query-bob', statuses: ['ROLLED_BACK', 'ABORTED'] }, [four, five]],
    ['a status that none has', { role: 'query-1', statuses: ['FAILED'] }, []],
    ['no status in particular', { role: 'query-1', statuses: [] }, [two, three, one]],
    ['a user', { user: 'query-bob' }, [four, five, three]],
    ['a user that nobody is', { user: 'query-nobody' }, []],
    ['nulls', { role: 'query-2', key: null, jobKey: null, user: null, statuses: null }, [four, five]],
    ['everything at once', { role: 'query-2', jobKey: five.job, user: 'query-bob', statuses: ['ROLLED_BACK'] }, [five]],
  ]

  test.each(found)('details are found by %s, newest modified first [testQueryDetails]', async (_, query, expected) => {
    const details = await storage.consistentRead(({ jobUpdates }) => jobUpdates.fetch(query))
    expect(details.map(({ update }) => update.summary.key)).toEqual(expected)
    const each = await storage.consistentRead(({ jobUpdates }) =>
      Promise.all(expected.map((key) => jobUpdates.details(key))),
    )
    expect(details).toEqual(each)
  })

  test.each(found)(
    'summaries are found by %s, newest modified first [testGetSummaries]',
    async (_, query, expected) => {
      const summaries = await storage.consistentRead(({ jobUpdates }) => jobUpdates.summaries(query))
      const all = saved.map(([key, status, user, time]) => ({
        key,
        user,
        state: { status, createdTimestampMs: time, lastModifiedTimestampMs: time },
        version: expect.any(Number),
      }))
      expect(summaries).toEqual(expected.map((key) => all.find((each) => each.key === key)))
    },
  )
}
