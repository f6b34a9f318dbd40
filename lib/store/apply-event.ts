import { BorealError } from '../model/errors.ts'
import type { BorealEvent } from '../model/events.ts'
import { cronJobsTable } from './cron-jobs-table.ts'
import { hostMaintenanceTable } from './host-maintenance-table.ts'
import { hostsTable } from './hosts-table.ts'
import {
  jobInstanceUpdateEventsTable,
  jobUpdateConfigsTable,
  jobUpdateEventsTable,
  jobUpdateInstructionsTable,
} from './job-update-parts-tables.ts'
import { jobUpdatesTable, updateKeyOf } from './job-updates-table.ts'
import { locksTable } from './locks-table.ts'
import { quotasTable } from './quotas-table.ts'
import { schedulerTable } from './scheduler-table.ts'
import type { RowMeta, Table } from './table.ts'
import { taskConfigsTable } from './task-configs-table.ts'
import { tasksTable } from './tasks-table.ts'

/** Where the effects of events go: a change set, or the scratch pad of a transaction that is being decided. */
export interface ChangeSink {
  put<Row extends object>(table: Table<Row>, row: Row, meta: RowMeta): void
  remove(table: Table, key: string, meta: RowMeta): void
  moveHorizon(timeMs: number, beforeLsn: number): void
  setFormat(format: number, meta: RowMeta): void
}

/** The tables that events write, in the order in which rows must be written (a row before what refers to it). */
export const TABLES: Table[] = [
  taskConfigsTable,
  tasksTable,
  cronJobsTable,
  quotasTable,
  hostsTable,
  hostMaintenanceTable,
  jobUpdatesTable,
  jobUpdateInstructionsTable as Table,
  jobUpdateConfigsTable as Table,
  jobUpdateEventsTable as Table,
  jobInstanceUpdateEventsTable as Table,
  locksTable,
  schedulerTable,
]

/** The tables whose rows go when a row of this one does. */
export function childrenOf(table: Table): Table[] {
  return TABLES.filter((child) => child.parent?.table === table)
}

/**
 * The table of an entity.
 *
 * @throws BorealError `log_corrupt` when there is none: a newer build wrote its rows
 */
export function tableOf(entity: string): Table {
  const table = TABLES.find((each) => each.entity === entity)
  if (table !== undefined) return table
  throw new BorealError(
    'log_corrupt',
    `the log has rows of ${JSON.stringify(entity)}, an entity that this build does not know; use a newer build`,
  )
}

/**
 * Turns one event, in its current version, into row changes. The only place that knows what events mean; the writer,
 * replay and replicas all come through here, so they cannot differ.
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
    case 'cronJobSaved':
      for (const config of event.configs ?? []) sink.put(taskConfigsTable, config, meta)
      sink.put(cronJobsTable, event.cronJob, meta)
      return
    case 'cronJobRemoved':
      sink.remove(cronJobsTable, event.jobKey, meta)
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
    case 'hostAttributesRemoved':
      sink.remove(hostsTable, event.host, meta)
      return
    case 'hostMaintenanceSaved':
      sink.put(hostMaintenanceTable, event.request, meta)
      return
    case 'hostMaintenanceRemoved':
      sink.remove(hostMaintenanceTable, event.host, meta)
      return
    case 'jobUpdateSaved': {
      const update = updateKeyOf(event.update)
      for (const config of event.configs ?? []) sink.put(taskConfigsTable, config, meta)
      sink.put(jobUpdatesTable, event.update, meta)
      sink.put(jobUpdateInstructionsTable, event.instructions, meta)
      for (const configId of event.update.configIds) sink.put(jobUpdateConfigsTable, { update, configId }, meta)
      return
    }
    case 'jobUpdateEventsSaved':
      for (const update of event.updates) sink.put(jobUpdatesTable, update, meta)
      for (const row of event.events ?? []) sink.put(jobUpdateEventsTable, row, meta)
      for (const row of event.instanceEvents ?? []) sink.put(jobInstanceUpdateEventsTable, row, meta)
      return
    case 'jobUpdatesRemoved':
      for (const update of event.updates) sink.remove(jobUpdatesTable, update, meta)
      return
    case 'lockSaved':
      sink.put(locksTable, event.lock, meta)
      return
    case 'lockRemoved':
      sink.remove(locksTable, event.jobKey, meta)
      return
    case 'schedulerSaved':
      sink.put(schedulerTable, event.scheduler, meta)
      return
    case 'rowsPut': {
      const table = tableOf(event.entity)
      for (const row of event.rows) sink.put(table, row, meta)
      return
    }
    case 'rowsRemoved': {
      const table = tableOf(event.entity)
      for (const key of event.keys) sink.remove(table, key, meta)
      return
    }
    case 'horizonMoved':
      sink.moveHorizon(event.timeMs, event.beforeLsn)
      return
    case 'formatVersion':
      sink.setFormat(event.format, meta)
      return
    default:
      // The log gives no event that this build does not know; a kind without its case does not compile.
      event satisfies never
      throw new BorealError('internal', `no case for event ${JSON.stringify((event as BorealEvent).event)}`)
  }
}
