import { beforeAll, expect, test } from 'vitest'
import { bundleIfStale } from '../../bin/bundle.mjs'
import { quota } from '../support/records.ts'
import { describeOnLambda, Environment } from './environment.ts'
import { place } from './place.ts'

/** The scheduled functions as they are uploaded, one environment each, in the memory that the stack gives them. */

beforeAll(() => bundleIfStale(), 120_000)

/** Memory of the stack, MB; see cdk/jobs.ts. */
const MEMORY = { snapshot: 2_048, backup: 2_048, verify: 2_048, archive: 512, trim: 2_048, sweep: 512 }

type Job = keyof typeof MEMORY
type Outcome = Record<string, unknown>

const TIMEOUT_MS = 900_000

/** The margin in which a function says why it ends; see functions/deadline.ts. */
const MARGIN_MS = 5_000

async function write(at: Record<string, string>): Promise<void> {
  const api = await Environment.start('api', at)
  for (const role of ['one', 'two']) {
    const body = { operations: [{ op: 'saveQuota', role, quota: quota(1) }] }
    expect((await api.request('POST', '/v1/transactions', body)).status).toBe(200)
  }
  await api.end()
}

/** Values of a metric in a log, which has them in CloudWatch's embedded format. */
function metric(environment: Environment, name: string): number[] {
  return environment.log.flatMap((line) => {
    const at = line.indexOf('{"_aws"')
    const values = at < 0 ? {} : (JSON.parse(line.slice(at)) as Record<string, number>)
    return values[name] === undefined ? [] : [values[name]]
  })
}

describeOnLambda('the scheduled functions', () => {
  test('each starts, does its work, measures, and keeps to its memory', async () => {
    const at = await place()
    await write(at)
    const expected: Record<Job, Outcome> = {
      snapshot: { made: true },
      backup: { made: true },
      verify: { passed: true },
      archive: { entries: 3, lsn: 2 },
      trim: { refused: [] },
      sweep: { swept: [] },
    }
    const measured: Partial<Record<Job, string>> = {
      snapshot: 'SnapshotAge',
      backup: 'BackupAge',
      verify: 'VerifiedRestoreAge',
      archive: 'ArchiveAge',
    }
    for (const [job, outcome] of Object.entries(expected) as [Job, Outcome][]) {
      const environment = await Environment.start(job, at)
      const { answer, error } = await environment.invoke<Outcome>({}, TIMEOUT_MS)
      expect(error, `${job}: ${environment.log.join('\n')}`).toBeUndefined()
      expect(answer, job).toMatchObject(outcome)
      const first = environment.used().cpuMs
      // A second time, in the same environment: there is nothing new.
      expect((await environment.invoke({}, TIMEOUT_MS)).error, job).toBeUndefined()
      const name = measured[job]
      if (name !== undefined) expect(metric(environment, name), job).toHaveLength(2)
      expect(metric(environment, 'Warnings'), environment.log.join('\n')).toEqual([])
      const { cpuMs, peakMb } = environment.used()
      console.log(
        `${job}: ${peakMb} MB of ${MEMORY[job]}; processor time ${first} ms, idle and warm ${cpuMs - first} ms`,
      )
      expect(peakMb).toBeLessThan(MEMORY[job])
      await environment.end()
    }
  })

  test.each(['snapshot', 'backup'] as const)(
    'the %s stops before its time-out and says so, leaves nothing half done, and the next run does it',
    async (job) => {
      const at = await place()
      await write(at)
      const environment = await Environment.start(job, at)
      const stopped = await environment.invoke({}, MARGIN_MS + 300)
      expect(stopped.error?.errorMessage).toMatch(/stopped before the function's time-out/)
      // In time: Lambda would have ended it without a word.
      expect(stopped.leftMs).toBeGreaterThan(0)
      const { answer, error } = await environment.invoke<Outcome>({}, TIMEOUT_MS)
      expect([error, answer]).toMatchObject([undefined, { made: true }])
      // What was begun is not taken for anything: the backup is of the second run, and can be restored.
      if (job === 'snapshot') return
      const verify = await Environment.start('verify', at)
      expect((await verify.invoke<Outcome>({}, TIMEOUT_MS)).answer).toMatchObject({ passed: true })
    },
  )
})
