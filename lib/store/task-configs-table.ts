import type { TaskConfigRow } from '../model/events.ts'
import type { Table } from './table.ts'

/**
 * Configs by content. Written by whatever refers to one first; gone when nothing refers to it any more (ChangeSet).
 * A config is never changed, so reading it back for a decision gives its id alone.
 */
export const taskConfigsTable: Table<TaskConfigRow> = {
  entity: 'taskConfig',
  name: 'task_config',
  key: (row) => row.configId,
  columns: [
    { name: 'config_id', type: 'text', field: 'configId', value: (row) => row.configId },
    { name: 'config', type: 'json', field: 'config', part: 'whole', value: (row) => row.config },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['configId'],
  scopes: () => [],
  scopeVersion: {},
}
