import type {
  HostAttributes,
  JobKey,
  JobUpdateKey,
  ScheduledTask,
  ScheduleStatus,
  Storage,
  Stores,
  TaskInput,
} from '../../lib/index.ts'

/**
 * A small scheduler, written as its authors would write one: against the storage, without knowing where that is. It
 * places tasks on hosts with room, takes a job from one configuration to another, and drains hosts.
 */

const ACTIVE: ScheduleStatus[] = ['PENDING', 'ASSIGNED', 'RUNNING']
const ON_HOST: ScheduleStatus[] = ['ASSIGNED', 'RUNNING']
const GOING_ON = ['ROLLING_FORWARD', 'ROLL_FORWARD_PAUSED', 'ROLLING_BACK', 'ROLL_BACK_PAUSED'] as const

/** CPUs of each host; a task takes one. */
export const HOST_CPUS = 24

export interface Figures {
  placed: number
  /** Times a closure was run. */
  runs: number
}

export const taskOf = (job: JobKey, instanceId: number, taskId: string, version: string): TaskInput => ({
  assignedTask: {
    taskId,
    instanceId,
    task: {
      job,
      isService: true,
      resources: [{ numCpus: 1 }, { ramMb: 128 }, { diskMb: 100 }],
      metadata: [{ key: 'version', value: version }],
    },
  },
  status: 'PENDING',
  taskEvents: [{ timestamp: 0, status: 'PENDING' }],
})

export const versionOf = (task: ScheduledTask) => task.assignedTask.task.metadata?.[0]?.value

/** A task in another status, with the event that says so. */
function moved(task: ScheduledTask, status: ScheduleStatus, host?: string): TaskInput {
  return {
    ...task,
    status,
    taskEvents: [...task.taskEvents, { timestamp: task.taskEvents.length, status }],
    assignedTask: {
      ...task.assignedTask,
      ...(host === undefined ? {} : { slaveHost: host, slaveId: `${host}-agent` }),
    },
  }
}

export async function addHosts(storage: Storage, names: string[]): Promise<void> {
  await storage.write(async ({ hosts }) => {
    for (const host of names) await hosts.save({ host, mode: 'NONE', attributes: [{ name: 'rack', values: ['a'] }] })
  })
}

export async function createJob(storage: Storage, job: JobKey, instances: number, version: string): Promise<void> {
  await storage.write(({ tasks }) => {
    tasks.save(Array.from({ length: instances }, (_, id) => taskOf(job, id, `${job.name}-${id}-${version}`, version)))
  })
}

/** CPUs that are free on a host: everything on it is read, so nobody else can take them meanwhile. */
async function roomOn(stores: Stores, host: HostAttributes | undefined): Promise<number> {
  if (host?.mode !== 'NONE') return 0
  const there = await stores.tasks.fetch({ slaveHosts: [host.host], statuses: ON_HOST })
  return HOST_CPUS - there.length
}

/**
 * Places pending tasks with several workers at once. They choose from the same lists and do not talk to each other, so
 * they meet; whoever comes second chooses again.
 */
export async function placeAll(storage: Storage, jobs: JobKey[], workers: number, atOnce: number): Promise<Figures> {
  const figures: Figures = { placed: 0, runs: 0 }
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (;;) {
        const [pending, hosts] = await storage.weaklyConsistentRead((stores) =>
          Promise.all([
            stores.tasks.fetch({ jobKeys: jobs, statuses: ['PENDING'] }),
            stores.hosts.list({ mode: 'NONE' }),
          ]),
        )
        if (pending.length === 0) {
          // A weak read may be a little behind; only a consistent one can say that nothing is left.
          const left = await storage.consistentRead(({ tasks }) =>
            tasks.fetch({ jobKeys: jobs, statuses: ['PENDING'] }),
          )
          if (left.length === 0) return
          continue
        }
        const chosen = sample(pending, atOnce).map(({ assignedTask }) => assignedTask.taskId)
        const placed = await place(storage, chosen, sample(hosts, 1)[0]!.host, figures)
        figures.placed += placed
      }
    }),
  )
  return figures
}

function place(storage: Storage, taskIds: string[], name: string, figures: Figures): Promise<number> {
  return storage.write(async (stores) => {
    figures.runs++
    const [host, ...candidates] = await Promise.all([
      stores.hosts.get(name),
      ...taskIds.map((taskId) => stores.tasks.get(taskId)),
    ])
    const pending = candidates.filter((task) => task?.status === 'PENDING')
    const fitting = pending.slice(0, await roomOn(stores, host))
    stores.tasks.save(fitting.map((task) => moved(task!, 'ASSIGNED', name)))
    return fitting.length
  })
}

/** What the agents report: everything that was assigned runs. */
export async function runAssigned(storage: Storage, job: JobKey): Promise<void> {
  await storage.write(({ tasks }) =>
    tasks.mutateMany(
      { jobKeys: [job], statuses: ['ASSIGNED'] },
      { status: 'RUNNING' },
      { timestamp: 2, status: 'RUNNING' },
    ),
  )
}

/** Starts an update if the job has none that goes on. */
export function startUpdate(storage: Storage, key: JobUpdateKey, instances: number, version: string): Promise<boolean> {
  return storage.write(async ({ jobUpdates }) => {
    const others = await jobUpdates.summaries({ jobKey: key.job, statuses: GOING_ON })
    if (others.length > 0) return false
    const desiredState = {
      task: taskOf(key.job, 0, 'any', version).assignedTask.task,
      instances: [{ first: 0, last: instances - 1 }],
    }
    jobUpdates.save({
      summary: { key, user: 'ann' },
      instructions: { desiredState, settings: { updateStrategy: { batch: { groupSize: 1_000 } } } },
    })
    jobUpdates.saveEvent(key, { id: 'start', status: 'ROLLING_FORWARD', timestampMs: 1_000 })
    return true
  })
}

/** Takes a job to its update's configuration, a group of instances after another, each in one transaction. */
export async function rollForward(storage: Storage, key: JobUpdateKey, instances: number, version: string) {
  const group = 1_000
  for (let first = 0; first < instances; first += group) {
    const ids = Array.from({ length: Math.min(group, instances - first) }, (_, index) => first + index)
    await storage.write(async ({ tasks, jobUpdates }) => {
      const old = await tasks.fetch({ jobKeys: [key.job], instanceIds: ids, statuses: ACTIVE })
      tasks.save(old.map((task) => moved(task, 'KILLED')))
      // The new instances run where the old ones did.
      const hostOf = new Map(old.map(({ assignedTask }) => [assignedTask.instanceId, assignedTask.slaveHost]))
      tasks.save(
        ids.map((id) => {
          const task = taskOf(key.job, id, `${key.job.name}-${id}-${version}`, version)
          const slaveHost = hostOf.get(id)
          return {
            ...task,
            status: 'RUNNING',
            assignedTask: { ...task.assignedTask, ...(slaveHost ? { slaveHost } : {}) },
          }
        }),
      )
      for (const instanceId of ids) {
        const id = `${version}-${instanceId}`
        jobUpdates.saveInstanceEvent(key, { id, instanceId, action: 'INSTANCE_UPDATED', timestampMs: 2_000 + first })
      }
    })
  }
  await storage.write(({ jobUpdates }) =>
    jobUpdates.saveEvent(key, { id: 'end', status: 'ROLLED_FORWARD', timestampMs: 2_000 + instances }),
  )
}

/** Drains a host: nothing new comes, what is on it is killed and gets a successor that waits for a place. */
export async function drain(storage: Storage, name: string): Promise<void> {
  await storage.write(async ({ hosts, hostMaintenance }) => {
    const host = await hosts.get(name)
    await hosts.save({ ...host!, mode: 'DRAINING' })
    hostMaintenance.save({
      host: name,
      timeoutSecs: 60,
      createdTimestampMs: 1,
      defaultSlaPolicy: { percentage: { percentage: 50, durationSecs: 10 } },
    })
  })
  await storage.write(async ({ tasks, hosts }) => {
    for (const task of await tasks.fetch({ slaveHosts: [name], statuses: ON_HOST })) {
      const { taskId, instanceId, task: config } = task.assignedTask
      tasks.save([moved(task, 'KILLED')])
      const successor = taskOf(config.job, instanceId, `${taskId}-moved`, versionOf(task)!)
      tasks.save([{ ...successor, ancestorId: taskId }])
    }
    await hosts.save({ ...(await hosts.get(name))!, mode: 'DRAINED' })
  })
}

/** Rules that hold whatever happens, as far as the stores show it. */
export async function brokenRules(storage: Storage, jobs: JobKey[]): Promise<string[]> {
  const [tasks, hosts, summaries, updates] = await storage.consistentRead((stores) =>
    Promise.all([
      stores.tasks.fetch({ jobKeys: jobs }),
      stores.hosts.list(),
      Promise.all(jobs.map((job) => stores.jobs.get(job))),
      stores.jobUpdates.summaries({ statuses: GOING_ON }),
    ]),
  )
  const broken: string[] = []
  const active = tasks.filter(({ status }) => ACTIVE.includes(status))
  for (const [instance, count] of counted(active, instanceOf))
    if (count > 1) broken.push(`${instance} is active ${count} times`)
  const onHosts = counted(active, ({ assignedTask }) => assignedTask.slaveHost ?? 'none')
  for (const { host, mode } of hosts) {
    const count = onHosts.get(host) ?? 0
    if (count > HOST_CPUS) broken.push(`${host} has ${count} tasks`)
    if (mode === 'DRAINED' && count > 0) broken.push(`${host} is drained and has ${count} tasks`)
  }
  for (const task of active) {
    const placed = task.assignedTask.slaveHost !== undefined
    if (placed !== (task.status !== 'PENDING')) broken.push(`${task.assignedTask.taskId} is ${task.status}`)
  }
  for (const [index, job] of jobs.entries()) {
    const count = active.filter(({ assignedTask }) => assignedTask.task.job.name === job.name).length
    if ((summaries[index]?.active ?? 0) !== count)
      broken.push(`the summary of ${job.name} does not count ${count} active`)
  }
  for (const [job, count] of counted(updates, ({ key }) => key.job.name))
    if (count > 1) broken.push(`${job} has ${count} updates`)
  return broken
}

function instanceOf({ assignedTask: { task, instanceId } }: ScheduledTask): string {
  return `${task.job.name} ${instanceId}`
}

function counted<T>(items: T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1)
  return counts
}

function sample<T>(items: T[], count: number): T[] {
  const start = Math.floor(Math.random() * items.length)
  return Array.from({ length: Math.min(count, items.length) }, (_, index) => items[(start + index) % items.length]!)
}
