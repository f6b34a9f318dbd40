import type { TaskRow } from '../model/events.ts'
import type { Table } from './table.ts'

/** Id of the job a task row belongs to. */
export function jobIdOf(row: Pick<TaskRow, 'role' | 'environment' | 'jobName'>): string {
  return `${row.role}/${row.environment}/${row.jobName}`
}

export const tasksTable: Table<TaskRow> = {
  entity: 'task',
  name: 'task',
  key: (row) => row.taskId,
  columns: [
    { name: 'task_id', type: 'text', value: (row) => row.taskId },
    { name: 'job_id', type: 'text', value: jobIdOf },
    { name: 'role', type: 'text', value: (row) => row.role },
    { name: 'environment', type: 'text', value: (row) => row.environment },
    { name: 'job_name', type: 'text', value: (row) => row.jobName },
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
    { name: 'updated_ms', type: 'int8', value: (_row, meta) => meta.timeMs },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object('taskId', task_id, 'role', role, 'environment', environment, 'jobName', job_name,
    'instanceId', instance_id, 'status', status, 'slaveHost', slave_host, 'slaveId', slave_id, 'configId', config_id,
    'failureCount', failure_count, 'timesPartitioned', times_partitioned, 'ancestorId', ancestor_id,
    'taskEvents', task_events, 'assignedPorts', assigned_ports, 'createdMs', created_ms, 'version', version)`,
  facetsJson: `json_build_object('taskId', task_id, 'role', role, 'environment', environment, 'jobName', job_name,
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
