import { compareText } from '../../model/compare-text.ts'
import { jobId } from '../../model/job-key.ts'
import type { ScheduledTask } from '../../model/task.ts'
import type { TaskMutationQuery, TaskQuery } from '../../model/task-query.ts'
import { pageOf } from '../answers.ts'
import { OperationBuffer } from '../buffer.ts'
import type { Cover, Point } from '../read-set.ts'
import { pathOf, type RecordRead, readList, readPages } from '../reads.ts'
import type { Answer, Session } from '../session.ts'

/** Reads of tasks: which paths a query becomes, and what has been looked at by it. */

/** Beyond this a path is divided; the API takes paths of 8,000 characters with 1,000 values a parameter. */
const LONGEST_PATH = 7_000
const MOST_VALUES = 1_000

const LISTS = ['taskIds', 'jobKeys', 'slaveHosts', 'instanceIds', 'statuses'] as const

export function taskRead(taskId: string): RecordRead<ScheduledTask> {
  return { path: `/v1/tasks/${encodeURIComponent(taskId)}`, entity: 'task', key: taskId, within: jobScope }
}

function jobScope({ assignedTask }: ScheduledTask) {
  return { job: jobId(assignedTask.task.job) }
}

/** The tasks that a query finds, by id. */
export async function findTasks(session: Session, query: TaskQuery): Promise<ScheduledTask[]> {
  if (query.taskIds?.length) {
    const tasks = await tasksByIds(session, [...new Set(query.taskIds)])
    return tasks.filter((task) => matches(query, task)).sort(byId)
  }
  const covers = coversOf(query)
  const parts = divided(withoutRepeats(query))
  const lists = parts.map((path) => readList<ScheduledTask>(session, { path, covers, sees: ['task'] }))
  const found = (await Promise.all(lists)).flat()
  return parts.length === 1 ? found : found.sort(byId)
}

/** Tasks by id. Each is a point, there or not, so no other task of their jobs can be in the way. */
async function tasksByIds(session: Session, taskIds: string[]): Promise<ScheduledTask[]> {
  const operations = session.buffer.on(['task'])
  const states = taskIds.map((taskId) => ({ taskId, own: session.own.state('task', taskId) }))
  const stored = states.filter(({ own }) => own.kind === 'untouched' || own.kind === 'unknown')
  const unknown = stored.filter(({ own }) => own.kind === 'unknown').map(({ taskId }) => taskId)
  const own = states.flatMap(({ own }) => (own.kind === 'saved' ? [structuredClone(own.record) as ScheduledTask] : []))
  const committed = await storedTasks(
    session,
    stored.map(({ taskId }) => taskId),
  )
  if (unknown.length === 0) return [...own, ...committed]
  const behind = divided({ taskIds: unknown }).map((path) =>
    readPages<ScheduledTask>(session, path, operations, () => ({})),
  )
  const rest = committed.filter(({ assignedTask }) => !unknown.includes(assignedTask.taskId))
  return [...own, ...rest, ...(await Promise.all(behind)).flat()]
}

/** Tasks by id as they are committed. */
async function storedTasks(session: Session, taskIds: string[]): Promise<ScheduledTask[]> {
  if (taskIds.length === 0) return []
  const parts = dividedQueries({ taskIds }).map(async ({ taskIds = [] }) => {
    const missing = new Set(taskIds)
    const found = (answer: Answer) => {
      const page = pageOf<ScheduledTask>(answer)
      const points = page.items.map((task): Point => {
        missing.delete(task.assignedTask.taskId)
        return { entity: 'task', key: task.assignedTask.taskId, version: task.version, within: jobScope(task) }
      })
      if (page.nextCursor !== undefined) return { points }
      const absent = [...missing].map((key): Point => ({ entity: 'task', key, version: undefined }))
      return { points: [...points, ...absent] }
    }
    return readPages<ScheduledTask>(session, taskPath({ taskIds }), OperationBuffer.none, found)
  })
  return (await Promise.all(parts)).flat()
}

/** For a write that moves what it finds into other scopes: what it has looked at. */
export function moved(session: Session, query: TaskMutationQuery): () => Promise<readonly Cover[]> {
  if (query.taskIds === undefined) return async () => coversOf(query)
  const { taskIds } = query
  let read: Promise<readonly Cover[]> | undefined
  return () => {
    read ??= storedTasks(session, [...new Set(taskIds)]).then(() => [])
    return read
  }
}

/** The narrowest scopes that hold all tasks that a query can find. */
function coversOf({ role, environment, jobName, jobKeys, slaveHosts }: TaskQuery | TaskMutationQuery): Cover[] {
  const cover = (scope: Cover['scope']): Cover => ({ entity: 'task', scope })
  if (jobKeys?.length) return jobKeys.map((key) => cover({ job: jobId(key) }))
  if (slaveHosts?.length) return slaveHosts.map((host) => cover({ host }))
  if (!role) return [cover({})]
  return [environment && jobName ? cover({ job: `${role}/${environment}/${jobName}` }) : cover({ role })]
}

function taskPath(query: TaskQuery): string {
  return pathOf('/v1/tasks', {
    role: query.role,
    environment: query.environment,
    jobName: query.jobName,
    jobKey: query.jobKeys?.map(jobId),
    taskId: query.taskIds,
    instanceId: query.instanceIds,
    status: query.statuses,
    slaveHost: query.slaveHosts,
  })
}

function divided(query: TaskQuery): string[] {
  return dividedQueries(query).map(taskPath)
}

/** The query, or several with shorter lists that find the same, each task once. */
function dividedQueries(query: TaskQuery): TaskQuery[] {
  const lengths = LISTS.map((list) => query[list]?.length ?? 0)
  const longest = Math.max(...lengths)
  if (longest <= 1 || (longest <= MOST_VALUES && taskPath(query).length <= LONGEST_PATH)) return [query]
  const list = LISTS[lengths.indexOf(longest)]!
  const half = Math.ceil(longest / 2)
  return [query[list]!.slice(0, half), query[list]!.slice(half)].flatMap((part) =>
    dividedQueries({ ...query, [list]: part }),
  )
}

/** A value that stood in two parts of a divided query would give its tasks twice. */
function withoutRepeats(query: TaskQuery): TaskQuery {
  const unique = { ...query }
  for (const list of ['slaveHosts', 'instanceIds', 'statuses'] as const) {
    if (query[list]) Object.assign(unique, { [list]: [...new Set<unknown>(query[list])] })
  }
  if (query.jobKeys) unique.jobKeys = [...new Map(query.jobKeys.map((key) => [jobId(key), key])).values()]
  return unique
}

/** Whether a task is what the query asks for; null and empty mean no restriction. */
function matches(query: TaskQuery, { assignedTask, status }: ScheduledTask): boolean {
  const { job } = assignedTask.task
  const one = (wanted: string | null | undefined, value: string) => !wanted || wanted === value
  const any = <T>(wanted: readonly T[] | null | undefined, value: T | undefined) =>
    !wanted?.length || (value !== undefined && wanted.includes(value))
  return (
    one(query.role, job.role) &&
    one(query.environment, job.environment) &&
    one(query.jobName, job.name) &&
    any(query.jobKeys?.map(jobId), jobId(job)) &&
    any(query.instanceIds, assignedTask.instanceId) &&
    any(query.statuses, status) &&
    any(query.slaveHosts, assignedTask.slaveHost)
  )
}

function byId(left: ScheduledTask, right: ScheduledTask): number {
  return compareText(left.assignedTask.taskId, right.assignedTask.taskId)
}
