import middy, { type MiddyfiedHandler } from '@middy/core'
import { BorealError, messageOf } from '../lib/model/errors.ts'
import type { Logger } from '../lib/model/logger.ts'
import { type NodeConfig, nodeConfig } from '../lib/node/config.ts'
import { deadlineOf } from './deadline.ts'
import { useBundle } from './environment.ts'
import { createLogger } from './logger.ts'
import { createMetrics, type MetricWriter } from './metrics.ts'

/** What a run of a scheduled function has. */
export interface JobRun {
  config: NodeConfig
  /** What it warns of is counted as left undone. */
  logger: Logger
  metrics: MetricWriter
  /** Given before the function's time-out. */
  signal: AbortSignal
}

/**
 * A handler for schedules: settings from the environment, a log with a correlation id, metrics, and an end before the
 * time-out. A run that fails is tried again, and then kept among the dead letters.
 */
export function jobHandler<Outcome>(
  name: string,
  work: (run: JobRun) => Promise<Outcome>,
): MiddyfiedHandler<unknown, Outcome> {
  useBundle()
  const logger = createLogger(`boreal-${name}`)
  const metrics = createMetrics(`boreal-${name}`)
  return middy<unknown, Outcome>().handler(async (_event, context) => {
    logger.correlate(context.awsRequestId)
    const counting = countingLogger(logger)
    const { signal, clear } = deadlineOf(context)
    try {
      const run = { config: nodeConfig({}, process.env), logger: counting.logger, metrics, signal }
      const outcome = await work(run)
      logger.info('job ended', { job: name, outcome })
      return outcome
    } catch (thrown) {
      const error = signal.aborted ? outOfTime(name, thrown) : thrown
      logger.error('job failed', { job: name, error: messageOf(error), stack: (error as Error).stack })
      throw error
    } finally {
      clear()
      if (counting.warnings > 0) metrics.add('Warnings', counting.warnings)
      metrics.flush()
    }
  })
}

function countingLogger(logger: Logger): { logger: Logger; readonly warnings: number } {
  let warnings = 0
  const counted = (level: 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) => {
    warnings++
    logger[level](message, fields)
  }
  return {
    logger: { debug: logger.debug, info: logger.info, warn: counted('warn'), error: counted('error') },
    get warnings() {
      return warnings
    },
  }
}

function outOfTime(name: string, cause: unknown): BorealError {
  return new BorealError(
    'deadline_exceeded',
    `the ${name} was stopped before the function's time-out. It starts anew at the next run; give the function more memory ` +
      '(and with it processor) or time.',
    { cause },
  )
}
