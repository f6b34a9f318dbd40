import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { bundleIfStale } from '../../bin/bundle.mjs'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { startNode } from '../../lib/node/start-node.ts'
import { ACCESS_KEY, createBucket, SECRET_KEY, startVersitygw } from '../servers/s3-bucket.ts'
import { config, task } from '../support/records.ts'
import { findServer, howToInstall, VERSITYGW } from '../support/servers.ts'
import { cpuShare } from './cpu-share.ts'
import { describeOnLambda, Environment } from './environment.ts'
import { during, place } from './place.ts'

/** From nothing to the first answer, with a store as large as a small cluster's. */

const TASKS = 10_000
const TASKS_PER_JOB = 100

/** The goal at one processor are 2,500 ms to the answer; docs/aws.md has what was measured. A busy machine needs more. */
const MOST_CPU_MS = 4_000
const ROUNDS = 5

beforeAll(() => bundleIfStale(), 120_000)

/** A store with tasks on a table, and its snapshot in S3. */
async function stored(program: string): Promise<Record<string, string>> {
  const { url, stop } = await startVersitygw(program)
  onTestFinished(stop)
  const { BOREAL_OBJECTS: _, BOREAL_BACKUP_OBJECTS: __, ...at } = await place()
  const env = {
    ...at,
    AWS_ENDPOINT_URL_S3: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    BOREAL_BUCKET: await createBucket(url),
  }
  during(env)
  const { node, close } = await startNode(nodeConfig({ readers: '0' }, env), {
    runtime: systemRuntime,
    logger: silentLogger,
  })
  for (let start = 0; start < TASKS; start += 1_000) {
    const tasks = Array.from({ length: 1_000 }, (_, index) => {
      const number = start + index
      const job = { role: 'www', environment: 'prod', name: `job-${Math.floor(number / TASKS_PER_JOB)}` }
      return task(`task-${number}`, { task: config({ job }), instanceId: number % TASKS_PER_JOB })
    })
    const request = transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks }] })
    await node.submit(request, { principal: 'tests' })
  }
  await node.snapshots.take()
  await close()
  return env
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

describeOnLambda('a cold start of the API function', () => {
  const program = findServer(VERSITYGW)
  test.skipIf(program === undefined)(
    `with ${TASKS} tasks in an image from S3${program === undefined ? ` (${howToInstall(VERSITYGW)})` : ''}`,
    { timeout: 600_000 },
    async () => {
      const env = await stored(program!)
      for (const memoryMb of [1_769, 1_024]) {
        const [ms, cpuMs]: [number[], number[]] = [[], []]
        let share = 'all processors'
        for (let round = 0; round < ROUNDS; round++) {
          const cpu = await cpuShare(memoryMb)
          share = cpu?.what ?? share
          const settings = { ...env, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb) }
          const environment = await Environment.start('api', settings, cpu)
          const { status, body } = await environment.request('GET', '/v1/tasks/task-9999')
          ms.push(performance.now() - environment.startedAt)
          expect([status, body.assignedTask?.taskId]).toEqual([200, 'task-9999'])
          expect(environment.log.join('\n')).toMatch(/restoring a snapshot/)
          cpuMs.push(environment.used().cpuMs)
          await environment.end()
          await cpu?.remove()
        }
        const [least, middle] = [Math.round(Math.min(...ms)), Math.round(median(ms))]
        console.log(
          `cold start, ${memoryMb} MB (${share}): ${middle} ms, least ${least} ms, processor time ${median(cpuMs)} ms`,
        )
        // Processor time: what else the machine does counts less. Under the cap it is the most of the time.
        if (memoryMb === 1_769) expect(Math.min(...cpuMs)).toBeLessThan(MOST_CPU_MS)
      }
    },
  )
})
