import { Worker } from 'node:worker_threads'
import { BorealError, type ErrorCode, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { threadEntry } from '../model/thread-entry.ts'
import type { PartCodec } from '../snapshot/documents.ts'
import type { SnapshotOutcome, TakeOptions } from '../snapshot/take.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { LogAddress } from './open-log.ts'

export interface SnapshotThreadData {
  address: LogAddress
  /** The base image, its one part in shared memory. */
  base: Omit<BaseImage, 'parts'> & { bytes: Uint8Array }
  codec: PartCodec
  options: TakeOptions & { keep: number }
}

export type SnapshotThreadMessage =
  | { kind: 'log'; level: keyof Logger; message: string; fields: Record<string, unknown> }
  | { kind: 'outcome'; outcome: SnapshotOutcome }
  | { kind: 'failure'; code: ErrorCode; message: string }

/**
 * Takes a snapshot in a thread of its own, with a lower priority where the system has one for threads: the replay, the
 * engine, hashes and compression are all there, and nothing of it is on a thread that serves.
 */
export async function takeSnapshotInThread(
  context: { address: LogAddress; base: BaseImage; codec: PartCodec; logger: Logger; signal?: AbortSignal },
  options: TakeOptions & { keep: number },
): Promise<SnapshotOutcome> {
  const { address, base, codec, logger, signal } = context
  const { parts, ...rest } = base
  const workerData: SnapshotThreadData = { address, base: { ...rest, bytes: await parts.part(0) }, codec, options }
  const worker = new Worker(threadEntry('snapshot-thread'), { workerData, execArgv: [] })
  const stop = () => void worker.terminate()
  signal?.addEventListener('abort', stop)
  if (signal?.aborted) stop()
  try {
    return await new Promise<SnapshotOutcome>((resolve, reject) => {
      worker.on('message', (message: SnapshotThreadMessage) => {
        if (message.kind === 'log') logger[message.level](message.message, message.fields)
        else if (message.kind === 'outcome') resolve(message.outcome)
        else reject(new BorealError(message.code, message.message))
      })
      worker.once('error', (error) => reject(new BorealError('internal', messageOf(error), { cause: error })))
      worker.once('exit', () => reject(new BorealError('not_ready', 'the thread that took a snapshot was ended')))
    })
  } finally {
    signal?.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
