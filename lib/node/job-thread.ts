import { parentPort, workerData } from 'node:worker_threads'
import { PATIENT } from '../log/request-limits.ts'
import { isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { partsInMemory } from '../store/image-parts.ts'
import { giveWay } from './background.ts'
import { jobContext } from './job-context.ts'
import type { JobThreadData, JobThreadMessage } from './job-worker.ts'
import { runJob } from './jobs.ts'
import { openLogAt, trimmableLogAt } from './open-log.ts'

/** Entry of the thread that runs one job: reaches the log by itself, with stores of its own, and ends. */

const say = (message: JobThreadMessage) => parentPort!.postMessage(message)

const log =
  (level: keyof Logger) =>
  (message: string, fields: Record<string, unknown> = {}) =>
    say({ kind: 'log', level, message, fields })

const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }

async function main(): Promise<void> {
  const { name, options, address, base, codec, background } = workerData as JobThreadData
  const thread = giveWay(background)
  if (thread !== undefined) say({ kind: 'idle', thread })
  const opened = openLogAt(address, { runtime: systemRuntime, logger, limits: PATIENT })
  const image = { ...base, parts: partsInMemory(base.bytes) }
  const trimmable = () => trimmableLogAt(address, systemRuntime)
  const context = jobContext({ ...opened, base: image, codec, runtime: systemRuntime, logger, trimmable })
  say({ kind: 'outcome', outcome: await runJob(name, context, options as never) })
}

main()
  .catch((error: unknown) => {
    const code = isBorealError(error) ? error.code : 'internal'
    say({ kind: 'failure', code, message: messageOf(error) })
  })
  // The engine would keep the thread alive.
  .finally(() => setImmediate(() => process.exit(0)))
