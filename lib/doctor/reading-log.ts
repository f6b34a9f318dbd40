import { ArchivedLog } from '../archive/archived-log.ts'
import { readOnlyLog } from '../log/inspection.ts'
import { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Source } from './context.ts'

/** The log of a source as stores follow it, for reading only. */
export function readingLog(
  { log, bodies, storeId, objects }: Source,
  context: { runtime: Runtime; logger: Logger },
): Log {
  const put = async () => Promise.reject(new Error('this log is opened for reading only'))
  const archive =
    objects === undefined ? {} : { archive: new ArchivedLog({ objects, storeId, logger: context.logger }) }
  return new Log(readOnlyLog(log), {
    ...archive,
    ...context,
    storeId,
    bodies: { put, get: (key) => bodies.get(key) },
  })
}
