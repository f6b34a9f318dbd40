import { systemRuntime } from '../lib/model/runtime.ts'
import { sweepOnce } from '../lib/node/sweep-job.ts'
import { jobHandler } from './job.ts'

/**
 * Deletes what is left of clones that were deleted, and of stores whose making was stopped; to be started by a schedule,
 * once an hour. Several at once are harmless, and so is the end of one at any moment.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET. Memory: 256 MB.
 */
export const handler = jobHandler('sweep', ({ config, logger, signal }) =>
  sweepOnce(config, { runtime: systemRuntime, logger, signal }),
)
