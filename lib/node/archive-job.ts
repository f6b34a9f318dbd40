import { type ArchiveOutcome, archive } from '../archive/archive.ts'
import { type TrimOutcome, trim } from '../archive/trim.ts'
import type { TrimSettings } from '../archive/trim-settings.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { NodeConfig } from './config.ts'
import type { JobContext } from './jobs.ts'
import { type OpenedLog, openLog, trimmableLogAt } from './open-log.ts'

/** Copies what is new into the archive; with `check` every segment is read, too, and mended if it is damaged. */
export function archiveJob(context: JobContext, options: { check?: boolean } = {}): Promise<ArchiveOutcome> {
  return archive(context, options)
}

/** Takes out of table and archive what is no longer needed. */
export async function trimJob(
  context: JobContext,
  options: { settings: TrimSettings; dryRun?: boolean },
): Promise<TrimOutcome> {
  if (context.trimmable === undefined) throw new BorealError('not_available', 'this node cannot trim its log')
  const trimmable = context.trimmable()
  try {
    return await trim({ ...context, trimmable }, options)
  } finally {
    trimmable.close()
  }
}

type RunContext = { runtime: Runtime; logger: Logger }

/** A whole run of the archive on what the configuration names: what the function does. */
export function archiveOnce(config: NodeConfig, context: RunContext): Promise<ArchiveOutcome> {
  return withOpenLog(config, context, (opened) => archive({ ...context, ...opened }))
}

/** Likewise of trimming. */
export function trimOnce(config: NodeConfig, context: RunContext): Promise<TrimOutcome> {
  return withOpenLog(config, context, async (opened) => {
    const trimmable = trimmableLogAt(opened.address, context.runtime)
    try {
      return await trim({ ...context, ...opened, trimmable }, { settings: config.archive.trim })
    } finally {
      trimmable.close()
    }
  })
}

async function withOpenLog<T>(
  config: NodeConfig,
  context: RunContext,
  work: (opened: OpenedLog) => Promise<T>,
): Promise<T> {
  const opened = await openLog(config.storage, config.name, context)
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}
