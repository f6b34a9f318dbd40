import middy from '@middy/core'
import { systemRuntime } from '../lib/model/runtime.ts'
import { nodeConfig } from '../lib/node/config.ts'
import { sweepOnce } from '../lib/node/sweep-job.ts'
import { createLogger } from './logger.ts'

/**
 * Deletes what is left of clones that were deleted, and of stores whose making was stopped; to be started by a schedule,
 * once an hour. Nodes that are never frozen do it by themselves. Several at once are harmless.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET.
 */
const logger = createLogger('boreal-sweep')

export const handler = middy().handler(() => sweepOnce(nodeConfig({}, process.env), { runtime: systemRuntime, logger }))
