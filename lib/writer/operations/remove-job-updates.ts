import { jobUpdateKeyText } from '../../model/job-update.ts'
import { jobUpdatesTable } from '../../store/job-updates-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeJobUpdates: OperationHandler<'removeJobUpdates'> = {
  announce({ keys }, reads) {
    for (const key of keys) reads.row(jobUpdatesTable, jobUpdateKeyText(key))
  },

  decide({ keys }, state) {
    const byText = new Map(keys.map((key) => [jobUpdateKeyText(key), key]))
    const there = [...byText.keys()].filter((update) => state.row(jobUpdatesTable, update) !== undefined)
    if (there.length > 0) state.emit({ event: 'jobUpdatesRemoved', v: 1, updates: there })
    return { op: 'removeJobUpdates', affected: there.length, keys: there.map((update) => byText.get(update)!) }
  },
}
