import middy from '@middy/core'
import { systemRuntime } from '../lib/model/runtime.ts'
import { backupOnce } from '../lib/node/backup-job.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { createLogger } from './logger.ts'

/**
 * Makes a backup of the store and deletes those that are no longer kept; to be started by a schedule, every hour. It has a
 * store of its own and waits for nobody. Several at once are harmless, and so is the end of one at any moment.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_BACKUP_BUCKET, BOREAL_NAME, BOREAL_BACKUPS_KEPT, BOREAL_BACKUP_DAYS,
 * BOREAL_BACKUP_WEEKS. Memory: that of a store, and 200 MB.
 */
const logger = createLogger('boreal-backup')

export const handler = middy().handler(() =>
  backupOnce(nodeConfig({}, process.env), { runtime: systemRuntime, logger }),
)
