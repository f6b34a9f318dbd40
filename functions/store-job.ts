import type { MiddyfiedHandler } from '@middy/core'
import { messageOf } from '../lib/model/errors.ts'
import { systemRuntime } from '../lib/model/runtime.ts'
import type { NodeConfig } from '../lib/node/config.ts'
import { type OpenedStore, withStore } from '../lib/node/with-store.ts'
import { jobHandler } from './job.ts'
import type { MetricName } from './metrics.ts'

export interface JobParts extends OpenedStore {
  config: NodeConfig
  /** Given before the function's time-out. */
  signal: AbortSignal
}

/** What a scheduled function does, and what it measures afterwards, whether that went well or not. */
export interface StoreJob<Outcome> {
  work(parts: JobParts): Promise<Outcome>
  measure?(parts: JobParts): Promise<Partial<Record<MetricName, number>>>
}

/**
 * A handler for schedules: runs a job on the store that the environment names. It has stores of its own and waits for
 * nobody. Several at once are harmless, and so is the end of one at any moment. Nothing to do where there is no store yet.
 */
export function storeJob<Outcome>(
  name: string,
  { work, measure = async () => ({}) }: StoreJob<Outcome>,
): MiddyfiedHandler<unknown, Outcome | undefined> {
  return jobHandler(name, async ({ config, logger, metrics, signal }) => {
    const run = async (store: OpenedStore) => {
      const parts = { ...store, config, signal }
      try {
        return { outcome: await work(parts) }
      } finally {
        await addMeasures(parts)
      }
    }
    const addMeasures = async (parts: JobParts) => {
      try {
        for (const [metric, value] of Object.entries(await measure(parts))) metrics.add(metric as MetricName, value)
      } catch (error) {
        logger.warn('figures could not be taken', { error: messageOf(error) })
      }
    }
    const ran = await withStore(config, { runtime: systemRuntime, logger }, run)
    if (ran === undefined) logger.info('the table has no store yet')
    return ran?.outcome
  })
}
