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
  /** JSON text, as it goes over the wire; so are events and ports. */
  config: string
  events: string
  ports: string
  createdMs: number
}

export const JOBS = 1_000
export const CONFIGS = 2_000
const ROLES = 20
const HOSTS = 1_500
const STARTED_MS = 1_478_000_000_000

export interface BenchConfig {
  job: BenchTask['job']
  jobId: string
  id: string
  json: string
}

/** A config of about 1 KB by its number; two of them for each job as long as there are 2,000. */
export function benchConfig(number: number): BenchConfig {
  const ofJob = number % JOBS
  const job = { role: `role-${ofJob % ROLES}`, environment: 'prod', name: `job-${ofJob}` }
  const json = JSON.stringify({
    job,
    isService: true,
    priority: Math.floor(number / JOBS) % 2,
    maxTaskFailures: 1,
    resources: [{ numCpus: 1.5 }, { ramMb: 512 }, { diskMb: 1_000 }],
    constraints: [{ name: 'rack', constraint: { limit: { limit: 1 } } }],
    executorConfig: { name: 'thermos', data: `cmd-${number} `.padEnd(620, 'lorem ipsum ') },
    metadata: [{ key: 'team', value: `team-${ofJob % 50}` }],
    container: { mesos: {} },
  })
  return { job, jobId: `${job.role}/prod/${job.name}`, id: hashOfText(json), json }
}

/** The configs that tasks share. */
const shared = Array.from({ length: CONFIGS }, (_, number) => benchConfig(number))

export function taskId(number: number): string {
  return `task-${String(number).padStart(8, '0')}`
}

export function benchTask(number: number, config: BenchConfig = shared[number % CONFIGS]!): BenchTask {
  const createdMs = STARTED_MS + number
  return {
    taskId: taskId(number),
    job: config.job,
    jobId: config.jobId,
    instanceId: Math.floor(number / JOBS),
    host: `host-${(number * 7) % HOSTS}`,
    status: 'RUNNING',
    configId: config.id,
    config: config.json,
    events:
      `[{"timestamp":${createdMs},"status":"PENDING"},` +
      `{"timestamp":${createdMs + 50},"status":"ASSIGNED","scheduler":"s-1"},` +
      `{"timestamp":${createdMs + 900},"status":"RUNNING"}]`,
    ports: '{"http":31000}',
    createdMs,
  }
}

/** Tasks from one number on. */
export function benchTasks(first: number, count: number): BenchTask[] {
  return Array.from({ length: count }, (_, index) => benchTask(first + index))
}
