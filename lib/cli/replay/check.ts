import type { BorealClient } from '../../client/client.ts'
import { isBorealError } from '../../model/errors.ts'
import type { ScheduleStatus } from '../../model/schedule-status.ts'
import type { Plan } from './changes.ts'

/** Where the store does not hold what was counted. */
export interface Difference {
  role: string
  status: string
  expected: number
  found: number
}

/** Counts the tasks of the replay in the store, by role and status, and compares. */
export async function checkStates(
  client: BorealClient,
  expected: Plan['expected'],
  prefix: string,
): Promise<{ found: Plan['expected']; differences: Difference[] }> {
  const found: Plan['expected'] = new Map()
  for (const { role, status, tasks } of await counted(client, prefix)) {
    if (!found.has(role)) found.set(role, new Map())
    const statuses = found.get(role)!
    statuses.set(status, (statuses.get(status) ?? 0) + tasks)
  }
  const differences: Difference[] = []
  for (const role of new Set([...expected.keys(), ...found.keys()])) {
    const statuses = new Set([...(expected.get(role)?.keys() ?? []), ...(found.get(role)?.keys() ?? [])])
    for (const status of statuses) {
      const counted = expected.get(role)?.get(status) ?? 0
      const there = found.get(role)?.get(status) ?? 0
      if (counted !== there) differences.push({ role, status, expected: counted, found: there })
    }
  }
  return { found, differences }
}

interface Count {
  role: string
  status: ScheduleStatus
  tasks: number
}

/** In SQL where the server can; a function has no reader for it, and tells its tasks page by page. */
async function counted(client: BorealClient, prefix: string): Promise<Count[]> {
  const sql = `select role, status, count(*)::int as tasks from task where starts_with(task_id, $1) group by 1, 2`
  try {
    const { body } = await client.request<{ rows: Count[] }>('POST', '/v1/query', { body: { sql, params: [prefix] } })
    return body.rows
  } catch (error) {
    if (isBorealError(error, 'not_available')) return countedByPages(client, prefix)
    throw error
  }
}

const PAGE = 500

async function countedByPages(client: BorealClient, prefix: string): Promise<Count[]> {
  interface Task {
    status: ScheduleStatus
    assignedTask: { taskId: string; task: { job: { role: string } } }
  }
  const counts: Count[] = []
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await client.get<{ items: Task[]; nextCursor?: string }>('/v1/tasks', { limit: PAGE, cursor })
    for (const { status, assignedTask } of page.items) {
      if (assignedTask.taskId.startsWith(prefix)) counts.push({ role: assignedTask.task.job.role, status, tasks: 1 })
    }
    cursor = page.nextCursor
  }
  return counts
}
