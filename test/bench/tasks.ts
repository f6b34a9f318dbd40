import { hashOfText } from '../../lib/model/canonical.ts'

/**
 * The task of every measurement, the same for all systems: three events, one of 2,000 distinct configs of about 1 KB, a
 * host. Made from its number, so a million need no memory.
 */
export interface BenchTask {
  taskId: string
  job: { role: string; environment: string; name: string }
  jobId: string
  instanceId: number
  host: string
  status: string
  configId: string
  /** JSON text, as it goes over the wire. */
  config: string
  events: string
  ports: string
}

export const JOBS = 1_000
const CONFIGS = 2_000
const ROLES = 20
const HOSTS = 1_500

export interface BenchConfig {
  job: BenchTask['job']
  jobId: string
  id: string
  json: string
}

/** Two configs for each job. */
export const configs: BenchConfig[] = Array.from({ length: CONFIGS }, (_, index) => {
  const number = index % JOBS
  const job = { role: `role-${number % ROLES}`, environment: 'prod', name: `job-${number}` }
  const json = JSON.stringify({
    job,
    isService: true,
    priority: index < JOBS ? 0 : 1,
    maxTaskFailures: 1,
    resources: [{ numCpus: 1.5 }, { ramMb: 512 }, { diskMb: 1_000 }],
    constraints: [{ name: 'rack', constraint: { limit: { limit: 1 } } }],
    executorConfig: { name: 'thermos', data: `cmd-${index} `.padEnd(620, 'lorem ipsum ') },
    metadata: [{ key: 'team', value: `team-${number % 50}` }],
    container: { mesos: {} },
  })
  return { job, jobId: `${job.role}/prod/${job.name}`, id: hashOfText(json), json }
})

export function taskId(number: number): string {
  return `task-${String(number).padStart(8, '0')}`
}

export function hostOf(number: number): string {
  return `host-${(number * 7) % HOSTS}`
}

const STARTED_MS = 1_478_000_000_000

export function benchTask(number: number): BenchTask {
  const { job, jobId, id, json } = configs[number % CONFIGS]!
  const at = STARTED_MS + number
  return {
    taskId: taskId(number),
    job,
    jobId,
    instanceId: Math.floor(number / JOBS),
    host: hostOf(number),
    status: 'RUNNING',
    configId: id,
    config: json,
    events:
      `[{"timestamp":${at},"status":"PENDING"},{"timestamp":${at + 50},"status":"ASSIGNED","scheduler":"s-1"},` +
      `{"timestamp":${at + 900},"status":"RUNNING"}]`,
    ports: '{"http":31000}',
  }
}
