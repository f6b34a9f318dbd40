import { BorealError } from '../model/errors.ts'
import type { BorealEvent } from '../model/events.ts'
import { hostsTable } from './hosts-table.ts'
import { quotasTable } from './quotas-table.ts'
import type { RowMeta, Table } from './table.ts'
import { taskConfigsTable } from './task-configs-table.ts'
import { tasksTable } from './tasks-table.ts'

/** Where the effects of events go: a change set, or the scratch pad of a transaction that is being decided. */
export interface ChangeSink {
  put<Row extends object>(table: Table<Row>, row: Row, meta: RowMeta): void
  remove(table: Table, key: string, meta: RowMeta): void
  moveHorizon(timeMs: number, beforeLsn: number): void
}

/** The tables that events write, in the order in which rows must be written (a row before what refers to it). */
export const TABLES: Table[] = [taskConfigsTable, tasksTable, quotasTable, hostsTable]

/**
 * Turns one event into row changes. The only place that knows what events mean; the writer, replay and replicas all
 * come through here, so they cannot differ.
 */
export function applyEvent(event: BorealEvent, meta: RowMeta, sink: ChangeSink): void {
  switch (event.event) {
    case 'tasksSaved':
      for (const config of event.configs ?? []) sink.put(taskConfigsTable, config, meta)
      for (const task of event.tasks) sink.put(tasksTable, task, meta)
      return
    case 'tasksRemoved':
      for (const taskId of event.taskIds) sink.remove(tasksTable, taskId, meta)
      return
    case 'quotaSaved':
      sink.put(quotasTable, { role: event.role, quota: event.quota }, meta)
      return
    case 'quotaRemoved':
      sink.remove(quotasTable, event.role, meta)
      return
    case 'hostAttributesSaved':
      sink.put(hostsTable, event.hostAttributes, meta)
      return
    case 'horizonMoved':
      sink.moveHorizon(event.timeMs, event.beforeLsn)
      return
    default:
      throw new BorealError(
        'log_corrupt',
        `entry ${meta.version} has an event this build does not know (${JSON.stringify((event as BorealEvent).event)}): ` +
          'a newer build wrote it, run that one',
      )
  }
}
