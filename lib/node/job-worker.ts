import { Worker } from 'node:worker_threads'
import { BorealError, type ErrorCode, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { threadEntry } from '../model/thread-entry.ts'
import type { PartCodec } from '../snapshot/documents.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { JobName, RunJob } from './jobs.ts'
import type { LogAddress } from './open-log.ts'

export interface JobThreadData {
  name: JobName
  options: unknown
  address: LogAddress
  /** The base image, its one part in shared memory. */
  base: Omit<BaseImage, 'parts'> & { bytes: Uint8Array }
  codec: PartCodec
}

export type JobThreadMessage =
  | { kind: 'log'; level: keyof Logger; message: string; fields: Record<string, unknown> }
  | { kind: 'outcome'; outcome: unknown }
  | { kind: 'failure'; code: ErrorCode; message: string }

/**
 * Runs jobs in threads of their own, with a lower priority where the system has one for threads: replay, engines, hashes
 * and compression are all there, and nothing of it is on a thread that serves.
 */
export function jobsInThreads(context: {
  address: LogAddress
  base: BaseImage
  codec: PartCodec
  logger: Logger
}): RunJob {
  const { address, base, codec, logger } = context
  return async (name, options, signal) => {
    const { parts, ...rest } = base
    const workerData: JobThreadData = { name, options, address, codec, base: { ...rest, bytes: await parts.part(0) } }
    const worker = new Worker(threadEntry('job-thread'), { workerData, execArgv: [] })
    const stop = () => void worker.terminate()
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      return await new Promise<never>((resolve, reject) => {
        worker.on('message', (message: JobThreadMessage) => {
          if (message.kind === 'log') logger[message.level](message.message, message.fields)
          else if (message.kind === 'outcome') resolve(message.outcome as never)
          else reject(new BorealError(message.code, message.message))
        })
        worker.once('error', (error) => reject(new BorealError('internal', messageOf(error), { cause: error })))
        worker.once('exit', () => reject(new BorealError('not_ready', `the thread of the ${name} was ended`)))
      })
    } finally {
      signal.removeEventListener('abort', stop)
      await worker.terminate()
    }
  }
}
