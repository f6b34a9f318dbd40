import { Worker } from 'node:worker_threads'
import { BorealError, type ErrorCode, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { threadEntry } from '../model/thread-entry.ts'
import type { PartCodec } from '../snapshot/documents.ts'
import type { BaseImage } from '../store/base-image.ts'
import { type Background, isStarved, processorTime } from './background.ts'
import type { JobName, RunJob } from './jobs.ts'
import type { LogAddress } from './open-log.ts'

export interface JobThreadData {
  name: JobName
  options: unknown
  address: LogAddress
  /** The base image, its one part in shared memory. */
  base: Omit<BaseImage, 'parts'> & { bytes: Uint8Array }
  codec: PartCodec
  background: Background
}

export type JobThreadMessage =
  | { kind: 'log'; level: keyof Logger; message: string; fields: Record<string, unknown> }
  | { kind: 'idle'; thread: number }
  | { kind: 'outcome'; outcome: unknown }
  | { kind: 'failure'; code: ErrorCode; message: string }

/** Ms between looks whether a job gets anywhere. */
const LOOK_MS = 10_000

/** The outcome of a job that others kept from the processors. */
const STARVED = Symbol('starved')

/**
 * Runs jobs in threads of their own, which give way to those that serve where the system can make them: replay, engines,
 * hashes and compression are all there, and nothing of it is on a thread that serves.
 *
 * A job gets what nobody else wants of the processors. Where that is next to nothing it is begun again with a low priority,
 * which no longer gives way to everybody: a thread's way back would need a privilege, and little is lost.
 */
export function jobsInThreads(context: {
  address: LogAddress
  base: BaseImage
  codec: PartCodec
  logger: Logger
  /** Ms. Default: 10 s. */
  lookMs?: number
}): RunJob {
  const { address, base, codec, logger, lookMs = LOOK_MS } = context
  return async (name, options, signal) => {
    const { parts, ...rest } = base
    const data = { name, options, address, codec, base: { ...rest, bytes: await parts.part(0) } }
    const outcome = await runInThread({ ...data, background: 'idle' }, { logger, lookMs, signal })
    if (outcome !== STARVED) return outcome as never
    logger.warn(`the ${name} job waits for processors that others keep busy: it begins again, and takes its share`)
    return (await runInThread({ ...data, background: 'low' }, { logger, lookMs, signal })) as never
  }
}

async function runInThread(
  workerData: JobThreadData,
  { logger, lookMs, signal }: { logger: Logger; lookMs: number; signal: AbortSignal },
): Promise<unknown> {
  const { name } = workerData
  const worker = new Worker(threadEntry('job-thread'), { workerData, execArgv: [] })
  const stop = () => void worker.terminate()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  let looks: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      worker.on('message', (message: JobThreadMessage) => {
        if (message.kind === 'log') logger[message.level](message.message, message.fields)
        else if (message.kind === 'outcome') resolve(message.outcome)
        else if (message.kind === 'idle') looks = whenStarved(message.thread, lookMs, () => resolve(STARVED))
        else reject(new BorealError(message.code, message.message))
      })
      worker.once('error', (error) => reject(new BorealError('internal', messageOf(error), { cause: error })))
      worker.once('exit', () => reject(new BorealError('not_ready', `the thread of the ${name} was ended`)))
    })
  } finally {
    clearInterval(looks)
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

/** Looks now and then. The caller ends it. */
function whenStarved(thread: number, lookMs: number, act: () => void): NodeJS.Timeout {
  let before = processorTime(thread)
  return setInterval(() => {
    const after = processorTime(thread)
    if (before !== undefined && after !== undefined && isStarved(before, after, lookMs)) act()
    before = after
  }, lookMs)
}
