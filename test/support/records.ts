import type { z } from 'zod'
import type { jobConfiguration } from '../../lib/model/cron-job.ts'
import type { hostAttributes } from '../../lib/model/host-attributes.ts'
import type { hostMaintenanceRequest } from '../../lib/model/host-maintenance.ts'
import type { JobKey } from '../../lib/model/job-key.ts'
import type { lock as lockSchema } from '../../lib/model/lock.ts'
import type { scheduledTask } from '../../lib/model/task.ts'
import type { taskConfig } from '../../lib/model/task-config.ts'

/** Records as clients send them; sets are in canonical order, so they come back as they are. */
type ConfigInput = z.input<typeof taskConfig>
type TaskInput = z.input<typeof scheduledTask>

export const jobKey = { role: 'www', environment: 'prod', name: 'hello' }

/** A small config; `job` fields and any others can be given. */
export function config(overrides: Partial<ConfigInput> = {}): ConfigInput {
  return {
    job: jobKey,
    isService: true,
    priority: 0,
    maxTaskFailures: 1,
    resources: [{ diskMb: 100 }, { numCpus: 1.5 }, { ramMb: 512 }],
    container: { mesos: {} },
    ...overrides,
  }
}

export interface TaskOverrides {
  task?: ConfigInput
  instanceId?: number
  status?: TaskInput['status']
  slaveHost?: string
  slaveId?: string
  assignedPorts?: Record<string, number>
  taskEvents?: TaskInput['taskEvents']
}

/** A task with a small config. */
export function task(taskId: string, overrides: TaskOverrides = {}): TaskInput {
  const { task: own = config(), instanceId = 0, status = 'PENDING', slaveHost, slaveId, ...rest } = overrides
  return {
    assignedTask: {
      taskId,
      instanceId,
      ...(slaveHost === undefined ? {} : { slaveHost }),
      ...(slaveId === undefined ? {} : { slaveId }),
      assignedPorts: rest.assignedPorts ?? {},
      task: own,
    },
    status,
    failureCount: 0,
    taskEvents: rest.taskEvents ?? [{ timestamp: 1_478_000_000_000, status }],
  }
}

/** Every field of a config, none of them with a default or empty value. */
export const fullConfig: ConfigInput = {
  job: jobKey,
  owner: { user: 'ann' },
  isService: true,
  priority: 7,
  maxTaskFailures: 3,
  production: true,
  tier: 'preferred',
  resources: [{ diskMb: 100 }, { namedPort: 'http' }, { numCpus: 1.5 }, { numGpus: 2 }, { ramMb: 512 }],
  constraints: [
    { name: 'host', constraint: { limit: { limit: 1 } } },
    { name: 'rack', constraint: { value: { negated: true, values: ['a', 'b'] } } },
  ],
  mesosFetcherUris: [
    { value: 'http://a/1.tgz', extract: true, cache: true, outputFile: 'one' },
    { value: 'http://a/2.tgz', extract: true, cache: true, outputFile: 'two' },
  ],
  taskLinks: { http: 'http://%host%:%port:http%', logs: 'http://logs' },
  contactEmail: 'ann@example.org',
  executorConfig: { name: 'thermos', data: '{"é": "\\u00e9 😀"}' },
  metadata: [
    { key: 'package', value: 'a' },
    { key: 'package', value: 'b' },
  ],
  partitionPolicy: { reschedule: true, delaySecs: 30 },
  slaPolicy: { percentage: { percentage: 95.5, durationSecs: 1_800 } },
  container: {
    mesos: {
      image: { docker: { name: 'nginx', tag: '1.27' } },
      volumes: [
        { containerPath: '/b', hostPath: '/srv/b', mode: 'RW' },
        { containerPath: '/a', hostPath: '/srv/a', mode: 'RO' },
      ],
    },
  },
}

/** Every field of a task. */
export function fullTask(taskId: string): TaskInput {
  return {
    assignedTask: {
      taskId,
      instanceId: 3,
      slaveId: 'agent-7',
      slaveHost: 'h7',
      assignedPorts: { admin: 31_001, http: 31_000 },
      task: fullConfig,
    },
    status: 'RUNNING',
    failureCount: 2,
    timesPartitioned: 1,
    taskEvents: [
      { timestamp: 1_478_000_000_000, status: 'PENDING', message: 'created', scheduler: 's-1' },
      { timestamp: 1_478_000_000_001, status: 'RUNNING', message: 'up', scheduler: 's-2' },
    ],
    ancestorId: `${taskId}-0`,
  }
}

export function quota(numCpus: number, ramMb: number | string = 1_024, diskMb: number | string = 2_048) {
  return { resources: [{ diskMb }, { numCpus }, { ramMb }] }
}

export function host(name: string, overrides: Partial<z.input<typeof hostAttributes>> = {}) {
  return { host: name, slaveId: `agent-${name}`, mode: 'NONE' as const, attributes: [], ...overrides }
}

/** Every field of a cron job. */
export function fullCronJob(key: JobKey): z.input<typeof jobConfiguration> {
  return {
    key,
    owner: { user: 'ann' },
    cronSchedule: '*/5 3 * * MON',
    cronCollisionPolicy: 'CANCEL_NEW',
    taskConfig: { ...fullConfig, job: key },
    instanceCount: 5,
  }
}

/** Every field of a maintenance request. */
export function maintenance(
  name: string,
  overrides: Partial<z.input<typeof hostMaintenanceRequest>> = {},
): z.input<typeof hostMaintenanceRequest> {
  return {
    host: name,
    defaultSlaPolicy: { coordinator: { coordinatorUrl: 'http://coordinator', statusKey: 'drain' } },
    timeoutSecs: 3_600,
    createdTimestampMs: 1_478_000_000_000,
    ...overrides,
  }
}

/** Every field of a lock. */
export function lock(job: JobKey, token: string, overrides: Partial<z.input<typeof lockSchema>> = {}) {
  return { key: { job }, token, user: 'ann', timestampMs: 1_478_000_000_000, message: 'deploys', ...overrides }
}
