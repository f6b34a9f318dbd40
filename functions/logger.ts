import { Logger } from '@aws-lambda-powertools/logger'
import type { Logger as LogWriter } from '../lib/model/logger.ts'

/** The logger of a function: JSON lines, as CloudWatch wants them. */
export interface FunctionLogger extends LogWriter {
  /** Every line from now on carries this id of the request. */
  correlate(id: string): void
}

export function createLogger(serviceName: string): FunctionLogger {
  const powertools = new Logger({ serviceName })
  const say =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Record<string, unknown> = {}) =>
      powertools[level]({ message, ...fields })
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    correlate: (id) => powertools.setCorrelationId(id),
  }
}
