import type { Logger } from '../model/logger.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof LEVELS)[number]

/** Log lines for people, on stderr. */
export function stderrLogger(least: LogLevel): Logger {
  const say = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return
    const rest = fields === undefined ? '' : ` ${JSON.stringify(fields)}`
    process.stderr.write(`${new Date().toISOString()} ${level} ${message}${rest}\n`)
  }
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}
