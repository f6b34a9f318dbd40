import type { SchedulerRow } from '../model/events.ts'
import type { Table } from './table.ts'

/** What the scheduler keeps about itself: one row, whose key is the empty text. */
export const schedulerTable: Table<SchedulerRow> = {
  entity: 'scheduler',
  name: 'scheduler',
  key: () => '',
  columns: [
    { name: 'one', type: 'text', value: () => '' },
    { name: 'framework_id', type: 'text', field: 'frameworkId', value: (row) => row.frameworkId },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: [],
  scopes: () => [],
  scopeVersion: {},
}
