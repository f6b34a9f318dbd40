import type { HostMaintenanceRow } from '../model/events.ts'
import type { Table } from './table.ts'

export const hostMaintenanceTable: Table<HostMaintenanceRow> = {
  entity: 'hostMaintenance',
  name: 'host_maintenance',
  key: (row) => row.host,
  columns: [
    { name: 'host', type: 'text', field: 'host', value: (row) => row.host },
    { name: 'default_sla_policy', type: 'json', field: 'defaultSlaPolicy', value: (row) => row.defaultSlaPolicy },
    { name: 'timeout_secs', type: 'int8', field: 'timeoutSecs', value: (row) => row.timeoutSecs },
    { name: 'created_timestamp_ms', type: 'int8', field: 'createdTimestampMs', value: (row) => row.createdTimestampMs },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['host'],
  scopes: (row) => [`host:${row.host}`],
  scopeVersion: { host: 'select version from host_maintenance where host = given.value' },
}
