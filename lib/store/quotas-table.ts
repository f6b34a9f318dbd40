import type { QuotaRow } from '../model/events.ts'
import { amountOf } from '../model/resource.ts'
import type { Table } from './table.ts'

export const quotasTable: Table<QuotaRow> = {
  entity: 'quota',
  name: 'quota',
  key: (row) => row.role,
  columns: [
    { name: 'role', type: 'text', field: 'role', value: (row) => row.role },
    { name: 'num_cpus', type: 'float8', value: (row) => amountOf(row.quota.resources, 'numCpus') },
    { name: 'ram_mb', type: 'int8', value: (row) => amountOf(row.quota.resources, 'ramMb') },
    { name: 'disk_mb', type: 'int8', value: (row) => amountOf(row.quota.resources, 'diskMb') },
    { name: 'quota', type: 'json', field: 'quota', value: (row) => row.quota },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['role'],
  scopes: (row) => [`role:${row.role}`],
  scopeVersion: { role: 'select version from quota where role = given.value' },
}
