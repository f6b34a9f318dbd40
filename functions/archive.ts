import middy from '@middy/core'
import { systemRuntime } from '../lib/model/runtime.ts'
import { archiveOnce, trimOnce } from '../lib/node/archive-job.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { createLogger } from './logger.ts'

/**
 * Copies new entries of the log into the archive (`handler`, every minute), and takes out of table and archive what is no
 * longer needed (`trimHandler`, every hour); to be started by schedules. Several at once are harmless, and so is the end of
 * one at any moment. Only the second needs permission to change and delete items of the table.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME; for the second BOREAL_TABLE_HOURS, BOREAL_TOMBSTONE_DAYS,
 * BOREAL_RESTORE_DAYS. Memory: 256 MB.
 */
const logger = createLogger('boreal-archive')

const context = { runtime: systemRuntime, logger }

export const handler = middy().handler(() => archiveOnce(nodeConfig({}, process.env), context))

export const trimHandler = middy().handler(() => trimOnce(nodeConfig({}, process.env), context))
