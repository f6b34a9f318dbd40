import type { TaskRow } from '../model/events.ts'
import { jobColumns, jobIdOf, jobJson } from './job-columns.ts'
import type { Table } from './table.ts'

export const tasksTable: Table<TaskRow> = {
  entity: 'task',
  name: 'task',
  key: (row) => row.taskId,
  columns: [
    { name: 'task_id', type: 'text', value: (row) => row.taskId },
    ...jobColumns,
    { name: 'instance_id', type: 'int4', value: (row) => row.instanceId },
    { name: 'status', type: 'text', value: (row) => row.status },
    { name: 'slave_host', type: 'text', value: (row) => row.slaveHost },
    { name: 'slave_id', type: 'text', value: (row) => row.slaveId },
    { name: 'config_id', type: 'text', value: (row) => row.configId },
    { name: 'failure_count', type: 'int4', value: (row) => row.failureCount },
    { name: 'times_partitioned', type: 'int4', value: (row) => row.timesPartitioned },
    { name: 'ancestor_id', type: 'text', value: (row) => row.ancestorId },
    { name: 'task_events', type: 'json', value: (row) => row.taskEvents },
    { name: 'assigned_ports', type: 'json', value: (row) => row.assignedPorts },
    { name: 'created_ms', type: 'int8', value: (row) => row.createdMs },
    { name: 'updated_ms', type: 'int8', value: (row, meta) => row.updatedMs ?? meta.timeMs },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object('taskId', task_id, ${jobJson},
    'instanceId', instance_id, 'status', status, 'slaveHost', slave_host, 'slaveId', slave_id, 'configId', config_id,
    'failureCount', failure_count, 'timesPartitioned', times_partitioned, 'ancestorId', ancestor_id,
    'taskEvents', task_events, 'assignedPorts', assigned_ports, 'createdMs', created_ms, 'version', version)`,
  facetsJson: `json_build_object('taskId', task_id, ${jobJson},
    'status', status, 'slaveHost', slave_host, 'configId', config_id, 'version', version)`,
  scopes: (row) => {
    const scopes = [`role:${row.role}`, `job:${jobIdOf(row)}`]
    if (row.slaveHost !== undefined) scopes.push(`host:${row.slaveHost}`)
    return scopes
  },
  scopeVersion: {
    role: 'select max(task_version) from job where role = $1',
    job: 'select task_version from job where job_id = $1',
    host: 'select max(version) from task where slave_host = $1',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: row.status.toLowerCase() }),
  configs: (row) => [row.configId],
}
