import middy, { type MiddyfiedHandler } from '@middy/core'
import { BorealError, messageOf } from '../lib/model/errors.ts'
import { systemRuntime } from '../lib/model/runtime.ts'
import { type NodeConfig, nodeConfig } from '../lib/node/config.ts'
import { type OpenedStore, withStore } from '../lib/node/with-store.ts'
import { deadlineOf } from './deadline.ts'
import { useBundle } from './environment.ts'
import { createLogger } from './logger.ts'
import { createMetrics, type MetricName } from './metrics.ts'

export interface JobParts extends OpenedStore {
  config: NodeConfig
  /** Given before the function's time-out. */
  signal: AbortSignal
}

/** What a scheduled function does, and what it measures afterwards, whether that went well or not. */
export interface StoreJob<Outcome> {
  work(parts: JobParts): Promise<Outcome>
  measure(parts: JobParts): Promise<Partial<Record<MetricName, number>>>
}

/**
 * A handler for schedules: runs a job on the store that the environment names. It has stores of its own and waits for
 * nobody. Several at once are harmless, and so is the end of one at any moment. Nothing to do where there is no store yet.
 */
export function storeJob<Outcome>(
  name: string,
  { work, measure }: StoreJob<Outcome>,
): MiddyfiedHandler<unknown, Outcome | undefined> {
  useBundle()
  const logger = createLogger(`boreal-${name}`)
  const metrics = createMetrics(`boreal-${name}`)
  return middy<unknown, Outcome | undefined>().handler(async (_event, context) => {
    logger.correlate(context.awsRequestId)
    const config = nodeConfig({}, process.env)
    const { signal, clear } = deadlineOf(context)
    const run = async (store: OpenedStore) => {
      const parts = { ...store, config, signal }
      try {
        return await work(parts)
      } catch (error) {
        throw signal.aborted ? outOfTime(name, error) : error
      } finally {
        await addMeasures(() => measure(parts))
      }
    }
    const addMeasures = async (take: () => Promise<Partial<Record<MetricName, number>>>) => {
      try {
        for (const [metric, value] of Object.entries(await take())) metrics.add(metric as MetricName, value)
      } catch (error) {
        logger.warn('figures could not be taken', { error: messageOf(error) })
      }
    }
    try {
      const outcome = await withStore(config, { runtime: systemRuntime, logger }, run)
      logger.info(outcome === undefined ? 'the table has no store yet' : 'job ended', { job: name, outcome })
      return outcome
    } catch (error) {
      logger.error('job failed', { job: name, error: messageOf(error), stack: (error as Error).stack })
      throw error
    } finally {
      clear()
      metrics.flush()
    }
  })
}

function outOfTime(name: string, cause: unknown): BorealError {
  return new BorealError(
    'deadline_exceeded',
    `the ${name} was stopped before the function's time-out. It starts anew at the next run; give the function more memory ` +
      '(and with it processor) or time.',
    { cause },
  )
}
