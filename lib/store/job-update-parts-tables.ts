import type { JobInstanceUpdateEventRow, JobUpdateEventRow, JobUpdateInstructionsRow } from '../model/events.ts'
import { jobUpdatesTable } from './job-updates-table.ts'
import { type Column, compositeKey, type Table } from './table.ts'

/** What belongs to an update: rows that come when it is saved or goes on, and go with it. */

const parent = { table: jobUpdatesTable as Table, column: 'update_key', key: (row: { update: string }) => row.update }

const updateKey: Column<{ update: string }> = {
  name: 'update_key',
  type: 'text',
  field: 'update',
  value: (row) => row.update,
}

const version: Column<object> = { name: 'version', type: 'int8', value: (_row, meta) => meta.version }

const alone = { scopes: () => [], scopeVersion: {}, parent }

export const jobUpdateInstructionsTable: Table<JobUpdateInstructionsRow> = {
  entity: 'jobUpdateInstructions',
  name: 'job_update_instructions',
  key: (row) => row.update,
  columns: [
    updateKey,
    { name: 'initial_state', type: 'json', field: 'initialState', value: (row) => row.initialState },
    { name: 'desired_state', type: 'json', field: 'desiredState', value: (row) => row.desiredState },
    { name: 'settings', type: 'json', field: 'settings', value: (row) => row.settings },
    { name: 'metadata', type: 'json', field: 'metadata', value: (row) => row.metadata },
    version,
  ],
  facets: ['update'],
  ...alone,
}

/** Which configs an update refers to. */
export const jobUpdateConfigsTable: Table<{ update: string; configId: string }> = {
  entity: 'jobUpdateConfig',
  name: 'job_update_config',
  keyWidth: 2,
  key: (row) => compositeKey(row.update, row.configId),
  columns: [updateKey, { name: 'config_id', type: 'text', field: 'configId', value: (row) => row.configId }, version],
  facets: ['update'],
  ...alone,
}

/** What both kinds of events have first and last. */
interface AnyEvent {
  update: string
  eventId: string
  ordinal: number
}

const eventColumns: Column<AnyEvent>[] = [
  updateKey,
  { name: 'event_id', type: 'text', field: 'eventId', value: (row) => row.eventId },
  { name: 'ordinal', type: 'int4', field: 'ordinal', value: (row) => row.ordinal },
]

const event = {
  keyWidth: 2 as const,
  key: (row: AnyEvent) => compositeKey(row.update, row.eventId),
  facets: ['update'],
  ...alone,
}

export const jobUpdateEventsTable: Table<JobUpdateEventRow> = {
  ...event,
  entity: 'jobUpdateEvent',
  name: 'job_update_event',
  columns: [
    ...eventColumns,
    { name: 'status', type: 'text', field: 'status', value: (row) => row.status },
    { name: 'timestamp_ms', type: 'int8', field: 'timestampMs', value: (row) => row.timestampMs },
    { name: 'user_name', type: 'text', field: 'user', value: (row) => row.user },
    { name: 'message', type: 'text', field: 'message', value: (row) => row.message },
    version,
  ],
}

export const jobInstanceUpdateEventsTable: Table<JobInstanceUpdateEventRow> = {
  ...event,
  entity: 'jobInstanceUpdateEvent',
  name: 'job_instance_update_event',
  columns: [
    ...eventColumns,
    { name: 'instance_id', type: 'int4', field: 'instanceId', value: (row) => row.instanceId },
    { name: 'action', type: 'text', field: 'action', value: (row) => row.action },
    { name: 'timestamp_ms', type: 'int8', field: 'timestampMs', value: (row) => row.timestampMs },
    { name: 'message', type: 'text', field: 'message', value: (row) => row.message },
    version,
  ],
}
