import type { JobInstanceUpdateEventRow } from '../../model/events.ts'
import { jobInstanceUpdateEventsTable } from '../../store/job-update-parts-tables.ts'
import { updateKeyOf } from '../../store/job-updates-table.ts'
import type { OperationHandler } from './operation-handler.ts'
import { announceUpdateEvent, emitUpdateEvents, eventIdOf, isRepeated, later, updateOf } from './update-event-rows.ts'

export const saveJobInstanceUpdateEvent: OperationHandler<'saveJobInstanceUpdateEvent'> = {
  announce(operation, reads) {
    announceUpdateEvent(operation, jobInstanceUpdateEventsTable, reads)
  },

  decide({ key, event: { id, ...event } }, state) {
    const update = updateOf(state, key)
    const ordinal = update.instanceEvents
    const row: JobInstanceUpdateEventRow = {
      update: updateKeyOf(update),
      eventId: eventIdOf({ id }, ordinal),
      ordinal,
      ...event,
    }
    if (isRepeated(state, jobInstanceUpdateEventsTable, row)) return { op: 'saveJobInstanceUpdateEvent', affected: 0 }
    const lastModifiedMs = later(update.lastModifiedMs, event.timestampMs)
    emitUpdateEvents(state, { ...update, lastModifiedMs, instanceEvents: ordinal + 1 }, { instanceEvents: [row] })
    return { op: 'saveJobInstanceUpdateEvent', affected: 1 }
  },
}
