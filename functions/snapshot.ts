import middy from '@middy/core'
import { systemRuntime } from '../lib/model/runtime.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { snapshotOnce } from '../lib/node/snapshot-job.ts'
import { createLogger } from './logger.ts'

/**
 * Takes a snapshot of the store, verifies it, and deletes those that are no longer needed; to be started by a schedule.
 * It has a store of its own and waits for nobody. Several at once are harmless, and so is the end of one at any moment.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_SNAPSHOTS_KEPT, BOREAL_SNAPSHOT_CODEC. Memory: that of a
 * store, and 200 MB.
 */
const logger = createLogger('boreal-snapshot')

export const handler = middy().handler(() =>
  snapshotOnce(nodeConfig({}, process.env), { runtime: systemRuntime, logger }),
)
