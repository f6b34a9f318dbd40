import type { JobUpdateEventRow } from '../../model/events.ts'
import { jobUpdateEventsTable } from '../../store/job-update-parts-tables.ts'
import { updateKeyOf } from '../../store/job-updates-table.ts'
import type { OperationHandler } from './operation-handler.ts'
import {
  announceUpdateEvent,
  earlier,
  emitUpdateEvents,
  eventIdOf,
  isRepeated,
  later,
  updateOf,
} from './update-event-rows.ts'

export const saveJobUpdateEvent: OperationHandler<'saveJobUpdateEvent'> = {
  announce(operation, reads) {
    announceUpdateEvent(operation, jobUpdateEventsTable, reads)
  },

  decide({ key, event: { id, ...event } }, state) {
    const update = updateOf(state, key)
    const ordinal = update.events
    const row: JobUpdateEventRow = {
      update: updateKeyOf(update),
      eventId: eventIdOf({ id }, ordinal),
      ordinal,
      ...event,
    }
    if (isRepeated(state, jobUpdateEventsTable, row)) return { op: 'saveJobUpdateEvent', affected: 0 }
    // In the order of time, then of arrival: at the same time the one that came later decides.
    const statusMs = later(update.statusMs, event.timestampMs)
    const next = {
      ...update,
      status: BigInt(statusMs) === BigInt(event.timestampMs) ? event.status : update.status!,
      createdMs: earlier(update.createdMs, event.timestampMs),
      statusMs,
      lastModifiedMs: later(update.lastModifiedMs, event.timestampMs),
      events: ordinal + 1,
    }
    emitUpdateEvents(state, next, { events: [row] })
    return { op: 'saveJobUpdateEvent', affected: 1 }
  },
}
