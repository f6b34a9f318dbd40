import type { HostMaintenanceRow } from '../model/events.ts'
import { exactJson, type Table } from './table.ts'

export const hostMaintenanceTable: Table<HostMaintenanceRow> = {
  entity: 'hostMaintenance',
  name: 'host_maintenance',
  key: (row) => row.host,
  columns: [
    { name: 'host', type: 'text', value: (row) => row.host },
    { name: 'default_sla_policy', type: 'json', value: (row) => row.defaultSlaPolicy },
    { name: 'timeout_secs', type: 'int8', value: (row) => row.timeoutSecs },
    { name: 'created_timestamp_ms', type: 'int8', value: (row) => row.createdTimestampMs },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object('host', host, 'defaultSlaPolicy', default_sla_policy,
    'timeoutSecs', ${exactJson('timeout_secs')}, 'createdTimestampMs', ${exactJson('created_timestamp_ms')},
    'version', version)`,
  facetsJson: `json_build_object('host', host, 'version', version)`,
  scopes: (row) => [`host:${row.host}`],
  scopeVersion: { host: 'select version from host_maintenance where host = $1' },
}
