import type { HostRow } from '../model/events.ts'
import type { Table } from './table.ts'

export const hostsTable: Table<HostRow> = {
  entity: 'host',
  name: 'host',
  key: (row) => row.host,
  columns: [
    { name: 'host', type: 'text', value: (row) => row.host },
    { name: 'slave_id', type: 'text', value: (row) => row.slaveId },
    { name: 'mode', type: 'text', value: (row) => row.mode },
    { name: 'attributes', type: 'json', value: (row) => row.attributes },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object('host', host, 'slaveId', slave_id, 'mode', mode, 'attributes', attributes,
    'version', version)`,
  facetsJson: `json_build_object('host', host, 'version', version)`,
  scopes: (row) => [`host:${row.host}`],
  scopeVersion: { host: 'select version from host where host = $1' },
}
