import middy from '@middy/core'
import { systemRuntime } from '../lib/model/runtime.ts'
import { drillOnce } from '../lib/node/backup-job.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { createLogger } from './logger.ts'

/**
 * A restore drill: restores the newest backup, from its image and from its dump, and compares what it finds with what it
 * should be; to be started by a schedule, every day. It fails when the backup does, so an alarm on its errors is enough.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_BACKUP_BUCKET, BOREAL_NAME. Memory: that of a store, and 200 MB.
 */
const logger = createLogger('boreal-verify')

export const handler = middy().handler(() => drillOnce(nodeConfig({}, process.env), { runtime: systemRuntime, logger }))
