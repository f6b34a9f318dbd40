import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import type { Logger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { jobsInThreads } from '../../lib/node/job-worker.ts'
import { openLog } from '../../lib/node/open-log.ts'
import { testImage } from '../support/image.ts'
import { RecordingLogger } from '../support/snapshots.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** Jobs give way to those who serve, and are made all the same. */

const canBeIdle = process.platform === 'linux' && spawnSync('chrt', ['--version']).error === undefined
const NEVER = new AbortController().signal

/** Threads that keep all processors busy, until the test ends them. */
function keepBusy(): () => Promise<unknown> {
  const threads = Array.from({ length: 2 * availableParallelism() }, () => new Worker('for (;;);', { eval: true }))
  const end = () => Promise.all(threads.map((thread) => thread.terminate()))
  onTestFinished(async () => void (await end()))
  return end
}

async function jobs(logger: Logger, lookMs: number) {
  const { storage, name } = nodeConfig({ data: await temporaryFolder(), sync: false }, {})
  const opened = await openLog(storage, name, { runtime: systemRuntime, logger })
  onTestFinished(() => opened.close())
  return jobsInThreads({ address: opened.address, base: await testImage(), codec: 'none', logger, lookMs })
}

test.runIf(canBeIdle)(
  'a job that is kept from all processors begins again with a share',
  {
    timeout: 120_000,
  },
  async () => {
    const recording = new RecordingLogger()
    let end: () => unknown = () => undefined
    const warn = (message: string) => {
      recording.warn(message)
      end()
    }
    const run = await jobs({ ...recording, warn }, 300)
    end = keepBusy()
    expect(await run('snapshot', {}, NEVER)).toMatchObject({ made: false, lsn: 0 })
    expect(recording.lines).toMatchObject([{ message: expect.stringMatching(/snapshot job waits for processors/) }])
  },
)

test('a job that gets what it needs runs once', { timeout: 60_000 }, async () => {
  const logger = new RecordingLogger()
  const run = await jobs(logger, 10_000)
  expect(await run('snapshot', {}, NEVER)).toMatchObject({ made: false, lsn: 0 })
  expect(logger.lines).toEqual([])
})
