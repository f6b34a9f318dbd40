import { isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type BaseImage, loadBaseImage } from '../store/base-image.ts'
import type { NodeConfig } from './config.ts'
import { jobsInThreads } from './job-worker.ts'
import type { RunJob } from './jobs.ts'
import { type OpenedLog, openLog } from './open-log.ts'

export interface OpenedStore extends Pick<OpenedLog, 'log' | 'objects' | 'backups'> {
  /** Runs a job on this store in a thread, which the signal ends. */
  runJob: RunJob
}

/** A function's environment is used again and again; compiling the database takes most of a run that finds nothing to do. */
let kept: Promise<BaseImage> | undefined

function keptBaseImage(): Promise<BaseImage> {
  kept ??= loadBaseImage().catch((error: unknown) => {
    kept = undefined
    throw error
  })
  return kept
}

/**
 * Opens the log and the objects that the configuration names, works with them, and closes them: for functions, which have
 * no node. They create no store, as they may only read the table: where there is none yet, `undefined` is the outcome.
 */
export async function withStore<T>(
  config: NodeConfig,
  context: { runtime: Runtime; logger: Logger },
  work: (store: OpenedStore) => Promise<T>,
): Promise<T | undefined> {
  const base = await keptBaseImage()
  const opened = await openLog(config.storage, config.name, { ...context, existing: true }).catch((error) => {
    if (isBorealError(error, 'not_found')) return undefined
    throw error
  })
  if (opened === undefined) return undefined
  try {
    const { address, log, objects, backups } = opened
    const { logger } = context
    return await work({
      log,
      objects,
      backups,
      runJob: jobsInThreads({ address, base, codec: config.snapshotCodec, logger }),
    })
  } finally {
    await opened.close()
  }
}
