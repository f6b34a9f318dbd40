import { getOrInsert } from '../../model/get-or-insert.ts'
import type { ScheduleStatus } from '../../model/schedule-status.ts'
import { type Place, Placement } from './placement.ts'
import type { Trace, TraceNode, TracePod } from './trace.ts'

/** What a scheduler tells the store about a trace, in the order of the trace. */
export interface TaskChange {
  taskId: string
  role: string
  status: ScheduleStatus
  transaction: { preconditions: unknown[]; operations: unknown[] }
}

export interface Plan {
  changes: TaskChange[]
  /** Tasks by role and final status. */
  expected: Map<string, Map<ScheduleStatus, number>>
  /** Pods that the trace placed and for which no host had room here. */
  unplaced: number
}

/** Roles by quality of service: who runs the pod. */
const ROLES: Record<string, string> = {
  LS: 'latency-sensitive',
  BE: 'best-effort',
  Burstable: 'burstable',
  Guaranteed: 'guaranteed',
}

/** The start of the trace on the clock of the store, ms. */
const EPOCH_MS = Date.UTC(2023, 0, 1)

interface Happening {
  at: number
  pod: TracePod
  kind: 'created' | 'scheduled' | 'ended'
}

/** Works the trace through: places pods where there is room, frees it when they end. */
export function planChanges({ nodes, pods }: Trace, prefix: string): Plan {
  const placement = new Placement(nodes)
  const places = new Map<TracePod, Place>()
  const instances = new Map<string, number>()
  const plan: Plan = { changes: [], expected: new Map(), unplaced: 0 }
  const last = new Map<TracePod, ScheduleStatus>()
  const add = (pod: TracePod, status: ScheduleStatus, transaction: TaskChange['transaction']) => {
    plan.changes.push({ taskId: prefix + pod.name, role: roleOf(pod), status, transaction })
    last.set(pod, status)
  }
  for (const { at, pod, kind } of happenings(pods)) {
    const timestamp = EPOCH_MS + at * 1_000
    const place = places.get(pod)
    if (kind === 'created') add(pod, 'PENDING', creation(pod, prefix, timestamp, instances))
    else if (kind === 'scheduled') {
      const found = placement.place(pod)
      if (found === undefined) {
        plan.unplaced++
        continue
      }
      places.set(pod, found)
      for (const status of ['ASSIGNED', 'STARTING', 'RUNNING'] as const) {
        add(pod, status, mutation(prefix + pod.name, last.get(pod)!, status, timestamp, found))
      }
    } else if (place !== undefined) {
      const status = pod.phase === 'Failed' ? 'FAILED' : 'FINISHED'
      add(pod, status, mutation(prefix + pod.name, 'RUNNING', status, timestamp))
      placement.free(pod, place)
    }
  }
  for (const [pod, status] of last) count(plan.expected, roleOf(pod), status)
  return plan
}

/** Everything that happens to the pods, by time; at the same time in the order of a pod's life. */
function happenings(pods: TracePod[]): Happening[] {
  const all: Happening[] = pods.flatMap((pod) => {
    const life: Happening[] = [{ at: pod.createdAt, pod, kind: 'created' }]
    if (pod.phase === 'Pending' || pod.scheduledAt === undefined) return life
    life.push({ at: pod.scheduledAt, pod, kind: 'scheduled' })
    if (pod.phase !== 'Running') life.push({ at: pod.endedAt ?? pod.scheduledAt, pod, kind: 'ended' })
    return life
  })
  // The sort is stable, so what happens to one pod at one time keeps its order.
  return all.sort((a, b) => a.at - b.at)
}

function roleOf(pod: TracePod): string {
  return ROLES[pod.qos] ?? pod.qos.replace(/[^A-Za-z0-9._-]/g, '-')
}

/** Instances of a job: below what a job may have by default, however large the trace. */
const INSTANCES_PER_JOB = 2_000

/** Pods of one shape are instances of one job, and of a second one when they are too many. */
function jobOf(pod: TracePod) {
  const isService = pod.qos === 'LS' || pod.qos === 'Guaranteed'
  const gpu = pod.gpus > 0 ? `-gpu${pod.gpus}x${pod.gpuMilli}` : ''
  return {
    isService,
    job: {
      role: roleOf(pod),
      environment: isService ? 'prod' : 'batch',
      name: `cpu${pod.cpuMilli}-mem${pod.memoryMib}${gpu}`,
    },
  }
}

function creation(pod: TracePod, prefix: string, timestamp: number, instances: Map<string, number>) {
  const { job, isService } = jobOf(pod)
  const jobId = `${job.role}/${job.name}`
  const number = instances.get(jobId) ?? 0
  instances.set(jobId, number + 1)
  const instanceId = number % INSTANCES_PER_JOB
  if (number >= INSTANCES_PER_JOB) job.name += `-${Math.floor(number / INSTANCES_PER_JOB) + 1}`
  const taskId = prefix + pod.name
  const task = {
    job,
    isService,
    priority: isService ? 10 : 0,
    maxTaskFailures: 1,
    resources: [
      { numCpus: pod.cpuMilli / 1_000 },
      { ramMb: pod.memoryMib },
      { diskMb: 1_024 },
      ...(pod.gpus > 0 ? [{ numGpus: pod.gpus }] : []),
    ],
    metadata: [
      { key: 'qos', value: pod.qos },
      { key: 'gpu_milli', value: String(pod.gpuMilli) },
    ],
    container: { mesos: {} },
  }
  return {
    preconditions: [{ entity: 'task', key: taskId, absent: true }],
    operations: [
      {
        op: 'saveTasks',
        tasks: [
          {
            assignedTask: { taskId, instanceId, assignedPorts: {}, task },
            status: 'PENDING',
            failureCount: 0,
            taskEvents: [{ timestamp, status: 'PENDING' }],
          },
        ],
      },
    ],
  }
}

function mutation(taskId: string, from: ScheduleStatus, to: ScheduleStatus, timestamp: number, place?: Place) {
  const assignment =
    to === 'ASSIGNED' && place !== undefined ? { slaveHost: place.host, slaveId: `agent-${place.host}` } : {}
  const failure = to === 'FAILED' ? { failureCount: 1 } : {}
  return {
    preconditions: [{ entity: 'task', key: taskId, where: { status: from } }],
    operations: [
      {
        op: 'mutateTasks',
        query: { taskIds: [taskId] },
        patch: { status: to, ...assignment, ...failure },
        event: { timestamp, status: to, scheduler: 'boreal-replay' },
      },
    ],
  }
}

/** A node of the trace as host attributes. */
export function hostAttributesOf(node: TraceNode) {
  return {
    host: node.name,
    slaveId: `agent-${node.name}`,
    mode: 'NONE',
    attributes: [
      { name: 'cpu_milli', values: [String(node.cpuMilli)] },
      { name: 'memory_mib', values: [String(node.memoryMib)] },
      { name: 'gpu', values: [String(node.gpus)] },
      ...(node.model === '' ? [] : [{ name: 'gpu_model', values: [node.model] }]),
    ],
  }
}

function count(counts: Plan['expected'], role: string, status: ScheduleStatus): void {
  const statuses = getOrInsert(counts, role, () => new Map<ScheduleStatus, number>())
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
}
