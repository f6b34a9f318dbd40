import type { HostRow } from '../model/events.ts'
import type { Table } from './table.ts'

export const hostsTable: Table<HostRow> = {
  entity: 'host',
  name: 'host',
  key: (row) => row.host,
  columns: [
    { name: 'host', type: 'text', field: 'host', value: (row) => row.host },
    { name: 'slave_id', type: 'text', field: 'slaveId', value: (row) => row.slaveId },
    { name: 'mode', type: 'text', field: 'mode', value: (row) => row.mode },
    { name: 'attributes', type: 'json', field: 'attributes', value: (row) => row.attributes },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['host'],
  scopes: (row) => [`host:${row.host}`],
  scopeVersion: { host: 'select version from host where host = given.value' },
}
