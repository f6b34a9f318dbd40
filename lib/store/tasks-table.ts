import type { TaskRow } from '../model/events.ts'
import { jobColumns, jobIdOf } from './job-columns.ts'
import type { Table } from './table.ts'

export const tasksTable: Table<TaskRow> = {
  entity: 'task',
  name: 'task',
  key: (row) => row.taskId,
  columns: [
    { name: 'task_id', type: 'text', field: 'taskId', value: (row) => row.taskId },
    ...jobColumns,
    { name: 'instance_id', type: 'int4', field: 'instanceId', value: (row) => row.instanceId },
    { name: 'status', type: 'text', field: 'status', value: (row) => row.status },
    { name: 'slave_host', type: 'text', field: 'slaveHost', value: (row) => row.slaveHost },
    { name: 'slave_id', type: 'text', field: 'slaveId', value: (row) => row.slaveId },
    { name: 'config_id', type: 'text', field: 'configId', value: (row) => row.configId },
    { name: 'failure_count', type: 'int4', field: 'failureCount', value: (row) => row.failureCount },
    { name: 'times_partitioned', type: 'int4', field: 'timesPartitioned', value: (row) => row.timesPartitioned },
    { name: 'ancestor_id', type: 'text', field: 'ancestorId', value: (row) => row.ancestorId },
    { name: 'task_events', type: 'json', field: 'taskEvents', value: (row) => row.taskEvents },
    { name: 'assigned_ports', type: 'json', field: 'assignedPorts', value: (row) => row.assignedPorts },
    { name: 'created_ms', type: 'int8', field: 'createdMs', value: (row) => row.createdMs },
    // The time of a change is that of its entry, unless a row is put back as it was.
    {
      ...{ name: 'updated_ms', type: 'int8', field: 'updatedMs', part: 'whole' },
      value: (row, meta) => row.updatedMs ?? meta.timeMs,
    },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['taskId', 'role', 'environment', 'jobName', 'status', 'slaveHost', 'configId'],
  scopes: (row) => {
    const scopes = [`role:${row.role}`, `job:${jobIdOf(row)}`]
    if (row.slaveHost !== undefined) scopes.push(`host:${row.slaveHost}`)
    return scopes
  },
  scopeVersion: {
    role: 'select max(task_version) from job where role = given.value',
    job: 'select task_version from job where job_id = given.value',
    host: 'select max(version) from task where slave_host = given.value',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: row.status.toLowerCase() }),
  configs: (row) => [row.configId],
}
